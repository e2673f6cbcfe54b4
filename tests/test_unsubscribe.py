"""Unsubscribing from what bulk mail says of itself: by one click (RFC 8058), by the page, by mail."""
import email
import http.client
import re
import smtplib
import socket

import pytest

from gonets_rig import dkim_verifiers as verifiers
from gonets_rig.net import DEADLINE, free_endpoint, text_of, wait_until
from gonets_rig.talk import letter

DOMAIN = "bounce.test"
BASE = "https://leave.test"
ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def settings(web, **more):
    # Listeners: clients' bulk mail, clients' receipts, the world.
    return {"listener": [{"stream": "bulk"}, {}, {"trusted_networks": ["127.9.9.9/32"]}],
            "stream": {"bulk": {"retry": ["1s"], "jitter": 0.0}},
            "feedback": {"domain": DOMAIN, "postmaster": "ops@shop.test"},
            "web": {"listen": text_of(web), "url": BASE}} | more


@pytest.fixture
def web():
    return free_endpoint()


@pytest.fixture
def daemon(launch, sink, web):
    return launch(route=[("*", sink.route)], **settings(web))


def ask(web, method, path, body=None, **fields):
    """As a browser or a mailbox provider would, through a proxy. Gives status, text and header."""
    connection = http.client.HTTPConnection(*web, timeout=DEADLINE)
    try:
        connection.request(method, path, body, {"Host": "leave.test", "Origin": BASE} | FORM | fields)
        response = connection.getresponse()
        return response.status, response.read().decode(), response.headers
    finally:
        connection.close()


def send(daemon, to="ann@sink.test", listener=0, content=None):
    with smtplib.SMTP(*daemon.endpoints[listener], timeout=DEADLINE) as smtp:
        smtp.ehlo()
        smtp.mail("news@shop.test")
        for one in [to] if isinstance(to, str) else to:
            assert smtp.rcpt(one)[0] == 250
        code, text = smtp.data(content or letter(sender="news@shop.test"))
        assert code == 250, text
        return text.decode().split()[-1]


def end_of(daemon, queue_id, to="ann@sink.test"):
    return daemon.wait_ends(queue_id, to)[to]["kind"]


def received(sink, to="ann@sink.test"):
    return wait_until(f"a message to {to}", lambda: [m for m in sink.messages if to in m.recipients])[-1].content


def ways_out(content):
    """Path of the page, and address, that the message names."""
    message = email.message_from_bytes(content)
    url, address = re.fullmatch(r"<(https://[^>]+)>,\s+<mailto:([^?>]+)\?subject=unsubscribe>",
                                message["List-Unsubscribe"]).groups()
    assert message["List-Unsubscribe-Post"] == ONE_CLICK
    assert url.startswith(BASE + "/u/") and address == f"u-{url.removeprefix(BASE + '/u/')}@{DOMAIN}"
    return url.removeprefix(BASE), address


def sent_bulk(daemon, sink, to="ann@sink.test"):
    queue_id = send(daemon, to)
    assert end_of(daemon, queue_id, to) == "delivered"
    return queue_id, *ways_out(received(sink, to))


def told(daemon, queue_id):
    """What came of the message behind its end."""
    return [e["kind"] for e in daemon.trace(queue_id) if e["kind"].endswith("subscribed")]


def test_one_click_ends_the_stream_for_the_address_at_once_and_after_a_crash(daemon, sink, web):
    queue_id, page, _ = sent_bulk(daemon, sink)
    assert ask(web, "POST", page, ONE_CLICK)[0] == 200
    daemon.kill()  # what was answered is safe
    daemon.start()
    event = daemon.wait_event(queue_id, "unsubscribed")
    assert event["recipients"] == [{"index": 0, "address": "ann@sink.test"}] and event["reason"] == "one_click"
    assert (event["account"], event["stream"], event["sender"]) == ("default", "bulk", "news@shop.test")
    assert end_of(daemon, send(daemon)) == "suppressed"
    assert end_of(daemon, send(daemon, "Ann@SINK.test"), "Ann@sink.test") == "suppressed"
    assert end_of(daemon, send(daemon, listener=1)) == "delivered"  # his receipts
    assert end_of(daemon, send(daemon, "bob@sink.test"), "bob@sink.test") == "delivered"
    listed = daemon.cli_json("suppression", "list", "--account", "default")["suppressions"]
    assert [(s["address"], s["stream"], s["reason"], s["message_id"]) for s in listed] == [
        ("ann@sink.test", "bulk", "unsubscribed", queue_id)]
    assert "unsubscribed" in daemon.cli("trace", queue_id).out
    # Again: nothing new.
    assert ask(web, "POST", page, ONE_CLICK)[0] == 200
    assert told(daemon, queue_id) == ["unsubscribed"]
    assert ({"how": "one_click"}, 0) in daemon.metrics()["gonets_unsubscribes_total"]  # since the start
    assert daemon.audit()["balanced"]


