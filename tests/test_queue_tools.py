"""The operator's tools: list, show, why, hold, release, retry, remove, summary, trace, audit; as tables and as JSON."""
import datetime
import json

import pytest

from gonets_rig.net import wait_until
from gonets_rig.talk import letter

A, B = "a@sink.test", "b@other.test"


@pytest.fixture
def relay(launch, sink):
    """Everything is put off, for an hour."""
    sink.on("RCPT", "450 4.2.1 Mailbox busy")
    return launch(route=[("*", sink.route)], stream={"transactional": {"retry": ["1h"]}})


def deferred(daemon, *addresses, **more):
    queue_id = daemon.submit(recipients=addresses, **more)
    for address in addresses:
        daemon.wait_event(queue_id, "deferred", address)
    return queue_id


def listed(daemon, *filters):
    return daemon.cli_json("queue", "list", *filters)["rows"]


def when(text):
    return datetime.datetime.fromisoformat(text)


# ---- looking

def test_list_shows_each_queued_recipient(relay):
    queue_id = deferred(relay, A, B)
    page = relay.cli_json("queue", "list")
    assert page["matching"] == 2
    row = next(r for r in page["rows"] if r["recipient"] == A)
    assert row["message_id"] == queue_id
    assert (row["state"], row["sender"], row["attempts"], row["stream"]) == ("deferred", "from@sender.test", 1, "transactional")
    assert (row["last_reply"]["code"], row["last_reply"]["status"], row["last_stage"]) == (450, "4.2.1", "rcpt")
    assert when(row["next_attempt"]) - when(row["accepted"]) > datetime.timedelta(minutes=50)
    assert row["message_bytes"] > len(letter())


@pytest.mark.parametrize("filters, expected", [
    (("--domain", "other.test"), {B}), (("--domain", "OTHER.TEST"), {B}), (("--domain", "nonesuch.test"), set()),
    (("--recipient", A), {A}), (("--recipient", "@sink.test"), {A}), (("--state", "deferred"), {A, B}),
    (("--state", "held"), set()), (("--older-than", "1h"), set()), (("--older-than", "1ms"), {A, B}),
    (("--account", "default"), {A, B}), (("--account", "nobody"), set()),
    (("--domain", "other.test", "--recipient", A), set())])
def test_list_is_filtered(relay, filters, expected):
    deferred(relay, A, B)
    assert {r["recipient"] for r in listed(relay, *filters)} == expected


def test_list_is_filtered_by_id(relay):
    first, second = deferred(relay, A), deferred(relay, A)
    assert {r["message_id"] for r in listed(relay, "--id", second)} == {second}
    assert {r["message_id"] for r in listed(relay, "--id", first.lower())} == {first}


def test_tables_fit_a_terminal(relay):
    long = "a-rather-long-local-part-of-an-address.with.dots@a-long-domain-name.of-many-labels.sink.test"
    queue_id = deferred(relay, A, long)
    for command in (("queue", "list"), ("queue", "summary"), ("queue", "show", queue_id), ("trace", queue_id), ("why", queue_id)):
        answer = relay.cli(*command)
        assert answer.code == 0, answer
        assert answer.out.strip()
        assert "\x1b" not in answer.out, "colours into a pipe"
    assert queue_id in relay.cli("queue", "list").out
    assert max(map(len, relay.cli("queue", "list").out.splitlines())) <= 160


def test_summary_adds_up(relay):
    deferred(relay, A, B)
    summary = relay.cli_json("queue", "summary")
    assert (summary["deferred"], summary["ready"], summary["held"], summary["loading"]) == (2, 0, 0, False)
    assert sum(s["deferred"] for s in summary["sites"]) == 2
    assert summary["sites_in_all"] == len(summary["sites"])


def test_show_gives_the_recipients_and_the_content(relay):
    queue_id = deferred(relay, A, B)
    assert {r["recipient"] for r in relay.cli_json("queue", "show", queue_id)["rows"]} == {A, B}
    status, content = relay.api("GET", f"/v1/queue/messages/{queue_id}/content")
    assert status == 200
    assert content.encode().endswith(letter())


def test_why_names_the_obstacle_and_the_time(relay):
    queue_id = deferred(relay, A)
    row, = relay.cli_json("why", queue_id)["recipients"]
    assert row["recipient"] == A
    assert "retry_time" in [o["what"] for o in row["obstacles"]]
    assert when(row["expected"]) - when(row["accepted"]) > datetime.timedelta(minutes=50)
    assert "450" in relay.cli("why", queue_id).out or "busy" in relay.cli("why", queue_id).out


