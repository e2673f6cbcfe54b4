"""Every mixture of replies, and every way for a connection to end, gives each recipient exactly its own outcome; what was
put off is delivered once the peer is well again."""
import threading

import pytest

from gonets_rig import sink as peer
from gonets_rig.net import wait_until
from gonets_rig.talk import letter

A, B, C = "a@sink.test", "b@sink.test", "c@sink.test"


def kinds(daemon, queue_id, *addresses):
    return {a: e["kind"] for a, e in daemon.wait_ends(queue_id, *addresses).items()}


def delivered_once(sink, *addresses):
    """That each address got exactly one copy, whatever the transactions."""
    got = sorted(r for m in sink.messages for r in m.recipients)
    assert got == sorted(addresses)


# ---- replies

def test_refused_recipient_bounces_and_the_others_are_delivered(relay, sink):
    sink.on("RCPT", "550 5.1.1 No such user here", about=b"<b@")
    queue_id = relay.submit(recipients=(A, B, C))
    ends = relay.wait_ends(queue_id, A, B, C)
    assert (ends[A]["kind"], ends[B]["kind"], ends[C]["kind"]) == ("delivered", "bounced", "delivered")
    reply = ends[B]["reply"]
    assert (reply["code"], reply["status"], reply["text"]) == (550, "5.1.1", "No such user here")
    assert reply["from_peer"] is True
    assert ends[B]["stage"] == "rcpt"
    assert ends[B]["remote_address"].startswith(sink.endpoint[0])
    delivered_once(sink, A, C)


def test_three_fates_in_one_transaction(relay, sink):
    sink.on("RCPT", "550 5.1.1 No", about=b"<b@").on("RCPT", "451 4.2.1 Busy", about=b"<c@", times=1)
    queue_id = relay.submit(recipients=(A, B, C))
    deferred = relay.wait_event(queue_id, "deferred")
    assert [r["address"] for r in deferred["recipients"]] == [C]
    assert (deferred["reply"]["code"], deferred["stage"], deferred["attempts"]) == (451, "rcpt", 1)
    assert deferred["next_attempt"] > deferred["at"]
    assert kinds(relay, queue_id, A, B, C) == {A: "delivered", B: "bounced", C: "delivered"}
    delivered_once(sink, A, C)
    assert relay.ends(queue_id)[C]["attempts"] == 2


def test_all_recipients_refused_send_no_body(relay, sink):
    sink.on("RCPT", "550 5.1.1 No")
    queue_id = relay.submit(recipients=(A, B))
    assert kinds(relay, queue_id, A, B) == {A: "bounced", B: "bounced"}
    assert not sink.messages and not sink.refused


@pytest.mark.parametrize("step, stage", [("MAIL", "mail"), ("DATA", "data"), ("end", "end_of_data")])
@pytest.mark.parametrize("code, kind", [(552, "bounced"), (450, "deferred")])
def test_refusal_of_the_message_is_about_all_recipients(relay, sink, step, stage, code, kind):
    sink.on(step, f"{code} {code // 100}.3.4 Not this one", times=1)
    queue_id = relay.submit(recipients=(A, B))
    for address in (A, B):
        event = relay.wait_event(queue_id, kind, address)
        assert (event["reply"]["code"], event["stage"]) == (code, stage)
    if kind == "deferred":
        assert kinds(relay, queue_id, A, B) == {A: "delivered", B: "delivered"}
        delivered_once(sink, A, B)


def test_data_refused_after_some_recipients_were_accepted(relay, sink):
    sink.on("RCPT", "550 5.1.1 No", about=b"<b@").on("DATA", "451 4.3.0 Not now", times=1)
    queue_id = relay.submit(recipients=(A, B, C))
    assert relay.wait_event(queue_id, "deferred", A)["stage"] == "data"
    assert relay.wait_event(queue_id, "bounced", B)["stage"] == "rcpt"
    assert kinds(relay, queue_id, A, B, C) == {A: "delivered", B: "bounced", C: "delivered"}
    delivered_once(sink, A, C)


def test_too_many_recipients_sends_the_rest_at_once(launch, sink):
    addresses = [f"r{n:02}@sink.test" for n in range(12)]
    def at_most_five(session):
        if len(session.transaction.rcpts) < 5:
            return "250 2.1.5 Ok"
        return "452 4.5.3 Too many recipients"

    sink.on("RCPT", at_most_five)
    relay = launch(route=[("*", sink.route)], stream={"transactional": {"retry": ["1h"]}})
    queue_id = relay.submit(recipients=addresses)
    assert set(kinds(relay, queue_id, *addresses).values()) == {"delivered"}
    delivered_once(sink, *addresses)
    assert not relay.events_of(queue_id, kind="deferred")
    assert max(len(m.recipients) for m in sink.messages) == 5


