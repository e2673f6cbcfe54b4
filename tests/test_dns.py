"""MX by a real name server: preference, equals, no MX, null MX, names that don't exist, answers that don't come."""
import collections
import socket

import pytest

from gonets_rig.knot import Forwarder, Knot
from gonets_rig.net import DEADLINE, free_port, private_host, text_of, wait_until

# Exchanges that live on loopback, all on one port, as MX hosts do.
HOSTS = [private_host() for _ in range(6)]
ONE, TWO, THREE, DEAD, ALSO_DEAD, SELF = HOSTS
MANY = 3000


@pytest.fixture(scope="module")
def port():
    """One that is free on all of HOSTS."""
    while True:
        port = free_port(ONE)
        try:
            for host in HOSTS[1:]:
                with socket.socket() as s:
                    s.bind((host, port))
            return port
        except OSError:
            continue


@pytest.fixture(scope="module")
def knot():
    server = Knot({"test": [
        f"one A {ONE}", f"two A {TWO}", f"three A {THREE}", f"dead A {DEAD}", f"alsodead A {ALSO_DEAD}", f"self A {SELF}",
        "ordered MX 20 two", "ordered MX 10 one", "ordered MX 30 three",
        "firstdead MX 10 dead", "firstdead MX 20 two",
        "alldead MX 10 dead", "alldead MX 20 alsodead",
        "equal MX 10 one", "equal MX 10 two", "equal MX 10 three",
        f"implicit A {ONE}",
        "null MX 0 .", f"null A {ONE}",
        "alias CNAME ordered",
        "mxalias MX 10 otherone", "otherone CNAME one",
        "noaddress MX 10 nonesuch", "halfaddress MX 10 nonesuch", "halfaddress MX 20 one",
        "toself MX 10 mx.gonets.test.", "mx.gonets A 127.0.0.1",
        "toselfaddress MX 10 self",
        "backup MX 10 one", "backup MX 20 mx.gonets.test.", "backup MX 30 two",
        "secondary MX 10 mx.gonets.test.", "secondary MX 20 one",
        "text TXT nothing-here",
        "a.slow MX 10 one", "a.deaf MX 10 one", "b.deaf MX 10 one", "samesite MX 10 one", "samesite MX 20 two", "samesite MX 30 three",
        "twoaddresses MX 10 both", f"both A {DEAD}", f"both A {ONE}",
        "loop1 CNAME loop2", "loop2 CNAME loop1",
        "addressmx MX 10 127.0.0.1.",
        *(f"d{n}.many MX 10 one" for n in range(MANY)),
    ]})
    yield server
    server.stop()


@pytest.fixture
def start(launch, knot, port):
    """A server that resolves by Knot and takes loopback for exchanges."""
    def with_servers(servers=None, **config):
        delivery = {"port": port, "ipv6": False, "allow_loopback_mx": True}
        return launch(dns={"servers": servers or [text_of(knot.endpoint)], "timeout": "1s"},
                      delivery=delivery | config.pop("delivery", {}), **config)
    return with_servers


@pytest.fixture
def at(make_sink, port):
    return lambda host: make_sink(endpoint=(host, port))


def send(daemon, domain, count=1):
    return [daemon.submit(recipients=(f"user{n}@{domain}",), sender="") for n in range(count)]


def end_of(daemon, queue_id):
    wait_until(lambda: f"an end: {daemon.trace(queue_id)}", lambda: daemon.ends(queue_id), every=0.05)
    end, = daemon.ends(queue_id).values()
    return end


def test_lowest_preference_is_used_first(start, at):
    one, two, three = at(ONE), at(TWO), at(THREE)
    server = start()
    for queue_id in send(server, "ordered.test", 5):
        assert end_of(server, queue_id)["remote_host"] == "one.test"
    assert len(one.messages) == 5 and not two.sessions and not three.sessions


def test_next_host_is_used_when_the_first_is_dead(start, at):
    two = at(TWO)
    server = start()
    queue_id, = send(server, "firstdead.test")
    assert end_of(server, queue_id)["remote_host"] == "two.test"
    assert not server.events_of(queue_id, kind="deferred")
    assert len(two.messages) == 1


def test_next_host_is_used_when_the_first_greets_with_a_refusal(start, at):
    one, two = at(ONE), at(TWO)
    one.on("connect", "421 4.3.2 Full")
    server = start()
    queue_id, = send(server, "ordered.test")
    assert end_of(server, queue_id)["kind"] == "delivered"
    assert len(two.messages) == 1


def test_next_address_of_a_host_is_used_when_the_first_is_dead(start, at):
    one = at(ONE)
    server = start()
    for queue_id in send(server, "twoaddresses.test", 4):
        assert end_of(server, queue_id)["kind"] == "delivered"
    assert len(one.messages) == 4


