"""MTA-STS (RFC 8461): policies fetched from real HTTPS hosts, and what they do to delivery."""
import threading

import pytest

from gonets_rig.knot import Knot
from gonets_rig.net import private_host, text_of, wait_until
from gonets_rig.pki import Authority
from gonets_rig.policy_host import PolicyHost, policy
from gonets_rig.sink import Sink

# Each domain has its mail host "mx.DOMAIN". These announce a policy.
ANNOUNCED = ("good", "unlisted", "stripped", "untrusted", "testing", "none", "shared", "kept", "roll", "expired", "wrong-name",
             "slow", "oversized", "redirecting", "missing", "html", "broken", "cut", "first")
SILENT = ("plain", "neighbour")


class World:
    """The mail hosts, the policy host, DNS and one server."""

    def __init__(self):
        self.authority = Authority()
        self.policies = PolicyHost(self.authority)
        self.tls = Sink()
        self.tls.tls = self.authority.issue("*.sts.test", *(f"mx.{d}.sts.test" for d in ANNOUNCED + SILENT)).server_context()
        port = self.tls.endpoint[1]
        self.clear = Sink(endpoint=(private_host(), port))
        self.stranger = Sink(endpoint=(private_host(), port))
        self.stranger.tls = self.authority.issue("mx.elsewhere.test").server_context()
        self.knot = Knot({"sts.test": list(self.records())})

    def records(self):
        for domain in ANNOUNCED + SILENT:
            host = {"stripped": self.clear, "untrusted": self.stranger}.get(domain, self.tls).endpoint[0]
            # One host for both, so that they are one site.
            mx = "mx.shared" if domain == "neighbour" else f"mx.{domain}"
            yield from (f"{domain} MX 10 {mx}", f"mx.{domain} A {host}",
                        f"mta-sts.{domain} A {self.policies.endpoint[0]}")
        for domain in ANNOUNCED:
            yield f'_mta-sts.{domain} 1 TXT "v=STSv1; id=1;"'

    def config(self):
        return {"dns": {"servers": [text_of(self.knot.endpoint)], "timeout": "2s"},
                "delivery": {"port": self.tls.endpoint[1], "allow_loopback_mx": True, "ipv6": False,
                             "tls_ca_file": str(self.authority.certificate), "mta_sts_timeout": "2s",
                             "mta_sts_port": self.policies.endpoint[1]}}

    def received(self, address):
        return [m for sink in (self.tls, self.clear, self.stranger) for m in list(sink.messages)
                if address in m.recipients]

    def stop(self):
        for part in (self.knot, self.policies, self.tls, self.clear, self.stranger):
            part.stop()
        self.authority.remove()


@pytest.fixture(scope="module")
def world():
    made = World()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(world, launch_shared):
    return launch_shared(**world.config())


def delivered(world, server, domain):
    """Sends one message, waits until it has arrived, and gives it."""
    address = f"a@{domain}.sts.test"
    before = len(world.received(address))
    server.submit(recipients=[address])
    wait_until(lambda: f"mail at {address}: {server.queue()}", lambda: len(world.received(address)) > before)
    return world.received(address)[-1]


def deferred(world, server, domain):
    """Sends one message that must not arrive; gives the event of its first attempt."""
    address = f"a@{domain}.sts.test"
    before = len(world.received(address))
    queue_id = server.submit(recipients=[address])
    event = server.wait_event(queue_id, "deferred", address)
    assert len(world.received(address)) == before
    server.act("remove", id=queue_id)
    return event


def shown(server, domain, *more):
    return server.cli_json("tls-policy", "show", f"{domain}.sts.test", *more)


def test_a_policy_that_is_met_lets_mail_through_with_tls(world, server):
    world.policies.serve_policy("good.sts.test", policy("mx.good.sts.test"))
    assert delivered(world, server, "good").tls
    known = shown(server, "good")
    assert known["mta_sts"]["state"] == "in_force"
    assert known["mta_sts"]["mode"] == "enforce" and known["mta_sts"]["id"] == "1"
    assert known["hosts"] == [{"name": "mx.good.sts.test", "policy": "sts", "tlsa": "not_looked_up", "sts_allows": True}]
    delivered(world, server, "good")
    assert world.policies.fetches("good.sts.test") == 1


def test_the_first_mail_waits_for_the_policy(world, server):
    gate = threading.Event()
    world.policies.serve_policy("first.sts.test", policy("mx.other.test"), gate=gate)
    queue_id = server.submit(recipients=["a@first.sts.test"])
    wait_until("the policy is asked for", lambda: world.policies.fetches("first.sts.test"))
    assert not world.received("a@first.sts.test")
    gate.set()
    server.wait_event(queue_id, "deferred")
    assert not world.received("a@first.sts.test")
    server.act("remove", id=queue_id)


def test_a_host_that_is_not_in_the_policy_gets_nothing(world, server):
    world.policies.serve_policy("unlisted.sts.test", policy("mx.other.test", "*.sts.test"))
    deferred(world, server, "unlisted")
    assert shown(server, "unlisted")["hosts"][0]["sts_allows"] is False


