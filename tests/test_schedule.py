"""Send at, expire at: what senders say of times with a real client, by FUTURERELEASE (RFC 4865) and DELIVERBY (RFC 2852)."""
import datetime
import email
import smtplib

import pytest

from gonets_rig.net import DEADLINE, wait_until

LISTENERS = [{}, {"kind": "submission", "trusted_networks": []}]
AUTH = {"plaintext_networks": ["127.0.0.0/8"]}
LETTER = "From: shop@example.com\r\nSubject: later\r\n\r\nhello\r\n"


@pytest.fixture
def daemon(launch, sink):
    return launch(listener=LISTENERS, auth=AUTH, route=[("*", sink.route)])


def client(daemon):
    daemon.add_account("shop")
    login = daemon.add_login("shop")
    smtp = smtplib.SMTP(*daemon.endpoints[1], timeout=DEADLINE)
    smtp.login(login.login, login.secret)
    return smtp


def send(smtp, *options, to="to@sink.test"):
    """Sends with these parameters of MAIL; gives the queue id."""
    smtp.ehlo_or_helo_if_needed()
    code, text = smtp.mail("shop@example.com", options)
    assert code == 250, text
    code, text = smtp.rcpt(to)
    assert code == 250, text
    code, text = smtp.data(LETTER)
    assert code == 250, text
    return text.decode().split()[-1]