def test_what_is_in_the_queue_obeys(daemon, sink, web):
    _, page, _ = sent_bulk(daemon, sink)
    sink.on("RCPT", "451 4.3.0 Later", about=b"ann@sink.test")
    waiting = send(daemon)
    daemon.wait_event(waiting, "deferred")
    assert ask(web, "POST", page, ONE_CLICK)[0] == 200
    sink.heal()
    assert end_of(daemon, waiting) == "suppressed"


def test_who_leaves_a_mailing_list_gets_the_others(daemon, sink, web):
    def of_list(name):
        return letter(sender="news@shop.test").replace(b"Subject:", f"List-ID: News <{name}.Shop.test>\r\nSubject:".encode(), 1)
    first = send(daemon, content=of_list("weekly"))
    assert end_of(daemon, first) == "delivered"
    page, _ = ways_out(received(sink))
    sink.on("RCPT", "451 4.3.0 Later", about=b"ann@sink.test")
    waiting, others = send(daemon, content=of_list("Weekly")), send(daemon, content=of_list("monthly"))
    daemon.wait_event(waiting, "deferred")
    assert ask(web, "POST", page, ONE_CLICK)[0] == 200
    assert daemon.wait_event(first, "unsubscribed")["list_id"] == "weekly.shop.test"
    sink.heal()
    assert end_of(daemon, waiting) == "suppressed" and end_of(daemon, others) == "delivered"
    assert "mailing list weekly.shop.test" in daemon.trace(waiting)[-1]["reply"]["text"]
    assert end_of(daemon, send(daemon)) == "delivered"
    daemon.kill()
    daemon.start()
    assert end_of(daemon, send(daemon, content=of_list("weekly"))) == "suppressed"
    told = daemon.cli("suppression", "list", "--account", "default", "--list", "weekly.shop.test").out
    assert "ann@sink.test" in told and "list weekly.shop.test" in told and "unsubscribed" in told


def test_to_look_is_not_to_unsubscribe(daemon, sink, web):
    queue_id, page, _ = sent_bulk(daemon, sink)
    for method in ("GET", "HEAD", "GET"):
        status, text, header = ask(web, method, page)
        assert status == 200
        assert header["Content-Security-Policy"].startswith("default-src 'none'")
        assert (header["Referrer-Policy"], header["Cache-Control"]) == ("no-referrer", "no-store")
    assert "ann@sink.test" in text and "shop.test" in text and 'method="post"' in text
    assert "Отписаться" in ask(web, "GET", page, **{"Accept-Language": "ru-RU,ru;q=0.9"})[1]
    assert end_of(daemon, send(daemon)) == "delivered"
    assert told(daemon, queue_id) == []


def test_the_page_unsubscribes_and_takes_it_back(daemon, sink, web):
    queue_id, page, _ = sent_bulk(daemon, sink)

    def press(at):
        """The one button of the page at `at`; gives where that leads, and the page there."""
        action = re.search(r'<form method="post" action="([^"]+)">', ask(web, "GET", at)[1]).group(1)
        folder = at.rpartition("/")[0]
        while action.startswith("../"):
            folder, action = folder.rpartition("/")[0], action.removeprefix("../")
        status, text, _ = ask(web, "POST", f"{folder}/{action}", "")
        assert status == 200
        return f"{folder}/{action}", text

    at, text = press(page)
    assert at == page and "no more" in text
    assert end_of(daemon, send(daemon)) == "suppressed"
    at, text = press(at)
    assert at == page + "/resubscribe" and "again" in text
    assert end_of(daemon, send(daemon)) == "delivered"
    at, text = press(at)
    assert at == page and "no more" in text
    assert end_of(daemon, send(daemon)) == "suppressed"
    assert told(daemon, queue_id) == ["unsubscribed", "resubscribed", "unsubscribed"]
    assert ({"how": "page"}, 2) in daemon.metrics()["gonets_unsubscribes_total"]


def test_who_complained_does_not_come_back_by_the_page(daemon, sink, web):
    queue_id, page, _ = sent_bulk(daemon, sink)
    assert daemon.cli("suppression", "add", "--account", "default", "--stream", "bulk", "ann@sink.test", "--reason",
                      "asked by phone").code == 0
    assert ask(web, "POST", page, ONE_CLICK)[0] == 200
    assert "<form" not in ask(web, "POST", page + "/resubscribe", "")[1]
    assert end_of(daemon, send(daemon)) == "suppressed"
    assert told(daemon, queue_id) == []


