"""Addresses that an account's mail is not sent to: put there by refusals, complaints and commands."""
import csv
import http.client
import io
import json
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


def offer(daemon, to, account="shop", stream=None, extra="", body="hello\r\n"):
    """What the server says to the message."""
    login = daemon.add_login(account, **({"stream": stream} if stream else {}))
    with smtplib.SMTP(*daemon.endpoints[1], timeout=DEADLINE) as smtp:
        smtp.login(login.login, login.secret)
        smtp.mail("shop@shop.test")
        assert smtp.rcpt(to)[0] == 250
        code, text = smtp.data(f"From: shop@shop.test\r\n{extra}Subject: hello\r\n\r\n{body}")
        return code, text.decode()


def send(daemon, to, account="shop", stream=None, **more):
    code, text = offer(daemon, to, account, stream, **more)
    assert code == 250, text
    return text.split()[-1]


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


IGNORE = "X-Gonets-Ignore-Suppression: yes\r\n"


def allow(daemon, word):
    assert daemon.cli("account", "set", "shop", "--ignore-suppression", word).code == 0


def test_an_account_with_the_right_sends_all_the_same(daemon, sink):
    assert daemon.cli("suppression", "add", "--account", "shop", "ann@sink.test").code == 0
    code, text = offer(daemon, "ann@sink.test", extra=IGNORE)
    assert code == 550 and text.startswith("5.7.1 X-Gonets-Ignore-Suppression: this account has no right"), text
    assert offer(daemon, "ann@sink.test", extra="X-Gonets-Ignore-Suppression: perhaps\r\n")[0] == 554
    allow(daemon, "yes")
    assert "may ask to be sent all the same" in daemon.cli("account", "show", "shop").out
    # It holds over a restart, and before a second attempt.
    sink.on("RCPT", "450 4.2.0 later", about=b"ann@sink.test")
    waits = send(daemon, "ann@sink.test", extra=IGNORE)
    daemon.wait_event(waits, "deferred")
    sink.heal()
    daemon.kill()
    daemon.start()
    daemon.cli("queue", "retry", waits)
    assert end_of(daemon, waits, "ann@sink.test")["kind"] == "delivered"
    assert daemon.events_of(waits, kind="accepted")[0]["ignores_suppression"] is True
    # Without the field, or with "no", the list is obeyed; the field never leaves.
    assert end_of(daemon, send(daemon, "ann@sink.test"), "ann@sink.test")["kind"] == "suppressed"
    obeys = send(daemon, "ann@sink.test", extra=IGNORE.replace("yes", "no"))
    assert end_of(daemon, obeys, "ann@sink.test")["kind"] == "suppressed"
    assert "ignores_suppression" not in daemon.events_of(obeys, kind="accepted")[0]
    large = send(daemon, "ann@sink.test", extra=IGNORE, body="x" * 76 + "\r\n" + ("y" * 76 + "\r\n") * 40_000)
    assert end_of(daemon, large, "ann@sink.test")["kind"] == "delivered"
    sent = [m.content for m in sink.messages if b"Subject: hello" in m.content and b"report" not in m.content]
    assert len(sent) == 2 and sent[1].endswith(b"y" * 76 + b"\r\n") and sent[1].count(b"\r\n") > 40_000
    for content in sent:
        assert b"Ignore-Suppression" not in content and b"From: shop@shop.test\r\nSubject: hello\r\n" in content
    allow(daemon, "no")
    assert offer(daemon, "ann@sink.test", extra=IGNORE)[0] == 550
    assert daemon.audit()["balanced"]


def shown(daemon, address):
    known = daemon.cli_json("suppression", "show", address)["accounts"]
    return known[0] if known else None


def soft_count(daemon, address):
    known = shown(daemon, address)
    return known.get("soft_bounces", {"count": 0})["count"] if known else 0


