"""What comes to the fixed addresses of the feedback domain: complaints of feedback loops, and DMARC and TLS reports."""
import base64
import email
import gzip
import io
import json
import re
import smtplib
import time
import zipfile

import pytest

from gonets_rig.net import DEADLINE, wait_until

DOMAIN = "bounce.test"
SENDER = "news@shop.test"
# Clients without a login, the world, clients with one.
SETTINGS = {"listener": [{}, {"trusted_networks": ["127.9.9.9/32"]}, {"kind": "submission", "trusted_networks": []}],
            "auth": {"plaintext_networks": ["127.0.0.0/8"]},
            "stream": {"bulk": {"retry": ["1s"], "jitter": 0.0}},
            "feedback": {"domain": DOMAIN, "postmaster": "ops@shop.test"}}


@pytest.fixture
def daemon(launch, sink):
    started = launch(route=[("*", sink.route)], **SETTINGS)
    started.add_account("shop", policy="off")
    return started


class Shop:
    """An account's clients, by stream."""

    def __init__(self, daemon):
        self.daemon, self.logins = daemon, {}

    def send(self, to, stream="bulk", fields="", recipients=None):
        if stream not in self.logins:
            self.logins[stream] = self.daemon.add_login("shop", stream=stream)
        with smtplib.SMTP(*self.daemon.endpoints[2], timeout=DEADLINE) as smtp:
            smtp.login(self.logins[stream].login, self.logins[stream].secret)
            smtp.mail(SENDER)
            for one in recipients or [to]:
                smtp.rcpt(one)
            content = f"From: {SENDER}\r\nTo: {to}\r\nSubject: news\r\n{fields}\r\nhello\r\n"
            return smtp.data(content)[1].decode().split()[-1]

    def end_of(self, to, stream="bulk"):
        return self.daemon.wait_ends(self.send(to, stream), to)[to]["kind"]


@pytest.fixture
def shop(daemon):
    return Shop(daemon)


def received(sink, to):
    return wait_until(f"a message to {to}", lambda: next((m for m in sink.messages if to in m.recipients), None))


def come(daemon, to, content, sender="fbl@provider.test"):
    with smtplib.SMTP(*daemon.endpoints[1], timeout=DEADLINE) as smtp:
        smtp.ehlo()
        smtp.mail(sender)
        code, text = smtp.rcpt(f"{to}@{DOMAIN}")
        return code if code != 250 else smtp.data(content)[0]


def fields_of(content, *names):
    """Of a message's header these fields alone, as they stand there."""
    header = content.partition(b"\r\n\r\n")[0].decode() + "\r\n"
    fields = re.findall(r"(?m)^(?:[^\s:]+):(?:.*)\r\n(?:[ \t].*\r\n)*", header)
    return "".join(f for f in fields if f.partition(":")[0].lower() in [n.lower() for n in names])


def arf(header, kind="abuse", about=""):
    """As a provider writes it that redacts whom it is of."""
    return (f"From: <fbl@provider.test>\r\nTo: <fbl@{DOMAIN}>\r\nSubject: report\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report.\r\n"
            f"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nUser-Agent: Provider/1\r\n"
            f"Version: 1\r\n{about}\r\n"
            f"--b\r\nContent-Type: message/rfc822\r\n\r\n{header}From: <{SENDER}>\r\nTo: <redacted>\r\nSubject: news\r\n\r\n"
            "hello\r\n--b--\r\n")


def complaints(daemon, queue_id):
    return [(e["recipients"][0]["address"], e["reason"]) for e in daemon.events_of(queue_id, kind="complained")]