def test_a_host_without_starttls_gets_nothing_under_enforce(world, server):
    world.policies.serve_policy("stripped.sts.test", policy("mx.stripped.sts.test"))
    deferred(world, server, "stripped")
    assert not any(c.startswith("MAIL") for c in world.clear.commands())


def test_a_host_with_a_certificate_of_another_name_gets_nothing_under_enforce(world, server):
    world.policies.serve_policy("untrusted.sts.test", policy("mx.untrusted.sts.test"))
    deferred(world, server, "untrusted")
    assert not any(c.startswith("MAIL") for c in world.stranger.commands())


@pytest.mark.parametrize("mode", ["testing", "none"])
def test_a_policy_that_only_tests_or_says_none_stops_nothing(world, server, mode):
    world.policies.serve_policy(f"{mode}.sts.test", policy("mx.other.test", mode=mode))
    delivered(world, server, mode)
    assert shown(server, mode)["mta_sts"]["mode"] == mode


def test_a_domain_without_a_record_is_not_fetched(world, server):
    world.policies.serve_policy("plain.sts.test", policy("mx.other.test"))
    delivered(world, server, "plain")
    assert shown(server, "plain")["mta_sts"]["state"] == "none"
    assert world.policies.fetches("plain.sts.test") == 0


def bad_hosts(world):
    """Each would keep mail away if its policy were believed: the mail host is in none of them."""
    text = policy("mx.other.test")
    issue = world.authority.issue
    return {"expired": dict(text=text, certificate=issue("mta-sts.expired.sts.test", expired=True)),
            "wrong-name": dict(text=text, certificate=issue("mta-sts.elsewhere.test")),
            "slow": dict(text=text, gate=threading.Event()),
            "oversized": dict(text=text + "x: y\r\n" * 20_000),
            "redirecting": dict(text=text, status=301, headers={"Location": "https://mta-sts.good.sts.test/"}),
            "missing": dict(text=text, status=404),
            "html": dict(text=text, kind="text/html"),
            "broken": dict(text="version: STSv1\r\nmode: enforce\r\n"),
            "cut": dict(text=text, sized=False)}


@pytest.mark.parametrize("how, trouble", [("expired", "expired"), ("wrong-name", "hostname mismatch"), ("slow", "within 2 s"),
                                          ("oversized", "larger than"), ("redirecting", "301"), ("missing", "404"),
                                          ("html", "text/plain"), ("broken", "max_age"), ("cut", "complete")])
def test_a_policy_that_cannot_be_had_in_order_is_no_policy(world, server, how, trouble):
    world.policies.serve_policy(f"{how}.sts.test", **bad_hosts(world)[how])
    delivered(world, server, how)
    known = shown(server, how)["mta_sts"]
    assert known["state"] == "none" and trouble in known["trouble"], known
    # Remembered: the next one does not ask again.
    fetches = world.policies.fetches(f"{how}.sts.test")
    delivered(world, server, how)
    assert world.policies.fetches(f"{how}.sts.test") == fetches


def test_a_policy_stops_its_own_domain_and_not_another_one_behind_the_same_host(world, server):
    world.policies.serve_policy("shared.sts.test", policy("mx.other.test"))
    deferred(world, server, "shared")
    delivered(world, server, "neighbour")


def test_a_new_id_brings_a_new_policy(world, server):
    world.policies.serve_policy("roll.sts.test", policy("mx.other.test"))
    deferred(world, server, "roll")
    world.policies.serve_policy("roll.sts.test", policy("mx.roll.sts.test"))
    world.knot.rewrite("sts.test", [r.replace("id=1", "id=2") if r.startswith("_mta-sts.roll ") else r
                                    for r in world.records()])

    def rolled():
        # Mail is what makes the record be looked at again.
        server.act("remove", id=server.submit(recipients=["b@roll.sts.test"]))
        return shown(server, "roll")["mta_sts"]["id"] == "2"
    wait_until(lambda: f"the new policy: {shown(server, 'roll')}", rolled, every=0.2)
    delivered(world, server, "roll")


def test_refresh_fetches_though_the_id_is_known(world, server):
    world.policies.serve_policy("good.sts.test", policy("mx.good.sts.test", "mx2.good.sts.test"))
    assert shown(server, "good", "--refresh")["mta_sts"]["mx"] == ["mx.good.sts.test", "mx2.good.sts.test"]


def test_a_policy_is_kept_over_a_restart_and_without_its_host(world, launch):
    host = PolicyHost(world.authority)
    host.serve_policy("kept.sts.test", policy("mx.other.test"))
    config = world.config()
    config["delivery"]["mta_sts_port"] = host.endpoint[1]
    records = [f"mta-sts.kept A {host.endpoint[0]}" if r.startswith("mta-sts.kept ") else r for r in world.records()]
    knot = Knot({"sts.test": records})
    try:
        config["dns"]["servers"] = [text_of(knot.endpoint)]
        server = launch(**config)
        deferred(world, server, "kept")
        host.stop()
        server.restart()
        assert shown(server, "kept")["mta_sts"]["state"] == "in_force"
        deferred(world, server, "kept")
        known = shown(server, "kept", "--refresh")["mta_sts"]
        assert known["state"] == "in_force" and known["trouble"], known
    finally:
        knot.stop()
