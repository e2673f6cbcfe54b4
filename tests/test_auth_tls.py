"""AUTH behind TLS: STARTTLS and port 465 as clients are told to use them, certificates as logins, and a database that is away."""
import base64
import re
import smtplib
import subprocess

import pytest

from gonets_rig.certificates import Certificate, start_tls, trusting_anybody
from gonets_rig.net import free_endpoint, text_of, wait_until
from gonets_rig.postgresql import PostgreSQL
from gonets_rig.processes import run
from gonets_rig.talk import Talk, letter

SUBMISSION, SUBMISSIONS, WITH_CERTIFICATES = range(1, 4)


@pytest.fixture(scope="module")
def places():
    return [free_endpoint() for _ in range(4)]


@pytest.fixture(scope="module")
def own(tmp_path_factory, places):
    return Certificate(tmp_path_factory.mktemp("own"), "mail.test", *(host for host, _ in places))


@pytest.fixture(scope="module")
def server(launch_shared, places, own):
    """No network is trusted, and none may send a password in the clear."""
    kinds = [{"kind": "smtp"}, {"kind": "submission"}, {"kind": "submissions"},
             {"kind": "submission", "client_certificates": True}]
    listeners = [{"address": text_of(place), "trusted_networks": []} | kind for place, kind in zip(places, kinds)]
    made = launch_shared(certificate=[own.table], route=[("*", "capture")], auth={"failure_delay": "0s"},
                         listener=listeners)
    made.add_account("acme")
    return made


@pytest.fixture(scope="module")
def alice(server):
    return server.add_login("acme", name="alice")


def protocol_of(server, subject):
    """What the Received field of a captured message says it came by."""
    def find():
        return [m for m in server.captured() if m["subject"] == subject]
    wait_until(f"a captured message {subject!r}", find, every=0.05)
    content = server.captured_content(find()[0]["id"]).decode()
    return re.search(r" with (\S+) id ", content).group(1)


# ---- clients that verify the certificate

@pytest.mark.parametrize("number,option", [(SUBMISSION, "--tls"), (SUBMISSIONS, "--tls-on-connect")])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks_logs_in(server, own, alice, number, option, mechanism):
    subject = f"swaks {option} {mechanism}"
    said = run("swaks", "--server", text_of(server.endpoints[number]), option, "--tls-verify", "--tls-ca-path", own.pem,
               "--auth", mechanism, "--auth-user", alice.login, "--auth-password", alice.secret,
               "--from", "from@sender.test", "--to", "to@sink.test", "--header", f"Subject: {subject}")
    assert b"235 2.7.0" in said.stdout, said.stdout
    assert protocol_of(server, subject) == "ESMTPSA"


@pytest.mark.parametrize("number", [SUBMISSION, SUBMISSIONS])
def test_smtplib_logs_in(server, own, alice, number):
    if number == SUBMISSION:
        client = smtplib.SMTP(*server.endpoints[number])
        client.starttls(context=own.context())
    else:
        client = smtplib.SMTP_SSL(*server.endpoints[number], context=own.context())
    with client:
        client.login(alice.login, alice.secret)
        client.sendmail("from@sender.test", ["to@sink.test"], letter(f"smtplib {number}"))
    assert protocol_of(server, f"smtplib {number}") == "ESMTPSA"


