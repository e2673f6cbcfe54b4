"""Logins at smarthosts by OAuth 2 access tokens: Postfix, whose tokens Dovecot asks an authorization server about."""
import pytest

from conftest import factory_of
from gonets_rig.dovecot import DovecotAuth
from gonets_rig.net import wait_until
from gonets_rig.pki import Authority
from gonets_rig.postfix import PostfixReceiver
from gonets_rig.token_server import TokenServer

ANNA = "anna@provider.test"


@pytest.fixture(scope="module")
def authority():
    made = Authority()
    yield made
    made.remove()


@pytest.fixture
def tokens():
    made = TokenServer(ANNA)
    made.introspection.client = ("dovecot", "secret")
    yield made
    made.stop()


@pytest.fixture
def provider(authority, tokens):
    """What starts Postfix as a submission server that offers these mechanisms."""
    def end(pair):
        pair[0].stop()
        pair[1].stop()

    def make(mechanisms):
        sasl = DovecotAuth({}, mechanisms, introspection=tokens.introspection)
        return PostfixReceiver(certificate=authority.issue("smtp.provider.test"), sasl=sasl), sasl
    makers = factory_of(make, end)
    start = next(makers)
    yield lambda mechanisms="plain xoauth2": start(mechanisms)[0]
    makers.close()


@pytest.fixture
def send_by(launch, authority):
    def make(postfix, **route):
        table = {"domain": "*", "to": postfix.route, "tls": "required", "login": ANNA} | route
        return launch(route=[table], delivery={"tls_ca_file": str(authority.certificate)})
    return make


@pytest.fixture
def client(tmp_path, tokens):
    """The `oauth` of a route, and its refresh token's file."""
    (tmp_path / "secret").write_text(tokens.client[1] + "\n")
    (tmp_path / "refresh").write_text(tokens.refresh_token + "\n")
    for name in ("secret", "refresh"):
        (tmp_path / name).chmod(0o600)
    return {"client_id": tokens.client[0], "client_secret_file": str(tmp_path / "secret"),
            "refresh_token_file": str(tmp_path / "refresh"), "token_url": tokens.url}


def send(daemon, user="a"):
    return daemon.submit(recipients=(f"{user}@postfix.test",), sender="")


def wait_sasl(postfix, method):
    wait_until(lambda: f"a login by {method}: {postfix.log()[-3000:]}",
               lambda: f"sasl_method={method}, sasl_username={ANNA}" in postfix.log())


def assert_secret(daemon, tokens):
    told = daemon.log() + daemon.cli("config-reference").out
    for secret in (tokens.client[1], tokens.refresh_token, *tokens.given):
        assert secret not in told


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_logs_in_by_a_token_that_a_refresh_token_brings(provider, send_by, tokens, client, mechanism):
    postfix = provider(mechanism)
    daemon = send_by(postfix, oauth=client | {"scope": "https://mail.test/ all"})
    daemon.wait_event(send(daemon), "delivered")
    wait_sasl(postfix, mechanism.upper())
    assert tokens.requests == [{"grant_type": "refresh_token", "refresh_token": "refresh-0", "client_id": tokens.client[0],
                                "client_secret": tokens.client[1], "scope": "https://mail.test/ all"}]
    assert_secret(daemon, tokens)


def test_one_token_serves_until_it_is_about_to_expire(provider, send_by, tokens, client):
    daemon = send_by(provider(), oauth=client, limits={"messages_a_connection": 1})
    for i in range(3):
        daemon.wait_event(send(daemon, f"r{i}"), "delivered")
    assert len(tokens.requests) == 1


def test_a_short_lived_token_is_replaced_before_it_ends(provider, send_by, tokens, client):
    tokens.lives_for = 2
    daemon = send_by(provider(), oauth=client, limits={"messages_a_connection": 1})
    daemon.wait_event(send(daemon), "delivered")

    def another():
        daemon.wait_event(send(daemon, "b"), "delivered")
        return len(tokens.requests) >= 2
    wait_until("another token", another, every=0.3)


def test_a_client_asks_for_itself_where_there_is_no_refresh_token(provider, send_by, tokens, client):
    del client["refresh_token_file"]
    daemon = send_by(provider(), oauth=client)
    daemon.wait_event(send(daemon), "delivered")
    assert tokens.requests[0]["grant_type"] == "client_credentials"


def test_a_refresh_token_that_is_replaced_is_kept_over_a_restart(provider, send_by, tokens, client, tmp_path):
    tokens.rotates = True
    daemon = send_by(provider(), oauth=client)
    daemon.wait_event(send(daemon), "delivered")
    wait_until("the new one in the file", lambda: (tmp_path / "refresh").read_text() == tokens.refresh_token + "\n")
    assert (tmp_path / "refresh").stat().st_mode & 0o077 == 0
    daemon.restart()
    daemon.wait_event(send(daemon, "b"), "delivered")
    assert [r["refresh_token"] for r in tokens.requests] == ["refresh-0", "refresh-1"]
    assert_secret(daemon, tokens)


def test_mail_waits_while_there_is_no_token_and_why_says_what_the_answer_was(provider, send_by, tokens, client, tmp_path):
    (tmp_path / "refresh").write_text("revoked\n")
    daemon = send_by(provider(), oauth=client)
    queue_id = send(daemon)
    event = daemon.wait_event(queue_id, "deferred")
    assert event["stage"] == "auth"
    said = f"cannot log in as {ANNA}: no access token: {tokens.url} answered 400 invalid_grant: Token has been expired or revoked."
    assert said in event["reply"]["text"]
    wait_until("why tells of it", lambda: "invalid_grant" in daemon.cli("why", queue_id).out)
    # The file is read again, without a reload.
    (tmp_path / "refresh").write_text("refresh-0\n")
    daemon.wait_event(queue_id, "delivered")
    assert not daemon.events_of(queue_id, kind="bounced")


def test_a_token_that_the_smarthost_refuses_is_told_and_replaced(provider, send_by, tokens, client):
    daemon = send_by(provider(), oauth=client, limits={"messages_a_connection": 1})
    daemon.wait_event(send(daemon), "delivered")
    tokens.revoke_tokens()
    queue_id = send(daemon, "b")
    event = daemon.wait_event(queue_id, "deferred")
    assert event["stage"] == "auth" and "refused: 535" in event["reply"]["text"], event
    daemon.wait_event(queue_id, "delivered")
    assert len(tokens.requests) == 2
    assert_secret(daemon, tokens)


def test_a_token_file_is_read_at_each_login(provider, send_by, tokens, tmp_path):
    (tmp_path / "token").write_text("stale\n")
    daemon = send_by(provider(), token_file=str(tmp_path / "token"))
    queue_id = send(daemon)
    event = daemon.wait_event(queue_id, "deferred")
    assert "refused: 535" in event["reply"]["text"] and "(401)" in event["reply"]["text"], event
    (tmp_path / "token").write_text(tokens.make_token() + "\n")
    daemon.wait_event(queue_id, "delivered")
    assert_secret(daemon, tokens)


def test_a_missing_token_file_defers(provider, send_by, tmp_path):
    daemon = send_by(provider(), token_file=str(tmp_path / "none"))
    event = daemon.wait_event(send(daemon), "deferred")
    assert f"no access token: {tmp_path}/none: No such file" in event["reply"]["text"], event


def test_a_server_that_takes_no_tokens_gets_none(provider, send_by, tokens, client):
    daemon = send_by(provider("plain"), oauth=client)
    event = daemon.wait_event(send(daemon), "deferred")
    assert "offers none of XOAUTH2 and OAUTHBEARER" in event["reply"]["text"], event
