"""Mail that leaves through a SOCKS 5 proxy, or through HAProxy by the PROXY protocol."""

import pytest

from gonets_rig.net import free_endpoint, text_of, wait_until
from gonets_rig.pki import Authority
from gonets_rig.postfix import PostfixReceiver
from gonets_rig.proxies import HAProxy, MicroSocks

from conftest import factory_of


@pytest.fixture
def socks():
    yield from factory_of(MicroSocks, MicroSocks.stop)


@pytest.fixture
def haproxy():
    yield from factory_of(HAProxy, HAProxy.stop)


@pytest.fixture(scope="module")
def authority():
    made = Authority()
    yield made
    made.remove()


def launch_by(launch, proxy, route, **more):
    egress = {"name": "far", "proxy": proxy, "helo": "far.gonets.test"} | more
    return launch(egress=[egress], delivery={"egress": "far"}, route=[{"domain": "*"} | route])


def send(server, user="u", domain="x.test"):
    return server.submit(recipients=(f"{user}@{domain}",))


def up(server):
    return {labels["egress"]: value for labels, value in server.metrics()["gonets_egress_up"]}


@pytest.mark.parametrize("login", [{}, {"user": "anna", "password": "s3cret"}])
def test_socks_takes_mail_to_postfix(launch, socks, postfix, login):
    server = launch_by(launch, socks(**login).url, {"to": postfix.route})
    user = "by-socks-with-login" if login else "by-socks"
    event = server.wait_event(send(server, user, "postfix.test"), "delivered")
    assert event["route"] == f"{postfix.route} via far"
    assert event["remote_address"] == postfix.endpoint[0]
    assert postfix.seen_by(f"{user}@postfix.test") == ("far.gonets.test", "127.0.0.5")


def test_socks_with_tls_to_the_host(launch, socks, authority):
    certificate = authority.issue("mx.x.test")
    starttls = PostfixReceiver(certificate=certificate)
    try:
        server = launch_by(launch, socks().url, {"to": starttls.route, "tls": "required"})
        assert server.wait_event(send(server, "tls", "postfix.test"), "delivered")["tls"]["protocol"] == "TLSv1.3"
    finally:
        starttls.stop()


def test_socks_with_tls_from_the_first_byte(launch, socks, make_sink, authority):
    sink = make_sink(tls=authority.issue("mx.x.test").server_context(), implicit=True)
    server = launch_by(launch, socks().url, {"to": sink.route, "tls": "required"})
    send(server)
    assert sink.wait_for(1)[0].tls


def test_connections_through_socks_carry_many_messages(launch, socks, sink):
    server = launch_by(launch, socks().url, {"to": sink.route})
    for n in range(30):
        send(server, f"u{n}")
    assert len({m.content for m in sink.wait_for(30)}) == 30


def test_a_refused_login_is_the_proxys_fault_and_tells_no_password(launch, socks, sink):
    proxy = socks(user="anna", password="right-one")
    server = launch_by(launch, proxy.url.replace("right-one", "wrong-one"), {"to": sink.route})
    queue_id = send(server)
    wait_until("the reason in `why`", lambda: "it refused the login of anna" in server.cli("why", queue_id).out)
    assert up(server)["far"] == 0
    assert [e["kind"] for e in server.trace(queue_id)] == ["accepted"]
    assert "wrong-one" not in server.log()
    server.config["egress"][0]["proxy"] = proxy.url
    server.reload()
    assert server.wait_event(queue_id, "delivered")["attempts"] == 1
    assert up(server)["far"] == 1


def test_mail_of_a_proxy_that_is_down_goes_by_the_others_of_the_pool(launch, socks, sink):
    down = free_endpoint()
    server = launch(egress=[{"name": "down", "proxy": f"socks5://{text_of(down)}"}, {"name": "works", "proxy": socks().url}],
                    pool=[{"name": "both", "egresses": ["down", "works"]}], delivery={"egress": "both"},
                    route=[("*", sink.route)])
    sent = [send(server, f"u{n}") for n in range(12)]
    sink.wait_for(12)
    assert {server.wait_event(q, "delivered")["route"][-5:] for q in sent} == {"works"}
    assert up(server) == {"default": 1, "down": 0, "works": 1}


def test_a_host_that_the_proxy_cannot_reach_is_not_the_proxys_fault(launch, socks, sink):
    gone = free_endpoint()
    server = launch(egress=[{"name": "far", "proxy": socks().url}], delivery={"egress": "far"},
                    route=[("gone.test", f"smtp://{text_of(gone)}"), ("*", sink.route)])
    event = server.wait_event(send(server, domain="gone.test"), "deferred")
    assert event["stage"] == "connect" and "Connection refused" in event["reply"]["text"]
    assert up(server)["far"] == 1
    send(server)
    sink.wait_for(1)


def test_haproxy_takes_mail_to_postfix_from_the_address_that_it_is_told(launch, haproxy, postfix):
    proxy = haproxy(["127.0.0.6", "127.0.0.7"])
    for source in ("127.0.0.6", "127.0.0.7"):
        server = launch_by(launch, proxy.url, {"to": postfix.route}, source_ipv4=source)
        user = f"by-haproxy-{source}"
        server.wait_event(send(server, user, "postfix.test"), "delivered")
        assert postfix.seen_by(f"{user}@postfix.test") == ("far.gonets.test", source)


def test_a_host_that_haproxy_cannot_reach_is_deferred(launch, haproxy):
    server = launch_by(launch, haproxy(["127.0.0.6"]).url, {"to": f"smtp://{text_of(free_endpoint())}"}, source_ipv4="127.0.0.6")
    event = server.wait_event(send(server), "deferred")
    assert event["stage"] == "greeting" and "closed" in event["reply"]["text"]
    assert up(server)["far"] == 1


def test_mail_waits_for_an_haproxy_that_is_down(launch, sink):
    server = launch_by(launch, f"haproxy://{text_of(free_endpoint())}", {"to": sink.route}, source_ipv4="127.0.0.6")
    queue_id = send(server)
    wait_until("the reason in `why`", lambda: "Connection refused" in server.cli("why", queue_id).out)
    assert up(server)["far"] == 0
    assert [e["kind"] for e in server.trace(queue_id)] == ["accepted"]
