"""Delivery to the servers of others: Postfix's sink with its whims, a whole Postfix, Dovecot; and into our own mailboxes."""
import email
import os
import pathlib

import pytest

from gonets_rig.net import wait_until
from gonets_rig.postfix import smtp_source
from gonets_rig.talk import letter

WHILE_REFUSING = {"stream": {"transactional": {"retry": ["1h"]}}}


def send(daemon, count, *options):
    smtp_source(daemon.endpoint, "-s", "10", "-m", str(count), "-l", "2000", "-f", "sender@source.test",
                "-t", "rcpt@sink.test", *options)


def test_load_of_smtp_source_reaches_smtp_sink_complete(launch, smtp_sink):
    sink = smtp_sink()
    relay = launch(route=[("*", sink.route)])
    send(relay, 2000)
    sink.wait_count(2000)
    relay.wait_empty()
    assert sink.count() == 2000
    audit = relay.audit()
    assert (audit["accepted"], audit["delivered"], audit["balanced"]) == (2000, 2000, True)


def test_source_that_reconnects_for_each_message_is_served(launch, smtp_sink):
    sink = smtp_sink()
    relay = launch(route=[("*", sink.route)])
    smtp_source(relay.endpoint, "-s", "20", "-m", "500", "-l", "1000", "-t", "rcpt@sink.test")
    sink.wait_count(500)


@pytest.mark.parametrize("step", ["RCPT", "DATA", ".", "MAIL", "EHLO"])
def test_smtp_sink_that_refuses_for_now_makes_deferred(launch, smtp_sink, step):
    # HELO too, or the fallback would get through.
    sink = smtp_sink("-r", step if step != "EHLO" else "EHLO,HELO")
    relay = launch(route=[("*", sink.route)], **WHILE_REFUSING)
    queue_id = relay.submit(recipients=("rcpt@sink.test",))
    deferred = relay.wait_event(queue_id, "deferred")
    assert deferred["reply"]["code"] // 100 == 4 and deferred["reply"]["from_peer"] is True
    assert deferred["stage"] == {".": "end_of_data"}.get(step, step.lower())
    assert relay.queue()[0]["state"] == "deferred"


@pytest.mark.parametrize("step", ["RCPT", "DATA", ".", "MAIL"])
def test_smtp_sink_that_refuses_for_good_makes_bounced(launch, smtp_sink, step):
    sink = smtp_sink("-f", step)
    relay = launch(route=[("source.test", "capture"), ("*", sink.route)])
    queue_id = relay.submit(recipients=("rcpt@sink.test",), sender="sender@source.test")
    end = relay.wait_ends(queue_id, "rcpt@sink.test")["rcpt@sink.test"]
    assert end["kind"] == "bounced" and end["reply"]["code"] // 100 == 5
    assert relay.wait_captured()[0]["recipient"] == "sender@source.test"


@pytest.mark.parametrize("step", ["RCPT", "DATA", ".", "EHLO"])
def test_smtp_sink_that_hangs_up_makes_deferred(launch, smtp_sink, step):
    sink = smtp_sink("-q", step)
    relay = launch(route=[("*", sink.route)], **WHILE_REFUSING)
    queue_id = relay.submit(recipients=("rcpt@sink.test",))
    deferred = relay.wait_event(queue_id, "deferred")
    assert deferred["reply"]["code"] // 100 == 4 and deferred["reply"]["from_peer"] is False


def test_slow_smtp_sink_is_served_by_parallel_connections(launch, smtp_sink):
    sink = smtp_sink("-w", "1")
    relay = launch(route=[("*", sink.route)])
    send(relay, 40)
    sink.wait_count(40)


def test_smtp_sink_without_esmtp_or_pipelining_is_served(launch, smtp_sink):
    for option in ("-e", "-p"):
        sink = smtp_sink(option)
        relay = launch(route=[("*", sink.route)])
        send(relay, 20)
        sink.wait_count(20)


def test_smtp_sink_speaks_lmtp(launch, smtp_sink):
    sink = smtp_sink(protocol="lmtp")
    relay = launch(route=[("*", sink.route)])
    send(relay, 50, "-r", "5")
    sink.wait_count(50)
    relay.wait_empty()


# ---- Dovecot

@pytest.mark.parametrize("way", ["route", "socket_route"])
def test_dovecot_takes_mail_by_lmtp_and_imap_gives_it_back(launch, dovecot, way):
    relay = launch(route=[("dovecot.test", getattr(dovecot, way))])
    content = letter(subject=f"LMTP by {way}", body=".dots\r\n..\r\nПривет\r\n".encode(), to="boris@dovecot.test")
    queue_id = relay.submit(content, recipients=("boris@dovecot.test", "vera@dovecot.test", "no-one@dovecot.test"))
    ends = relay.wait_ends(queue_id, "boris@dovecot.test", "vera@dovecot.test", "no-one@dovecot.test")
    assert {a.split("@")[0]: e["kind"] for a, e in ends.items()} == \
        {"boris": "delivered", "vera": "delivered", "no-one": "bounced"}
    for user in ("boris", "vera"):
        got = [m for m in dovecot.read(user) if queue_id.encode() in m]
        assert len(got) == 1
        assert got[0].endswith(content)


# ---- Postfix

