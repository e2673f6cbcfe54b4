"""Opens and clicks: what a message bears, and what is told of those who come."""
import email
import email.policy
import http.client
import smtplib
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest

from gonets_rig import dkim_verifiers as verifiers
from gonets_rig.net import DEADLINE, free_endpoint, text_of, wait_until

BASE = "https://mail.test"
SALE = "https://shop.test/sale?a=1&b=\u00e4#top"
HELP = "http://help.test/"
LEAVE = BASE + "/u/here"


def settings(web):
    return {"listener": [{"stream": "bulk"}, {}],
            "stream": {"bulk": {"retry": ["1s"], "track_opens": True, "track_clicks": True}},
            "web": {"listen": text_of(web), "url": BASE}}


@pytest.fixture
def web():
    return free_endpoint()


@pytest.fixture
def daemon(launch, sink, web):
    return launch(route=[("*", sink.route)], **settings(web))


def newsletter(encoding="quoted-printable", track=None):
    """As a program would make it: text, HTML, a picture that belongs to it."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = "news@shop.test", "ann@sink.test", "Sale"
    if track:
        message["X-Gonets-Track"] = track
    message.set_content(f"Sale: {SALE}\n")
    message.add_alternative(f'<html><body><p>\u00dcberall <a class="x" href="{SALE.replace("&", "&amp;")}">Sale</a> '
                            f"<a href='{HELP}'>Help</a> <a href={LEAVE}>Leave</a> <a href=mailto:a@shop.test>Mail</a>"
                            "</p></body></html>\n", subtype="html", cte=encoding)
    message.get_payload()[1].add_related(b"\x89PNG....", "image", "png", cid="<logo>")
    return message.as_bytes()


class Page(HTMLParser):
    """Links and pictures, as a browser reads them."""

    def __init__(self, text):
        super().__init__()
        self.links, self.pictures = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "a":
            self.links.append(attrs["href"])
        if tag == "img":
            self.pictures.append(attrs["src"])


def received(sink, to="ann@sink.test"):
    return wait_until(f"a message to {to}", lambda: [m for m in sink.messages if to in m.recipients])[-1].content


def page_of(content):
    message = email.message_from_bytes(content, policy=email.policy.default)
    return Page(message.get_body(("html",)).get_content())


def answer_to(daemon, content, *recipients, listener=0):
    with smtplib.SMTP(*daemon.endpoints[listener], timeout=DEADLINE) as smtp:
        smtp.ehlo()
        smtp.mail("news@shop.test", ["BODY=8BITMIME"])
        for each in recipients:
            assert smtp.rcpt(each)[0] == 250
        code, text = smtp.data(content)
        return code, text.decode()


def send(daemon, content, *recipients, listener=0):
    code, text = answer_to(daemon, content, *(recipients or ["ann@sink.test"]), listener=listener)
    assert code == 250, text
    return text.split()[-1]


def visit(web, address, method="GET", **fields):
    """As a mail program or browser would, through the proxy. Gives status, Location and body."""
    assert address.startswith(BASE)
    connection = http.client.HTTPConnection(*web, timeout=DEADLINE)
    try:
        connection.request(method, address.removeprefix(BASE), headers={"User-Agent": "Mail/1"} | fields)
        response = connection.getresponse()
        return response.status, response.headers["Location"], response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
def test_a_newsletter_tells_who_opened_and_what_he_clicked(daemon, sink, web, encoding):
    queue_id = send(daemon, newsletter(encoding))
    content = received(sink)
    page = page_of(content)
    sale, support, leave, mail = page.links
    assert (leave, mail) == (LEAVE, "mailto:a@shop.test")
    assert sale.startswith(f"{BASE}/c/") and support.startswith(f"{BASE}/c/")
    [picture] = page.pictures
    assert picture.startswith(f"{BASE}/o/{queue_id.lower()}-0-")

    status, _, body = visit(web, picture, **{"X-Forwarded-For": "203.0.113.9"})
    assert status == 200 and body.startswith(b"GIF89a")
    opened = daemon.wait_event(queue_id, "opened")
    assert opened["recipients"] == [{"index": 0, "address": "ann@sink.test"}]
    assert (opened["client_address"], opened["user_agent"], opened["stream"]) == ("203.0.113.9", "Mail/1", "bulk")
    assert visit(web, support)[:2] == (302, HELP)
    assert daemon.wait_event(queue_id, "clicked")["url"] == HELP
    assert visit(web, sale)[:2] == (302, SALE.replace("\u00e4", "%C3%A4"))
    daemon.wait_event(queue_id, "clicked", count=2)
    assert [e.get("repeated") for e in daemon.events_of(queue_id, kind="clicked")] == [None, True]
    # Text and picture came through as they were.
    before, after = (email.message_from_bytes(c, policy=email.policy.default) for c in (newsletter(encoding), content))
    assert before.get_body(("plain",)).get_content() == after.get_body(("plain",)).get_content()
    assert [p.get_content() for p in before.walk() if p.get_content_type() == "image/png"] == [
        p.get_content() for p in after.walk() if p.get_content_type() == "image/png"]
    told = daemon.cli("trace", queue_id).out
    assert "opened" in told and HELP in told and "203.0.113.9" in told
    assert daemon.audit()["balanced"]


def test_who_comes_again_at_once_is_told_once_and_links_outlive_a_crash(daemon, sink, web):
    queue_id = send(daemon, newsletter())
    page = page_of(received(sink))
    for _ in range(3):
        assert visit(web, page.pictures[0])[0] == 200
    daemon.wait_event(queue_id, "opened")
    assert visit(web, page.links[0], "HEAD")[0] == 302
    daemon.restart()
    assert visit(web, page.links[0])[0] == 302
    daemon.wait_event(queue_id, "clicked")
    assert len(daemon.events_of(queue_id, kind="opened")) == 1 and len(daemon.events_of(queue_id, kind="clicked")) == 1
    stats = wait_until("the counts", lambda: [
        r for r in daemon.cli_json("stats", "--by", "stream")["rows"] if r["counts"].get("clicked")])
    assert (stats[0]["counts"]["opened"], stats[0]["counts"]["clicked"], stats[0]["rates"]["opened"]) == (1, 1, 1.0)
    assert "CLICKED" in daemon.cli("stats", "--by", "stream").out
    found = daemon.cli_json("messages", "search", "--recipient", "ann@sink.test")["messages"]
    assert [m["status"] for m in found] == ["delivered"]


def test_a_link_that_was_changed_leads_nowhere(daemon, sink, web):
    queue_id = send(daemon, newsletter())
    page = page_of(received(sink))
    start, _, end = page.links[0].rpartition("/")
    other = page.links[1].rpartition("/")[2]
    for wrong in (f"{start}/{other}", start + "/aHR0cDovL2V2aWwudGVzdA", page.links[0] + "A", page.pictures[0][:-1] + "!", start):
        status, location, _ = visit(web, wrong)
        assert (status, location) == (404, None), wrong
    assert visit(web, page.links[1])[0] == 302  # what follows is told behind what came before
    daemon.wait_event(queue_id, "clicked")
    assert len(daemon.events_of(queue_id, kind="clicked")) == 1 and not daemon.events_of(queue_id, kind="opened")


def test_a_message_says_what_is_tracked_of_it_and_not_all_mail_can_be(daemon, sink, web):
    def sent(to, listener=0, **how):
        send(daemon, newsletter(**how), to, listener=listener)
        page = page_of(received(sink, to))
        return len(page.pictures), sum("/c/" in link for link in page.links)
    assert sent("none@sink.test", track="none") == (0, 0)
    assert sent("opens@sink.test", track="opens") == (1, 0)
    assert sent("receipts@sink.test", listener=1) == (0, 0)
    assert sent("clicks@sink.test", listener=1, track="clicks") == (0, 2)
    to_two = newsletter()
    send(daemon, to_two, "one@sink.test", "two@sink.test")
    assert received(sink, "two@sink.test").endswith(to_two)
    code, text = answer_to(daemon, newsletter(track="everything"), "ann@sink.test")
    assert code == 554 and "X-Gonets-Track: opens, clicks, both with a comma, or none is expected" in text


def test_what_was_changed_is_what_is_signed(daemon, sink):
    daemon.cli_json("domain", "add", "shop.test")
    assert daemon.cli_json("domain", "verify", "shop.test", "--force")["verified"]
    made = daemon.cli_json("domain", "rotate", "shop.test", "--now")
    records = {r["name"]: r["value"] for r in made["records"] if r["purpose"] == "dkim"}
    send(daemon, newsletter())
    content = received(sink)
    assert page_of(content).pictures
    good = verifiers.dkimpy_verifies(content, records)
    assert good and all(good)


def test_a_private_account_keeps_nothing_of_who_came(daemon, sink, web):
    daemon.cli("account", "set", "default", "--journal-hash-after", "4")
    queue_id = send(daemon, newsletter())
    visit(web, page_of(received(sink)).pictures[0])
    opened = daemon.wait_event(queue_id, "opened")
    assert "client_address" not in opened and "user_agent" not in opened