@pytest.mark.parametrize("number,starttls", [(SUBMISSION, "on"), (SUBMISSIONS, "off")])
@pytest.mark.parametrize("mechanism", ["plain", "scram-sha-256"])
def test_msmtp_logs_in(server, own, alice, number, starttls, mechanism):
    subject = f"msmtp {mechanism} {number}"
    host, port = server.endpoints[number]
    ended = subprocess.run(
        ["msmtp", "--file=/dev/null", f"--host={host}", f"--port={port}", "--tls=on",
         f"--tls-starttls={starttls}", f"--tls-trust-file={own.pem}", f"--auth={mechanism}", f"--user={alice.login}",
         f"--passwordeval=printf %s '{alice.secret}'", "--from=from@sender.test", "to@sink.test"],
        input=letter(subject), capture_output=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert protocol_of(server, subject) == "ESMTPSA"


# ---- when a password may be asked for

def test_passwords_are_asked_for_behind_tls_only(server, alice):
    login = base64.b64encode(f"\0{alice.login}\0{alice.secret}".encode()).decode()
    with Talk(server.endpoints[SUBMISSION]) as talk:
        assert "AUTH" not in talk.expect(250, "EHLO clear.test").text
        talk.expect(538, f"AUTH PLAIN {login}", "5.7.11")
        start_tls(talk)
        assert "AUTH" in talk.expect(250, "EHLO secret.test").text
        talk.expect(235, f"AUTH PLAIN {login}", "2.7.0")


def test_tls_does_not_begin_behind_a_login(launch, own):
    """Whoever was in the middle before TLS must not have chosen who is logged in behind it."""
    daemon = launch(certificate=[own.table], listener=[{"kind": "submission", "trusted_networks": []}],
                    auth={"plaintext_networks": ["127.0.0.0/8"]})
    daemon.add_account("acme")
    login = daemon.add_login("acme")
    with daemon.talk(hello=True) as talk:
        talk.expect(235, "AUTH PLAIN " + base64.b64encode(f"\0{login.login}\0{login.secret}".encode()).decode())
        talk.expect(503, "STARTTLS", "5.5.1")


# ---- EXTERNAL

def showing(certificate):
    context = trusting_anybody()
    context.load_cert_chain(certificate.pem, certificate.key)
    return context


@pytest.fixture(scope="module")
def badge(server, tmp_path_factory):
    """A certificate that is a credential."""
    made = Certificate(tmp_path_factory.mktemp("badge"), "client.test")
    made.credential = server.add_login("acme", name="badge", certificate_sha256=made.sha256)
    return made


def test_a_registered_certificate_logs_in_by_external(server, badge):
    with Talk(server.endpoints[WITH_CERTIFICATES], hello=True) as talk:
        start_tls(talk, showing(badge))
        assert "EXTERNAL" in talk.expect(250, "EHLO client.test").text
        talk.expect(235, "AUTH EXTERNAL =", "2.7.0")
        assert talk.message(letter("external")).is_(250)
    assert protocol_of(server, "external") == "ESMTPSA"


def test_external_for_the_login_of_another_is_refused(server, badge, alice):
    with Talk(server.endpoints[WITH_CERTIFICATES], hello=True) as talk:
        start_tls(talk, showing(badge)).expect(250, "EHLO client.test")
        talk.expect(535, "AUTH EXTERNAL " + base64.b64encode(alice.login.encode()).decode(), "5.7.8")
        talk.expect(235, "AUTH EXTERNAL " + base64.b64encode(badge.credential.login.encode()).decode(), "2.7.0")


def test_a_certificate_that_is_not_registered_logs_nobody_in(server, tmp_path):
    stranger = Certificate(tmp_path, "stranger.test")
    with Talk(server.endpoints[WITH_CERTIFICATES], hello=True) as talk:
        start_tls(talk, showing(stranger)).expect(250, "EHLO client.test")
        talk.expect(535, "AUTH EXTERNAL =", "5.7.8")
        talk.expect(530, "MAIL FROM:<from@sender.test>", "5.7.0")


def test_external_is_not_offered_without_a_certificate(server):
    for number in (SUBMISSION, WITH_CERTIFICATES):
        with Talk(server.endpoints[number], hello=True) as talk:
            assert "EXTERNAL" not in start_tls(talk).expect(250, "EHLO client.test").text
            talk.expect(504, "AUTH EXTERNAL =", "5.5.4")


def test_revoking_a_certificates_credential_ends_its_connection(server, tmp_path):
    certificate = Certificate(tmp_path, "leaver.test")
    login = server.add_login("acme", name="leaver", certificate_sha256=certificate.sha256)
    with Talk(server.endpoints[WITH_CERTIFICATES], hello=True) as talk:
        start_tls(talk, showing(certificate)).expect(250, "EHLO client.test")
        talk.expect(235, "AUTH EXTERNAL =", "2.7.0")
        server.revoke("acme", login)
        assert talk.reply().is_(421)


# ---- a database that is away

def test_known_logins_work_for_a_while_without_the_database_and_then_are_put_off(launch, key_file):
    postgresql = PostgreSQL()
    try:
        daemon = launch(accounts={"database": postgresql.url(), "key_file": key_file, "stale_max": "3s"},
                        listener=[{}, {"kind": "submission", "trusted_networks": []}], route=[("*", "capture")],
                        auth={"plaintext_networks": ["127.0.0.0/8"], "failure_delay": "0s"})
        daemon.add_account("acme")
        login = daemon.add_login("acme")

        def answer(name=login.login, secret=login.secret):
            with Talk(daemon.endpoints[1], hello=True) as talk:
                return talk.command("AUTH PLAIN " + base64.b64encode(f"\0{name}\0{secret}".encode()).decode())
        assert answer().is_(235)
        postgresql.halt()
        assert answer().is_(235), "what is known goes on"
        wait_until("logins are put off", lambda: answer().is_(454, "4.7.0"))
        assert answer("nobody").is_(454, "4.7.0"), "the answer does not tell who is known"
        postgresql.start()
        wait_until("logins work again", lambda: answer().is_(235))
        assert answer("nobody").is_(535, "5.7.8")
    finally:
        postgresql.remove()