@pytest.mark.parametrize("step", ["connect", "EHLO", "MAIL", "RCPT", "DATA", "end"])
def test_421_at_any_step_defers_and_the_mail_arrives_later(relay, sink, step):
    sink.on(step, "421 4.3.2 Going down", times=1)
    queue_id = relay.submit(recipients=(A, B))
    assert kinds(relay, queue_id, A, B) == {A: "delivered", B: "delivered"}
    delivered_once(sink, A, B)


@pytest.mark.parametrize("how", [peer.cut, peer.reset], ids=["cut", "reset"])
@pytest.mark.parametrize("step", ["connect", "EHLO", "MAIL", "RCPT", "DATA", "end"])
def test_connection_lost_at_any_step_defers_and_the_mail_arrives_later(relay, sink, step, how):
    sink.on(step, how, times=1)
    queue_id = relay.submit(recipients=(A, B))
    assert relay.wait_event(queue_id, "deferred")["reply"]["code"] in (450, 451, 421)
    assert kinds(relay, queue_id, A, B) == {A: "delivered", B: "delivered"}
    delivered_once(sink, A, B)


def test_connection_lost_within_the_recipients_settles_those_answered_by_it(relay, sink):
    sink.on("RCPT", "550 5.1.1 No", about=b"<a@").on("RCPT", peer.cut, about=b"<b@", times=1)
    queue_id = relay.submit(recipients=(A, B, C))
    assert kinds(relay, queue_id, A, B, C) == {A: "bounced", B: "delivered", C: "delivered"}
    delivered_once(sink, B, C)


@pytest.mark.parametrize("noise", [b"garbage\r\n", b"\r\n", b"999 what\r\n", b"25\r\n", b"\xff\xfe\x00\r\n", b"250-a\r\n550 b\r\n",
                                   b"HTTP/1.1 400 Bad Request\r\n\r\n"])
@pytest.mark.parametrize("step", ["connect", "EHLO", "RCPT", "end"])
def test_garbage_for_a_reply_defers_and_the_mail_arrives_later(relay, sink, step, noise):
    sink.on(step, peer.cut_after(noise), times=1)
    queue_id = relay.submit(recipients=(A,))
    assert relay.wait_event(queue_id, "deferred")["reply"]["code"] // 100 == 4
    assert kinds(relay, queue_id, A) == {A: "delivered"}
    delivered_once(sink, A)


@pytest.mark.parametrize("endless", [peer.endless_reply, peer.endless_line])
@pytest.mark.parametrize("step", ["connect", "EHLO", "MAIL", "end"])
def test_endless_reply_is_given_up(relay, sink, step, endless):
    sink.on(step, endless, times=1)
    queue_id = relay.submit(recipients=(A,))
    relay.wait_event(queue_id, "deferred", A)
    assert kinds(relay, queue_id, A) == {A: "delivered"}
    assert relay.status("VmHWM") < 400 * 1024


def test_replies_that_drip_are_read(relay, sink):
    for step, reply in (("connect", "220 slow.test"), ("MAIL", "250 2.1.0 Ok"), ("RCPT", "250 2.1.5 Ok"),
                        ("DATA", "354 Go on")):
        sink.on(step, peer.drip(reply, 0.005))
    queue_id = relay.submit(recipients=(A,))
    assert kinds(relay, queue_id, A) == {A: "delivered"}


@pytest.mark.parametrize("step, stage, setting", [
    ("connect", "greeting", "greeting_timeout"), ("EHLO", "ehlo", "helo_timeout"), ("MAIL", "mail", "mail_timeout"),
    ("RCPT", "rcpt", "rcpt_timeout"), ("DATA", "data", "data_timeout"), ("end", "end_of_data", "end_of_data_timeout")])
def test_silent_peer_is_given_up_at_the_stage_where_it_fell_silent(launch, make_sink, step, stage, setting):
    # Without pipelining, or the peer's silence would be about all that was sent.
    sink = make_sink(extensions=("8BITMIME",))
    sink.on(step, peer.silence, times=1)
    relay = launch(route=[("*", sink.route)], delivery={setting: "300ms"})
    queue_id = relay.submit(recipients=(A,))
    deferred = relay.wait_event(queue_id, "deferred", A)
    assert deferred["stage"] == stage
    assert deferred["reply"]["code"] // 100 == 4 and deferred["reply"]["from_peer"] is False
    assert kinds(relay, queue_id, A) == {A: "delivered"}


# ---- what the peer can do

