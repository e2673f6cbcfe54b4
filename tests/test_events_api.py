"""The event log over the API: pages behind a cursor, long polls, streams, whose events a key sees, and the command line."""
import contextlib
import http.client
import json
import smtplib
import subprocess
import threading
import time
import types

import pytest

from gonets_rig.daemon import BINARY, UnixConnection
from gonets_rig.net import wait_until

LONG = 60


@pytest.fixture
def daemon(launch):
    return launch(route=[("*", "capture")])


def all_events(daemon, query=""):
    """Page after page, as a client that keeps its cursor."""
    found, cursor = [], "0"
    while True:
        page = daemon.ask(f"/v1/events?after={cursor}&max=7{query}")
        assert "lost" not in page, page
        if not page["events"] and page["next"] == cursor:
            return found
        found += page["events"]
        cursor = page["next"]


class Stream:
    """A client of Server-Sent Events. As an iterator it gives (id, event, data) of what has data."""

    def __init__(self, daemon, query="", key=None, last_event_id=None):
        headers = {"Accept": "text/event-stream"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        if key:
            headers["Authorization"] = f"Bearer {key}"
            self.connection = http.client.HTTPConnection(*daemon.http, timeout=LONG)
        else:
            self.connection = UnixConnection(daemon.socket_path)
        self.connection.request("GET", f"/v1/events{query}", headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.kind = self.response.headers["Content-Type"]
        self.last_id = None

    def __iter__(self):
        block = {}
        while line := self.response.readline():
            line = line.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ")
                block[name] = value
                continue
            self.last_id = block.get("id", self.last_id)
            if "data" in block:
                yield block.get("id"), block["event"], json.loads(block["data"])
            block = {}

    def take(self, count):
        all_of_them = iter(self)
        return [next(all_of_them) for _ in range(count)]

    def close(self):
        self.response.close()
        self.connection.close()


@pytest.fixture
def stream(daemon):
    with contextlib.ExitStack() as stack:
        def begin(*args, **more):
            made = Stream(daemon, *args, **more)
            stack.callback(made.close)
            return made
        yield begin


def later(work):
    """Runs `work` on a thread; gives a function that waits for its result."""
    result = []
    thread = threading.Thread(target=lambda: result.append(work()))
    thread.start()

    def wait():
        thread.join(LONG)
        assert result, "no result"
        return result[0]
    return wait


def test_a_long_poll_is_answered_when_something_happens(daemon):
    daemon.submit()
    wait_until("both events are safe", lambda: len(all_events(daemon)) == 2)
    cursor = daemon.ask("/v1/events?after=latest")["next"]
    assert daemon.ask(f"/v1/events?after={cursor}") == {"events": [], "next": cursor}
    assert daemon.ask(f"/v1/events?after={cursor}&wait=1") == {"events": [], "next": cursor}
    begun = time.monotonic()
    answer = later(lambda: daemon.ask(f"/v1/events?after={cursor}&wait=60"))
    sent = daemon.submit()
    page = answer()
    assert time.monotonic() - begun < LONG
    assert page["events"][0]["message_id"] == sent and page["events"][0]["kind"] == "accepted"
    assert page["next"] == str(page["events"][-1]["seq"])


def test_kinds_and_streams_are_chosen_by_the_reader(launch):
    daemon = launch(route=[("discard.test", "discard"), ("*", "capture")])
    kept = daemon.submit()
    gone = daemon.submit(recipients=["x@discard.test"])
    daemon.wait_ends(kept, "to@sink.test")
    daemon.wait_ends(gone, "x@discard.test")
    wait_until("four safe events", lambda: len(all_events(daemon)) == 4)
    assert [(e["kind"], e["message_id"]) for e in all_events(daemon, "&kind=discarded")] == [("discarded", gone)]
    assert {e["kind"] for e in all_events(daemon, "&kind=delivered,discarded")} == {"delivered", "discarded"}
    assert len(all_events(daemon, "&stream=transactional")) == 4
    assert all_events(daemon, "&stream=bulk") == []
    status, refusal = daemon.api("GET", "/v1/events?kind=deliverd")
    assert status == 400 and "delivered" in refusal["error"]["hint"]


def test_a_stream_goes_on_and_is_taken_up_where_it_broke(daemon, stream):
    sent = [daemon.submit() for _ in range(3)]
    first = stream("?kind=accepted")
    assert (first.status, first.kind) == (200, "text/event-stream")
    assert [e["message_id"] for _, _, e in first.take(3)] == sent
    sent.append(daemon.submit())
    (cursor, kind, event), = first.take(1)
    assert (event["message_id"], kind, cursor) == (sent[3], "accepted", str(event["seq"]))
    first.close()
    sent.append(daemon.submit())
    again = stream("?kind=accepted", last_event_id=cursor)
    assert [e["message_id"] for _, _, e in again.take(1)] == sent[4:]


def test_a_stream_over_a_restart_tells_of_each_event_once(daemon, stream):
    sent, seen, cursor = [], [], None
    for _ in range(3):
        sent += [daemon.submit() for _ in range(5)]
        reader = stream("?kind=accepted", last_event_id=cursor)
        for cursor, _, event in reader.take(5):
            seen.append(event["message_id"])
        reader.close()
        daemon.kill()
        daemon.start()
    assert seen == sent


def test_a_key_of_an_account_sees_its_own_events_alone(launch):
    daemon = launch(listener=[{}, {"kind": "submission", "trusted_networks": []}], route=[("*", "capture")],
                    auth={"plaintext_networks": ["127.0.0.0/8"]})
    daemon.add_account("acme")
    made = daemon.add_credential("acme", kind="api_key", scopes=["read"])
    key = made["api_key"]
    login = daemon.add_login("acme", scopes=["send"])
    others = daemon.submit()
    daemon.wait_ends(others, "to@sink.test")

    def ask(query=""):
        connection = http.client.HTTPConnection(*daemon.http, timeout=LONG)
        try:
            connection.request("GET", f"/v1/events{query}", headers={"Authorization": f"Bearer {key}"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()
    assert ask()[1]["events"] == []
    assert ask("?account=default")[0] == 403
    reader = Stream(daemon, key=key)
    try:
        assert reader.status == 200
        with smtplib.SMTP(*daemon.endpoints[1], timeout=LONG) as smtp:
            smtp.login(login.login, login.secret)
            smtp.sendmail("app@acme.test", ["b@sink.test"], b"Subject: own\r\n\r\nhello\r\n")
        got = [e for _, _, e in reader.take(2)]
        assert [(e["kind"], e["account"]) for e in got] == [("accepted", "acme"), ("delivered", "acme")]
        assert {e["account"] for e in all_events(daemon)} == {"default", "acme"}
        daemon.revoke("acme", types.SimpleNamespace(id=made["id"]))
        assert list(reader) == [], "the stream of a key that was revoked ends"
        assert ask()[0] == 401
    finally:
        reader.close()


def test_as_many_wait_as_may_and_who_goes_makes_room(daemon, stream):
    readers = []
    while (reader := stream("?after=latest")).status == 200:
        readers.append(reader)
        assert len(readers) < 100
    assert len(readers) == 64
    assert reader.response.headers["Retry-After"] == "5"
    status, refusal = daemon.api("GET", "/v1/events?wait=1")
    assert (status, refusal["error"]["code"]) == (503, "busy")
    assert daemon.api("GET", "/v1/events")[0] == 200, "who does not wait is answered"
    for reader in readers:
        reader.close()
    wait_until("there is room again", lambda: daemon.api("GET", "/v1/events?wait=1")[0] == 200, LONG)


def test_the_command_line_follows_the_log(daemon):
    before = daemon.submit()
    wait_until("both events are safe", lambda: len(all_events(daemon)) == 2)
    listed = daemon.cli("events", "--kind", "delivered", "--kind", "bounced")
    assert listed.code == 0 and before in listed.out and "accepted" not in listed.out, listed
    assert "\x1b" not in listed.out
    cursor = daemon.ask("/v1/events?after=latest")["next"]
    follow = subprocess.Popen([BINARY, "events", "--follow", "--after", cursor, "--kind", "accepted", "--json", "--config",
                               daemon.config_path], stdout=subprocess.PIPE, text=True)
    try:
        line = later(follow.stdout.readline)
        sent = daemon.submit()
        event = json.loads(line())
        assert (event["kind"], event["message_id"]) == ("accepted", sent)
    finally:
        follow.kill()
        follow.wait()