def utc(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def in_utc(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_message_is_held_as_long_as_its_sender_says_over_a_kill_9(daemon, sink):
    smtp = client(daemon)
    smtp.ehlo()
    assert smtp.esmtp_features["futurerelease"].startswith("2592000 2") and smtp.has_extn("deliverby")
    later = send(smtp, "HOLDUNTIL=" + in_utc(3600))
    soon = send(smtp, "HOLDFOR=6")
    accepted = daemon.wait_event(soon, "accepted")
    assert accepted["reason"].startswith("held by its sender until 2")
    assert "held by its sender until" in daemon.cli("trace", soon).out
    daemon.kill()
    daemon.start()
    wait_until("both are known again", lambda: {r["message_id"] for r in daemon.queue()} >= {later})
    why = daemon.cli_json("why", later)["recipients"][0]
    held = why["obstacles"][0]
    assert held["what"] == "sender_hold" and 3500 < (utc(held["until"]) - utc(why["accepted"])).total_seconds() < 3601
    assert why["expected"] == held["until"]
    assert "held by its sender" in daemon.cli("queue", "list", "--id", later).out
    assert "release" in daemon.cli("queue", "show", later).out
    ended = daemon.wait_ends(soon, "to@sink.test")["to@sink.test"]
    assert ended["kind"] == "delivered"
    assert (utc(ended["at"]) - utc(accepted["at"])).total_seconds() >= 5.9
    assert "shop" not in str([r for r in daemon.queue() if r["message_id"] == soon])
    assert daemon.cli("queue", "retry", later).code == 0
    daemon.wait_ends(later, "to@sink.test")
    assert [e["kind"] for e in daemon.trace(later)] == ["accepted", "released", "delivered"]
    assert daemon.audit()["balanced"]


@pytest.mark.parametrize("options, said", [
    (("HOLDFOR=2592001",), b"held for 2592000 seconds at most"),
    (("HOLDUNTIL=2020-01-01T00:00:00Z",), b"in the past"),
    (("HOLDUNTIL=2099-01-01T00:00:00Z",), b"at most"),
    (("HOLDFOR=0",), b"HOLDFOR needs"),
    (("HOLDFOR=60", "HOLDUNTIL=2099-01-01T00:00:00Z"), b"exclude each other"),
    (("BY=0;R",), b"BY needs"),
    (("HOLDFOR=60", "BY=60;R"), b"BY ends before"),
])
def test_times_that_make_no_sense_are_refused(daemon, options, said):
    smtp = client(daemon)
    smtp.ehlo()
    code, text = smtp.mail("shop@example.com", options)
    assert code == 501 and text.startswith(b"5.5.4 ") and said in text, (code, text)


def test_only_submission_is_offered_times(daemon):
    with daemon.talk(hello=True) as talk:
        talk.expect(555, "MAIL FROM:<a@sender.test> HOLDFOR=60", "5.5.4")
        talk.expect(555, "MAIL FROM:<a@sender.test> BY=60;N", "5.5.4")


def reports_to(sink, address):
    return [email.message_from_bytes(m.content) for m in sink.messages if m.recipients == [address]]


def test_what_is_not_delivered_in_time_is_returned_and_of_a_delay_its_sender_hears(daemon, sink):
    sink.on("RCPT", "450 4.2.0 later", about=b"sink.test")
    smtp = client(daemon)
    returned = send(smtp, "BY=3;R", to="a@sink.test")
    late = send(smtp, "BY=2;NT", to="b@sink.test")
    ended = daemon.wait_ends(returned, "a@sink.test")["a@sink.test"]
    assert ended["kind"] == "expired"
    wait_until("two reports", lambda: len(reports_to(sink, "shop@example.com")) == 2)
    actions = {part["Final-Recipient"].split(";")[1].strip(): part["Action"]
               for report in reports_to(sink, "shop@example.com")
               for part in report.get_payload()[1].get_payload()[1:]}
    assert actions == {"a@sink.test": "failed", "b@sink.test": "delayed"}
    assert [r["message_id"] for r in daemon.queue()] == [late]
    sink.heal()
    daemon.cli("queue", "retry", late)
    assert daemon.wait_ends(late, "b@sink.test")["b@sink.test"]["kind"] == "delivered"


def test_the_time_is_passed_on_to_a_server_that_knows_it(launch, sink):
    """Whether the next server has it is seen in that server's queue."""
    sink.on("RCPT", "450 4.2.0 later", about=b"sink.test")
    second = launch(listener=[{}, {"kind": "submission", "trusted_networks": ["127.0.0.0/8"]}], auth=AUTH,
                    route=[("*", sink.route)])
    host, port = second.endpoints[1]
    first = launch(listener=LISTENERS, auth=AUTH, route=[("*", f"smtp://{host}:{port}")])
    smtp = client(first)
    for mode in ("R", "NT"):
        sent = send(smtp, "BY=600;" + mode, to=f"{mode.lower()}@sink.test")
        first.wait_ends(sent, f"{mode.lower()}@sink.test")
    wait_until("both are there", lambda: len(second.queue()) == 2)
    for row in second.queue():
        shown = second.cli_json("queue", "show", row["message_id"])["rows"][0]
        left = (utc(shown["deliver_by"]) - utc(shown["accepted"])).total_seconds()
        assert 560 < left <= 601, shown
    wait_until("the trace", lambda: [p["Action"] for r in reports_to(sink, "shop@example.com")
                                     for p in r.get_payload()[1].get_payload()[1:]] == ["relayed"])


def test_a_delay_is_told_of_at_its_time_though_nothing_is_tried(daemon, sink):
    daemon.cli("hold", "add", "--domain", "held.test")
    smtp = client(daemon)
    held = send(smtp, "BY=2;N", to="a@held.test")
    wait_until("the report", lambda: len(reports_to(sink, "shop@example.com")) == 1)
    status = reports_to(sink, "shop@example.com")[0].get_payload()[1].get_payload()[1]
    assert (status["Action"], status["Status"]) == ("delayed", "4.4.7")
    assert [e["kind"] for e in daemon.trace(held)] == ["accepted"]
    daemon.kill()
    daemon.start()
    wait_until("it is known again", lambda: [r["message_id"] for r in daemon.queue()] == [held])
    assert daemon.cli("hold", "release", "1").code == 0
    assert daemon.wait_ends(held, "a@held.test")["a@held.test"]["kind"] == "delivered"
    actions = [r.get_payload()[1].get_payload()[1]["Action"] for r in reports_to(sink, "shop@example.com")]
    assert actions.count("delayed") == 1
    assert daemon.audit()["balanced"]


def test_what_a_limit_or_hold_keeps_back_is_returned_in_time_too(daemon, sink):
    daemon.cli("hold", "add", "--domain", "held.test")
    smtp = client(daemon)
    held = send(smtp, "BY=2;R", to="a@held.test")
    assert daemon.wait_ends(held, "a@held.test")["a@held.test"]["kind"] == "expired"
    wait_until("the report", lambda: len(reports_to(sink, "shop@example.com")) == 1)