def test_a_complaint_finds_its_recipient_by_whatever_signed_mark_is_left(daemon, shop, sink):
    marks = {"path@sink.test": ("return_path", lambda m: arf("", about=f"Original-Mail-From: <{m.sender}>\r\n")),
             "kept@sink.test": ("return_path", lambda m: arf(f"Return-Path: <prvs=12ab={m.sender}>\r\n")),
             "id@sink.test": ("feedback_id", lambda m: arf(fields_of(m.content, "Feedback-ID"))),
             "list@sink.test": ("list_unsubscribe", lambda m: arf(fields_of(m.content, "List-Unsubscribe")))}
    sent = {to: shop.send(to) for to in marks}
    for to, (mark, report) in marks.items():
        message = received(sink, to)
        daemon.wait_event(sent[to], "delivered")
        assert come(daemon, "FBL", report(message)) == 250
        event = daemon.wait_event(sent[to], "complained")
        assert [r["address"] for r in event["recipients"]] == [to] and event["reason"] == mark
        assert event["origin"].startswith("report ") and event["account"] == "shop"
    for to in marks:
        assert shop.end_of(to) == "suppressed"
        assert shop.end_of(to, "transactional") == "delivered"
    daemon.wait_empty()
    assert daemon.audit()["balanced"]
    assert not [m for m in sink.messages if "ops@shop.test" in m.recipients]


def test_a_complaint_that_nothing_proves_is_told_and_suppresses_nobody(daemon, shop, sink):
    by_queue_id = shop.send("queue@sink.test")
    by_message_id = shop.send("header@sink.test", fields="Message-ID: <here@shop.test>\r\n")
    several = shop.send("a@sink.test", fields="Message-ID: <several@shop.test>\r\n",
                        recipients=["a@sink.test", "b@sink.test", "c@sink.test"])
    headers = {by_queue_id: arf(fields_of(received(sink, "queue@sink.test").content, "Received")),
               by_message_id: arf("Message-ID: <here@shop.test>\r\n"),
               several: arf("Message-ID: <several@shop.test>\r\n", about="Original-Rcpt-To: <B@sink.test>\r\n")}
    assert "Received: " in headers[by_queue_id]
    for queue_id in headers:
        daemon.wait_event(queue_id, "delivered")
    wait_until("the journal has them", lambda: len(daemon.ask("/v1/messages?account=shop&status=delivered")["messages"]) == 5)
    for queue_id, report in headers.items():
        assert come(daemon, "fbl", report) == 250
        daemon.wait_event(queue_id, "complained")
    assert complaints(daemon, by_queue_id) == [("queue@sink.test", "queue_id, not proved")]
    assert complaints(daemon, by_message_id) == [("header@sink.test", "message_id, not proved")]
    assert complaints(daemon, several) == [("b@sink.test", "message_id, not proved")]
    for to in ("queue@sink.test", "header@sink.test", "b@sink.test"):
        assert shop.end_of(to) == "delivered"


def test_made_up_tokens_and_messages_that_were_never_ours_change_nothing(daemon, shop, sink):
    queue_id = shop.send("ann@sink.test")
    message = received(sink, "ann@sink.test")
    token = email.message_from_bytes(message.content)["Feedback-ID"].partition(":")[0]
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    # What is made for one purpose is good for no other.
    for header in (f"Feedback-ID: {forged}::bulk:shop:gonets\r\n", f"Return-Path: <b-{token}@{DOMAIN}>\r\n",
                   f"List-Unsubscribe: <mailto:u-{token}@{DOMAIN}>\r\n", "Message-ID: <nobody@knows.test>\r\n", ""):
        assert come(daemon, "fbl", arf(header)) == 250
    daemon.wait_empty()
    assert [e["kind"] for e in daemon.trace(queue_id)] == ["accepted", "delivered"]
    assert shop.end_of("ann@sink.test") == "delivered"


def test_not_spam_is_no_complaint_and_an_opt_out_unsubscribes(daemon, shop, sink):
    queue_id = shop.send("ann@sink.test")
    header = fields_of(received(sink, "ann@sink.test").content, "Feedback-ID")
    daemon.wait_event(queue_id, "delivered")
    assert come(daemon, "fbl", arf(header, kind="not-spam")) == 250
    daemon.wait_empty()
    assert shop.end_of("ann@sink.test") == "delivered"
    assert come(daemon, "fbl", arf(header, kind="opt-out")) == 250
    assert daemon.wait_event(queue_id, "unsubscribed")["reason"] == "mail"
    assert not daemon.events_of(queue_id, kind="complained")
    assert shop.end_of("ann@sink.test") == "suppressed"


