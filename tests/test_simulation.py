"""The scheduler against a modelled internet, in virtual time: twenty seeds of a short day, and what must be reached.

A seed that fails does so again: `build/release/gonets_sim SCENARIO --seed N ...`, as the failure says."""
import pathlib
import subprocess

import pytest

from gonets_rig.daemon import BINARY

SIM = pathlib.Path(BINARY).parent / "gonets_sim"


def play(*argv):
    done = subprocess.run([SIM, *map(str, argv)], capture_output=True, text=True)
    assert done.returncode == 0, f"{SIM} {' '.join(map(str, argv))}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("seed", range(1, 21))
def test_a_day_keeps_every_invariant_and_leaves_no_mail_behind(seed):
    """Nine of ten letters that the sites would take by midnight are delivered; urgent ones are begun within a minute."""
    assert "by midnight" in play("day", "--seed", seed, "--recipients", 200000, "--domains", 3000)


@pytest.mark.parametrize("seed", range(101, 106))
def test_a_hidden_limit_that_steps_is_used_and_not_run_into(seed):
    play("steps", "--seed", seed)


def test_urgent_mail_does_not_wait_for_a_campaign():
    play("urgent", "--recipients", 50000)


def test_accounts_share_whatever_their_queues():
    play("fairness", "--recipients", 30000)


def test_the_same_seed_does_the_same():
    day = ("day", "--seed", 7, "--recipients", 5000, "--domains", 200)
    without_time = [[line for line in play(*day).splitlines()[1:]] for _ in range(2)]
    assert without_time[0] == without_time[1]


def test_bad_usage_is_told():
    done = subprocess.run([SIM, "weather"], capture_output=True, text=True)
    assert done.returncode == 2 and "day" in done.stderr and "urgent" in done.stderr
