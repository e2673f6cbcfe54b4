"""SMTP AUTH with the clients that people use, and against people who have no business here."""
import base64
import json
import smtplib
import socket
import subprocess

import pytest

from gonets_rig.introspection import Introspection
from gonets_rig.net import wait_until
from gonets_rig.node import NODE, install_node_packages
from gonets_rig.processes import run
from gonets_rig.talk import Talk, letter

REFUSED = "535 5.7.8 Authentication credentials invalid"


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def plain(login, password):
    return f"AUTH PLAIN {b64(f'{chr(0)}{login}{chr(0)}{password}')}"


@pytest.fixture(scope="module")
def provider():
    peer = Introspection()
    yield peer
    peer.stop()


def auth_settings(tmp, provider, **more):
    secret = tmp / "introspection"
    secret.write_text(provider.client[1] + "\n")
    return {"plaintext_networks": ["127.0.0.0/8"], "failure_delay": "0s", "failures_max": 5, "introspection_url": provider.url,
            "introspection_client_id": provider.client[0], "introspection_secret_file": str(secret)} | more


@pytest.fixture(scope="module")
def server(launch_shared, provider, tmp_path_factory):
    """Its second listener is for who logs in, and no network is trusted there."""
    made = launch_shared(listener=[{}, {"kind": "submission", "trusted_networks": []}],
                         auth=auth_settings(tmp_path_factory.mktemp("auth"), provider), route=[("*", "capture")])
    made.add_account("acme")
    return made


@pytest.fixture(scope="module")
def alice(server):
    return server.add_login("acme", name="alice")


class Source:
    """An address of this machine that no test used before, as failures are counted by address."""

    last = 1

    def __init__(self):
        Source.last += 1
        self.address = f"127.0.7.{Source.last}"

    def talk(self, server, number=1, hello=True):
        return Talk(server.endpoints[number], hello=hello, source=(self.address, 0))


@pytest.fixture
def source():
    return Source()


def received_of(server, subject):
    """The Received field of a captured message."""
    def find():
        return [m for m in server.captured() if m["subject"] == subject]
    wait_until(f"a captured message {subject!r}", find, every=0.05)
    content = server.captured_content(find()[0]["id"]).decode()
    return content[content.index("Received:"):].split("\r\nFrom")[0].split("\r\nDate")[0]


# ---- clients

@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks_submits(server, alice, mechanism):
    host, port = server.endpoints[1]
    said = run("swaks", "--server", f"{host}:{port}", "--auth", mechanism, "--auth-user", alice.login, "--auth-password",
               alice.secret, "--from", "from@sender.test", "--to", "to@sink.test", "--header", f"Subject: swaks {mechanism}")
    assert b"235 2.7.0" in said.stdout
    received = received_of(server, f"swaks {mechanism}")
    assert "with ESMTPA id" in received
    assert alice.login not in received


def test_swaks_finds_none_of_the_mechanisms_that_are_not_offered(server, alice):
    host, port = server.endpoints[1]
    for mechanism in ("CRAM-MD5", "DIGEST-MD5", "CRAM-SHA1", "NTLM"):
        ended = subprocess.run(["swaks", "--server", f"{host}:{port}", "--auth", mechanism, "--auth-user", alice.login,
                                "--auth-password", alice.secret, "--from", "a@sender.test", "--to", "b@sink.test"],
                               capture_output=True, text=True, timeout=60)
        assert ended.returncode != 0 and "235" not in ended.stdout, ended.stdout


def test_smtplib_submits_by_its_own_choice(server, alice):
    with smtplib.SMTP(*server.endpoints[1]) as client:
        client.login(alice.login, alice.secret)
        client.sendmail("from@sender.test", ["to@sink.test"], letter("smtplib"))
    assert "with ESMTPA id" in received_of(server, "smtplib")