def test_soft_bounces_suppress_for_a_time(daemon, sink):
    assert daemon.cli("account", "set", "shop", "--soft-bounces", "3", "--soft-over-days", "0").code == 0
    sink.on("RCPT", "552 5.2.2 Mailbox full", about=b"full@sink.test")

    def bounce():
        assert end_of(daemon, send(daemon, "full@sink.test"), "full@sink.test")["kind"] == "bounced"
    bounce()
    bounce()
    assert soft_count(daemon, "Full@sink.test") == 2
    sink.heal()
    assert end_of(daemon, send(daemon, "full@sink.test"), "full@sink.test")["kind"] == "delivered"
    assert soft_count(daemon, "full@sink.test") == 0, "a delivery begins anew"
    sink.on("RCPT", "552 5.2.2 Mailbox full", about=b"full@sink.test")
    bounce()
    bounce()
    wait_until("it is counted", lambda: soft_count(daemon, "full@sink.test") == 2)
    daemon.kill()
    daemon.start()
    assert soft_count(daemon, "full@sink.test") == 2
    told = daemon.cli("suppression", "show", "full@sink.test").out
    assert "not suppressed" in told and "soft bounces: 2 of 3, over 0 days within 30" in told
    bounce()
    (entry,) = shown(daemon, "full@sink.test")["suppressions"]
    assert entry["reason"] == "soft_bounces" and entry["expires"] > entry["since"] and entry["message_id"]
    assert end_of(daemon, send(daemon, "full@sink.test"), "full@sink.test")["kind"] == "suppressed"
    assert "soft_bounces" not in shown(daemon, "full@sink.test")


def test_each_account_says_what_suppresses(daemon, sink):
    changed = daemon.cli("account", "set", "shop", "--suppress-on", "mailbox_full,moved", "--soft-bounces", "0")
    assert changed.code == 0 and "on mailbox_full, moved" in changed.out
    wrong = daemon.cli("account", "set", "shop", "--suppress-on", "reputation")
    assert wrong.code != 0 and "reputation says nothing against an address" in wrong.err
    wrong = daemon.cli("account", "set", "shop", "--soft-over-days", "40")
    assert wrong.code != 0 and "can't come together within 30" in wrong.err
    sink.on("RCPT", "552 5.2.2 Mailbox full", about=b"full@sink.test")
    sink.on("RCPT", "550 5.1.1 User unknown", about=b"gone@sink.test")
    for address in ("full@sink.test", "gone@sink.test"):
        for account in ("shop", "other"):
            assert end_of(daemon, send(daemon, address, account), address)["kind"] == "bounced"

    def reasons(account):
        rows = daemon.cli_json("suppression", "list", "--account", account)["suppressions"]
        return [(r["address"], r["reason"]) for r in rows]
    assert reasons("shop") == [("full@sink.test", "mailbox_full")]
    assert reasons("other") == [("gone@sink.test", "user_unknown")]


def test_a_list_is_searched_exported_and_imported_as_it_was(daemon):
    rows = [["address", "colour", "scope", "reason", "source", "since", "expires"],
            ["ann@far.test", "red", "", "user_unknown", "28T5CY4TQKFF", "2026-01-02T03:04:05.678Z", ""],
            ["ann@far.test", "", "bulk", "complained", "", "2026-01-02", "2090-01-01T00:00:00Z"],
            ["\"odd, one\"@far.test", "", "", "said \"no, thanks\"; twice", "", "2026-01-02T03:04:05Z", ""],
            ["ann@far.test", "", "list:weekly.shop.test", "unsubscribed", "", "2026-01-02T03:04:05.678Z", ""],
            ["bad@far.test", "", "", "manual", "", "yesterday", ""],
            *([f"user{i}@near.test", "", "", "old", "", "2026-01-01T00:00:00.000Z", ""] for i in range(20_000))]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    answer = daemon.cli("suppression", "import", "--account", "shop", "-", stdin=text.getvalue().encode())
    assert answer.code == 1 and "20004 addresses on the list, 1 left out" in answer.out, answer
    assert 'column "colour" is passed over' in answer.err and 'line 6: "yesterday" is not a time' in answer.err

    def export(account, *more):
        made = daemon.cli("suppression", "export", "--account", account, *more)
        assert made.code == 0, made
        return made.out
    whole = export("shop")
    read = list(csv.DictReader(io.StringIO(whole)))
    assert len(read) == 20_004 and list(read[0]) == ["address", "scope", "reason", "source", "since", "expires"]
    assert [r for r in read if "far" in r["address"]] == [
        {"address": '"odd, one"@far.test', "scope": "", "reason": 'said "no, thanks"; twice', "source": "",
         "since": "2026-01-02T03:04:05.000Z", "expires": ""},
        {"address": "ann@far.test", "scope": "", "reason": "user_unknown", "source": "28T5CY4TQKFF",
         "since": "2026-01-02T03:04:05.678Z", "expires": ""},
        {"address": "ann@far.test", "scope": "bulk", "reason": "complained", "source": "",
         "since": "2026-01-02T00:00:00.000Z", "expires": "2090-01-01T00:00:00.000Z"},
        {"address": "ann@far.test", "scope": "list:weekly.shop.test", "reason": "unsubscribed", "source": "",
         "since": "2026-01-02T03:04:05.678Z", "expires": ""}]
    again = daemon.cli("suppression", "import", "--account", "other", "-", stdin=whole.encode())
    assert again.code == 0 and export("other") == whole
    lines = [json.loads(line) for line in export("shop", "--format", "jsonl", "--reason", "complained").splitlines()]
    assert [(line["address"], line["stream"]) for line in lines] == [("ann@far.test", "bulk")]

    def found(*more):
        return [r["address"] for r in daemon.cli_json("suppression", "list", "--account", "shop", *more)["suppressions"]]
    assert found("--search", "User777@") == ["user777@near.test"]
    assert found("--stream", "bulk") == found("--list", "Weekly.shop.test") == ["ann@far.test"]
    assert found("--since", "1h") == [] and len(found("--search", "@near.test", "--max", "150")) == 150
    assert "and more" in daemon.cli("suppression", "list", "--account", "shop").out