def test_why_says_held_for_what_is_held(relay):
    queue_id = deferred(relay, A)
    relay.cli_json("queue", "hold", "--id", queue_id, "--reason", "customer asked")
    row, = relay.cli_json("why", queue_id)["recipients"]
    held = next(o for o in row["obstacles"] if o["what"] == "held")
    assert "customer asked" in held["detail"]


def test_why_of_a_delivered_message_points_to_its_trace(launch):
    relay = launch(route=[("*", "capture")])
    queue_id = relay.submit()
    relay.wait_event(queue_id, "delivered")
    answer = relay.cli("why", queue_id)
    assert answer.code == 1
    assert "trace" in answer.err + answer.out


def test_trace_as_text_tells_the_story(relay):
    queue_id = deferred(relay, A)
    out = relay.cli("trace", queue_id).out
    assert "accepted" in out and "deferred" in out and "Mailbox busy" in out


# ---- acting

def test_held_mail_waits_until_it_is_released(relay, sink):
    queue_id = deferred(relay, A)
    sink.heal()
    assert relay.cli_json("queue", "hold", "--id", queue_id, "--reason", "look at it")["affected"] == 1
    row, = relay.queue()
    assert (row["state"], row["hold_reason"]) == ("held", "look at it")
    assert relay.events_of(queue_id, kind="held")[0]["reason"] == "look at it"
    assert relay.cli("queue", "retry", "--id", queue_id).code == 1, "a held one was tried"
    assert relay.queue()[0]["state"] == "held"
    assert not sink.messages
    assert relay.cli_json("queue", "release", "--id", queue_id)["affected"] == 1
    relay.wait_event(queue_id, "delivered", A)
    assert relay.events_of(queue_id, kind="released")
    assert sink.one()


def test_held_mail_is_still_held_after_a_restart(relay, sink):
    queue_id = deferred(relay, A)
    relay.cli_json("queue", "hold", "--id", queue_id)
    sink.heal()
    relay.restart()
    wait_until("the queue to be loaded", lambda: relay.queue())
    assert relay.queue()[0]["state"] == "held"
    relay.cli_json("queue", "release", "--id", queue_id)
    relay.wait_event(queue_id, "delivered", A)


def test_retry_makes_due_now(relay, sink):
    queue_id = deferred(relay, A)
    sink.heal()
    assert relay.cli_json("queue", "retry", "--id", queue_id)["affected"] == 1
    assert relay.wait_event(queue_id, "delivered", A)["attempts"] == 2


def test_retry_of_a_domain_leaves_others_alone(relay, sink):
    queue_id = deferred(relay, A, B)
    sink.heal()
    assert relay.cli_json("queue", "retry", "--domain", "other.test")["affected"] == 1
    relay.wait_event(queue_id, "delivered", B)
    assert [r["recipient"] for r in relay.queue()] == [A]


def test_remove_ends_without_a_report(relay, sink):
    queue_id = deferred(relay, A, B)
    assert relay.cli_json("queue", "remove", "--recipient", A, "--reason", "typo")["affected"] == 1
    cancelled = relay.wait_event(queue_id, "cancelled", A)
    assert cancelled["reason"] == "typo"
    assert [r["recipient"] for r in relay.queue()] == [B]
    relay.cli_json("queue", "remove", "--id", queue_id)
    relay.wait_empty()
    audit = relay.cli_json("audit")
    assert (audit["accepted"], audit["cancelled"], audit["queued"], audit["balanced"]) == (2, 2, 0, True)
    assert not sink.messages


def test_api_acts_as_the_tools_do(relay, sink):
    queue_id = deferred(relay, A, B)
    assert relay.api("POST", "/v1/queue/actions", {"action": "hold", "filter": {"domain": "other.test"}}) == (200, {"affected": 1})
    status, page = relay.api("GET", "/v1/queue/messages?state=held")
    assert (status, page["matching"], page["rows"][0]["recipient"]) == (200, 1, B)
    assert relay.api("DELETE", f"/v1/queue/messages/{queue_id}?reason=over")[0] == 200
    relay.wait_empty()


@pytest.mark.parametrize("action", ["remove"])
def test_whole_queue_is_not_removed_by_accident(relay, action):
    deferred(relay, A)
    answer = relay.cli("queue", action)
    assert answer.code == 2, answer
    assert len(relay.queue()) == 1
    status, error = relay.api("POST", "/v1/queue/actions", {"action": action})
    assert status == 400 and error["error"]["message"]
    assert len(relay.queue()) == 1


