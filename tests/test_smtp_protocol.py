"""What clients may do and what they are told when they may not."""
import socket
import struct

import pytest

from gonets_rig.net import free_endpoint, text_of, wait_until
from gonets_rig.talk import Talk, letter, split_received

STRANGERS = {"trusted_networks": ["127.9.9.9/32"]}


@pytest.fixture(scope="module")
def world(launch_shared):
    """A server to which the tests are strangers; it takes mail for example.test."""
    return launch_shared(listener=[STRANGERS], smtp={"inbound_domains": ["example.test"]}, route=[("*", "capture")])


@pytest.fixture(scope="module")
def small(launch_shared):
    """A server with small limits."""
    return launch_shared(route=[("*", "capture")], smtp={
        "message_bytes_max": "64KiB", "recipients_max": 5, "messages_max": 4, "errors_max": 6,
        "command_line_bytes_max": "512B", "text_line_bytes_max": "2KiB", "header_bytes_max": "8KiB",
        "header_fields_max": 40, "hops_max": 30})


# ---- who may send

def test_stranger_may_not_relay(world):
    with Talk(world.endpoint, hello=True) as talk:
        talk.expect(250, "MAIL FROM:<a@sender.test>")
        talk.expect(550, "RCPT TO:<b@elsewhere.test>", "5.7.1")
        talk.expect(503, "DATA", "5.5.1")


@pytest.mark.parametrize("path", ["b%elsewhere.test@sender.test", "@example.test:b@elsewhere.test",
                                  "b@elsewhere.test@sender.test", "elsewhere.test!b@sender.test",
                                  "\"b@elsewhere.test\"@sender.test", "b@example.test.elsewhere.test",
                                  "b@sub.example.test", "b@[127.0.0.1]", "b@[192.0.2.1]", "b"])
def test_stranger_may_not_relay_by_tricks_of_the_address(world, path):
    with Talk(world.endpoint, hello=True) as talk:
        talk.expect(250, "MAIL FROM:<a@sender.test>")
        reply = talk.command(f"RCPT TO:<{path}>")
        assert 500 <= reply.code < 600, reply


def test_inbound_domain_is_accepted_from_anyone(world):
    with Talk(world.endpoint, hello=True) as talk:
        reply = talk.message(letter(), recipients=("anna@example.test", "BORIS@EXAMPLE.Test"))
        assert reply.is_(250, "2.0.0")
    ends = world.wait_ends(reply.queue_id, "anna@example.test", "BORIS@example.test")
    assert {e["kind"] for e in ends.values()} == {"delivered"}


def test_refused_recipient_does_not_spoil_the_others(world):
    with Talk(world.endpoint, hello=True) as talk:
        talk.expect(250, "MAIL FROM:<a@sender.test>")
        talk.expect(550, "RCPT TO:<b@elsewhere.test>", "5.7.1")
        talk.expect(250, "RCPT TO:<anna@example.test>", "2.1.5")
        talk.expect(354, "DATA")
        queue_id = talk.end_data(letter() + b".\r\n").queue_id
    assert set(world.wait_ends(queue_id, "anna@example.test")) == {"anna@example.test"}


def test_submission_listener_takes_nothing_from_strangers(launch):
    server = launch(listener=[{}, {"kind": "submission", "address": text_of(free_endpoint())} | STRANGERS],
                    smtp={"inbound_domains": ["example.test"]}, route=[("*", "capture")])
    with Talk(server.endpoints[1], hello=True) as talk:
        reply = talk.command("MAIL FROM:<a@sender.test>")
        if reply.code == 250:
            reply = talk.command("RCPT TO:<anna@example.test>")
        assert reply.code in (530, 550, 554), reply


# ---- order and syntax