def test_peer_without_ehlo_is_spoken_to_by_helo(relay, sink):
    sink.on("EHLO", "502 5.5.1 Not implemented")
    queue_id = relay.submit(letter(), recipients=(A,))
    assert kinds(relay, queue_id, A) == {A: "delivered"}
    commands = sink.commands()
    assert [c.split()[0] for c in commands[:2]] == ["EHLO", "HELO"]
    assert "MAIL FROM:<from@sender.test>" in commands


def test_nothing_is_used_that_the_peer_does_not_offer(launch, make_sink):
    sink = make_sink(extensions=())
    relay = launch(route=[("*", sink.route)])
    queue_id = relay.submit(recipients=(A,), mail="RET=FULL ENVID=x BODY=8BITMIME", rcpt="NOTIFY=FAILURE ORCPT=rfc822;a@b.test")
    assert kinds(relay, queue_id, A) == {A: "delivered"}
    message = sink.one()
    assert message.parameters() == {} and message.parameters(A) == {}


def test_eight_bit_mail_for_a_seven_bit_peer_bounces(launch, make_sink):
    sink = make_sink(extensions=("PIPELINING", "SIZE"))
    relay = launch(route=[("*", sink.route)])
    queue_id = relay.submit(letter(body="Привет\r\n".encode()), recipients=(A,), mail="BODY=8BITMIME")
    end = relay.wait_ends(queue_id, A)[A]
    assert (end["kind"], end["reply"]["status"]) == ("bounced", "5.6.3")
    assert not sink.messages


def test_internationalized_mail_for_a_peer_without_smtputf8_bounces(launch, make_sink):
    sink = make_sink(extensions=("PIPELINING", "8BITMIME"))
    relay = launch(route=[("*", sink.route)])
    queue_id = relay.submit(recipients=("мария@sink.test",), mail="SMTPUTF8 BODY=8BITMIME")
    end = relay.wait_ends(queue_id, "мария@sink.test")["мария@sink.test"]
    assert (end["kind"], end["reply"]["status"]) == ("bounced", "5.6.7")
    assert not sink.messages


def test_message_over_the_size_that_the_peer_offers_bounces_unsent(launch, make_sink):
    sink = make_sink(extensions=("PIPELINING", "SIZE 1000"))
    relay = launch(route=[("*", sink.route)])
    queue_id = relay.submit(letter(body=b"x" * 900 + b"\r\n" + b"y" * 900 + b"\r\n"), recipients=(A,))
    end = relay.wait_ends(queue_id, A)[A]
    assert end["kind"] == "bounced" and end["reply"]["status"] in ("5.3.4", "5.2.3")
    assert not sink.messages and not sink.refused


def test_commands_go_one_by_one_to_a_peer_that_does_not_pipeline(launch, make_sink):
    sink = make_sink(extensions=("8BITMIME",))
    early = []

    def watch(session):
        if session.buffer:
            early.append(session.buffer)
        return session.good
    for step in ("MAIL", "RCPT", "DATA"):
        sink.on(step, watch)
    relay = launch(route=[("*", sink.route)])
    queue_id = relay.submit(recipients=(A, B, C))
    assert kinds(relay, queue_id, A, B, C) == {A: "delivered", B: "delivered", C: "delivered"}
    assert not early


# ---- connections and batches

def test_recipients_of_one_site_share_transactions_of_at_most_a_hundred(relay, sink):
    addresses = [f"r{n:03}@sink.test" for n in range(250)]
    queue_id = relay.submit(recipients=addresses)
    assert set(kinds(relay, queue_id, *addresses).values()) == {"delivered"}
    delivered_once(sink, *addresses)
    sizes = sorted(len(m.recipients) for m in sink.messages)
    assert max(sizes) <= 100 and len(sizes) <= 5


def test_connection_is_used_for_many_messages(launch, sink):
    relay = launch(route=[("*", sink.route)], delivery={"connections_per_site_max": 2})
    with relay.talk(hello=True) as talk:
        ids = [talk.message(letter(), recipients=(A,)).queue_id for _ in range(60)]
    relay.wait_event(ids[-1], "delivered")
    sink.wait_for(60)
    assert len(sink.sessions) <= 6, len(sink.sessions)


def test_no_more_connections_than_the_site_may_have(launch, sink):
    gate = threading.Event()
    sink.on("MAIL", peer.when(gate))
    relay = launch(route=[("*", sink.route)], delivery={"connections_per_site_max": 3})
    with relay.talk(hello=True) as talk:
        for _ in range(20):
            assert talk.message(letter(), recipients=(A,)).is_(250)
    wait_until("three connections", lambda: sink.open_at_once == 3)
    gate.set()
    sink.wait_for(20)
    assert sink.open_at_once <= 3


