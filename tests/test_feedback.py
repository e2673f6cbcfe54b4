"""What comes back to our return paths: bounces that a real Postfix reports later, complaints, answering machines."""
import email
import smtplib

import pytest

from gonets_rig.net import DEADLINE, free_endpoint, text_of, wait_until
from gonets_rig.postfix import PostfixReceiver

DOMAIN = "bounce.test"
SENDER = "shop@shop.test"
# From the first listener come clients, from the second the world.
SETTINGS = {"listener": [{}, {"trusted_networks": ["127.9.9.9/32"]}],
            "feedback": {"domain": DOMAIN, "postmaster": "ops@shop.test"}}


@pytest.fixture
def daemon(launch, sink):
    return launch(route=[("*", sink.route)], **SETTINGS)


def return_path(sink, recipient):
    found = wait_until(f"a message to {recipient}", lambda: [m for m in sink.messages if m.recipients == [recipient]])
    return found[0].sender


def come_back(daemon, to, content, sender=""):
    """As the world hands it in; gives the reply to RCPT, or to the message."""
    with smtplib.SMTP(*daemon.endpoints[1], timeout=DEADLINE) as smtp:
        smtp.ehlo()
        smtp.mail(sender)
        code, text = smtp.rcpt(to)
        return (code, text) if code != 250 else smtp.data(content)


def arf(user):
    return (f"From: <fbl@provider.test>\r\nTo: <x@{DOMAIN}>\r\nSubject: complaint\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report.\r\n"
            "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: Provider/1\r\nVersion: 1\r\n"
            f"Original-Rcpt-To: {user}\r\n\r\n"
            "--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: <shop@shop.test>\r\nSubject: news\r\n\r\nhello\r\n--b--\r\n")


VACATION = ("From: <ann@sink.test>\r\nTo: <shop@shop.test>\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\n"
            "I am away until Monday.\r\n")


@pytest.fixture
def late(launch, sink):
    """A server whose mail goes by a Postfix that takes all of it, and reports later what the next one refused."""
    endpoint = free_endpoint()
    daemon = launch(route=[("refused.test", "smtp://" + text_of(endpoint)), ("*", sink.route)], **SETTINGS)
    world = daemon.endpoints[1]
    refusing = PostfixReceiver(settings=("virtual_mailbox_domains = refused.test",))
    reporting = PostfixReceiver(endpoint=endpoint, settings=(
        "relay_domains = refused.test",
        f"transport_maps = inline:{{ {{ refused.test = smtp:[{refusing.endpoint[0]}]:{refusing.endpoint[1]} }},"
        f" {{ {DOMAIN} = smtp:[{world[0]}]:{world[1]} }} }}"))
    yield daemon, refusing
    reporting.stop()
    refusing.stop()


def test_a_bounce_that_comes_later_is_the_recipient_s_and_goes_on_to_the_sender(late, sink):
    daemon, refusing = late
    queue_id = daemon.submit(sender=SENDER, recipients=("ann@refused.test", "no-bob@refused.test"))
    bounced = daemon.wait_event(queue_id, "inbound_bounce")
    assert [r["address"] for r in bounced["recipients"]] == ["no-bob@refused.test"]
    assert bounced["category"] == "user_unknown" and bounced["account"] == "default" and bounced["sender"] == SENDER
    assert (bounced["reply"]["code"], bounced["reply"]["status"]) == (550, "5.1.1")
    assert bounced["remote_host"] and bounced["origin"].startswith("report ")
    assert "User unknown" in bounced["reply"]["text"]
    # Both were taken, and that stays so: what came later stands beside it.
    assert {e["kind"] for e in daemon.ends(queue_id).values()} == {"delivered"}
    report = wait_until("the bounce at its sender", lambda: next((m for m in sink.messages if m.recipients == [SENDER]), None))
    assert report.sender == ""
    status = email.message_from_bytes(report.content).get_payload()[1].get_payload()[1]
    assert status["Action"] == "failed" and "no-bob@refused.test" in status["Final-Recipient"]
    kept = wait_until("the other message", lambda: [m for m in refusing.messages() if m["X-Original-To"] == "ann@refused.test"])
    assert kept[0]["Return-Path"].strip("<>").endswith("@" + DOMAIN)
    told = daemon.cli("trace", queue_id).out
    assert "inbound_bounce" in told and "user_unknown" in told
    daemon.wait_empty()
    assert daemon.audit()["balanced"]


def test_each_recipient_has_a_return_path_of_its_own_also_after_a_crash(daemon, sink):
    queue_id = daemon.submit(sender=SENDER, recipients=("a@sink.test", "b@sink.test"))
    first, second = return_path(sink, "a@sink.test"), return_path(sink, "b@sink.test")
    assert first != second and queue_id.lower() in first and all(p.endswith("@" + DOMAIN) for p in (first, second))
    daemon.kill()
    daemon.start()
    code, _ = come_back(daemon, second.upper().replace(DOMAIN.upper(), DOMAIN), arf("redacted"))
    assert code == 250
    complained = daemon.wait_event(queue_id, "complained")
    assert complained["recipients"] == [{"index": 1, "address": "b@sink.test"}]
    daemon.wait_empty()
    assert not [m for m in sink.messages if m.recipients == [SENDER]]  # of a complaint its event tells
    assert daemon.audit()["balanced"]