def test_what_people_write_to_the_fixed_addresses_goes_to_the_postmaster(daemon, sink):
    for to in ("fbl", "dmarc", "TLSrpt"):
        code = come(daemon, to, f"From: <help@provider.test>\r\nSubject: confirm {to}\r\n\r\nClick here.\r\n")
        assert code == 250
    found = wait_until("all three at the postmaster", lambda: (
        all3 := [m for m in sink.messages if m.recipients == ["ops@shop.test"]]) and len(all3) == 3 and all3)
    assert {m.sender for m in found} == {""}
    daemon.wait_empty()
    assert daemon.audit()["balanced"]


def test_feedback_id_names_campaign_stream_account_and_keeps_the_sender_s_own(daemon, shop, sink):
    shop.send("one@sink.test", fields="X-Gonets-Campaign: spring sale\r\n")
    shop.send("two@sink.test", fields="Feedback-ID: mine:x\r\n")
    shop.send("empty@sink.test", fields="Feedback-ID:\r\n")
    shop.send("receipt@sink.test", stream="transactional")
    shop.send("a@sink.test", recipients=["a@sink.test", "b@sink.test"])

    def ids(to):
        return email.message_from_bytes(received(sink, to).content).get_all("Feedback-ID")
    token, campaign, *rest = ids("one@sink.test")[0].split(":")
    assert rest == ["bulk", "shop", "gonets"] and campaign.startswith("spring_sale-")
    assert re.fullmatch(r"[0-9a-z]{12}-0-[0-9a-z]{12}", token)
    assert ids("two@sink.test") == ["mine:x"] and ids("empty@sink.test") == [""] and ids("receipt@sink.test") is None
    assert ids("a@sink.test") == [":bulk:shop:gonets"]  # one token can't name both


# ---- reports

def dmarc(report_id="1", domain="shop.test", rows=(("192.0.2.1", 17, "none", "pass", "fail"),), days_ago=1):
    end = int(time.time()) - days_ago * 86400
    records = "".join(
        f"<record><row><source_ip>{source}</source_ip><count>{count}</count><policy_evaluated>"
        f"<disposition>{disposition}</disposition><dkim>{dkim}</dkim><spf>{spf}</spf></policy_evaluated></row>"
        f"<identifiers><header_from>{domain}</header_from></identifiers></record>"
        for source, count, disposition, dkim, spf in rows)
    return (f'<?xml version="1.0"?><feedback><report_metadata><org_name>provider.test</org_name>'
            f"<report_id>{report_id}</report_id><date_range><begin>{end - 86399}</begin><end>{end}</end></date_range>"
            f"</report_metadata><policy_published><domain>{domain}</domain><p>none</p></policy_published>{records}</feedback>"
            ).encode()


def zipped(*contents):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"provider.test!shop.test!{number}.xml", content)
    return packed.getvalue()


def report_mail(content, kind="application/gzip"):
    lines = base64.encodebytes(content).decode().replace("\n", "\r\n")
    return ("From: <reports@provider.test>\r\nSubject: Report Domain: shop.test\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n"
            f"--b\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n{lines}--b--\r\n")


@pytest.fixture
def with_domain(daemon):
    daemon.cli_json("domain", "add", "shop.test", "--account", "shop")
    return daemon


def counts(daemon):
    return {labels["kind"]: int(n) for labels, n in daemon.metrics().get("gonets_aggregate_reports_total", [])}


def sources(daemon, *of):
    return [(r["source"], r["messages"], r["disposition"], r["dkim"], r["spf"], r["reporter"])
            for r in daemon.cli_json("domain", "reports", *of)["dmarc"]]


def test_dmarc_reports_are_counted_once_and_shown_also_after_a_restart(with_domain):
    daemon = with_domain
    first = dmarc("1", rows=[("192.0.2.1", 17, "none", "pass", "fail"), ("2001:db8::7", 2, "quarantine", "fail", "fail")])
    for content, kind in ((gzip.compress(first), "application/gzip"), (zipped(first), "application/zip"),
                          (zipped(dmarc("2")), "application/x-zip-compressed"), (dmarc("3", "news.shop.test"), "text/xml")):
        assert come(daemon, "dmarc", report_mail(content, kind)) == 250
    wait_until("all are counted", lambda: counts(daemon)["dmarc"] == 3)
    daemon.wait_empty()
    for _ in range(2):
        assert sources(daemon, "shop.test") == [("192.0.2.1", 34, "none", "pass", "fail", "provider.test"),
                                                ("2001:db8::7", 2, "quarantine", "fail", "fail", "provider.test")]
        assert len(sources(daemon)) == 3 and not sources(daemon, "--since", "1h")
        (domain,) = daemon.cli_json("domain", "reports", "shop.test")["domains"]
        assert domain == {"domain": "shop.test", "reports": 2, "messages": 36, "aligned": 34}
        daemon.restart()
    shown = daemon.cli("domain", "reports").out
    assert re.search(r"shop\.test +2 +36 +94\.4", shown) and "2001:db8::7" in shown, shown
    assert daemon.audit()["balanced"]


