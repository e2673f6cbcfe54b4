"""Sends as fast as a real Postfix lets it in, finds out how fast that is, and can say so."""
import json

import pytest

from gonets_rig.net import wait_until
from gonets_rig.postfix import PostfixReceiver

# Postfix's anvil counts clients, but none of mynetworks, which this machine is in.
COUNTS_US = "smtpd_client_event_limit_exceptions ="


@pytest.fixture
def postfix_with():
    made = []

    def make(*settings):
        made.append(PostfixReceiver(settings=(COUNTS_US, *settings)))
        return made[-1]
    yield make
    for receiver in made:
        receiver.stop()


def submit_many(daemon, count, stream="transactional"):
    return [daemon.submit(recipients=[f"r{n}@postfix.test"]) for n in range(count)]


def pace_events(daemon):
    lines = daemon.cli("events", "--max", "1000", "--json").out.splitlines()
    return [e for e in map(json.loads, lines) if e["kind"] == "pace"]


def test_finds_how_many_connections_it_may_have_and_counts_no_attempt_for_those_that_it_may_not(launch, postfix_with):
    receiver = postfix_with("smtpd_client_connection_count_limit = 3")
    daemon = launch(route=[("*", receiver.route)], stream={"transactional": {"retry": ["2s"]}})
    ids = submit_many(daemon, 120)
    wait_until("all are delivered", lambda: len(receiver.messages()) == 120, deadline=120)
    wait_until("all are settled", lambda: all(daemon.ends(i) for i in ids), deadline=60)
    assert not [e for i in ids for e in daemon.events_of(i, kind="deferred") if e["reply"]["code"] == 421]
    assert {e["attempts"] for i in ids for e in daemon.events_of(i, kind="delivered")} == {1}


def test_slows_down_to_the_rate_that_anvil_lets_in_and_says_on_what_evidence(launch, postfix_with):
    receiver = postfix_with("anvil_rate_time_unit = 10s", "smtpd_client_message_rate_limit = 20")
    daemon = launch(route=[("*", receiver.route)], stream={"transactional": {"retry": ["3s"]}})
    submit_many(daemon, 50)
    wait_until("the pace is cut", lambda: [e for e in pace_events(daemon) if e["reason"].startswith("throttled")],
               deadline=60)
    wait_until("all are delivered", lambda: len(receiver.messages()) == 50, deadline=300)
    cut = next(e for e in pace_events(daemon) if e["reason"].startswith("throttled"))
    assert cut["route"] == receiver.route and "rule" in cut["reason"] and " throttled" in cut["reason"], cut
    shown = daemon.cli("shaping", "explain", "r1@postfix.test")
    assert receiver.route in shown.out and "transactional" in shown.out, shown


def test_a_pin_is_kept_to_until_it_is_released_and_why_tells_of_the_pace(launch, sink):
    daemon = launch(route=[("*", sink.route)])
    pinned = daemon.cli("shaping", "pin", "postfix.test", "--rate", "1/m", "--connections", "1")
    assert "pinned" in pinned.out and "1/m" in pinned.out, pinned
    ids = submit_many(daemon, 5)
    wait_until("the first goes", lambda: len(sink.messages) == 1)
    waiting = [i for i in ids if not daemon.ends(i)]
    why = daemon.cli_json("why", waiting[-1])["recipients"][0]
    assert "pace" in [o["what"] for o in why["obstacles"]] and "pinned" in str(why["obstacles"]), why
    assert why["expected"]
    assert len(sink.messages) == 1
    daemon.cli("shaping", "release", "postfix.test")
    # Nothing tells it that it may go faster but what it tries: the level is taken up from where the pin was.
    assert daemon.cli_json("shaping", "explain", "postfix.test")["streams"][0]["phase"] == "recovering"


def test_an_hour_s_limit_holds_mail_back_and_why_names_it(launch, sink):
    daemon = launch(route=[("*", sink.route)], limit=[{"account": "*", "limits": {"messages_an_hour": 3}},
                                                      {"stream": "transactional", "limits": {"messages_an_hour": 2}}])
    ids = submit_many(daemon, 5)
    wait_until("two go", lambda: len(sink.messages) == 2)
    waiting = [i for i in ids if not daemon.ends(i)]
    wait_until("the others wait for the limit", lambda: "limit" in daemon.cli("why", waiting[-1]).out)
    why = daemon.cli_json("why", waiting[-1])["recipients"][0]["obstacles"]
    assert "2 messages an hour for stream transactional (limit[2])" in [o["detail"] for o in why], why
    assert len(sink.messages) == 2


def test_a_rate_that_is_none_is_refused_with_an_example(launch, sink):
    daemon = launch(route=[("*", sink.route)])
    refused = daemon.cli("shaping", "pin", "postfix.test", "--rate", "fast")
    assert refused.code == 2 and "20/m" in refused.err, refused