def test_who_complains_or_is_dead_is_not_sent_to_again(launch, sink):
    """Of accounts' mail; a complaint is about a stream, a dead address is dead for all."""
    daemon = launch(route=[("*", sink.route)], auth={"plaintext_networks": ["127.0.0.0/8"]},
                    **(SETTINGS | {"listener": SETTINGS["listener"] + [{"kind": "submission", "trusted_networks": []}]}))
    daemon.add_account("shop", policy="off")
    dead = (f"From: MAILER-DAEMON@far.test\r\nTo: <x@{DOMAIN}>\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n"
            "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; far.test\r\n\r\n"
            "Final-Recipient: rfc822; dead@sink.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
            "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n--b--\r\n")

    def send(stream, to):
        login = daemon.add_login("shop", stream=stream)
        with smtplib.SMTP(*daemon.endpoints[2], timeout=DEADLINE) as smtp:
            smtp.login(login.login, login.secret)
            smtp.mail(SENDER)
            smtp.rcpt(to)
            return smtp.data("From: shop@shop.test\r\nSubject: hello\r\n\r\nhello\r\n")[1].decode().split()[-1]

    for to, content, kind in (("angry@sink.test", arf("redacted"), "complained"), ("dead@sink.test", dead, "inbound_bounce")):
        queue_id = send("bulk", to)
        assert come_back(daemon, return_path(sink, to), content)[0] == 250
        daemon.wait_event(queue_id, kind)
    ends = {(to, stream): daemon.wait_ends(send(stream, to), to)[to]["kind"]
            for to in ("angry@sink.test", "dead@sink.test") for stream in ("bulk", "transactional")}
    assert ends == {("angry@sink.test", "bulk"): "suppressed", ("angry@sink.test", "transactional"): "delivered",
                    ("dead@sink.test", "bulk"): "suppressed", ("dead@sink.test", "transactional"): "suppressed"}
    assert daemon.audit()["balanced"]


def test_the_null_return_path_and_one_for_a_mailbox_stay_as_they_are(launch, sink):
    daemon = launch(route=[("box.test", "capture"), ("*", sink.route)], **SETTINGS)
    daemon.submit(sender="", recipients=("a@sink.test",))
    daemon.submit(sender=SENDER, recipients=("b@box.test",))
    assert return_path(sink, "a@sink.test") == ""
    assert daemon.wait_captured()[0]["sender"] == SENDER


def test_an_answering_machine_is_no_bounce_and_goes_on_to_the_sender(daemon, sink):
    queue_id = daemon.submit(sender=SENDER, recipients=("ann@sink.test",))
    code, _ = come_back(daemon, return_path(sink, "ann@sink.test"), VACATION)
    assert code == 250
    wait_until("the answer at the sender", lambda: [m for m in sink.messages if m.recipients == [SENDER]])
    assert [e["kind"] for e in daemon.trace(queue_id)] == ["accepted", "delivered"]


def test_nothing_is_passed_on_when_that_is_off(launch, sink):
    daemon = launch(route=[("*", sink.route)], **(SETTINGS | {"feedback": SETTINGS["feedback"] | {"forward": False}}))
    queue_id = daemon.submit(sender=SENDER, recipients=("ann@sink.test",))
    come_back(daemon, return_path(sink, "ann@sink.test"), VACATION)
    daemon.wait_empty()
    assert [e["kind"] for e in daemon.trace(queue_id)] == ["accepted", "delivered"]
    assert not [m for m in sink.messages if m.recipients == [SENDER]]


def test_the_domain_takes_nothing_but_what_it_is_for(daemon, sink):
    daemon.submit(sender=SENDER, recipients=("ann@sink.test",))
    good = return_path(sink, "ann@sink.test")
    forged = good.replace("-0-", "-1-")
    for to in (forged, f"ann@{DOMAIN}", f"b-@{DOMAIN}", f"b-0-0-0@{DOMAIN}"):
        code, text = come_back(daemon, to, VACATION)
        assert code == 550 and text.startswith(b"5.1.1"), (to, code, text)
    assert come_back(daemon, "ann@sink.test", VACATION)[0] == 550
    for role in ("postmaster", "Abuse"):
        assert come_back(daemon, f"{role}@{DOMAIN}", VACATION, sender="human@world.test")[0] == 250
    wait_until("both at the postmaster", lambda: len([m for m in sink.messages if m.recipients == ["ops@shop.test"]]) == 2)
    # A client's mail to a return path that nobody made is refused behind the queue.
    queue_id = daemon.submit(sender="", recipients=(forged,))
    assert daemon.wait_ends(queue_id, forged)[forged]["kind"] == "bounced"
    assert ({"kind": "forged"}, 1) in daemon.metrics()["gonets_feedback_total"]


def test_a_feedback_domain_wants_a_postmaster(launch):
    with pytest.raises(AssertionError, match="feedback.postmaster"):
        launch(feedback={"domain": DOMAIN})