def test_postfix_receives_a_hundred_recipients_in_one_transaction(launch, postfix):
    relay = launch(route=[("*", postfix.route)])
    addresses = [f"r{n:03}@postfix.test" for n in range(100)]
    queue_id = relay.submit(recipients=addresses)
    assert {e["kind"] for e in relay.wait_ends(queue_id, *addresses).values()} == {"delivered"}
    assert len({e["reply"]["text"] for e in relay.ends(queue_id).values()}) == 1, "not one transaction"

    def arrived():
        return [m for m in postfix.messages() if any(queue_id in r for r in m.get_all("Received"))]
    wait_until("all copies in the Maildir", lambda: len(arrived()) >= 100)
    assert sorted(m["X-Original-To"] for m in arrived()) == addresses


def test_postfix_refuses_and_defers_single_recipients(launch, postfix):
    relay = launch(route=[("*", postfix.route)], **WHILE_REFUSING)
    good, bad, later = "good@postfix.test", "no-one@postfix.test", "x@defer.postfix.test"
    queue_id = relay.submit(recipients=(good, bad, later))
    assert relay.wait_event(queue_id, "delivered")["recipients"][0]["address"] == good
    assert relay.wait_event(queue_id, "bounced", bad)["reply"]["code"] == 550
    assert relay.wait_event(queue_id, "deferred", later)["reply"]["code"] == 450
    assert [r["recipient"] for r in relay.queue()] == [later]


def test_postfix_takes_the_load_of_many_senders(launch, postfix):
    relay = launch(route=[("*", postfix.route)])
    before = len(postfix.messages())
    smtp_source(relay.endpoint, "-d", "-s", "5", "-m", "100", "-l", "3000", "-f", "a@source.test", "-t", "load@postfix.test")
    relay.wait_empty()
    wait_until("100 more messages", lambda: len(postfix.messages()) >= before + 100)
    assert len(postfix.messages()) == before + 100


# ---- mailboxes of our own

def test_maildir_gets_each_message_once_and_complete(launch, tmp_path):
    relay = launch(route=[("*", f"maildir:{tmp_path}/{{domain}}/{{local}}")])
    queue_id = relay.submit(recipients=("anna@box.test", "boris@box.test"), content=letter(body=b".x\r\nend\r\n"))
    assert {e["kind"] for e in relay.wait_ends(queue_id, "anna@box.test", "boris@box.test").values()} == {"delivered"}
    for user in ("anna", "boris"):
        folder = tmp_path / "box.test" / user
        assert sorted(p.name for p in folder.iterdir()) == ["cur", "new", "tmp"]
        files = list((folder / "new").iterdir())
        assert len(files) == 1 and not list((folder / "tmp").iterdir())
        text = files[0].read_bytes().replace(b"\r\n", b"\n")
        message = email.message_from_bytes(text)
        assert message["Return-Path"] == "<from@sender.test>"
        assert queue_id in message["Received"]
        assert message.get_payload() == ".x\nend\n"
        assert files[0].stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("local", ["../../escape", "..", "a/b", ".", "\"../x\"", "\"a/../../../b\"", "-x", "a\u0435"])
def test_maildir_stays_below_its_folder(launch, tmp_path, local):
    inside = tmp_path / "inside"
    inside.mkdir()
    relay = launch(route=[("*", f"maildir:{inside}/{{domain}}/{{local}}")])
    with relay.talk(hello=True) as talk:
        talk.expect(250, "MAIL FROM:<> SMTPUTF8")
        if talk.command(f"RCPT TO:<{local}@box.test>").code == 250:
            talk.expect(354, "DATA")
            queue_id = talk.end_data(letter() + b".\r\n").queue_id
            wait_until("an outcome", lambda: len(relay.trace(queue_id)) > 1, every=0.05)
    everything = {pathlib.Path(root) for root, _, _ in os.walk(tmp_path)}
    assert all(p == tmp_path or p.is_relative_to(inside) for p in everything)


def test_captured_message_is_listed_and_shown(launch):
    relay = launch(route=[("*", "capture")])
    content = letter(subject="Captured", body=b".dot\r\nend\r\n", to="anna@box.test")
    queue_id = relay.submit(content, recipients=("anna@box.test",))
    row, = relay.wait_captured()
    assert row["queue_id"] == queue_id
    assert (row["sender"], row["recipient"], row["subject"]) == ("from@sender.test", "anna@box.test", "Captured")
    shown = relay.captured_content(row["id"])
    assert shown.startswith(b"Return-Path: <from@sender.test>\r\nDelivered-To: anna@box.test\r\nReceived: ")
    assert shown.endswith(content)
    assert row["bytes"] == len(shown)
    table = relay.cli("capture", "list")
    assert table.code == 0 and "Captured" in table.out and "anna@box.test" in table.out
    assert max(map(len, table.out.splitlines())) <= 160


def test_capture_outlives_a_restart_and_lists_the_newest_first(launch):
    relay = launch(route=[("*", "capture")])
    for n in range(3):
        relay.wait_event(relay.submit(letter(subject=f"Number {n}")), "delivered")
    relay.restart()
    assert [c["subject"] for c in relay.captured()] == ["Number 2", "Number 1", "Number 0"]


def test_unknown_captured_message_is_said_so(launch):
    relay = launch(route=[("*", "capture")])
    answer = relay.cli("capture", "show", "nonesuch")
    assert answer.code == 1 and answer.err