def test_commands_out_of_order_are_refused(world):
    with Talk(world.endpoint) as talk:
        talk.expect(503, "MAIL FROM:<a@sender.test>", "5.5.1")
        talk.expect(250, "EHLO client.test")
        talk.expect(503, "RCPT TO:<anna@example.test>", "5.5.1")
        talk.expect(503, "DATA", "5.5.1")
        talk.expect(250, "MAIL FROM:<a@sender.test>")
        talk.expect(503, "MAIL FROM:<a@sender.test>", "5.5.1")
        talk.expect(503, "DATA", "5.5.1")


@pytest.mark.parametrize("line, code", [
    ("FROB", 500), ("", 500), ("EHLO", 501), ("RSET now", 501), ("MAIL FROM:a@sender.test extra", None),
    ("MAIL FROM:<a@sender.test", 501), ("MAIL FROM:<a@@sender.test>", 501), ("MAIL TO:<a@sender.test>", 501),
    ("MAIL FROM:<a@sender.test> FROB=1", 555), ("MAIL FROM:<a@sender.test> SIZE=abc", 501),
    ("MAIL FROM:<a@sender.test> SIZE=1 SIZE=2", 501), ("MAIL FROM:<a@sender.test> BODY=9BIT", 501),
    ("MAIL FROM:<мария@sender.test>", None), ("MAIL FROM:<a@sender.test> SIZE=99999999999", 552)])
def test_malformed_command_is_refused_with_an_enhanced_code(world, line, code):
    with Talk(world.endpoint, hello=True) as talk:
        reply = talk.command(line)
        assert 500 <= reply.code < 560 and reply.status.startswith("5."), reply
        assert code in (None, reply.code), reply
        talk.expect(250, "NOOP")


def test_every_reply_but_greeting_and_hello_has_an_enhanced_code(world):
    with Talk(world.endpoint) as talk:
        talk.command("EHLO client.test")
        for line in ("FROB", "HELP", "NOOP", "VRFY x", "EXPN x", "AUTH PLAIN", "STARTTLS", "RCPT TO:<x@y.test>", "DATA",
                     "MAIL FROM:<a@sender.test>", "RCPT TO:<x@y.test>", "RCPT TO:<anna@example.test>", "RSET", "QUIT"):
            reply = talk.command(line)
            assert reply.status.startswith(str(reply.code)[0] + "."), f"{line}: {reply}"


def test_http_request_is_shown_the_door(world):
    with Talk(world.endpoint) as talk:
        talk.send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<a@sender.test>\r\n")
        assert talk.reply().code == 554
        assert talk.closed()


def test_pipelined_commands_are_answered_in_order(world):
    with Talk(world.endpoint) as talk:
        talk.send(b"EHLO c.test\r\nMAIL FROM:<a@sender.test>\r\nRCPT TO:<x@elsewhere.test>\r\n"
                  b"RCPT TO:<anna@example.test>\r\nDATA\r\n")
        assert [talk.reply().code for _ in range(5)] == [250, 250, 550, 250, 354]
        talk.send(b"Subject: x\r\n\r\nx\r\n.\r\nNOOP\r\nMAIL FROM:<>\r\nQUIT\r\n")
        assert [talk.reply().code for _ in range(4)] == [250, 250, 250, 221]
        assert talk.closed()


def test_commands_may_come_byte_by_byte(world):
    with Talk(world.endpoint) as talk:
        for byte in b"EHLO c.test\r\nMAIL FROM:<a@sender.test>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\n":
            talk.send(bytes([byte]))
        assert [talk.reply().code for _ in range(4)] == [250, 250, 250, 354]
        for byte in b"Subject: x\r\n\r\n..x\r\n.\r\n":
            talk.send(bytes([byte]))
        reply = talk.reply()
        assert reply.is_(250)
    world.wait_event(reply.queue_id, "delivered")
    captured = next(c for c in world.captured() if c["queue_id"] == reply.queue_id)
    assert world.captured_content(captured["id"]).endswith(b"\r\n\r\n.x\r\n")


# ---- limits

def test_announced_size_over_the_limit_is_refused_at_mail(small):
    with small.talk(hello=True) as talk:
        talk.expect(552, "MAIL FROM:<a@sender.test> SIZE=65537", "5.3.4")
        talk.expect(250, "MAIL FROM:<a@sender.test> SIZE=65536")


