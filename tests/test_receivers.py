"""Receivers with limits and whims of their own: nothing is lost, the pace settles below what they refuse, and it can be told why."""
import datetime
import json
import time

import pytest

from conftest import factory_of
from gonets_rig.clock import SettableClock
from gonets_rig.daemon import Daemon
from gonets_rig.net import wait_until
from gonets_rig.postfix import PostfixReceiver, smtp_source
from gonets_rig.sink import at_most, later

# Postfix's anvil counts clients, but none of mynetworks, which this machine is in.
COUNTS_US = "smtpd_client_event_limit_exceptions ="


@pytest.fixture
def postfix_with():
    yield from factory_of(lambda *settings: PostfixReceiver(settings=(COUNTS_US, *settings)), PostfixReceiver.stop)


@pytest.fixture
def settable_clock():
    made = SettableClock()
    yield made
    made.remove()


@pytest.fixture
def launch_by(settable_clock):
    """Starts a server whose wall clock is `settable_clock`."""
    def make(**config):
        daemon = Daemon(**config)
        daemon.environment = settable_clock.environment
        return daemon.start()
    yield from factory_of(make, Daemon.remove)


def send(daemon, count, *options, to="r@sink.test"):
    smtp_source(daemon.endpoint, "-s", "5", "-m", str(count), "-l", "500", "-f", "from@sender.test", "-t", to, *options)


def events(daemon, kind):
    told = daemon.cli("events", "--max", "1000", "--json")
    assert told.code == 0, told
    return [e for e in map(json.loads, told.out.splitlines()) if e["kind"] == kind]


def assert_all_delivered(daemon, count):
    """The queue is empty before the last of it is on the disk, where the audit looks."""
    def told():
        audit = daemon.audit()
        return audit["accepted"], audit["delivered"], audit["balanced"]
    wait_until(lambda: f"{count} delivered: {told()}", lambda: told() == (count, count, True))


# ---- Postfix's anvil

def test_connections_that_anvil_turns_away_by_their_rate_cost_no_message(launch, postfix_with):
    receiver = postfix_with("anvil_rate_time_unit = 5s", "smtpd_client_connection_rate_limit = 2")
    daemon = launch(route=[("*", receiver.route)], delivery={"idle_timeout": "1s"})
    for _ in range(3):
        send(daemon, 20, to="r@postfix.test")
        time.sleep(1.5)  # idle connections are closed: the next messages need new ones
    daemon.wait_empty(deadline=120)
    wait_until("anvil's refusal in the log", lambda: "Connection rate limit exceeded" in receiver.log())
    assert_all_delivered(daemon, 60)


def test_recipients_that_anvil_counts_are_sent_at_the_rate_that_it_lets_in(launch, postfix_with):
    receiver = postfix_with("anvil_rate_time_unit = 5s", "smtpd_client_recipient_rate_limit = 20")
    daemon = launch(route=[("*", receiver.route)], stream={"transactional": {"retry": ["3s"]}})
    send(daemon, 12, "-r", "5", to="r@postfix.test")
    daemon.wait_empty(deadline=240)
    cut = [e for e in events(daemon, "pace") if e["reason"].startswith("throttled")]
    assert cut and cut[0]["origin"], events(daemon, "pace")
    assert_all_delivered(daemon, 60)


