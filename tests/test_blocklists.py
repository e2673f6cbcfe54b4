"""Egresses on DNS block lists: told of, taken out of their pool, and back when the list lets them go."""
import json

import pytest

from gonets_rig.knot import Forwarder, Knot
from gonets_rig.net import wait_until
from gonets_rig.talk import Talk, letter

# Receivers see other addresses than the loopback ones: addresses for documentation (RFC 5737).
A = {"name": "a", "source_ipv4": "127.0.0.2", "helo": "a.gonets.test", "public_addresses": ["192.0.2.1"]}
B = {"name": "b", "source_ipv4": "127.0.0.3", "helo": "b.gonets.test", "public_addresses": ["198.51.100.2"]}
POOL = {"name": "both", "egresses": ["a", "b"]}
TEST_ENTRY = ["2.0.0.127 A 127.0.0.2"]
A_LISTED = [*TEST_ENTRY, "1.2.0.192 A 127.0.0.4", '1.2.0.192 TXT "seen spamming, see https://list.example/?192.0.2.1"']
BOTH_LISTED = [*A_LISTED, "2.100.51.198 A 127.0.0.4"]


@pytest.fixture
def knot():
    server = Knot({
        "listed.test": A_LISTED, "clean.test": TEST_ENTRY, "mute.test": [],
        "refusing.test": ["* A 127.255.255.254"], "dead.test": ["* A 127.0.0.2"], "parked.test": ["* A 203.0.113.80"]})
    yield server
    server.stop()


@pytest.fixture
def dns(knot):
    forwarder = Forwarder(knot.endpoint)
    yield forwarder
    forwarder.stop()


@pytest.fixture
def start(launch, dns, sink):
    def make(zones, **more):
        how = {"zones": zones, "check_every": "1s", **more.pop("blocklists", {})}
        return launch(dns={"servers": ["%s:%d" % dns.endpoint]}, egress=[A, B], pool=[POOL],
                      delivery={"egress": "both"}, route=[("*", sink.route)], blocklists=how, **more)
    return make


def listed(server):
    return {(labels["egress"], labels["zone"]): value for labels, value in server.metrics().get("gonets_egress_listed", [])}


def egresses(server):
    return {e["name"]: e for e in server.cli_json("egress", "list")["egresses"]}


def lists(server):
    return {each["zone"]: each for each in server.cli_json("egress", "list")["blocklists"]}


def changes(server, count):
    """The events of listings, once there are `count`. A metric changes at once; its event is seen when it is on disk."""
    def told():
        lines = server.cli("events", "--json").out.splitlines()
        return [e for e in map(json.loads, lines) if e["kind"] == "blocklist"]
    wait_until(f"{count} events of listings", lambda: len(told()) >= count)
    return told()


def submit(server, recipient):
    with Talk(server.endpoints[0], hello=True) as talk:
        talk.expect(250, "MAIL FROM:<from@sender.test>")
        talk.expect(250, f"RCPT TO:<{recipient}>")
        talk.expect(354, "DATA")
        return talk.end_data(letter() + b".\r\n").queue_id


def ways(server, count=12):
    sent = [submit(server, f"u{n}@x.test") for n in range(count)]
    return {server.wait_event(q, "delivered")["route"][-1] for q in sent}


def test_a_listing_is_told_with_the_lists_reason_and_so_is_its_end(start, knot):
    server = start(["listed.test", "clean.test"])
    wait_until("both lists are asked", lambda: len(listed(server)) >= 4)
    wait_until("the listing", lambda: listed(server)["a", "listed.test"] == 1)
    assert {k for k, v in listed(server).items() if v} == {("a", "listed.test")}
    (told,) = changes(server, 1)
    assert told["blocklist"] == {"egress": "a", "address": "192.0.2.1", "zone": "listed.test", "listed": True}
    assert "seen spamming" in told["reason"]
    a = egresses(server)["a"]
    assert a["state"] == "up" and not a["taken_out"] and "https://list.example/" in a["listings"][0]["reason"]
    assert "192.0.2.1 is on listed.test" in server.cli("egress", "list").out and "is on listed.test" in server.cli("events").out
    assert ways(server) == {"a", "b"}  # it is told of, no more

    knot.rewrite("listed.test", TEST_ENTRY)
    wait_until("the listing's end", lambda: listed(server)["a", "listed.test"] == 0)
    assert [e["blocklist"]["listed"] for e in changes(server, 2)] == [True, False]
    assert "listings" not in egresses(server)["a"]


