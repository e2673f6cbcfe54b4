"""`gonets bounce classify` by the real binary, which needs no server for it; and bounces that Postfix makes."""
import json
import pathlib

import pytest

from gonets_rig.daemon import BINARY
from gonets_rig.dovecot import Dovecot
from gonets_rig.net import wait_until
from gonets_rig.postfix import PostfixReceiver, swaks
from gonets_rig.processes import run

SAMPLES = pathlib.Path(__file__).parent.parent / "src/bounce/testdata/messages"
KEYS = ["kind", "recipient", "action", "status", "code", "diagnostic", "remote_mta", "category", "permanent",
        "original_message_id"]


def classify(message, *options):
    done = run(BINARY, "bounce", "classify", "--json", *options, input=message, stdin=None)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_recipient_of_a_bounce_has_an_object():
    ann, bob = classify((SAMPLES / "two_recipients.eml").read_bytes())
    assert list(ann)[:len(KEYS)] == KEYS
    assert (ann["recipient"], ann["category"], ann["code"], ann["permanent"]) == ("ann@example.com", "mailbox_full", 552, True)
    assert (bob["recipient"], bob["action"], bob["category"], bob["permanent"]) == (
        "bob@example.com", "delayed", "greylisted", False)
    assert ann["original_message_id"] == "orig-1@example.org"


def test_what_is_no_report_is_said_to_be_none():
    [only] = classify(b"From: ann@example.com\nSubject: Lunch\n\nAt noon?\n")
    assert only["kind"] == "not_a_report"
    assert only["recipient"] is None and only["category"] is None and only["permanent"] is False


def test_replies_are_answered_in_order():
    replies = ("550 5.1.1 <ann@example.com>: User unknown\n"
               "550-5.7.26 Unauthenticated email is not accepted due to domain's 550 5.7.26 DMARC policy\n"
               "\n"
               "4.4.1 connect to mx.example.com[192.0.2.1]:25: Connection timed out\n"
               "451 4.7.1 Greylisting in action\n"
               "Почтовый ящик переполнен\n").encode()
    found = classify(replies, "--reply")
    assert [one["category"] for one in found] == ["user_unknown", "authentication_failed", "network_error", "greylisted",
                                                  "mailbox_full"]
    assert [one["permanent"] for one in found] == [True, True, False, False, False]
    assert [one["suppress"] for one in found] == [True, False, False, False, False]
    assert found[0]["code"] == 550 and found[0]["status"] == "5.1.1" and found[0]["recipient"] == "ann@example.com"
    assert all(one["hint"] and one["hint_ru"] for one in found)


def test_without_json_there_is_a_table():
    done = run(BINARY, "bounce", "classify", input=(SAMPLES / "qmail.eml").read_bytes(), stdin=None)
    assert done.returncode == 0
    assert "ann@example.com" in done.stdout.decode() and "user_unknown" in done.stdout.decode()


def test_bad_usage_is_told():
    assert run(BINARY, "bounce", "classify", "--jsn", input=b"", stdin=None).returncode == 2
    assert run(BINARY, "bounce", input=b"", stdin=None).returncode == 2


HOSTILE = {
    "nothing": b"",
    "zeros": bytes(100_000),
    "not utf-8": b"From: \xff\xfe\n\n550 \xc3\x28 user unknown\n",
    "deep": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"".join(
        b"--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n" % (i, i + 1) for i in range(3000)),
    "many parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000,
    "many fields": b"X: y\n" * 300_000 + b"\n",
    "a long line": b"Subject: " + b"a" * 10_000_000 + b"\n\n",
    "many recipients": b"From: MAILER-DAEMON@x.test\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n" + b"".join(
        b"Final-Recipient: rfc822; u%d@example.com\nAction: failed\nStatus: 5.1.1\n\n" % i for i in range(50_000)),
    "many addresses": b"From: MAILER-DAEMON@x.test\nSubject: failure notice\n\nfailed\n" + b"<a@example.com>: 550\n" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_gets_an_answer(name):
    found = classify(HOSTILE[name])
    assert 1 <= len(found) <= 1000
    assert isinstance(classify(HOSTILE[name][:50_000], "--reply"), list)


@pytest.fixture
def peers():
    """A Postfix that refuses unknown recipients, and one before it that must report that."""
    dovecot = Dovecot()
    refusing = PostfixReceiver(settings=("virtual_mailbox_domains = refused.test",))
    reporting = PostfixReceiver(settings=(
        "relay_domains = refused.test, lmtp.test",
        f"transport_maps = inline:{{ {{ refused.test = smtp:[{refusing.endpoint[0]}]:{refusing.endpoint[1]} }},"
        f" {{ lmtp.test = lmtp:inet:{dovecot.lmtp[0]}:{dovecot.lmtp[1]} }} }}"))
    yield reporting
    for each in (reporting, refusing, dovecot):
        each.stop()


# The recipient, and what must be made of the bounce.
REFUSED = [("no-ann@refused.test", 550, "5.1.1", "user_unknown"), ("nobody@lmtp.test", 550, "5.1.1", "user_unknown")]


def test_bounces_of_postfix_and_dovecot_are_understood(peers):
    for recipient, *_ in REFUSED:
        status, dialogue = swaks(peers.endpoint, "--from", "sender@postfix.test", "--to", recipient,
                                 "--header", f"Message-Id: <to-{recipient}>")
        assert status == 0, dialogue
    bounces = wait_until("the bounces", lambda: len(peers.messages()) == len(REFUSED) and peers.messages())
    found = {one["recipient"]: one for message in bounces for one in classify(message.as_bytes())}
    for recipient, code, enhanced, category in REFUSED:
        one = found[recipient]
        assert (one["kind"], one["action"], one["code"], one["status"], one["category"]) == (
            "bounce", "failed", code, enhanced, category)
        assert one["permanent"] and one["suppress"]
        assert one["original_message_id"] == f"to-{recipient}"
