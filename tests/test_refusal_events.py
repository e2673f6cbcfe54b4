"""What is refused to senders that are known, used up quotas, and certificates about to end: events of no message."""
import json
import smtplib

import pytest

from gonets_rig.certificates import Certificate
from gonets_rig.net import DEADLINE, wait_until
from gonets_rig.talk import Talk, letter

AUTH = {"plaintext_networks": ["127.0.0.0/8"]}


def events(daemon, kind, count):
    """The first of that kind: an event is seen when it is on disk."""
    def found():
        lines = daemon.cli("events", "--json").out.splitlines()
        return [e for e in map(json.loads, lines) if e["kind"] == kind]
    wait_until(f"{count} events {kind}", lambda: len(found()) >= count)
    return found()


@pytest.fixture
def server(launch, accounts_database):
    return launch(accounts=accounts_database, listener=[{"kind": "submission", "trusted_networks": []}], auth=AUTH,
                  route=[("*", "discard")])


def account(daemon, name, *settings):
    daemon.cli_json("account", "add", name, *settings)
    made = daemon.cli_json("credential", "add", name)
    smtp = smtplib.SMTP(*daemon.endpoint, timeout=DEADLINE)
    smtp.login(made["login"], made["secret"])
    return smtp


def test_a_refusal_is_an_event_of_the_account_with_the_words_that_its_client_got(server):
    smtp = account(server, "shop")
    code, text = smtp.docmd("MAIL FROM:<a@not-ours.test>")
    assert code == 550
    (told,) = events(server, "rejected", 1)
    assert told["account"] == "shop" and told["sender"] == "a@not-ours.test" and told["stage"] == "mail"
    assert told["reply"]["code"] == 550 and told["reply"]["text"] in text.decode() and not told["reply"]["from_peer"]
    assert told["recipients"] == [] and told["origin"].startswith("127.0.0.1 (")
    assert "rejected" in server.cli("events").out


def test_a_message_that_is_refused_names_its_recipients(server):
    smtp = account(server, "news", "--policy", "off")
    smtp.docmd("MAIL FROM:<a@x.test>")
    smtp.docmd("RCPT TO:<b@y.test>")
    smtp.docmd("RCPT TO:<c@y.test>")
    assert smtp.docmd("DATA")[0] == 354
    smtp.send("Received: by a\r\n" * 200 + "\r\nround and round\r\n.\r\n")
    assert smtp.getreply()[0] == 554
    (told,) = events(server, "rejected", 1)
    assert told["reply"]["status"] == "5.4.6" and told["stage"] == "end_of_data"
    assert [r["address"] for r in told["recipients"]] == ["b@y.test", "c@y.test"]


def test_strangers_are_no_event(launch):
    daemon = launch(listener=[{"kind": "smtp", "trusted_networks": []}], route=[("*", "discard")])
    with Talk(daemon.endpoint, hello=True) as talk:
        talk.expect(250, "MAIL FROM:<a@x.test>")
        talk.expect(550, "RCPT TO:<b@elsewhere.test>")
    assert events(daemon, "rejected", 0) == []


def test_a_quota_that_is_used_up_is_told_once_to_whoever_follows(server):
    smtp = account(server, "small", "--policy", "off", "--quota", "1 recipients/day")
    smtp.sendmail("a@x.test", ["b@y.test"], letter().decode())
    for _ in range(3):
        assert smtp.docmd("MAIL FROM:<a@x.test>")[0] == 452
    rejections = events(server, "rejected", 3)
    assert {e["reply"]["code"] for e in rejections} == {452}
    (told,) = events(server, "quota", 1)
    assert told["account"] == "small" and "1 recipients a day" in told["reason"] and "resets at" in told["reason"]


def test_a_certificate_that_ends_soon_is_told_at_start_and_not_after_its_renewal(launch, tmp_path):
    certificate = Certificate(tmp_path, "mx.gonets.test", days=3)
    daemon = launch(certificate=[certificate.table])
    (told,) = events(daemon, "certificate", 1)
    assert "mx.gonets.test" in told["reason"] and str(certificate.pem) in told["reason"]
    certificate.renew(60)
    daemon.reload()
    assert len(events(daemon, "certificate", 1)) == 1