def test_refusal_for_good_is_not_asked_of_the_next_host(start, at):
    one, two = at(ONE), at(TWO)
    one.on("RCPT", "550 5.1.1 No such user")
    server = start()
    queue_id, = send(server, "ordered.test")
    assert end_of(server, queue_id)["kind"] == "bounced"
    assert not two.sessions


def test_hosts_of_equal_preference_share_the_load(start, at):
    sinks = {host: at(host) for host in (ONE, TWO, THREE)}
    server = start(delivery={"messages_per_connection_max": 1})
    for queue_id in send(server, "equal.test", 30):
        end_of(server, queue_id)
    counts = collections.Counter({host: len(s.messages) for host, s in sinks.items()})
    assert sum(counts.values()) == 30
    # Each misses all of thirty draws once in 190,000 runs.
    assert all(counts[h] > 0 for h in sinks), counts


def test_domain_without_mx_is_its_own_host(start, at):
    one = at(ONE)
    server = start()
    queue_id, = send(server, "implicit.test")
    assert end_of(server, queue_id)["remote_host"] == "implicit.test"
    assert len(one.messages) == 1


def test_alias_of_a_domain_is_followed(start, at):
    one = at(ONE)
    server = start()
    queue_id, = send(server, "alias.test")
    assert end_of(server, queue_id)["kind"] == "delivered"
    assert one.one().recipients == ["user0@alias.test"]


def test_exchange_that_is_an_alias_is_followed(start, at):
    one = at(ONE)
    server = start()
    queue_id, = send(server, "mxalias.test")
    assert end_of(server, queue_id)["kind"] == "delivered"
    assert one.one()


def test_exchange_without_address_is_left_out(start, at):
    one = at(ONE)
    server = start()
    queue_id, = send(server, "halfaddress.test")
    assert end_of(server, queue_id)["kind"] == "delivered"
    assert one.one()


@pytest.mark.parametrize("domain, code, status", [
    ("null.test", 556, "5.1.10"),
    ("nonesuch.test", 550, "5.1.2"),
    ("sub.nonesuch.test", 550, "5.1.2"),
    ("toself.test", 554, "5.4.6"),
    ("secondary.test", 554, "5.4.6"),
])
def test_domain_that_takes_no_mail_bounces_at_once(start, domain, code, status):
    server = start()
    queue_id, = send(server, domain)
    end = end_of(server, queue_id)
    assert (end["kind"], end["stage"]) == ("bounced", "resolve")
    assert (end["reply"]["code"], end["reply"]["status"]) == (code, status)
    assert end["reply"]["from_peer"] is False


@pytest.mark.parametrize("domain", ["noaddress.test", "text.test"])
def test_domain_without_any_address_bounces(start, domain):
    server = start()
    queue_id, = send(server, domain)
    end = end_of(server, queue_id)
    assert (end["kind"], end["stage"]) == ("bounced", "resolve")
    assert end["reply"]["code"] // 100 == 5


def test_exchange_whose_address_is_ours_is_a_loop(launch, knot):
    endpoint = (SELF, free_port(SELF))
    server = launch(dns={"servers": [text_of(knot.endpoint)]}, listener=[{"address": text_of(endpoint)}],
                    delivery={"port": endpoint[1], "ipv6": False, "allow_loopback_mx": True})
    queue_id, = send(server, "toselfaddress.test")
    end = end_of(server, queue_id)
    assert (end["kind"], end["reply"]["code"], end["reply"]["status"]) == ("bounced", 554, "5.4.6")


def test_backup_exchange_passes_mail_on_to_better_ones_only(start, at):
    one, two = at(ONE), at(TWO)
    server = start()
    queue_id, = send(server, "backup.test")
    assert end_of(server, queue_id)["remote_host"] == "one.test"
    assert len(one.messages) == 1 and not two.sessions


def test_exchange_on_loopback_is_not_trusted_unless_allowed(launch, knot, port, at):
    one = at(ONE)
    server = launch(dns={"servers": [text_of(knot.endpoint)]}, delivery={"port": port, "ipv6": False})
    queue_id, = send(server, "ordered.test")
    wait_until("an outcome", lambda: len(server.trace(queue_id)) > 1, every=0.05)
    assert server.trace(queue_id)[1]["kind"] != "delivered"
    assert not one.sessions


@pytest.mark.parametrize("domain", ["broken.test", "x.broken.test"])
def test_broken_zone_defers(start, domain):
    server = start()
    queue_id, = send(server, domain)
    deferred = server.wait_event(queue_id, "deferred")
    assert (deferred["stage"], deferred["reply"]["code"], deferred["reply"]["status"]) == ("resolve", 451, "4.4.3")