def test_reports_about_domains_of_nobody_and_hostile_ones_are_dropped(with_domain, sink):
    daemon = with_domain
    laughs = b'<!DOCTYPE f [<!ENTITY a "lol">' + b"".join(
        f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">'.encode() for i in range(20)) + b"]><feedback>&u;</feedback>"
    hostile = [gzip.compress(b" " * (64 << 20)), zipped(b" " * (64 << 20)), zipped(dmarc("a"), dmarc("b")),
               gzip.compress(laughs), gzip.compress(dmarc("c"))[:80], gzip.compress(b"<a>" * 100_000),
               gzip.compress(dmarc("d", "other.test")), gzip.compress(dmarc("e", "op.test")),
               gzip.compress(dmarc("f", days_ago=400)), gzip.compress(dmarc("g", days_ago=-9))]
    for content in hostile:
        assert come(daemon, "dmarc", report_mail(content)) == 250
    wait_until("all are dropped", lambda: counts(daemon)["dropped"] == len(hostile))
    daemon.wait_empty()
    assert sources(daemon) == []
    assert not [m for m in sink.messages if "ops@shop.test" in m.recipients]
    wait_until("the log says why", lambda: all(
        why in daemon.log() for why in ("no account has this sender domain", "document type")))
    assert "Nobody reported" in daemon.cli("domain", "reports").out


def test_tls_reports_are_shown_by_policy_and_failure(with_domain):
    daemon = with_domain
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
    report = {"organization-name": "Provider", "report-id": f"{day}_shop",
              "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
              "policies": [{"policy": {"policy-type": "sts", "policy-domain": domain},
                            "summary": {"total-successful-session-count": 40, "total-failure-session-count": 3},
                            "failure-details": [{"result-type": "certificate-expired", "sending-mta-ip": "192.0.2.9",
                                                 "receiving-mx-hostname": "mx.shop.test", "failed-session-count": 3}]}
                           for domain in ("shop.test", "other.test")]}
    content = report_mail(gzip.compress(json.dumps(report).encode()), "application/tlsrpt+gzip")
    for _ in range(2):
        assert come(daemon, "tlsrpt", content) == 250
    wait_until("it is counted", lambda: counts(daemon)["tls"] == 1)
    daemon.wait_empty()
    rows = daemon.ask("/v1/domain-reports?domain=Shop.test")["tls"]
    assert [(r["domain"], r["policy"], r["result"], r["sessions"], r["reporter"]) for r in rows] == [
        ("shop.test", "sts", "certificate-expired", 3, "Provider"), ("shop.test", "sts", "success", 40, "Provider")]
    assert len(daemon.ask("/v1/domain-reports")["tls"]) == 2
    assert "mx.shop.test" in daemon.cli("domain", "reports").out
    assert daemon.api("GET", "/v1/domain-reports?domain=a..b")[0] == 400


def test_a_new_domain_is_told_to_let_its_reports_come_here(daemon):
    made = daemon.cli_json("domain", "add", "shop.test", "--account", "shop")
    records = {(r["purpose"], r["name"]): (r["value"], r["elsewhere"]) for r in made["records"]}
    assert records["dmarc", "_dmarc.shop.test"] == (f"v=DMARC1; p=none; rua=mailto:dmarc@{DOMAIN}", False)
    assert records["tls_reports", "_smtp._tls.shop.test"] == (f"v=TLSRPTv1; rua=mailto:tlsrpt@{DOMAIN}", False)
    assert records["dmarc_reports", f"shop.test._report._dmarc.{DOMAIN}"] == ("v=DMARC1", True)
    assert f"\n; in another zone: shop.test._report._dmarc.{DOMAIN}." in made["zone"]
