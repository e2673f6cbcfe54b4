"""TLS reports (RFC 8460): what is collected, and that it is sent once to whoever asks for it."""
import datetime
import email
import email.policy
import gzip
import json

import pytest

from gonets_rig import dkim_verifiers as verifiers
from gonets_rig.daemon import BINARY
from gonets_rig.knot import Knot
from gonets_rig.net import private_host, text_of, wait_until
from gonets_rig.pki import Authority, openssl
from gonets_rig.policy_host import PolicyHost, policy
from gonets_rig.processes import run
from gonets_rig.sink import Sink

# Each test has domains of its own, since a day's report is sent once.
DOMAINS = ("mailed", "posted", "broken", "silent", "kept", "listed", "dead", "both", "signed")


class World:
    def __init__(self):
        self.authority = Authority()
        self.policies = PolicyHost(self.authority)
        self.tls = Sink()
        self.tls.tls = self.authority.issue("mx.rpt.test").server_context()
        self.stranger = Sink(endpoint=(private_host(), self.tls.endpoint[1]))
        self.stranger.tls = self.authority.issue("mx.elsewhere.test").server_context()
        self.reports = Sink()  # where reports by mail arrive
        self.knot = Knot({"rpt.test": list(self.records())})

    def records(self):
        https = f"https://reports.rpt.test:{self.policies.endpoint[1]}"
        mailto = "mailto:tls@inbox.test"
        rua = dict.fromkeys(("mailed", "broken", "kept", "listed", "signed"), mailto) | {
            "posted": f"{https}/v1", "dead": f"{https}/refused", "both": f"{mailto},{https}/both"}
        yield f"mx A {self.tls.endpoint[0]}"
        yield f"wrong A {self.stranger.endpoint[0]}"
        yield f"reports A {self.policies.endpoint[0]}"
        for domain in DOMAINS:
            yield f"{domain} MX 10 {'wrong' if domain == 'broken' else 'mx'}"
            yield f"mta-sts.{domain} A {self.policies.endpoint[0]}"
            if domain in rua:
                yield f'_smtp._tls.{domain} TXT "v=TLSRPTv1; rua={rua[domain]}"'
        for domain in ("broken", "posted"):
            yield f'_mta-sts.{domain} TXT "v=STSv1; id=7;"'

    def config(self):
        return {"dns": {"servers": [text_of(self.knot.endpoint)], "timeout": "2s"},
                "delivery": {"port": self.tls.endpoint[1], "allow_loopback_mx": True, "ipv6": False,
                             "tls_ca_file": str(self.authority.certificate), "mta_sts_timeout": "2s",
                             "mta_sts_port": self.policies.endpoint[1]},
                "route": [("inbox.test", self.reports.route)],
                "tls_report": {"enabled": True, "organization": "Gonets Ltd", "from": "tls-reports@gonets.test",
                               "contact": "postmaster@gonets.test"}}

    def stop(self):
        for part in (self.knot, self.policies, self.tls, self.stranger, self.reports):
            part.stop()
        self.authority.remove()


@pytest.fixture(scope="module")
def world():
    made = World()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(world, launch_shared):
    return launch_shared(**world.config())


@pytest.fixture(scope="module")
def signing_record(server, tmp_path_factory):
    """The domain of the reports' author signs; this is what it publishes."""
    key = tmp_path_factory.mktemp("dkim") / "key.pem"
    openssl("genpkey", "-quiet", "-algorithm", "ed25519", "-out", key)
    server.cli_json("domain", "add", "gonets.test")
    server.cli_json("domain", "verify", "gonets.test", "--force")
    server.cli_json("domain", "import-key", "gonets.test", "--selector", "reports", "--key", key, "--now")
    shown = run(BINARY, "dkim", "record", "--domain", "gonets.test", "--selector", "reports", "--key", key)
    name, _, record = shown.stdout.decode().strip().partition("\t")
    return {name: record}


def today():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


def row(server, domain):
    found = [r for r in server.cli_json("tls-report", "list")["reports"] if r["domain"] == f"{domain}.rpt.test"]
    return found[0] if found else None


def deliver(world, server, domain):
    """One message, so that a session is counted."""
    before = len(world.tls.messages)
    server.submit(recipients=[f"a@{domain}.rpt.test"])
    wait_until("the message has arrived", lambda: len(world.tls.messages) > before)
    wait_until(lambda: f"a session of {domain} is counted", lambda: row(server, domain))


def send(server, domain):
    assert server.cli_json("tls-report", "send", "--day", today(), "--domain", f"{domain}.rpt.test") == {"sending": 1}


def mailed_report(world, domain):
    """The message whose TLS-Report-Domain is this, as it arrived, and its JSON."""
    def find():
        for m in list(world.reports.messages):
            parsed = email.message_from_bytes(m.content, policy=email.policy.default)
            if parsed["TLS-Report-Domain"] == f"{domain}.rpt.test":
                return m, parsed
        return None
    transaction, parsed = wait_until(f"a report on {domain} by mail", find)
    attachment = [p for p in parsed.walk() if p.get_content_type() == "application/tlsrpt+gzip"]
    assert len(attachment) == 1
    return transaction, parsed, json.loads(gzip.decompress(attachment[0].get_payload(decode=True)))


def posted_report(world, path):
    wait_until(f"a report by HTTPS at {path}", lambda: any(p[1] == path for p in list(world.policies.posts)))
    _, _, headers, body = next(p for p in world.policies.posts if p[1] == path)
    assert headers["Content-Type"] == "application/tlsrpt+gzip"
    return json.loads(gzip.decompress(body))