def test_settles_at_what_anvil_lets_in_and_the_history_tells_how(launch, postfix_with):
    receiver = postfix_with("anvil_rate_time_unit = 5s", "smtpd_client_message_rate_limit = 20")
    daemon = launch(route=[("*", receiver.route)], stream={"transactional": {"retry": ["3s"]}})
    send(daemon, 200, to="r@postfix.test")
    daemon.wait_empty(deadline=300)
    assert_all_delivered(daemon, 200)
    attempts = sorted((e["at"], e["kind"]) for kind in ("delivered", "deferred") for e in events(daemon, kind))
    settled = [kind for _, kind in attempts[len(attempts) // 2:]]
    assert settled.count("deferred") <= len(settled) * 0.2, settled
    history = daemon.cli("shaping", "history", "r@postfix.test")
    assert "throttled; rule rate-limit" in history.out and "recovered" in history.out, history


# ---- smtp-sink

@pytest.mark.parametrize("whim", [("-r", "RCPT"), ("-r", "."), ("-q", "DATA"), ("-q", "."), ("-Q", "MAIL"), ("-Q", "RCPT"),
                                  ("-Q", "CONNECT")], ids=" ".join)
def test_nothing_is_lost_at_an_smtp_sink_that_refuses_and_then_does_not(launch, smtp_sink, whim):
    bad = smtp_sink(*whim)
    daemon = launch(route=[("*", bad.route)])
    send(daemon, 50, "-r", "2")
    wait_until("refusals", lambda: events(daemon, "deferred"), every=0.1)
    bad.stop()
    good = smtp_sink(endpoint=bad.endpoint)
    daemon.wait_empty(deadline=120)
    good.wait_count(50)
    assert_all_delivered(daemon, 100)


@pytest.mark.parametrize("whim", [("-w", "1"), ("-W", ".:1:50"), ("-m", "2")], ids=" ".join)
def test_nothing_is_lost_at_an_smtp_sink_that_takes_its_time(launch, smtp_sink, whim):
    slow = smtp_sink(*whim)
    daemon = launch(route=[("*", slow.route)])
    send(daemon, 60)
    daemon.wait_empty(deadline=180)
    slow.wait_count(60)
    assert_all_delivered(daemon, 60)


# ---- 421 above a number of connections

def test_settles_at_as_many_connections_as_a_receiver_allows_and_explains_it(launch, sink):
    sink.on("connect", at_most(3)).on("DATA", later(0.1))
    daemon = launch(route=[("*", sink.route)])
    send(daemon, 200)
    sink.wait_for(100)
    before = sink.turned_away
    assert before > 0
    sink.wait_for(200)
    daemon.wait_empty()
    assert sink.turned_away - before <= 2
    stream, = daemon.cli_json("shaping", "explain", "r@sink.test")["streams"]
    assert 1 <= stream["connections"] <= 3, stream
    history = daemon.cli("shaping", "history", "r@sink.test")
    assert "too_many_connections" in history.out, history
    assert not events(daemon, "deferred")
    assert_all_delivered(daemon, 200)


# ---- the clock is set

def test_a_day_s_limit_is_not_crossed_by_a_clock_that_is_set_forward_and_back(launch_by, settable_clock, sink):
    daemon = launch_by(route=[{"domain": "*", "to": sink.route, "limits": {"messages_a_day": 4}}])
    allowed = 4
    send(daemon, 3 * allowed)
    sink.wait_for(allowed - 1)
    for hours in (25, 0, -25, 49):
        settable_clock.set_ahead(hours)
        last = daemon.submit(recipients=("last@sink.test",))
        accepted = datetime.datetime.fromisoformat(daemon.trace(last)[0]["at"])
        ahead = accepted - datetime.datetime.now(datetime.timezone.utc)
        assert abs(ahead / datetime.timedelta(hours=1) - hours) < 0.5, "the clock is not set"
        wait_until("the limit in its way", lambda: "messages a day" in daemon.cli("why", last).out, every=0.1)
        assert len(sink.messages) <= allowed, hours


def test_mail_that_waits_for_its_next_attempt_is_not_stuck_after_a_clock_is_set_back(launch_by, settable_clock, sink):
    daemon = launch_by(route=[("*", sink.route)], stream={"transactional": {"retry": ["5s"]}})
    sink.on("RCPT", "450 4.2.0 Not now", times=1)
    queue_id = daemon.submit(recipients=("a@sink.test",))
    daemon.wait_event(queue_id, "deferred")
    settable_clock.set_ahead(-24)
    daemon.wait_ends(queue_id, "a@sink.test")
    fresh = daemon.submit(recipients=("b@sink.test",))
    daemon.wait_ends(fresh, "b@sink.test")
    wait_until("the log names the clock", lambda: "clock_set_back" in daemon.log())
