"""Delivery status notifications, as a program and a person read them (RFC 3461, 3464, 6522)."""
import email
import email.policy
import re

import pytest

from gonets_rig.net import wait_until
from gonets_rig.talk import letter

SENDER = "ivan@source.test"
A, B, C = "a@sink.test", "b@sink.test", "c@sink.test"
BODY = b"The secret body.\r\n"


@pytest.fixture
def relay(launch, sink):
    """Reports go to the capture mailbox, the rest to the sink."""
    return launch(route=[("source.test", "capture"), ("*", sink.route)])


class Report:
    """One DSN, taken apart; fails where it is not what the RFCs ask for."""

    def __init__(self, daemon, row):
        self.row = row
        self.raw = daemon.captured_content(row["id"])
        assert max(len(line) for line in self.raw.split(b"\r\n")) <= 998
        assert b"\n" not in self.raw.replace(b"\r\n", b"")
        self.message = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert not self.message.defects
        assert self.message.get_content_type() == "multipart/report"
        assert self.message["Content-Type"].params["report-type"] == "delivery-status"
        assert self.message["Auto-Submitted"].startswith("auto-replied")
        assert self.message["Date"] and self.message["Message-ID"] and self.message["From"]
        self.text, self.status, self.original = self.message.iter_parts()
        assert self.text.get_content_type() == "text/plain"
        assert self.status.get_content_type() in ("message/delivery-status", "message/global-delivery-status")
        blocks = self.status.get_payload()
        self.about_message = blocks[0]
        self.recipients = {b["Final-Recipient"].split(";")[1].strip(): b for b in blocks[1:]}

    def text_says(self, *words):
        text = self.text.get_content()
        return all(w in text for w in words)


def reports(daemon, count=1):
    rows = wait_until(f"{count} reports", lambda: [r for r in daemon.captured() if r["recipient"] == SENDER]
                      if len(daemon.captured()) >= count else None, every=0.05)
    return [Report(daemon, row) for row in rows]


def test_failure_is_reported_to_the_sender(relay, sink):
    sink.on("RCPT", "550 5.1.1 No such user here", about=b"<b@")
    queue_id = relay.submit(letter(body=BODY), sender=SENDER, recipients=(A, B), mail="ENVID=order+2B7")
    relay.wait_ends(queue_id, A, B)
    report, = reports(relay)
    assert report.row["sender"] == ""
    assert report.message["To"].addresses[0].addr_spec == SENDER
    assert set(report.recipients) == {B}
    fields = report.recipients[B]
    assert fields["Action"] == "failed"
    assert fields["Status"] == "5.1.1"
    assert re.fullmatch(r"smtp;\s*550 5\.1\.1 No such user here", fields["Diagnostic-Code"])
    assert fields["Final-Recipient"].split(";")[0].strip() == "rfc822"
    assert fields["Remote-MTA"].startswith("dns;")
    assert report.about_message["Reporting-MTA"].replace(" ", "") == "dns;mx.gonets.test"
    assert report.about_message["Original-Envelope-Id"] == "order+7"
    assert report.about_message["Arrival-Date"]
    assert report.text_says(B, "No such user here")


def test_report_has_a_trace_of_its_own_that_names_the_message(relay, sink):
    sink.on("RCPT", "550 5.1.1 No")
    queue_id = relay.submit(sender=SENDER, recipients=(A,))
    report, = reports(relay)
    assert report.text_says(queue_id) or queue_id in report.status.as_string()
    accepted = [e for e in relay.ask("/v1/events")["events"] if e["kind"] == "accepted" and e["sender"] == ""]
    assert len(accepted) == 1
    assert queue_id in accepted[0]["origin"]
    assert [e["kind"] for e in relay.trace(accepted[0]["message_id"])] == ["accepted", "delivered"]


def test_one_report_tells_of_all_recipients_that_failed_at_once(relay, sink):
    sink.on("RCPT", "550 5.1.1 No")
    queue_id = relay.submit(sender=SENDER, recipients=(A, B, C))
    relay.wait_ends(queue_id, A, B, C)
    report, = reports(relay)
    assert set(report.recipients) == {A, B, C}
    relay.wait_empty()
    assert len(relay.captured()) == 1


@pytest.mark.parametrize("mail, whole", [("RET=FULL", True), ("RET=HDRS", False)])
def test_report_returns_what_ret_asks_for(relay, sink, mail, whole):
    sink.on("RCPT", "550 5.1.1 No")
    relay.submit(letter(subject="The original", body=BODY), sender=SENDER, recipients=(A,), mail=mail)
    report, = reports(relay)
    assert b"Subject: The original" in report.raw
    assert (BODY in report.raw) == whole
    expected = ("message/rfc822", "message/global") if whole else ("text/rfc822-headers", "message/global-headers")
    assert report.original.get_content_type() in expected


def test_original_recipient_is_reported(relay, sink):
    sink.on("RCPT", "550 5.1.1 No")
    relay.submit(sender=SENDER, recipients=(A,), rcpt="ORCPT=rfc822;list+2Bx@else.test")
    report, = reports(relay)
    assert report.recipients[A]["Original-Recipient"].replace(" ", "") == "rfc822;list+x@else.test"


def test_never_means_no_report(relay, sink):
    sink.on("RCPT", "550 5.1.1 No")
    queue_id = relay.submit(sender=SENDER, recipients=(A,), rcpt="NOTIFY=NEVER")
    assert relay.wait_ends(queue_id, A)[A]["kind"] == "bounced"
    relay.wait_empty()
    assert not relay.captured()


def test_notify_success_only_means_no_report_of_failure(relay, sink):
    sink.on("RCPT", "550 5.1.1 No")
    queue_id = relay.submit(sender=SENDER, recipients=(A,), rcpt="NOTIFY=SUCCESS")
    relay.wait_ends(queue_id, A)
    relay.wait_empty()
    assert not relay.captured()


