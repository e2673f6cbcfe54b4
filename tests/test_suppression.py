"""Addresses that an account's mail is not sent to: put there by refusals, complaints and commands."""
import smtplib

import pytest

from gonets_rig.net import DEADLINE, wait_until

LISTENERS = [{}, {"kind": "submission", "trusted_networks": []}]
SETTINGS = {"listener": LISTENERS, "auth": {"plaintext_networks": ["127.0.0.0/8"]}}


@pytest.fixture
def daemon(launch, sink):
    made = launch(route=[("*", sink.route)], **SETTINGS)
    for account in ("shop", "other"):
        made.add_account(account, policy="off")
    return made


def send(daemon, to, account="shop", stream=None):
    login = daemon.add_login(account, **({"stream": stream} if stream else {}))
    with smtplib.SMTP(*daemon.endpoints[1], timeout=DEADLINE) as smtp:
        smtp.login(login.login, login.secret)
        smtp.mail("shop@shop.test")
        assert smtp.rcpt(to)[0] == 250
        code, text = smtp.data("From: shop@shop.test\r\nSubject: hello\r\n\r\nhello\r\n")
        assert code == 250, text
        return text.decode().split()[-1]


def end_of(daemon, queue_id, to):
    return daemon.wait_ends(queue_id, to)[to]


def test_a_dead_address_is_not_sent_to_again_until_it_is_taken_off(daemon, sink):
    sink.on("RCPT", "550 5.1.1 User unknown", about=b"ann@sink.test")
    first = send(daemon, "ann@sink.test")
    assert end_of(daemon, first, "ann@sink.test")["kind"] == "bounced"
    sink.heal()
    daemon.kill()
    daemon.start()
    second = send(daemon, "Ann@sink.test")
    ended = end_of(daemon, second, "Ann@sink.test")
    assert ended["kind"] == "suppressed" and "user_unknown" in ended["reply"]["text"]
    assert ended["reply"]["status"] == "5.7.1" and "attempts" not in ended
    assert "Action: failed" in wait_until("its report", lambda: [
        m.content.decode() for m in sink.messages if b"suppression list" in m.content])[0]
    # Lists are the accounts': another's mail, and that of nobody's account, goes.
    assert end_of(daemon, send(daemon, "ann@sink.test", "other"), "ann@sink.test")["kind"] == "delivered"
    trusted = daemon.submit(recipients=("ann@sink.test",))
    assert end_of(daemon, trusted, "ann@sink.test")["kind"] == "delivered"
    shown = daemon.cli_json("suppression", "list", "--account", "shop")["suppressions"]
    assert [(s["address"], s["reason"], s["message_id"]) for s in shown] == [("ann@sink.test", "user_unknown", first)]
    assert daemon.cli("suppression", "remove", "--account", "shop", "ann@sink.test").code == 0
    assert end_of(daemon, send(daemon, "ann@sink.test"), "ann@sink.test")["kind"] == "delivered"
    audited = daemon.audit()
    assert audited["balanced"] and audited["suppressed"] == 1


def test_a_refusal_that_is_about_the_sender_suppresses_nobody(daemon, sink):
    sink.on("RCPT", "550 5.7.1 Your IP is blocked by our reputation system", about=b"ann@sink.test")
    assert end_of(daemon, send(daemon, "ann@sink.test"), "ann@sink.test")["kind"] == "bounced"
    assert daemon.cli_json("suppression", "list", "--account", "shop")["suppressions"] == []


def test_it_is_looked_at_again_before_each_attempt(daemon, sink):
    sink.on("RCPT", "450 4.2.0 later", about=b"bob@sink.test")
    queue_id = send(daemon, "bob@sink.test")
    daemon.wait_event(queue_id, "deferred")
    sink.heal()
    assert daemon.cli("suppression", "add", "--account", "shop", "bob@sink.test", "--reason", "asked by phone").code == 0
    daemon.cli("queue", "retry", queue_id)
    ended = end_of(daemon, queue_id, "bob@sink.test")
    assert ended["kind"] == "suppressed" and "asked by phone" in ended["reply"]["text"]
    assert daemon.audit()["balanced"]


def test_a_stream_s_list_is_that_stream_s_and_some_entries_end(daemon):
    assert daemon.cli("suppression", "add", "--account", "shop", "--stream", "bulk", "eve@sink.test").code == 0
    assert end_of(daemon, send(daemon, "eve@sink.test", stream="bulk"), "eve@sink.test")["kind"] == "suppressed"
    assert end_of(daemon, send(daemon, "eve@sink.test", stream="transactional"), "eve@sink.test")["kind"] == "delivered"
    assert daemon.cli("suppression", "add", "--account", "shop", "--expires-in", "1s", "kim@sink.test").code == 0

    def goes():
        return end_of(daemon, send(daemon, "kim@sink.test"), "kim@sink.test")["kind"] == "delivered"
    wait_until("it has expired", goes)
    told = daemon.cli("suppression", "list", "--account", "shop").out
    assert "eve@sink.test" in told and "bulk" in told and "manual" in told


def test_files_are_imported_and_their_bad_lines_named(daemon):
    rows = "\n".join(["email,reason"] + [f"user{i}@far.test,old" for i in range(20_000)] + ["not an address", "last@far.test"])
    answer = daemon.cli("suppression", "import", "--account", "shop", "-", "--reason", "moved", stdin=rows.encode())
    assert answer.code == 1 and "20001 addresses on the list, 1 left out" in answer.out
    assert "line 20002" in answer.err
    found = daemon.cli_json("suppression", "list", "--account", "shop", "User777@far.test")["suppressions"]
    assert [f["address"] for f in found] == ["user777@far.test"] and found[0]["reason"] == "moved"
    assert end_of(daemon, send(daemon, "last@far.test"), "last@far.test")["kind"] == "suppressed"
    # All of it, page by page.
    seen, after = 0, ""
    while True:
        page = daemon.ask(f"/v1/suppressions?account=shop&limit=9000&after={after}")
        seen += len(page["suppressions"])
        if "next" not in page:
            break
        after = page["next"].replace(" ", "%20")
    assert seen == 20_001


@pytest.mark.parametrize("arguments, said", [
    (("add", "--account", "shup", "a@b.test"), "did you mean \"shop\""),
    (("add", "--account", "shop", "nonsense"), "is not an address"),
    (("add", "--account", "shop", "--stream", "bulkk", "a@b.test"), "no such stream"),
    (("add", "--account", "shop", "--expires-in", "soon", "a@b.test"), "is not a time"),
    (("import", "--account", "shop", "/nowhere/at.all"), "can't be read"),
])
def test_what_is_wrong_with_a_command_is_said(daemon, arguments, said):
    answer = daemon.cli("suppression", *arguments)
    assert answer.code != 0 and said in answer.err, answer