def test_resolver_that_is_down_defers_and_its_return_is_noticed(start, at, knot):
    forwarder = Forwarder(knot.endpoint)
    one = at(ONE)
    try:
        server = start(servers=[text_of(forwarder.endpoint)])
        queue_id, = send(server, "a.deaf.test")
        deferred = server.wait_event(queue_id, "deferred")
        assert (deferred["stage"], deferred["reply"]["status"]) == ("resolve", "4.4.3")
        forwarder.heal()
        # Of the first domain the failure is remembered for half a minute, so that a queue of it does not ask for each.
        second, = send(server, "b.deaf.test")
        assert end_of(server, second)["kind"] == "delivered"
        server.restart()
        assert end_of(server, queue_id)["kind"] == "delivered"
        assert len(one.wait_for(2)) == 2
    finally:
        forwarder.stop()


def test_slow_zone_does_not_keep_others_waiting(start, at, knot):
    forwarder = Forwarder(knot.endpoint)
    one = at(ONE)
    try:
        server = start(servers=[text_of(forwarder.endpoint)])
        slow, = send(server, "a.slow.test")
        fast, = send(server, "ordered.test")
        assert end_of(server, fast)["at"] < end_of(server, slow)["at"]
        assert [m.recipients[0] for m in one.wait_for(2)] == ["user0@ordered.test", "user0@a.slow.test"]
    finally:
        forwarder.stop()


def test_silent_resolver_defers_but_mail_is_still_taken(launch, silent_resolver):
    server = launch(dns={"servers": [text_of(silent_resolver.endpoint)], "timeout": "500ms"})
    queue_id, = send(server, "ordered.test")
    deferred = server.wait_event(queue_id, "deferred")
    assert deferred["reply"]["status"] == "4.4.3"
    assert server.queue()[0]["state"] == "deferred" or server.queue()[0]["state"] == "resolving"


def test_all_hosts_dead_defers_and_the_site_is_tried_again(start, at):
    server = start()
    queue_id, = send(server, "alldead.test")
    assert server.wait_event(queue_id, "deferred")["stage"] == "connect"
    dead = at(DEAD)
    assert end_of(server, queue_id)["kind"] == "delivered"
    assert len(dead.messages) == 1


def test_domains_with_the_same_exchanges_share_connections(start, at):
    one = at(ONE)
    server = start(delivery={"connections_per_site_max": 1})
    with server.talk(hello=True) as talk:
        for n in range(20):
            assert talk.message(b"Subject: x\r\n\r\nx\r\n", recipients=(f"u@{('ordered', 'samesite')[n % 2]}.test",)).is_(250)
    one.wait_for(20)
    assert len(one.sessions) <= 2, one.sessions


def test_address_literal_is_delivered_to(start, at):
    one = at(ONE)
    server = start()
    queue_id = server.submit(recipients=(f"user@[{ONE}]",), sender="")
    assert end_of(server, queue_id)["kind"] == "delivered"
    assert one.one().recipients == [f"user@[{ONE}]"]


def test_smarthost_may_be_given_by_name(launch, knot, port, at):
    one = at(ONE)
    server = launch(dns={"servers": [text_of(knot.endpoint)]}, route=[("*", f"smtp://one.test:{port}")],
                    delivery={"ipv6": False})
    queue_id, = send(server, "anything.test")
    assert end_of(server, queue_id)["kind"] == "delivered"
    assert one.one()


def test_loop_of_aliases_does_not_hang(start):
    server = start()
    queue_id, = send(server, "loop1.test")
    wait_until("an outcome", lambda: len(server.trace(queue_id)) > 1, DEADLINE, every=0.05)
    assert server.trace(queue_id)[1]["kind"] in ("deferred", "bounced")


def test_thousands_of_domains_behind_one_exchange_are_one_site(start, at):
    exchange = at(ONE)
    daemon = start()

    def send_to_all():
        return [daemon.submit(recipients=[f"user@d{n}.many.test" for n in range(first, first + 100)], sender="")
                for first in range(0, MANY, 100)]
    looked_up = send_to_all()
    wait_until("all are delivered", lambda: daemon.empty(), deadline=4 * DEADLINE)
    events = [e for i in looked_up for e in daemon.events_of(i, kind="delivered")]
    assert sum(len(e["recipients"]) for e in events) == MANY
    assert {e["route"] for e in events} == {"mx:one.test"}
    # What is known by now goes together: one transaction a message, but where a record expires meanwhile.
    before = len(exchange.messages)
    send_to_all()
    wait_until("all are delivered again", lambda: daemon.empty(), deadline=4 * DEADLINE)
    again = exchange.messages[before:]
    assert sum(len(t.rcpts) for t in again) == MANY and len(again) <= MANY // 20