def test_failure_of_a_null_sender_is_reported_to_nobody(relay, sink):
    sink.on("RCPT", "550 5.1.1 No")
    queue_id = relay.submit(sender="", recipients=(A,))
    assert relay.wait_ends(queue_id, A)[A]["kind"] == "bounced"
    relay.wait_empty()
    assert not relay.captured()
    assert [e["kind"] for e in relay.trace(queue_id)] == ["accepted", "bounced"]


def test_report_that_bounces_causes_no_further_report(launch, sink):
    sink.on("RCPT", "550 5.1.1 No")
    relay = launch(route=[("*", sink.route)])
    queue_id = relay.submit(sender=SENDER, recipients=(A,))
    relay.wait_ends(queue_id, A)
    relay.wait_empty()
    audit = relay.audit()
    assert (audit["messages"], audit["accepted"], audit["bounced"], audit["balanced"]) == (2, 2, 2, True)


def test_success_is_reported_by_us_when_the_peer_knows_no_dsn(launch, make_sink):
    sink = make_sink(extensions=("PIPELINING",))
    relay = launch(route=[("source.test", "capture"), ("*", sink.route)])
    relay.submit(sender=SENDER, recipients=(A,), rcpt="NOTIFY=SUCCESS")
    report, = reports(relay)
    assert report.recipients[A]["Action"] == "relayed"
    assert report.recipients[A]["Status"].startswith("2.")
    assert BODY not in report.raw


def test_success_is_left_to_the_peer_that_knows_dsn(relay, sink):
    queue_id = relay.submit(sender=SENDER, recipients=(A,), rcpt="NOTIFY=SUCCESS")
    relay.wait_ends(queue_id, A)
    relay.wait_empty()
    assert sink.one().parameters(A)["NOTIFY"] == "SUCCESS"
    assert not relay.captured()


def test_success_is_reported_as_delivered_when_the_mailbox_is_ours(launch, tmp_path):
    relay = launch(route=[("source.test", "capture"), ("*", f"maildir:{tmp_path}/{{local}}")])
    relay.submit(sender=SENDER, recipients=(A,), rcpt="NOTIFY=SUCCESS")
    report, = reports(relay)
    assert report.recipients[A]["Action"] == "delivered"


@pytest.fixture
def late(launch, sink):
    sink.on("RCPT", "450 4.2.1 Come back later", about=b"<a@")
    return launch(route=[("source.test", "capture"), ("*", sink.route)], stream={
        "transactional": {"retry": ["300ms"], "delay_notice_after": "1s", "expires_after": "1h"}})


def test_delay_is_reported_once(late):
    queue_id = late.submit(sender=SENDER, recipients=(A,))
    report, = reports(late)
    fields = report.recipients[A]
    assert fields["Action"] == "delayed"
    assert fields["Status"].startswith("4.")
    assert fields["Will-Retry-Until"]
    assert "Come back later" in fields["Diagnostic-Code"]
    attempts = len(late.events_of(queue_id, A, "deferred"))
    late.wait_event(queue_id, "deferred", A, count=attempts + 3)
    assert len(late.captured()) == 1


def test_delay_is_not_reported_to_who_did_not_ask(late):
    queue_id = late.submit(sender=SENDER, recipients=(A,), rcpt="NOTIFY=FAILURE")
    late.wait_event(queue_id, "deferred", A, count=7)
    assert not late.captured()


def test_expiry_is_reported_as_failure(launch, sink):
    sink.on("RCPT", "450 4.2.1 Come back later")
    relay = launch(route=[("source.test", "capture"), ("*", sink.route)],
                   stream={"transactional": {"retry": ["300ms"], "expires_after": "1s"}})
    queue_id = relay.submit(sender=SENDER, recipients=(A,))
    assert relay.wait_ends(queue_id, A)[A]["kind"] == "expired"
    report, = reports(relay)
    assert report.recipients[A]["Action"] == "failed"
    assert report.recipients[A]["Status"][0] in "45"
    assert report.text_says(A, "Come back later")


def test_report_for_an_internationalized_recipient_is_readable(launch, make_sink):
    sink = make_sink()
    sink.on("RCPT", "550 5.1.1 No")
    relay = launch(route=[("source.test", "capture"), ("*", sink.route)])
    relay.submit("Subject: Привет\r\n\r\nтекст\r\n".encode(), sender=SENDER, recipients=("мария@sink.test",),
                 mail="SMTPUTF8 BODY=8BITMIME")
    row, = relay.wait_captured()
    raw = relay.captured_content(row["id"])
    assert "мария@sink.test".encode() in raw or b"\\x{43C}" in raw


def test_hostile_reply_does_not_break_the_report(relay, sink):
    sink.on("RCPT", "550-5.1.1 first\r\n550-5.1.1 Final-Recipient: rfc822; forged@x.test\r\n550 5.1.1 --=_boundary\t\x01\x7f\xe9 end")
    relay.submit(sender=SENDER, recipients=(A,))
    report, = reports(relay)
    assert set(report.recipients) == {A}


def test_report_of_a_large_message_returns_its_header_only(launch, sink):
    sink.on("end", "554 5.7.1 No")
    relay = launch(route=[("source.test", "capture"), ("*", sink.route)], smtp={"message_bytes_max": "20MiB"})
    relay.submit(letter(subject="Large", body=(b"x" * 78 + b"\r\n") * 60_000), sender=SENDER, recipients=(A,), mail="RET=FULL")
    report, = reports(relay)
    assert b"Subject: Large" in report.raw
    assert len(report.raw) < 6_000_000