def test_a_domain_is_one_in_both_its_spellings(daemon):
    assert daemon.cli("suppression", "add", "--account", "shop", "Ann@B\u00dccher.test").code == 0
    ascii_form = "ann@xn--bcher-kva.test"
    assert end_of(daemon, send(daemon, ascii_form), ascii_form)["kind"] == "suppressed"
    for spelling in ("ann@b\u00fccher.test", ascii_form):
        assert [s["address"] for s in shown(daemon, spelling)["suppressions"]] == [ascii_form]
    assert daemon.cli("suppression", "remove", "--account", "shop", "ann@b\u00fccher.test").code == 0
    assert shown(daemon, ascii_form) is None
    assert "Nothing is known of" in daemon.cli("suppression", "show", ascii_form).out


def by_key(daemon, key, method, path, body=None):
    connection = http.client.HTTPConnection(*daemon.http, timeout=DEADLINE)
    try:
        connection.request(method, path, body and json.dumps(body), {"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_an_account_s_key_has_its_own_list_and_leaves_complaints(daemon):
    admin, reader = daemon.add_api_key("shop", ["admin"]), daemon.add_api_key("shop", ["read"])
    other = daemon.add_api_key("other", ["admin"])
    entries = [{"address": "ann@sink.test", "reason": "complained", "stream": "bulk"},
               {"address": "bob@sink.test", "reason": "unsubscribed", "stream": "bulk"}]
    assert daemon.api("POST", "/v1/suppressions", {"account": "shop", "entries": entries}) == (200, {"added": 2})
    assert by_key(daemon, admin, "POST", "/v1/suppressions", {"addresses": ["eve@sink.test"]}) == (200, {"added": 1})
    status, mine = by_key(daemon, reader, "GET", "/v1/suppressions")
    assert status == 200 and [m["address"] for m in mine["suppressions"]] == [
        "ann@sink.test", "bob@sink.test", "eve@sink.test"]
    assert by_key(daemon, other, "GET", "/v1/suppressions")[1]["suppressions"] == []
    assert by_key(daemon, other, "GET", "/v1/suppressions/ann@sink.test")[1]["accounts"] == []
    for key, path, body in ((other, "/v1/suppressions/remove", {"account": "shop", "addresses": ["eve@sink.test"]}),
                            (reader, "/v1/suppressions/remove", {"addresses": ["eve@sink.test"]}),
                            (other, "/v1/suppressions", {"account": "shop", "addresses": ["eve@sink.test"]})):
        assert by_key(daemon, key, "POST", path, body)[0] == 403
    # An account may take back what it did and what its recipients wished, but not that they complained; nor replace it.
    both = {"stream": "bulk", "addresses": ["ann@sink.test", "bob@sink.test"]}
    assert by_key(daemon, admin, "POST", "/v1/suppressions/remove", both) == (
        200, {"removed": 1, "kept": ["ann@sink.test"]})
    soon = {"stream": "bulk", "addresses": ["ann@sink.test"], "expires_in": 1}
    assert by_key(daemon, admin, "POST", "/v1/suppressions", soon) == (200, {"added": 0, "kept": ["ann@sink.test"]})
    (entry,) = shown(daemon, "ann@sink.test")["suppressions"]
    assert entry["reason"] == "complained" and "expires" not in entry
    assert daemon.cli("suppression", "remove", "--account", "shop", "--stream", "bulk", "ann@sink.test").code == 0
    assert shown(daemon, "ann@sink.test") is None