def test_size_that_lied_is_refused_after_the_end_of_the_message(small):
    with small.talk(hello=True) as talk:
        talk.expect(250, "MAIL FROM:<a@sender.test> SIZE=100")
        talk.expect(250, "RCPT TO:<to@sink.test>")
        talk.expect(354, "DATA")
        assert talk.end_data(b"Subject: x\r\n\r\n" + (b"x" * 98 + b"\r\n") * 700 + b".\r\n").is_(552, "5.3.4")
        talk.expect(250, "NOOP")


def test_message_just_within_the_limit_is_accepted(small):
    with small.talk(hello=True) as talk:
        head = b"Subject: x\r\n\r\n"
        body = (b"x" * 98 + b"\r\n") * 655
        assert talk.message(head + body).is_(250)


def test_too_large_chunk_of_bdat_is_refused_and_the_session_goes_on(small):
    with small.talk(hello=True) as talk:
        talk.expect(250, "MAIL FROM:<a@sender.test>")
        talk.expect(250, "RCPT TO:<to@sink.test>")
        talk.send(b"BDAT 70000 LAST\r\n" + (b"x" * 98 + b"\r\n") * 700)
        assert talk.reply().is_(552, "5.3.4")
        talk.expect(250, "RSET")
        assert talk.message(letter()).is_(250)


def test_recipients_over_the_limit_are_put_off_and_the_others_served(small):
    with small.talk(hello=True) as talk:
        talk.expect(250, "MAIL FROM:<a@sender.test>")
        for n in range(5):
            talk.expect(250, f"RCPT TO:<r{n}@sink.test>", "2.1.5")
        talk.expect(452, "RCPT TO:<r5@sink.test>", "4.5.3")
        talk.expect(354, "DATA")
        queue_id = talk.end_data(letter() + b".\r\n").queue_id
    assert len(small.wait_ends(queue_id, *[f"r{n}@sink.test" for n in range(5)])) == 5


def test_message_that_has_gone_round_is_refused(small):
    hop = b"Received: from a.test by b.test; Tue, 24 Nov 2026 03:28:32 +0000\r\n"
    with small.talk(hello=True) as talk:
        assert talk.message(hop * 31 + letter()).is_(554, "5.4.6")
        assert talk.message(hop * 29 + letter()).is_(250)


def test_default_hop_limit_ends_a_loop(world):
    hop = b"Received: from a.test by b.test; Tue, 24 Nov 2026 03:28:32 +0000\r\n"
    with world.talk(hello=True) as talk:
        assert talk.message(hop * 60 + letter(), recipients=("anna@example.test",)).is_(554, "5.4.6")


def test_line_over_the_limit_is_refused(small):
    with small.talk(hello=True) as talk:
        assert talk.message(letter(body=b"x" * 2100 + b"\r\n")).is_(554, "5.6.0")
        assert talk.message(letter(body=b"x" * 2000 + b"\r\n")).is_(250)


def test_header_over_the_limit_is_refused(small):
    with small.talk(hello=True) as talk:
        assert talk.message(letter(extra=b"".join(b"X-%d: %s\r\n" % (n, b"y" * 900) for n in range(10)))).is_(552, "5.3.4")
        assert talk.message(letter(extra=b"".join(b"X-%d: y\r\n" % n for n in range(50)))).is_(552, "5.3.4")
        assert talk.message(letter()).is_(250)


def test_command_line_over_the_limit_is_refused_and_the_session_goes_on(small):
    with small.talk(hello=True) as talk:
        talk.expect(500, b"NOOP " + b"x" * 600, "5.5.2")
        talk.expect(500, b"NOOP " + b"x" * 100_000, "5.5.2")
        talk.expect(250, "NOOP")