def test_a_report_goes_by_mail_to_who_asks_for_it(world, server):
    deliver(world, server, "mailed")
    send(server, "mailed")
    transaction, mail, report = mailed_report(world, "mailed")
    assert transaction.sender == "tls-reports@gonets.test" and transaction.recipients == ["tls@inbox.test"]
    assert mail.get_content_type() == "multipart/report" and mail.get_param("report-type") == "tlsrpt"
    assert mail["From"] == "tls-reports@gonets.test" and mail["To"] == "tls@inbox.test"
    assert mail["TLS-Report-Submitter"] == "gonets.test"
    assert mail["TLS-Required"] == "No"
    assert mail["Subject"] == f"Report Domain: mailed.rpt.test Submitter: gonets.test Report-ID: <{report['report-id']}>"
    assert report["organization-name"] == "Gonets Ltd" and report["contact-info"] == "postmaster@gonets.test"
    assert report["date-range"] == {"start-datetime": f"{today()}T00:00:00Z", "end-datetime": f"{today()}T23:59:59Z"}
    assert report["policies"] == [{
        "policy": {"policy-type": "no-policy-found", "policy-domain": "mailed.rpt.test"},
        "summary": {"total-successful-session-count": 1, "total-failure-session-count": 0}}]
    wait_until("the report is noted as sent", lambda: row(server, "mailed")["state"] == "sent")
    assert row(server, "mailed")["sent_to"] == ["mailto:tls@inbox.test"]


def test_a_report_by_mail_is_signed(world, server, signing_record):
    deliver(world, server, "signed")
    send(server, "signed")
    transaction, mail, _ = mailed_report(world, "signed")
    assert "d=gonets.test;" in mail["DKIM-Signature"]
    assert verifiers.dkimpy_verifies(transaction.content, signing_record) == [True]


def test_a_report_goes_once(world, server):
    deliver(world, server, "listed")
    send(server, "listed")
    mailed_report(world, "listed")
    wait_until("the report is noted as sent", lambda: row(server, "listed")["state"] == "sent")
    assert server.cli_json("tls-report", "send", "--day", today(), "--domain", "listed.rpt.test") == {"sending": 0}


def test_a_report_goes_by_https_with_the_policy_that_was_met(world, server):
    world.policies.serve_policy("posted.rpt.test", policy("mx.rpt.test"))
    world.policies.serve("reports.rpt.test", status=201)
    deliver(world, server, "posted")
    send(server, "posted")
    report = posted_report(world, "/v1")
    assert report["policies"] == [{
        "policy": {"policy-type": "sts", "policy-domain": "posted.rpt.test", "mx-host": ["mx.rpt.test"],
                   "policy-string": ["version: STSv1", "mode: enforce", "mx: mx.rpt.test", "max_age: 86400"]},
        "summary": {"total-successful-session-count": 1, "total-failure-session-count": 0}}]


def test_a_report_tells_which_host_failed_and_how(world, server):
    world.policies.serve_policy("broken.rpt.test", policy("wrong.rpt.test"))
    queue_id = server.submit(recipients=["a@broken.rpt.test"])
    server.wait_event(queue_id, "deferred")
    server.act("remove", id=queue_id)
    wait_until("a session is counted", lambda: row(server, "broken"))
    send(server, "broken")
    report = mailed_report(world, "broken")[2]
    result, = report["policies"]
    assert result["policy"]["policy-type"] == "sts"
    assert result["summary"]["total-successful-session-count"] == 0
    failures = result["failure-details"]
    assert {f["result-type"] for f in failures} == {"certificate-host-mismatch"}, failures
    assert failures[0]["receiving-mx-hostname"] == "wrong.rpt.test"
    assert failures[0]["receiving-ip"] == world.stranger.endpoint[0]
    assert failures[0]["sending-mta-ip"].startswith("127.")
    assert result["summary"]["total-failure-session-count"] == sum(f["failed-session-count"] for f in failures)


def test_both_mail_and_https_get_it(world, server):
    world.policies.serve("reports.rpt.test", status=200)
    deliver(world, server, "both")
    send(server, "both")
    assert posted_report(world, "/both") == mailed_report(world, "both")[2]


def test_nobody_gets_a_report_that_nobody_asks_for(world, server):
    deliver(world, server, "silent")
    send(server, "silent")
    wait_until(lambda: f"the report is unwanted: {row(server, 'silent')}",
               lambda: row(server, "silent")["state"] == "unwanted")


def test_a_report_that_cannot_be_sent_is_sent_later(world, server):
    world.policies.serve("reports.rpt.test", status=503)
    deliver(world, server, "dead")
    send(server, "dead")
    wait_until(lambda: f"a failed attempt: {row(server, 'dead')}", lambda: "503" in row(server, "dead").get("trouble", ""))
    assert row(server, "dead")["state"] == "pending"
    world.policies.serve("reports.rpt.test", status=200)
    send(server, "dead")
    wait_until("it is sent", lambda: row(server, "dead")["state"] == "sent")


def test_what_was_counted_is_kept_over_a_restart(world, launch):
    server = launch(**world.config())
    deliver(world, server, "kept")
    server.restart()
    shown = server.cli_json("tls-report", "show", "kept.rpt.test")
    assert shown["reports"][0]["successful_sessions"] == 1
    assert shown["report"]["policies"][0]["summary"]["total-successful-session-count"] == 1


def test_what_was_not_collected_is_said(server):
    answer = server.cli("tls-report", "show", "nobody.rpt.test")
    assert answer.code == 1 and "tls-report list" in answer.err, answer
    assert server.cli("tls-report", "send", "--day", "soon").code == 2
