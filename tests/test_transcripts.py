"""What was said in each attempt, and how long each part took, in a message's trace."""
import json

from gonets_rig.net import wait_until
from gonets_rig.sink import cut

ATTEMPTS = ("delivered", "deferred", "bounced")


def attempts(daemon, queue_id):
    return [e for e in daemon.trace(queue_id) if e["kind"] in ATTEMPTS]


def said(event, side):
    return [line[3:] for line in event["transcript"] if line.startswith(side + ": ")]


def test_the_first_message_on_a_connection_has_the_opening_and_the_next_has_not(relay, sink):
    first = relay.submit(recipients=("a@x.test",), sender="from@sender.test")
    opened = relay.wait_event(first, "delivered")
    assert opened["transcript"][0].startswith("S: 220 ") and said(opened, "C")[0].startswith("EHLO ")
    assert "S: 250-PIPELINING" in opened["transcript"]
    transaction = sink.one()
    assert said(opened, "C")[1:] == [transaction.mail.decode().rstrip(), "RCPT TO:<a@x.test>", "DATA", "."]
    assert f"(the message, {len(transaction.content)} bytes)" in opened["transcript"]
    assert said(opened, "S")[-1].startswith("250 ")
    assert opened["queue_ms"] >= 0 and opened["connect_ms"] >= 0

    second = relay.submit(recipients=("b@x.test",), sender="from@sender.test")
    kept = relay.wait_event(second, "delivered")
    assert len(sink.sessions) == 1, "the connection is used again"
    assert said(kept, "C")[0].startswith("MAIL FROM:") and said(kept, "S")[0].startswith("250 ")
    assert "connect_ms" not in kept


def test_each_recipient_has_what_was_said_of_him(relay, sink):
    sink.on("RCPT", "550 5.1.1 nobody here", about=b"bad@")
    queue_id = relay.submit(recipients=("good@x.test", "bad@x.test"), sender="from@sender.test")
    bounced, delivered = relay.wait_event(queue_id, "bounced"), relay.wait_event(queue_id, "delivered")
    assert "RCPT TO:<bad@x.test>" in said(bounced, "C") and "550 5.1.1 nobody here" in said(bounced, "S")
    assert not any("good@" in line for line in bounced["transcript"])
    assert not any("bad@" in line or "nobody" in line for line in delivered["transcript"])


def test_a_session_that_was_refused_and_one_that_was_cut_are_told(launch, sink):
    daemon = launch(route=[("*", sink.route)], stream={"transactional": {"retry": ["1s"]}})
    sink.on("connect", "554 5.7.1 you are listed", times=1)
    queue_id = daemon.submit(recipients=("a@x.test",), sender="")
    refused = daemon.wait_event(queue_id, "deferred")
    assert refused["transcript"][-1] == "S: 554 5.7.1 you are listed"
    sink.on("DATA", cut, times=1)
    daemon.wait_event(queue_id, "delivered")
    broken = attempts(daemon, queue_id)[1]
    assert broken["kind"] == "deferred" and broken["transcript"][-1] == "S: 250 2.1.5 Ok", broken
    assert attempts(daemon, queue_id)[2]["queue_ms"] < 60_000


def test_the_command_shows_it_and_streams_of_events_leave_it_out(relay, sink):
    queue_id = relay.submit(recipients=("a@x.test",), sender="from@sender.test")
    relay.wait_event(queue_id, "delivered")
    shown = relay.cli("trace", queue_id).out
    assert "  C: RCPT TO:<a@x.test>\n" in shown and "connected in " in shown
    wait_until("the delivery is followed", lambda: '"delivered"' in relay.cli("events", "--json").out)
    assert "transcript" not in relay.cli("events", "--json").out
    told = [json.loads(line) for line in relay.cli("events", "--json").out.splitlines()]
    assert all("queue_ms" in e for e in told if e["kind"] == "delivered")