def test_messages_over_the_limit_end_the_session(small):
    with small.talk(hello=True) as talk:
        for _ in range(4):
            assert talk.message(letter()).is_(250)
        talk.expect(421, "MAIL FROM:<a@sender.test>", "4.7.0")
        assert talk.closed()


def test_errors_over_the_limit_end_the_session(small):
    with small.talk(hello=True) as talk:
        for _ in range(20):
            reply = talk.command("FROB")
            if reply.code == 421:
                break
        assert reply.is_(421, "4.7.0")
        assert talk.closed()


# ---- time

@pytest.fixture(scope="module")
def impatient(launch_shared):
    return launch_shared(route=[("*", "capture")], smtp={"command_timeout": "300ms", "data_timeout": "300ms"})


def test_silent_client_is_told_421_and_closed(impatient):
    with impatient.talk() as talk:
        assert talk.reply().is_(421, "4.4.2")
        assert talk.closed()


def test_client_that_stops_within_a_message_is_told_421_and_closed(impatient):
    with impatient.talk(hello=True) as talk:
        talk.envelope("a@sender.test", "to@sink.test")
        talk.send(b"Subject: half\r\n\r\nhalf of a li")
        assert talk.reply().is_(421, "4.4.2")
        assert talk.closed()
    assert not impatient.captured()


def test_client_that_goes_away_within_a_message_leaves_nothing(world):
    before = world.audit()["accepted"]
    talk = Talk(world.endpoint, hello=True)
    talk.envelope("a@sender.test", "anna@example.test")
    talk.send(b"Subject: half\r\n\r\nhalf of a line\r\n.\r")
    talk.close()
    with Talk(world.endpoint, hello=True) as other:
        queue_id = other.message(letter(), recipients=("anna@example.test",)).queue_id
    world.wait_event(queue_id, "delivered")
    assert world.audit()["accepted"] == before + 1


# ---- connections

def test_connections_over_the_limit_are_refused_and_room_is_found_again(launch):
    server = launch(route=[("*", "capture")], server={"connections_max": 5, "connections_per_address_max": 5})

    def room():
        try:
            return Talk(server.endpoint)
        except (AssertionError, ConnectionError):
            return None

    talks = []
    while len(talks) < 5:
        talks.append(wait_until("room for a connection", room))
    with Talk(server.endpoint, greet=False) as refused:
        assert refused.reply().is_(421)
        assert refused.closed()
    talks.pop().close()
    talks.append(wait_until("room after one left", room))
    for talk in talks:
        talk.expect(250, "EHLO client.test")
        talk.close()


def test_connections_of_one_address_are_limited(launch):
    server = launch(route=[("*", "capture")], server={"connections_per_address_max": 3})

    def room():
        try:
            return Talk(server.endpoint)
        except (AssertionError, ConnectionError):
            return None

    talks = [wait_until("room for a connection", room) for _ in range(3)]
    with Talk(server.endpoint, greet=False) as refused:
        assert refused.reply().is_(421, "4.7.0")
    with Talk(server.endpoint, source=("127.8.8.8", 0)) as another:
        another.expect(250, "EHLO client.test")
    for talk in talks:
        talk.close()


# ---- PROXY protocol

@pytest.fixture
def proxied(launch, sink):
    """Believes what 127.0.0.1 says of the client; trusts 192.0.2.0/24 and 2001:db8::/32 only."""
    return launch(route=[("*", sink.route)], listener=[
        {}, {"address": text_of(free_endpoint()), "proxy_protocol_from": ["127.0.0.1/32"],
             "trusted_networks": ["192.0.2.0/24", "2001:db8::/32"]}])


def proxy_v2(family, source, target, command=0x21):
    kind = {socket.AF_INET: 0x11, socket.AF_INET6: 0x21}[family]
    body = socket.inet_pton(family, source) + socket.inet_pton(family, target) + struct.pack("!HH", 4242, 25)
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([command, kind]) + struct.pack("!H", len(body)) + body


