"""Providers and reply rules by the real binary, which needs no server for them."""
import json

from gonets_rig.daemon import BINARY
from gonets_rig.processes import run

BROKEN = """
[[rule]]
name = "dead"
code = "421"
verdict = "fail"
about = "egress"
why = "an example"
samples = ["450 4.2.1 another code"]
"""


def gonets(*argv, stdin=b""):
    return run(BINARY, *argv, input=stdin, stdin=None)


def test_the_binary_carries_rules_that_take_their_samples():
    done = gonets("rules", "check", "--json")
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    assert report["ok"] and report["providers"] >= 26 and report["rules"] > 50


def test_a_rule_that_misses_its_sample_fails_the_check(tmp_path):
    file = tmp_path / "new.toml"
    file.write_text(BROKEN)
    done = gonets("rules", "check", str(file))
    assert done.returncode == 1
    assert f'{file}:2: rule "dead" misses its sample "450 4.2.1 another code"' in done.stderr.decode()


def test_replies_are_tried_line_by_line():
    replies = (b"450 4.2.0 <user@example.com>: Recipient address rejected: Greylisted for 300 seconds\n"
               b"550 Ip frequency limited\n")
    done = gonets("rules", "try", "--provider", "qq", "--stage", "rcpt", "--json", stdin=replies)
    assert done.returncode == 0, done.stderr
    first, second = [json.loads(line) for line in done.stdout.splitlines()]
    assert (first["verdict"], first["for_ms"], first["about"]) == ("greylisted", 300_000, "address")
    assert (second["rule"], second["verdict"]) == ("qq-rate-of-egress", "hold_site")


def test_a_provider_is_shown_by_a_domain_of_its():
    done = gonets("rules", "show", "ya.ru")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"yandex: Yandex\n")