def test_what_is_listed_is_taken_out_of_its_pool_until_the_list_lets_it_go(start, knot, sink):
    server = start(["listed.test"], blocklists={"when_listed": "take_out"})
    wait_until("a is out", lambda: egresses(server)["a"].get("taken_out"))
    assert ways(server) == {"b"}
    assert "taken out" in server.cli("egress", "list").out
    sink.on("RCPT", "450 4.2.0 Later", times=1)
    waits = submit(server, "waits@x.test")
    server.wait_event(waits, "deferred")
    assert "the egress a is taken out: 192.0.2.1 is on listed.test; the mail goes by another" in server.cli("why", waits).out

    server.kill()
    server.start()
    wait_until("a is out again after the restart", lambda: egresses(server)["a"].get("taken_out"))
    knot.rewrite("listed.test", TEST_ENTRY)
    wait_until("a is back", lambda: "listings" not in egresses(server)["a"])
    assert ways(server) == {"a", "b"}


def test_a_pool_is_not_emptied_for_a_list(start, knot):
    knot.rewrite("listed.test", BOTH_LISTED)
    server = start(["listed.test"], blocklists={"when_listed": "take_out"})
    wait_until("both are out", lambda: all(egresses(server)[name].get("taken_out") for name in "ab"))
    assert ways(server) == {"a", "b"}


def test_mail_that_waits_for_an_egress_goes_by_the_other_when_it_is_taken_out(start, knot, sink):
    knot.rewrite("listed.test", TEST_ENTRY)
    server = start(["listed.test"], blocklists={"when_listed": "take_out"},
                   limit=[{"egress": "a", "limits": {"messages_an_hour": 1}}])
    sent = [submit(server, f"u{n}@x.test") for n in range(16)]
    wait_until("b's share is delivered, and one of a's",
               lambda: [q for q in sent if "egress a" in server.cli("why", q).out] and sink.wait_for(1))
    knot.rewrite("listed.test", A_LISTED)
    sink.wait_for(16)
    routes = [server.wait_event(q, "delivered")["route"][-1] for q in sent]
    assert routes.count("a") == 1


def test_lists_that_are_dead_mute_or_refuse_are_not_believed(start):
    bad = {"refusing.test": "127.255.255.254", "dead.test": "lists the world", "parked.test": "203.0.113.80",
           "mute.test": "127.0.0.2 is not there", "broken.test": "does not answer"}
    server = start([*bad, "clean.test"], blocklists={"when_listed": "take_out"})
    wait_until("all are asked", lambda: all("checked" in each for each in lists(server).values()))
    for zone, why in bad.items():
        assert not lists(server)[zone]["believed"] and why in lists(server)[zone]["trouble"], lists(server)[zone]
    assert lists(server)["clean.test"]["believed"]
    assert not changes(server, 0) and not any(listed(server).values())
    found = {f["text"]: f["health"] for f in server.cli("doctor", "--json").json["findings"] if f["subject"] == "blocklists"}
    assert found.pop("clean.test answers, and lists no egress") == "ok"
    assert set(found.values()) == {"warning"} and len(found) == len(bad), found
    for zone in bad:
        assert any(zone in text for text in found), found


def test_doctor_tells_of_listings_without_a_server(start):
    server = start(["listed.test"])
    server.stop()
    found = [f["text"] for f in server.cli("doctor", "--json").json["findings"] if f["subject"] == "blocklists"]
    assert found == ["a: 192.0.2.1 is on the block list listed.test: 127.0.0.4"]