@pytest.mark.parametrize("header, address", [
    (b"PROXY TCP4 192.0.2.7 192.0.2.1 4242 25\r\n", b"192.0.2.7"),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 4242 25\r\n", b"2001:db8::7"),
    (proxy_v2(socket.AF_INET, "192.0.2.8", "192.0.2.1"), b"192.0.2.8"),
    (proxy_v2(socket.AF_INET6, "2001:db8::8", "2001:db8::1"), b"2001:db8::8")])
def test_proxy_header_gives_the_client_its_address(proxied, sink, header, address):
    with Talk(proxied.endpoints[1], before=header, hello=True) as talk:
        reply = talk.message(letter())
        assert reply.is_(250), reply
    received, _ = split_received(sink.one().content)
    assert address in received
    assert b"[127.0.0.1]" not in received
    assert address.decode() in proxied.trace(reply.queue_id)[0]["origin"]


@pytest.mark.parametrize("header", [b"PROXY TCP4 198.51.100.7 192.0.2.1 4242 25\r\n",
                                    proxy_v2(socket.AF_INET, "198.51.100.7", "192.0.2.1")])
def test_address_behind_the_proxy_decides_about_trust(proxied, header):
    with Talk(proxied.endpoints[1], before=header, hello=True) as talk:
        talk.expect(250, "MAIL FROM:<a@sender.test>")
        talk.expect(550, "RCPT TO:<to@sink.test>", "5.7.1")


@pytest.mark.parametrize("start", [b"EHLO client.test\r\n", b"PROXY FROB\r\n", b"PROXY TCP4 192.0.2.7\r\n",
                                   b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x01x"])
def test_connection_without_a_good_proxy_header_is_closed(proxied, start):
    with Talk(proxied.endpoints[1], greet=False, before=start) as talk:
        assert talk.closed()


def test_proxy_header_from_elsewhere_is_no_command(proxied):
    with Talk(proxied.endpoint) as talk:
        assert 500 <= talk.command("PROXY TCP4 192.0.2.7 192.0.2.1 4242 25").code < 560


def test_proxy_header_may_come_in_one_packet_with_commands(proxied, sink):
    with Talk(proxied.endpoints[1], greet=False) as talk:
        talk.send(b"PROXY TCP4 192.0.2.7 192.0.2.1 4242 25\r\nEHLO c.test\r\nMAIL FROM:<a@sender.test>\r\n")
        assert [talk.reply().code for _ in range(3)] == [220, 250, 250]


# ---- DSN parameters travel

def test_dsn_parameters_are_passed_on(relay, sink):
    relay.submit(mail="RET=HDRS ENVID=env+2B1", rcpt="NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;orig@else.test")
    message = sink.one()
    assert message.parameters()["RET"] == "HDRS"
    assert message.parameters()["ENVID"] == "env+2B1"
    rcpt = message.parameters("to@sink.test")
    assert set(rcpt["NOTIFY"].split(",")) == {"SUCCESS", "FAILURE"}
    assert rcpt["ORCPT"] == "rfc822;orig@else.test"


def test_size_is_announced_to_the_peer(relay, sink):
    relay.submit(letter())
    message = sink.one()
    assert int(message.parameters()["SIZE"]) == len(message.content)


@pytest.mark.parametrize("parameter", ["RET=FROB", "ENVID=", "ENVID=a=b"])
def test_bad_dsn_parameter_of_mail_is_refused(world, parameter):
    with Talk(world.endpoint, hello=True) as talk:
        talk.expect(501, f"MAIL FROM:<a@sender.test> {parameter}", "5.5.4")


@pytest.mark.parametrize("parameter", ["NOTIFY=FROB", "NOTIFY=NEVER,SUCCESS", "ORCPT=frob", "ORCPT=rfc822;a+zz"])
def test_bad_dsn_parameter_of_rcpt_is_refused(world, parameter):
    with Talk(world.endpoint, hello=True) as talk:
        talk.expect(250, "MAIL FROM:<a@sender.test>")
        talk.expect(501, f"RCPT TO:<anna@example.test> {parameter}", "5.5.4")