@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-256", "oauthbearer", "xoauth2"])
def test_msmtp_submits(server, alice, provider, tmp_path, mechanism):
    token = "msmtps-token"
    provider.tokens[token] = {"active": True, "username": alice.login}
    secret = token if "oauth" in mechanism else alice.secret
    host, port = server.endpoints[1]
    command = ["msmtp", "--file=/dev/null", f"--host={host}", f"--port={port}", "--tls=off", f"--auth={mechanism}",
               f"--user={alice.login}", f"--passwordeval=printf %s '{secret}'", "--from=from@sender.test", "to@sink.test"]
    subject = f"msmtp {mechanism}"
    ended = subprocess.run(command, input=letter(subject), capture_output=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "with ESMTPA id" in received_of(server, subject)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2"])
def test_nodemailer_submits(server, alice, provider, mechanism):
    install_node_packages()
    provider.tokens["nodes-token"] = {"active": True, "sub": alice.login}
    secret = "nodes-token" if mechanism == "XOAUTH2" else alice.secret
    host, port = server.endpoints[1]
    run("node", NODE / "submit.mjs", host, port, mechanism, alice.login, secret)
    assert "with ESMTPA id" in received_of(server, f"nodemailer by {mechanism}")


def test_a_client_that_logs_in_sends_to_any_domain_on_a_listener_for_the_world_too(launch, provider, tmp_path):
    world = launch(listener=[{"trusted_networks": []}], auth=auth_settings(tmp_path, provider), route=[("*", "capture")])
    world.add_account("acme")
    login = world.add_login("acme")
    with world.talk(hello=True) as talk:
        talk.expect(250, "MAIL FROM:<a@sender.test>")
        talk.expect(550, "RCPT TO:<b@sink.test>", "5.7.1")
        talk.expect(250, "RSET")
        talk.expect(235, plain(login.login, login.secret), "2.7.0")
        talk.expect(250, "MAIL FROM:<a@sender.test> AUTH=<>")
        talk.expect(250, "RCPT TO:<b@sink.test>")


# ---- tokens

def test_a_token_is_taken_for_the_login_that_it_is_for_and_no_other(server, alice, provider, source):
    provider.tokens["alices"] = {"active": True, "username": alice.login}

    def say(message):
        with source.talk(server) as talk:
            reply = talk.command(f"AUTH OAUTHBEARER {b64(message)}")
            return talk.command(b64("\1")) if reply.code == 334 else reply
    assert say(f"n,a={alice.login},\1auth=Bearer alices\1\1").is_(235, "2.7.0")
    assert say("n,,\1auth=Bearer alices\1\1").is_(235, "2.7.0")
    assert provider.asked.count("alices") == 1
    assert say("n,a=root,\1auth=Bearer alices\1\1").is_(535, "5.7.8")
    assert say("n,,\1auth=Bearer forged\1\1").is_(535, "5.7.8")
    provider.broken = True
    try:
        assert say("n,,\1auth=Bearer another\1\1").is_(454, "4.7.0")
    finally:
        provider.broken = False


# ---- who is refused

def test_nothing_is_submitted_without_a_login(server, source):
    with source.talk(server) as talk:
        talk.expect(530, "MAIL FROM:<a@sender.test>", "5.7.0")


def test_the_refusal_does_not_tell_what_was_wrong(server, alice, source):
    reader = server.add_login("acme", scopes=["read"])
    elsewhere = server.add_login("acme", networks=["192.0.2.0/24"])
    with source.talk(server) as talk:
        said = {repr(talk.command(plain(*pair))) for pair in
                [(alice.login, "wrong"), ("nobody", alice.secret), (reader.login, reader.secret),
                 (elsewhere.login, elsewhere.secret)]}
    assert said == {repr(REFUSED + "\r\n")}


def test_auth_is_not_offered_in_the_clear(launch, provider, tmp_path):
    strict = launch(listener=[{}, {"kind": "submission", "trusted_networks": []}],
                    auth=auth_settings(tmp_path, provider, plaintext_networks=[]))
    with Talk(strict.endpoints[1]) as talk:
        offered = talk.expect(250, "EHLO client.test")
        assert not any(line.startswith("AUTH") for line in offered.lines)
        assert talk.command(plain("a", "b")).code in (502, 538)


def test_cancelling_and_oversized_responses_end_the_exchange_and_not_the_session(server, source):
    with source.talk(server) as talk:
        talk.expect(334, "AUTH LOGIN")
        talk.expect(501, "*", "5.7.0")
        talk.expect(334, "AUTH PLAIN")
        talk.expect(500, "A" * 12_288, "5.5.6")
        talk.expect(334, "AUTH PLAIN")
        talk.expect(501, b64(b"\0" + b"x" * 5000 + b"\0y"), "5.5.2")
        talk.expect(501, "AUTH PLAIN =====", "5.5.2")
        talk.expect(504, "AUTH CRAM-MD5", "5.5.4")
        talk.expect(250, "NOOP")


def test_what_was_said_before_a_login_is_not_kept_for_it(server, alice, source):
    """Session fixation: an envelope begun by a stranger does not become the login's."""
    with source.talk(server, number=0) as talk:
        talk.expect(250, "MAIL FROM:<stranger@sender.test>")
        talk.expect(503, plain(alice.login, alice.secret), "5.5.1")
        talk.expect(250, "RSET")
        talk.expect(235, plain(alice.login, alice.secret), "2.7.0")
        talk.expect(503, plain(alice.login, alice.secret), "5.5.1")
        talk.expect(503, "RCPT TO:<b@sink.test>", "5.5.1")


# ---- brute force

def test_a_source_that_guesses_is_locked_and_nobody_else_is(server, source):
    victim = server.add_login("acme", name="victim")
    with source.talk(server) as talk:
        for guess in range(5):
            talk.expect(535, plain(victim.login, f"guess {guess}"), "5.7.8")
        talk.expect(421, plain(victim.login, victim.secret), "4.7.0")
        assert talk.closed()
    with Talk(server.endpoints[1], greet=False, source=(source.address, 0)) as talk:
        assert talk.reply().is_(421, "4.7.0")
    server.cli_json("auth", "unlock", victim.login)  # five failures locked the login for strangers as well
    with Source().talk(server) as talk:
        talk.expect(235, plain(victim.login, victim.secret))

    rows = server.cli_json("auth", "lockouts")["lockouts"]
    mine = [r for r in rows if r["name"] == source.address]
    assert mine[0]["of"] == "source" and mine[0]["failures"] == 5 and "locked_until" in mine[0]
    assert source.address in server.cli("auth", "lockouts").out
    counted = {labels["of"]: value for labels, value in server.metrics()["gonets_auth_lockouts_total"]}
    assert counted["source"] >= 1 and counted["login"] >= 1

    assert server.cli("auth", "unlock", source.address).code == 0
    assert server.cli("auth", "unlock", source.address).code == 1
    with source.talk(server) as talk:
        talk.expect(235, plain(victim.login, victim.secret))


def test_guessing_from_many_places_does_not_lock_out_where_the_login_works(server, source):
    victim = server.add_login("acme", name="steady")
    with source.talk(server) as talk:
        talk.expect(235, plain(victim.login, victim.secret))
    for guess in range(6):
        with Source().talk(server) as talk:
            talk.expect(535, plain(victim.login, f"guess {guess}"), "5.7.8")
    with Source().talk(server) as talk:
        talk.expect(535, plain(victim.login, victim.secret), "5.7.8")
    with source.talk(server) as talk:
        talk.expect(235, plain(victim.login, victim.secret))


def test_a_password_is_hashed_once_and_known_from_then_on(server, source):
    login = server.add_login("acme")

    def count(name):
        return server.metrics()[name][0][1]
    hashes = count("gonets_auth_hashes_total")
    for _ in range(5):
        with source.talk(server) as talk:
            talk.expect(235, plain(login.login, login.secret))
    assert count("gonets_auth_hashes_total") == hashes + 1


# ---- revocation

def test_revoking_a_credential_ends_its_open_connections_at_once(server, alice, source):
    login = server.add_login("acme")
    with source.talk(server) as talk, source.talk(server) as other:
        talk.expect(235, plain(login.login, login.secret))
        other.expect(235, plain(alice.login, alice.secret))
        server.revoke("acme", login)
        assert talk.reply().is_(421, "4.7.0")
        assert talk.closed()
        other.expect(250, "NOOP")
    with source.talk(server) as talk:
        talk.expect(535, plain(login.login, login.secret), "5.7.8")


def test_closing_an_account_ends_its_connections_and_logins(server, source):
    server.add_account("closing")
    login = server.add_login("closing")
    with source.talk(server) as talk:
        talk.expect(235, plain(login.login, login.secret))
        server.change_account("closing", state="closed")
        assert talk.reply().is_(421, "4.7.0")
    with source.talk(server) as talk:
        talk.expect(535, plain(login.login, login.secret), "5.7.8")


# ---- API keys

def test_the_api_over_tcp_needs_a_key_with_the_right_scope(server):
    def ask(path, key=None, method="GET"):
        with socket.create_connection(server.http, timeout=30) as s:
            authorization = f"Authorization: Bearer {key}\r\n" if key else ""
            s.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}Connection: close\r\n\r\n".encode())
            raw = b""
            while part := s.recv(65536):
                raw += part
        head, _, body = raw.decode().partition("\r\n\r\n")
        return int(head.split()[1]), json.loads(body)

    looking = server.add_api_key("default", ["read"])
    ruling = server.add_api_key("default", ["admin"])
    own = server.add_api_key("acme", ["read", "admin"])
    assert ask("/v1/queue")[0] == 401
    assert ask("/v1/queue", "no.key")[0] == 401
    assert ask("/v1/queue", looking[:-1] + ("a" if looking[-1] != "a" else "b"))[0] == 401
    assert ask("/v1/queue", looking)[0] == 200
    assert ask("/v1/auth/lockouts/198.51.100.200", looking, "DELETE")[0] == 403
    assert ask("/v1/auth/lockouts/198.51.100.200", ruling, "DELETE")[0] == 404
    assert ask("/v1/queue", own)[0] == 403
    assert ask("/v1/queue/messages", own)[0] == 200
    assert ask("/v1/queue/messages?account=default", own)[0] == 403
