"""TLS on the way out: levels, DANE by a signed zone, what is remembered, and what must not be delivered is not."""
import smtplib
import socket
import ssl

import pytest

from gonets_rig.knot import Knot
from gonets_rig.net import free_port, private_host, text_of, wait_until
from gonets_rig.pki import Authority
from gonets_rig.policy_host import PolicyHost, policy
from gonets_rig.postfix import PostfixReceiver
from gonets_rig.sink import cut, cut_after, raw

HOSTS = [private_host() for _ in range(4)]
ONE, TWO, DANE, DEAD = HOSTS
# A zone that has this anchor and is not signed at all: all of its answers are bogus.
BOGUS_ANCHOR = "bogus.test. DS 1 13 2 " + 64 * "0"


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
def authority():
    made = Authority()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def dane_certificate(authority):
    """Of DANE's host, which TLSA records of several names tell of."""
    return authority.issue("mx.signed.test", "ta.signed.test")


@pytest.fixture(scope="module")
def policies(authority):
    """The policy host of domains with MTA-STS; each policy allows the domain's own mail host."""
    made = PolicyHost(authority)
    for name in ("danests", "danewrong", "stsonly"):
        made.serve_policy(f"{name}.signed.test", policy(f"{name}-mx.signed.test"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def knot(port, authority, dane_certificate, policies):
    other = authority.self_signed("somebody.test")

    def dane(name, *records, address=DANE):
        """A domain whose mail host has these TLSA records."""
        return [f"{name} MX 10 {name}-mx", f"{name}-mx A {address}",
                *(f"_{port}._tcp.{name}-mx TLSA {r}" for r in records)]

    def sts(name):
        return [f'_mta-sts.{name} TXT "v=STSv1; id=1;"', f"mta-sts.{name} A {policies.endpoint[0]}"]
    signed = [
        *dane("right", dane_certificate.tlsa(3, 1, 1)),
        *dane("whole", dane_certificate.tlsa(3, 0, 2)),
        "byname MX 10 ta", f"ta A {DANE}", f"_{port}._tcp.ta TLSA {authority.tlsa(2, 0, 1)}",
        "bykey MX 10 mx", f"mx A {DANE}", f"_{port}._tcp.mx TLSA {authority.tlsa(2, 1, 1)}",
        *dane("othername", authority.tlsa(2, 0, 1)),
        *dane("wrong", other.tlsa(3, 1, 1)),
        *dane("stale", other.tlsa(3, 1, 1), other.tlsa(3, 0, 1)),
        *dane("rolling", other.tlsa(3, 1, 1), dane_certificate.tlsa(3, 1, 1)),
        *dane("unusable", other.tlsa(1, 1, 1), "3 1 9 abcd"),
        *dane("without"),
        *dane("danests", dane_certificate.tlsa(3, 1, 1)), *sts("danests"),
        *dane("danewrong", other.tlsa(3, 1, 1), address=ONE), *sts("danewrong"),
        *dane("stsonly"), *sts("stsonly"),
        "bogusrecord MX 10 bogusrecord-mx", f"bogusrecord-mx A {DANE}",
        f"_{port}._tcp.bogusrecord-mx CNAME tlsa.bogus.test.",
        "second MX 10 wrong-mx", "second MX 20 right-mx",
        "bogushost MX 10 mx.bogus.test.",
        "alias MX 10 aliased", "aliased CNAME right-mx",
        "unsigned NS ns",
    ]
    server = Knot({
        "signed.test": signed,
        "unsigned.signed.test": ["@ MX 10 mx", f"mx A {DANE}", f"_{port}._tcp.mx TLSA {other.tlsa(3, 1, 1)}",
                                 "via MX 10 wrong-mx.signed.test."],
        "bogus.test": ["@ MX 10 mx", f"mx A {DANE}", f"tlsa TLSA {dane_certificate.tlsa(3, 1, 1)}"],
        "plain.test": [f"one A {ONE}", f"two A {TWO}", f"dead A {DEAD}", "a MX 10 one", "b MX 10 one", "strict MX 10 one",
                       "both MX 10 one", "both MX 20 two", "named MX 10 one", "named2 MX 10 one"],
    }, signed=["signed.test"], other_anchors=[BOGUS_ANCHOR])
    yield server
    server.stop()


@pytest.fixture
def start(launch, knot, port, authority, policies):
    """A server that resolves by Knot, trusts the rig's authority, and takes loopback for exchanges."""
    def with_settings(**config):
        delivery = {"port": port, "ipv6": False, "allow_loopback_mx": True, "tls_ca_file": str(authority.certificate),
                    "messages_per_connection_max": 1, "mta_sts_port": policies.endpoint[1]}
        return launch(dns={"servers": [text_of(knot.endpoint)], "trust_anchor": str(knot.trust_anchor), "timeout": "2s"},
                      delivery=delivery | config.pop("delivery", {}), **config)
    return with_settings


@pytest.fixture
def at(make_sink, port):
    """A sink at an address; with a certificate it offers STARTTLS."""
    def make(host, certificate=None, **more):
        return make_sink(endpoint=(host, port), tls=certificate and certificate.server_context(), **more)
    return make


def send(daemon, domain, **more):
    return daemon.submit(recipients=(f"user@{domain}",), sender="", **more)


def delivered(daemon, domain, **more):
    """Sends one message, and gives the event of its delivery."""
    queue_id = send(daemon, domain, **more)
    return daemon.wait_event(queue_id, "delivered")


def deferred(daemon, domain, status=None, **more):
    event = daemon.wait_event(send(daemon, domain, **more), "deferred")
    assert event["stage"] == "tls", event
    assert status in (None, event["reply"]["status"]), event
    return event


def no_mail(*sinks):
    for sink in sinks:
        assert not [c for c in sink.commands() if c.startswith(("MAIL", "DATA"))], sink.sessions
        assert not sink.messages


# ---- levels

def test_opportunistic_uses_tls_and_says_so(start, at, authority):
    sink = at(ONE, authority.issue("one.plain.test"))
    tls = delivered(start(), "a.plain.test")["tls"]
    assert tls == {"policy": "opportunistic", "protocol": "TLSv1.3", "cipher": tls["cipher"], "verified_by": "pkix"}
    assert sink.one().tls == "TLSv1.3"


@pytest.mark.parametrize("kind", ["self-signed", "expired", "wrong name"])
def test_opportunistic_does_not_care_for_the_certificate_and_verified_does(start, at, authority, kind):
    certificate = {"self-signed": lambda: authority.self_signed("one.plain.test"),
                   "expired": lambda: authority.issue("one.plain.test", expired=True),
                   "wrong name": lambda: authority.issue("elsewhere.test")}[kind]()
    sink = at(ONE, certificate)
    server = start(tls_policy=[{"domain": ["strict.plain.test"], "level": "verified"}])
    event = deferred(server, "strict.plain.test", "4.7.5")
    assert event["tls"]["policy"] == "verified" and "one.plain.test" in event["reply"]["text"]
    no_mail(sink)
    tls = delivered(server, "a.plain.test")["tls"]
    assert tls["verified_by"] == "none" and tls["protocol"]
    assert sink.one().recipients == ["user@a.plain.test"]


def test_required_takes_any_certificate_but_no_clear_text(start, at, authority):
    sink = at(ONE, authority.self_signed("whoever.test"))
    server = start(delivery={"tls": "required"})
    assert delivered(server, "a.plain.test")["tls"]["policy"] == "required"
    sink.tls = None
    deferred(server, "b.plain.test", "4.7.10")
    assert len(sink.messages) == 1


def test_verified_takes_the_name_of_the_host_or_of_the_domain(start, at, authority):
    sink = at(ONE, authority.issue("named.plain.test"))
    server = start(delivery={"tls": "verified", "connections_per_site_max": 1, "messages_per_connection_max": 100})
    assert delivered(server, "named.plain.test")["tls"]["verified_by"] == "pkix"
    # Another domain behind the same host gets a connection of its own, and there the name does not fit.
    deferred(server, "named2.plain.test", "4.7.5")
    assert [m.recipients for m in sink.messages] == [["user@named.plain.test"]]


def test_none_never_begins_tls(start, at, authority):
    sink = at(ONE, authority.issue("one.plain.test"))
    tls = delivered(start(delivery={"tls": "none"}), "a.plain.test")["tls"]
    assert tls == {"policy": "off"}
    assert "STARTTLS" not in sink.commands()


# ---- downgrades: where TLS is needed nothing is sent, where it is not all is

def no_offer(sink):
    sink.tls = None


DOWNGRADES = {
    "stripped": no_offer,
    "454": lambda sink: sink.on("STARTTLS", "454 4.7.0 TLS not available"),
    "554": lambda sink: sink.on("STARTTLS", "554 5.7.0 no"),
    "cut": lambda sink: sink.on("STARTTLS", cut),
    "garbage": lambda sink: sink.on("handshake", cut_after(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)),
    "cut in the handshake": lambda sink: sink.on("handshake", cut),
}


@pytest.mark.parametrize("how", DOWNGRADES)
def test_downgrade_stops_mail_that_needs_tls_and_no_other(start, at, authority, how):
    sink = at(ONE, authority.issue("one.plain.test"))
    DOWNGRADES[how](sink)
    server = start(tls_policy=[{"domain": ["strict.plain.test"], "level": "required"}])
    deferred(server, "strict.plain.test")
    no_mail(sink)
    tls = delivered(server, "a.plain.test")["tls"]
    assert "protocol" not in tls and tls["clear_reason"], tls
    assert sink.one().recipients == ["user@a.plain.test"] and sink.one().tls == ""


def test_broken_tls_is_remembered(start, at, authority):
    sink = at(ONE, authority.issue("one.plain.test"))
    sink.on("handshake", cut)
    server = start()
    first = delivered(server, "a.plain.test")["tls"]
    assert first["clear_reason"].startswith("none after failure: the TLS handshake with one.plain.test"), first
    attempts = sink.commands().count("STARTTLS")
    assert delivered(server, "b.plain.test")["tls"]["clear_reason"].startswith("none after failure: ")
    # Sites of one host need not be of one shard; each remembers for itself.
    assert sink.commands().count("STARTTLS") <= attempts + 1


def test_next_host_is_used_where_the_first_does_not_meet_the_level(start, at, authority):
    one, two = at(ONE), at(TWO, authority.issue("two.plain.test"))
    event = delivered(start(delivery={"tls": "required"}), "both.plain.test")
    assert event["remote_host"] == "two.plain.test"
    no_mail(one)
    assert two.one()


def test_replies_injected_before_tls_are_not_believed(start, at, authority):
    sink = at(ONE, authority.issue("one.plain.test"))
    sink.on("STARTTLS", raw(b"220 Go on\r\n250-evil.test\r\n250 AUTH PLAIN\r\n250 Ok\r\n250 Ok\r\n"))
    delivered(start(delivery={"tls": "required"}), "a.plain.test")
    assert sink.one().tls


# ---- DANE

@pytest.mark.parametrize("domain, proof", [("right", "dane-ee"), ("whole", "dane-ee"), ("byname", "dane-ta"),
                                           ("bykey", "dane-ta"), ("rolling", "dane-ee"), ("alias", "dane-ee")])
def test_dane_delivers_to_the_certificate_of_the_records(start, at, dane_certificate, domain, proof):
    sink = at(DANE, dane_certificate)
    tls = delivered(start(), f"{domain}.signed.test")["tls"]
    assert (tls["policy"], tls["verified_by"]) == ("dane", proof)
    assert sink.one().tls


@pytest.mark.parametrize("domain", ["wrong", "stale", "othername"])
def test_dane_delivers_to_no_other_certificate(start, at, dane_certificate, domain):
    sink = at(DANE, dane_certificate)
    event = deferred(start(), f"{domain}.signed.test", "4.7.5")
    assert event["tls"]["policy"] == "dane"
    no_mail(sink)


def test_dane_delivers_nothing_in_the_clear(start, at):
    sink = at(DANE)
    deferred(start(), "right.signed.test", "4.7.10")
    no_mail(sink)


def test_dane_goes_on_to_the_next_host(start, at, dane_certificate):
    at(DANE, dane_certificate)
    assert delivered(start(), "second.signed.test")["remote_host"] == "right-mx.signed.test"


def test_records_that_cannot_be_used_ask_for_tls_all_the_same(start, at, authority):
    sink = at(DANE, authority.self_signed("whoever.test"))
    server = start()
    tls = delivered(server, "unusable.signed.test")["tls"]
    assert (tls["policy"], tls["verified_by"]) == ("dane", "none")
    sink.tls = None
    deferred(server, "unusable.signed.test", "4.7.10")
    assert len(sink.messages) == 1


def test_dane_outranks_mta_sts(start, at, authority, dane_certificate):
    """Where TLSA records are, their certificate is taken whatever its name, and no other whoever vouches for it (RFC 8461 2)."""
    at(DANE, dane_certificate)
    vouched_for = at(ONE, authority.issue("danewrong-mx.signed.test"))
    server = start()
    tls = delivered(server, "danests.signed.test")["tls"]
    assert (tls["policy"], tls["verified_by"]) == ("dane", "dane-ee")
    assert deferred(server, "danewrong.signed.test", "4.7.5")["tls"]["policy"] == "dane"
    no_mail(vouched_for)
    # The same host without records: there the policy rules, and the name does not fit.
    assert deferred(server, "stsonly.signed.test", "4.7.5")["tls"]["policy"] == "sts"


@pytest.mark.parametrize("domain", ["without.signed.test", "unsigned.signed.test", "via.unsigned.signed.test"])
def test_without_secure_records_dane_does_not_apply(start, at, authority, domain):
    at(DANE, authority.self_signed("whoever.test"))
    assert delivered(start(), domain)["tls"]["policy"] == "opportunistic"


def test_dane_can_be_switched_off(start, at, authority):
    at(DANE, authority.self_signed("whoever.test"))
    assert delivered(start(delivery={"dane": False}), "wrong.signed.test")["tls"]["policy"] == "opportunistic"


@pytest.mark.parametrize("domain, stage", [("bogus.test", "resolve"), ("bogushost.signed.test", "resolve"),
                                           ("bogusrecord.signed.test", "tls")])
def test_bogus_answers_defer_and_say_so(start, at, dane_certificate, domain, stage):
    sink = at(DANE, dane_certificate)
    server = start()
    event = server.wait_event(send(server, domain), "deferred")
    assert event["stage"] == stage
    assert "DNSSEC" in event["reply"]["text"], event
    no_mail(sink)


# ---- pools, resumption, routes

def test_stricter_mail_shares_no_connection_and_blocks_nobody(start, at, authority):
    sink = at(ONE, authority.self_signed("one.plain.test"))
    server = start(delivery={"connections_per_site_max": 1, "messages_per_connection_max": 100},
                   tls_policy=[{"domain": "strict.plain.test", "level": "verified"}])
    delivered(server, "a.plain.test")
    assert deferred(server, "strict.plain.test", "4.7.5")["route"] == "mx:one.plain.test;tls=verified"
    assert delivered(server, "b.plain.test")["route"] == "mx:one.plain.test"
    assert sorted(m.recipients[0] for m in sink.messages) == ["user@a.plain.test", "user@b.plain.test"]


def test_sessions_are_resumed(start, at, authority):
    sink = at(ONE, authority.issue("one.plain.test"))
    server = start(delivery={"tls": "verified"})
    for _ in range(4):
        delivered(server, "a.plain.test")
    assert [m.resumed for m in sink.wait_for(4)][1:] == [True, True, True]
    counts = {labels["how"]: n for labels, n in server.metrics()["gonets_delivery_tls_sessions_total"]}
    assert counts["full"] >= 1 and counts["resumed"] >= 3


def test_smarthost_with_tls_from_the_first_byte(launch, make_sink, authority):
    sink = make_sink(tls=authority.issue("smarthost.test").server_context(), implicit=True)
    server = launch(route=[("*", sink.route)], delivery={"tls_ca_file": str(authority.certificate)})
    # The certificate is for a name, and the route has an address.
    deferred(server, "anywhere.test", "4.7.5")
    no_mail(sink)
    server.config["route"][-1]["tls"] = "required"
    server.reload()
    assert delivered(server, "anywhere.test")["tls"]["policy"] == "required"
    assert sink.one().tls


def test_lmtp_with_starttls(launch, make_sink, authority):
    sink = make_sink(tls=authority.self_signed("lmtp.test").server_context(), lmtp=True)
    server = launch(route=[("*", sink.route)])
    assert delivered(server, "anywhere.test")["tls"]["policy"] == "opportunistic"
    assert sink.one().tls


def test_trace_shows_the_tls(start, at, authority):
    at(ONE, authority.issue("one.plain.test"))
    server = start()
    queue_id = send(server, "a.plain.test")
    server.wait_event(queue_id, "delivered")
    assert "TLSv1.3, verified by pkix (opportunistic)" in server.cli("trace", queue_id).out


def test_postfix_takes_mail_under_tls(launch, authority):
    postfix = PostfixReceiver(authority.issue("postfix.test"))
    try:
        server = launch(route=[("*", postfix.route)], delivery={"tls": "required", "messages_per_connection_max": 1})
        for _ in range(3):
            assert delivered(server, "postfix.test")["tls"]["protocol"] == "TLSv1.3"
        wait_until("three messages", lambda: len(postfix.messages()) == 3)
        assert all("using TLSv1.3" in str(m["Received"]) for m in postfix.messages())
    finally:
        postfix.stop()


# ---- REQUIRETLS and TLS-Required (RFC 8689)

@pytest.fixture
def under_tls(start, authority):
    """A server with a port under TLS, and a function that sends a message there with REQUIRETLS."""
    own = authority.issue("mx.gonets.test")
    server = start(listener=[{}, {"kind": "submissions", "tls_certificate": str(own.certificate), "tls_key": str(own.key)}])

    def submit(domain, sender="", *options):
        context = ssl.create_default_context(cafile=authority.certificate)
        context.check_hostname = False
        with smtplib.SMTP_SSL(*server.endpoints[1], context=context) as client:
            client.ehlo()
            assert client.has_extn("requiretls")
            code, said = client.docmd(f"MAIL FROM:<{sender}> {' '.join(options or ['REQUIRETLS'])}")
            assert code == 250, said
            assert client.rcpt(f"user@{domain}")[0] == 250
            code, said = client.data(b"Subject: x\r\n\r\nsecret\r\n")
            assert code == 250, said
            return said.decode().rsplit(" ", 1)[1]
    return server, submit


def test_requiretls_is_refused_in_the_clear(start):
    with start().talk(hello=True) as talk:
        talk.expect(530, "MAIL FROM:<> REQUIRETLS", "5.7.10")


def test_requiretls_is_passed_on_to_who_offers_it(under_tls, at, dane_certificate):
    sink = at(DANE, dane_certificate)
    sink.extensions_in_tls = [*sink.extensions, "REQUIRETLS"]
    server, submit = under_tls
    event = server.wait_event(submit("right.signed.test"), "delivered")
    assert (event["tls"]["policy"], event["tls"]["verified_by"]) == ("requiretls", "dane-ee")
    assert "REQUIRETLS" in sink.one().parameters()


@pytest.mark.parametrize("domain", ["right.signed.test", "wrong.signed.test", "a.plain.test"])
def test_requiretls_that_cannot_be_kept_bounces(under_tls, at, authority, dane_certificate, domain):
    sinks = at(DANE, dane_certificate), at(ONE, authority.issue("one.plain.test"))
    for sink in sinks:
        # Offered where nobody should believe it.
        sink.extensions = [*sink.extensions, "REQUIRETLS"]
        sink.extensions_in_tls = [e for e in sink.extensions if e != "REQUIRETLS" or domain != "right.signed.test"]
    server, submit = under_tls
    event = server.wait_event(submit(domain), "bounced")
    assert (event["stage"], event["reply"]["status"]) == ("tls", "5.7.30"), event
    no_mail(*sinks)


def test_report_on_requiretls_has_the_header_only_and_needs_it_too(under_tls, at, dane_certificate):
    sink = at(DANE, dane_certificate)
    sink.extensions_in_tls = [*sink.extensions, "REQUIRETLS"]
    server, submit = under_tls
    submit("whole.signed.test", "me@right.signed.test", "REQUIRETLS", "RET=FULL")
    sink.wait_for(1)
    sink.on("RCPT", "550 5.1.1 No such user", about=b"whole.signed.test", times=1)
    submit("whole.signed.test", "me@right.signed.test", "REQUIRETLS", "RET=FULL")
    report = sink.wait_for(2)[1]
    assert report.recipients == ["me@right.signed.test"] and "REQUIRETLS" in report.parameters()
    assert b"secret" not in report.content and b"Subject: x" in report.content


def test_message_that_says_tls_required_no_goes_past_the_domains_policy(start, at, authority):
    sink = at(DANE, authority.self_signed("whoever.test"))
    server = start()
    tls = delivered(server, "wrong.signed.test", content=b"TLS-Required: No\r\nSubject: x\r\n\r\nx\r\n")["tls"]
    assert tls["policy"] == "opportunistic" and tls["protocol"]
    assert len(sink.messages) == 1
    deferred(server, "wrong.signed.test", "4.7.5")