@pytest.mark.parametrize("body", [{}, {"action": "frob"}, {"action": "hold", "filter": {"domian": "x.test"}},
                                  {"action": "hold", "filter": {"id": "not an id"}}, []])
def test_malformed_action_is_refused_and_named(relay, body):
    status, error = relay.api("POST", "/v1/queue/actions", body)
    assert status == 400
    assert error["error"]["code"] and error["error"]["message"]


def test_misspelt_filter_of_the_api_is_refused(relay):
    assert relay.api("GET", "/v1/queue/messages?domian=x.test")[0] == 400
    assert relay.api("GET", "/v1/frob")[0] == 404
    assert relay.api("PUT", "/v1/queue")[0] == 405


# ---- audit

def test_audit_counts_every_fate(launch, sink):
    sink.on("RCPT", "550 5.1.1 No", about=b"<bad").on("RCPT", "450 4.2.1 Busy", about=b"<busy")
    relay = launch(route=[("discard.test", "discard"), ("*", sink.route)], stream={"transactional": {"retry": ["1h"]}})
    queue_id = relay.submit(sender="", recipients=("good@sink.test", "bad@sink.test", "busy@sink.test", "x@discard.test",
                                                   "busy2@sink.test"))
    relay.wait_ends(queue_id, "good@sink.test", "bad@sink.test", "x@discard.test")
    relay.wait_event(queue_id, "deferred", "busy2@sink.test")
    relay.cli_json("queue", "remove", "--recipient", "busy2@sink.test")
    answer = relay.cli("audit", "--json")
    assert answer.code == 0
    report = answer.json
    assert {k: report[k] for k in ("messages", "accepted", "delivered", "bounced", "expired", "cancelled", "discarded", "queued")} == \
        {"messages": 1, "accepted": 5, "delivered": 1, "bounced": 1, "expired": 0, "cancelled": 1, "discarded": 1, "queued": 1}
    assert report["balanced"] is True and report["problems"] == []
    assert relay.cli("audit").code == 0


def test_events_are_dense_and_read_by_cursor(launch):
    relay = launch(route=[("*", "capture")])
    ids = [relay.submit() for _ in range(5)]
    relay.wait_event(ids[-1], "delivered")
    relay.wait_empty()
    wait_until("all events are safe", lambda: len(relay.ask("/v1/events")["events"]) == 10)
    seen, cursor = [], 0
    while True:
        status, page = relay.api("GET", f"/v1/events?after={cursor}&max=3")
        assert status == 200
        if not page["events"]:
            break
        seen += page["events"]
        cursor = page["next"]
    assert [e["seq"] for e in seen] == list(range(1, 11))
    assert sorted(e["message_id"] for e in seen if e["kind"] == "delivered") == sorted(ids)


# ---- usage

@pytest.mark.parametrize("command", [("frob",), ("queue", "frob"), ("queue", "list", "--frob"), ("trace",), ("serve", "--frob"),
                                     ("queue", "list", "--state", "frob"), ("queue", "list", "--older-than", "frob"),
                                     ("trace", "!!!")])
def test_bad_usage_exits_with_two_and_says_so(relay, command):
    answer = relay.cli(*command)
    assert answer.code == 2, answer
    assert answer.err.strip() and not answer.out.strip()


@pytest.mark.parametrize("command", [("trace", "000000000001"), ("why", "000000000001"), ("queue", "show", "000000000001")])
def test_unknown_message_exits_with_one(relay, command):
    answer = relay.cli(*command)
    assert answer.code == 1, answer
    assert "000000000001" in answer.err


def test_tools_say_what_to_do_when_no_server_runs(relay):
    relay.stop()
    answer = relay.cli("queue", "list")
    assert answer.code == 1, answer
    assert str(relay.socket_path) in answer.err


def test_version_is_told(relay):
    answer = relay.cli("version")
    assert answer.code == 0 and answer.out.startswith("gonets ")


def test_json_is_one_document(relay):
    queue_id = deferred(relay, A)
    for command in (("queue", "list"), ("queue", "summary"), ("queue", "show", queue_id), ("trace", queue_id), ("why", queue_id),
                    ("audit",), ("capture", "list"), ("version",)):
        answer = relay.cli(*command, "--json")
        assert answer.code == 0, answer
        assert isinstance(json.loads(answer.out), dict), answer