def test_a_token_that_we_did_not_make_is_nobody_s(daemon, sink, web):
    queue_id, page, address = sent_bulk(daemon, sink)
    return_path = next(m.sender for m in sink.messages)
    changed = page[:-1] + ("0" if page[-1] != "0" else "1")
    bad = [changed, page.replace("-0-", "-1-"), "/u/" + return_path.partition("@")[0].removeprefix("b-"),
           "/u/" + address.partition("@")[0], "/u/", "/", "/v1/queue", "/metrics", "/u/" + "x" * 4000]
    first = ask(web, "GET", "/u/0")
    for method, body in (("GET", None), ("POST", ONE_CLICK)):
        for path in bad:
            status, text, header = ask(web, method, path, body)
            assert (status, text) == (404, first[1]), (method, path)
            assert sorted(header.keys()) == sorted(first[2].keys())
    with socket.create_connection(web, DEADLINE) as large:
        large.sendall(f"POST {page} HTTP/1.1\r\nHost: leave.test\r\nContent-Length: 16385\r\n\r\n".encode())
        assert large.recv(12) == b"HTTP/1.1 413"
    assert ask(web, "PUT", page, "")[0] == 405
    assert told(daemon, queue_id) == []
    # Pages are not on the API's ports, nor the API on theirs.
    assert daemon.raw_api("POST", page)[0] == 404


def come(daemon, to, content, sender="ann@sink.test"):
    with smtplib.SMTP(*daemon.endpoints[2], timeout=DEADLINE) as smtp:
        smtp.ehlo()
        smtp.mail(sender)
        code, text = smtp.rcpt(to)
        return (code, text) if code != 250 else smtp.data(content)


def test_mail_to_the_address_unsubscribes(daemon, sink):
    queue_id, _, address = sent_bulk(daemon, sink)
    away = (f"From: <ann@sink.test>\r\nTo: <{address}>\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\n"
            "I am away until Monday.\r\n")
    assert come(daemon, address, away)[0] == 250
    daemon.wait_empty()
    assert end_of(daemon, send(daemon)) == "delivered"
    forged = address.replace("-0-", "-1-")
    assert come(daemon, forged, "Subject: unsubscribe\r\n\r\n")[:1] == (550,)
    wish = f"From: <ann@sink.test>\r\nTo: <{address}>\r\nSubject: unsubscribe\r\n\r\n"
    assert come(daemon, address.upper(), wish)[0] == 250
    event = daemon.wait_event(queue_id, "unsubscribed")
    assert event["reason"] == "mail" and event["origin"].startswith("report ")
    assert end_of(daemon, send(daemon)) == "suppressed"
    assert come(daemon, address, wish)[0] == 250
    daemon.wait_empty()
    assert told(daemon, queue_id) == ["unsubscribed"]
    assert ({"how": "mail"}, 1) in daemon.metrics()["gonets_unsubscribes_total"]
    assert not [m for m in sink.messages if m.recipients == ["news@shop.test"] and b"unsubscribe" in m.content.split(b"\r\n\r\n")[0]]
    assert daemon.audit()["balanced"]


def test_the_fields_are_signed(daemon, sink):
    made = daemon.cli_json("domain", "add", "shop.test")
    assert daemon.cli_json("domain", "verify", "shop.test", "--force")["verified"]
    made = daemon.cli_json("domain", "rotate", "shop.test", "--now")
    records = {r["name"]: r["value"] for r in made["records"] if r["purpose"] == "dkim"}
    sent_bulk(daemon, sink)
    content = received(sink)
    good = verifiers.dkimpy_verifies(content, records)
    assert good and all(good)
    for field in re.findall(rb"DKIM-Signature:.*?h=(.*?);", content, re.S):
        names = [n.strip().lower() for n in field.split(b":")]
        # Once more than they are there, so that nobody adds another.
        assert names.count(b"list-unsubscribe") == names.count(b"list-unsubscribe-post") == 2
    changed = content.replace(b"/u/", b"/v/")
    assert not any(verifiers.dkimpy_verifies(changed, records))


def test_who_has_fields_of_his_own_or_several_recipients_keeps_them(daemon, sink):
    def fields(**how):
        assert end_of(daemon, send(daemon, **how)) == "delivered"
        message = email.message_from_bytes(received(sink))
        return message.get_all("List-Unsubscribe"), message.get_all("List-Unsubscribe-Post")
    own = letter(sender="news@shop.test", extra=b"List-Unsubscribe: <https://shop.test/leave>\r\n")
    assert fields(content=own) == (["<https://shop.test/leave>"], None)
    assert fields(to=["ann@sink.test", "bob@sink.test"]) == (None, None)
    assert fields(listener=1) == (None, None)


def test_without_a_page_there_is_the_address_and_a_stream_may_do_without_both(launch, sink, web):
    more = settings(web)
    del more["web"]
    daemon = launch(route=[("*", sink.route)], **more)
    send(daemon)
    message = email.message_from_bytes(received(sink))
    assert re.fullmatch(rf"<mailto:u-[-0-9a-z]+@{DOMAIN}\?subject=unsubscribe>", message["List-Unsubscribe"])
    assert "List-Unsubscribe-Post" not in message
    daemon.config["stream"]["bulk"]["unsubscribe"] = False
    daemon.config["stream"]["transactional"]["unsubscribe"] = True
    daemon.reload()
    send(daemon, "bob@sink.test")
    assert "List-Unsubscribe" not in email.message_from_bytes(received(sink, "bob@sink.test"))
    send(daemon, "eve@sink.test", listener=1)
    assert "List-Unsubscribe" in email.message_from_bytes(received(sink, "eve@sink.test"))