def test_messages_of_a_connection_are_limited(launch, sink):
    relay = launch(route=[("*", sink.route)], delivery={"messages_per_connection_max": 5, "connections_per_site_max": 1})
    with relay.talk(hello=True) as talk:
        for _ in range(20):
            assert talk.message(letter(), recipients=(A,)).is_(250)
    sink.wait_for(20)
    per_session = [sum(m.session == n for m in sink.messages) for n in range(len(sink.sessions))]
    assert max(per_session) == 5
    assert "QUIT" in sink.commands()


def test_idle_connection_is_closed_with_quit(launch, sink):
    relay = launch(route=[("*", sink.route)], delivery={"idle_timeout": "200ms"})
    relay.submit(recipients=(A,))
    sink.one()
    wait_until("QUIT at the sink", lambda: "QUIT" in sink.commands())


def test_peer_that_closes_an_idle_connection_costs_nothing(launch, sink):
    """A pooled connection that died must not count as an attempt."""
    relay = launch(route=[("*", sink.route)], delivery={"connections_per_site_max": 1}, stream={"transactional": {"retry": ["1h"]}})
    first = relay.submit(recipients=(A,))
    relay.wait_event(first, "delivered")
    for connection in list(sink.connections):
        connection.shutdown(2)
    second = relay.submit(recipients=(B,))
    relay.wait_event(second, "delivered", B)
    assert not relay.events_of(second, kind="deferred")


def test_site_that_refuses_connections_is_left_alone_and_tried_again(launch, make_sink):
    sink = make_sink()
    endpoint = sink.endpoint
    sink.stop()
    relay = launch(route=[("*", sink.route)])
    queue_id = relay.submit(recipients=(A, B))
    assert relay.wait_event(queue_id, "deferred", A)["stage"] == "connect"
    well = make_sink(endpoint=endpoint)
    assert kinds(relay, queue_id, A, B) == {A: "delivered", B: "delivered"}
    delivered_once(well, A, B)


def test_recipient_expires_at_the_end_of_its_time(launch, sink):
    sink.on("RCPT", "450 4.2.1 Busy", about=b"<a@")
    relay = launch(route=[("*", sink.route)],
                   stream={"transactional": {"retry": ["300ms"], "expires_after": "2s", "delay_notice_after": "1h"}})
    queue_id = relay.submit(recipients=(A, B), sender="")
    assert kinds(relay, queue_id, A, B) == {A: "expired", B: "delivered"}
    assert len(relay.events_of(queue_id, A, "deferred")) >= 2
    relay.wait_empty()


def test_deferred_mail_of_many_is_delivered_when_the_peer_is_well_again(relay, sink):
    sink.on("RCPT", "450 4.2.1 Busy")
    with relay.talk(hello=True) as talk:
        ids = [talk.message(letter(), recipients=(f"r{n}@sink.test",)).queue_id for n in range(30)]
    for queue_id in (ids[0], ids[-1]):
        relay.wait_event(queue_id, "deferred")
    sink.heal()
    sink.wait_for(30)
    relay.wait_empty()
    delivered_once(sink, *[f"r{n}@sink.test" for n in range(30)])


# ---- LMTP

def test_lmtp_answers_for_each_recipient(launch, make_sink):
    sink = make_sink(lmtp=True)
    sink.on("end", "550 5.2.2 Full", about=b"<b@").on("end", "450 4.2.1 Busy", about=b"<c@", times=1)
    relay = launch(route=[("*", sink.route)])
    queue_id = relay.submit(recipients=(A, B, C))
    deferred = relay.wait_event(queue_id, "deferred")
    assert [r["address"] for r in deferred["recipients"]] == [C]
    assert kinds(relay, queue_id, A, B, C) == {A: "delivered", B: "bounced", C: "delivered"}
    delivered_once(sink, A, C)
    assert sink.commands()[0].startswith("LHLO ")


# ---- routes

def test_first_route_that_matches_wins(launch, make_sink):
    exact, below, rest = make_sink(), make_sink(), make_sink()
    relay = launch(route=[("one.test", exact.route), ("*.one.test", below.route), ("*", rest.route), ("two.test", exact.route)])
    addresses = ("a@one.test", "a@x.one.test", "a@y.x.one.test", "a@two.test", "a@notone.test")
    queue_id = relay.submit(recipients=addresses)
    assert set(kinds(relay, queue_id, *addresses).values()) == {"delivered"}
    delivered_once(exact, "a@one.test")
    delivered_once(below, "a@x.one.test", "a@y.x.one.test")
    delivered_once(rest, "a@two.test", "a@notone.test")


def test_discard_ends_a_recipient_at_once(launch):
    relay = launch(route=[("*", "discard")])
    queue_id = relay.submit(recipients=(A, B))
    assert kinds(relay, queue_id, A, B) == {A: "discarded", B: "discarded"}
    relay.wait_empty()
