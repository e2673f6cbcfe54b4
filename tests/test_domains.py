"""Sender domains with a real name server: what is printed is published, checked, and signs mail that others verify."""
import re
import smtplib
import subprocess
import threading

import pytest

from gonets_rig import dkim_verifiers as verifiers
from gonets_rig.net import DEADLINE, text_of, wait_until
from gonets_rig.sink import Sink
from gonets_rig.varied_letters import letters
from gonets_rig.zones import Zones

EGRESS = "198.18.5.25"
REVERSE = "5.18.198.in-addr.arpa"
HOST = [f"mx A {EGRESS}", "spf TXT \"v=spf1 ip4:198.18.5.0/24 -all\""]
PROVIDERS = ["google", "yahoo", "microsoft", "mailru"]


@pytest.fixture(scope="module")
def zones():
    made = Zones({"shop.test": [], "broken.example": [], "turn.test": [], "other.test": [], "watch.test": [],
                  "bulk.test": [], "own.test": [], "path.test": [], "host.test": HOST, REVERSE: ["25 PTR mx.host.test."]})
    yield made
    made.stop()


@pytest.fixture(scope="module")
def receiver():
    made = Sink()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(launch_shared, accounts_database, zones, receiver):
    return launch_shared(accounts=accounts_database, route=[("*", receiver.route)], server={"hostname": "mx.host.test"},
                         dns={"servers": [text_of(zones.endpoint)]}, auth={"plaintext_networks": ["127.0.0.0/8"]},
                         domains={"egress_addresses": [EGRESS]})


def beyond(domain):
    """What the owner of a domain has besides what gonets asks for."""
    return [f"{domain}. MX 10 mx.host.test."]


def add(server, domain, *more):
    return server.cli_json("domain", "add", domain, *more)


def publish(zones, domain, made, drop=(), extra=()):
    """The zone fragment as it was printed, without the lines that contain one of `drop`."""
    lines = [line for line in made["zone"].splitlines() if not any(word in line for word in drop)]
    zones.publish(domain, [*lines, *beyond(domain), *extra])


def check(server, domain):
    return server.cli("domain", "check", domain, "--json").json


def findings(checked, name):
    return [(f["result"], f["text"]) for f in checked["check"]["findings"] if f["check"] == name]


def ready(server, zones, domain):
    made = add(server, domain)
    publish(zones, domain, made)
    checked = check(server, domain)
    assert checked["verified"] and all(k["state"] == "active" for k in checked["keys"]), checked
    return checked


def letter_from(domain, number=0):
    return (f"From: Shop <info@{domain}>\r\nTo: to@sink.test\r\nSubject: number {number}\r\n"
            "\r\nOrdered.\r\n").encode()


def signatures(message):
    head = message[:message.index(b"\r\n\r\n")]
    return head.count(b"DKIM-Signature:")


class Records:
    """TXT as a receiver looks it up."""

    def __init__(self, zones):
        self.zones = zones

    def get(self, name, default=""):
        return self.zones.txt(name) or default


def test_what_is_printed_and_published_is_all_that_a_receiver_wants(server, zones, receiver):
    made = add(server, "shop.test")
    assert not made["verified"] and [k["state"] for k in made["keys"]] == ["pending", "pending"]
    assert sorted(k["algorithm"] for k in made["keys"]) == ["ed25519-sha256", "rsa-sha256"]
    assert server.cli("domain", "show", "shop.test", "--zone").out == made["zone"]
    assert "PRIVATE" not in str(made)

    before = server.cli("domain", "check", "shop.test")
    assert before.code == 1 and "_gonets.shop.test" in before.out, before

    publish(zones, "shop.test", made)
    answer = server.cli("domain", "check", "shop.test", "--json")
    checked = answer.json
    assert checked["verified"] and [k["state"] for k in checked["keys"]] == ["active", "active"]
    bad = [f for f in checked["check"]["findings"] if f["result"] not in ("ok", "info")]
    assert not bad, bad
    assert answer.code == 0
    assert {p["provider"]: p["result"] for p in checked["check"]["providers"]} == dict.fromkeys(PROVIDERS, "met")

    count = len(receiver.messages)
    server.submit(letter_from("shop.test"))
    content = receiver.wait_for(count + 1)[-1].content
    assert signatures(content) == 2
    assert verifiers.dkimpy_verifies(content, Records(zones)) == [True, True]


def test_an_account_sends_as_its_domain_once_that_is_verified(server, zones, receiver):
    server.add_account("trader", policy="enforce")
    login = server.add_login("trader")
    made = add(server, "own.test", "--account", "trader")

    def send():
        with smtplib.SMTP(*server.endpoint, timeout=DEADLINE) as smtp:
            smtp.login(login.login, login.secret)
            smtp.sendmail("news@bounce.own.test", ["to@sink.test"], letter_from("own.test"))
    with pytest.raises(smtplib.SMTPException, match=r"own\.test"):
        send()
    publish(zones, "own.test", made)
    assert server.cli("domain", "verify", "own.test").code == 1, "it is not a domain of the account default"
    assert server.cli_json("domain", "verify", "own.test", "--account", "trader")["verified"]
    count = len(receiver.messages)
    send()
    content = receiver.wait_for(count + 1)[-1].content
    assert signatures(content) == 2 and content.count(b"d=own.test;") == 2
    assert verifiers.dkimpy_verifies(content, Records(zones)) == [True, True]
    # Another account's mail from that domain is not signed by its keys.
    server.submit(letter_from("own.test"))
    assert signatures(receiver.wait_for(count + 2)[-1].content) == 0


def test_a_table_for_people_fits(server):
    answer = server.cli("domain", "show", "shop.test")
    assert answer.code == 0 and "v=DKIM1" in answer.out and "google" in answer.out
    assert "shop.test" in server.cli("domain", "list").out


MANY = [f"h{i} A 198.18.5.{i + 30}" for i in range(11)]
ELEVEN = "@ TXT \"v=spf1 ip4:198.18.5.25 " + " ".join(f"a:h{i}.broken.example" for i in range(11)) + " -all\""
DEFECTS = {
    "two SPF records": (dict(extra=['@ TXT "v=spf1 -all"']), "spf_record", "failed", "2 SPF records"),
    "no SPF record": (dict(drop=["broken.example. 3600 IN TXT \"v=spf1"]), "spf_record", "failed", "no SPF record"),
    "eleven look-ups": (dict(drop=["IN TXT \"v=spf1"], extra=[ELEVEN, *MANY]), "spf_lookups", "failed", "11 of 10"),
    "SPF without us": (dict(drop=["broken.example. 3600 IN TXT \"v=spf1"], extra=['@ TXT "v=spf1 ip4:198.18.6.1 -all"']),
                       "spf_egress", "failed", "fail (all)"),
    "no key": (dict(drop=["_domainkey"]), "dkim_key", "failed", "there is no record"),
    "no DMARC": (dict(drop=["_dmarc"]), "dmarc_record", "failed", "no record at _dmarc"),
    "two DMARC": (dict(extra=['_dmarc TXT "v=DMARC1; p=reject"']), "dmarc_record", "failed", "several"),
    "strict SPF": (dict(drop=["_dmarc"], extra=['_dmarc TXT "v=DMARC1; p=none; aspf=s"']), "spf_alignment", "warning",
                   "does not align"),  # DKIM aligns
    "no return-path": (dict(drop=["bounce."]), "return_path", "failed", "bounces get lost"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found(server, zones, defect):
    how, name, result, text = DEFECTS[defect]
    listed = server.cli_json("domain", "list")["domains"]
    made = next((d for d in listed if d["domain"] == "broken.example"), None)
    made = made or ready(server, zones, "broken.example")
    publish(zones, "broken.example", made, **how)
    found = findings(check(server, "broken.example"), name)
    assert any(r == result and text in t for r, t in found), found


def test_a_wrong_key_in_dns_is_found(server, zones):
    made = ready(server, zones, "other.test")
    theirs = server.cli_json("domain", "show", "shop.test")["records"]
    foreign = next(r["value"] for r in theirs if r["purpose"] == "dkim" and "k=ed25519" in r["value"])
    name = next(k["name"] for k in made["keys"] if k["algorithm"] == "ed25519-sha256")
    publish(zones, "other.test", made, drop=[name], extra=[f'{name}. TXT "{foreign}"'])
    found = findings(check(server, "other.test"), "dkim_key")
    assert any(r == "failed" and "another key" in t for r, t in found), found


def test_an_address_without_a_name_is_found(server, zones):
    zones.publish(REVERSE, [])
    try:
        checked = check(server, "shop.test")
    finally:
        zones.publish(REVERSE, ["25 PTR mx.host.test."])
    assert findings(checked, "reverse_dns") == [("failed", f"{EGRESS} has no name (PTR)")]
    verdicts = {p["provider"]: p["result"] for p in checked["check"]["providers"]}
    assert verdicts == {"google": "not_met", "yahoo": "not_met", "microsoft": "met", "mailru": "not_met"}


def test_keys_are_rotated_under_running_mail(server, zones, receiver):
    old = ready(server, zones, "turn.test")
    count = len(receiver.messages)
    sent, stop = [], threading.Event()

    def send():
        while not stop.is_set():
            sent.append(server.submit(letter_from("turn.test", len(sent))))
    sender = threading.Thread(target=send)
    sender.start()
    try:
        wait_until("some mail was signed by the old keys", lambda: len(sent) > 5)
        made = server.cli_json("domain", "rotate", "turn.test")
        assert sorted(k["state"] for k in made["keys"]) == ["active", "active", "pending", "pending"]
        assert server.cli("domain", "rotate", "turn.test").code == 1  # one at a time
        publish(zones, "turn.test", made)
        turned = check(server, "turn.test")
        at = len(sent)
        wait_until("some mail was signed by the new keys", lambda: len(sent) > at + 5)
    finally:
        stop.set()
        sender.join()
    states = {k["selector"]: k["state"] for k in turned["keys"]}
    assert all(states[k["selector"]] == "retiring" for k in old["keys"])
    assert sorted(states.values()) == ["active", "active", "retiring", "retiring"]
    content = [m.content for m in receiver.wait_for(count + len(sent))[count:]]
    found = [verifiers.dkimpy_verifies(c, Records(zones)) for c in content]
    # New keys sign before old ones cease: for a moment both may.
    assert all(all(f) and len(f) >= 2 for f in found), found
    used = {s for s in states for c in content if f"s={s};".encode() in c}
    assert used == set(states)


def test_hundreds_of_letters_leave_as_they_were_signed(server, zones, receiver, tmp_path):
    """The bytes signed are the bytes sent, whatever they are."""
    ready(server, zones, "bulk.test")
    count, all_letters = len(receiver.messages), letters(7, 240, "bulk.test")
    with server.talk(hello=True) as talk:
        for raw in all_letters:
            talk.expect(250, "MAIL FROM:<from@bulk.test>")
            talk.expect(250, "RCPT TO:<to@sink.test>")
            talk.expect(354, "DATA")
            stuffed = (raw if raw.endswith(b"\r\n") else raw + b"\r\n").replace(b"\r\n.", b"\r\n..")
            reply = talk.end_data((b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n")
            assert reply.is_(250), (reply, raw)
    content = [m.content for m in receiver.wait_for(count + len(all_letters))[count:]]
    names = [k["name"] for k in server.cli_json("domain", "show", "bulk.test")["keys"]]
    records = {name: zones.txt(name) for name in names}
    bad = [c for c in content if verifiers.dkimpy_verifies(c, records) != [True, True]]
    assert not bad, (len(bad), bad[0])
    library = verifiers.OpenDkim(tmp_path, records)
    bad = [c for c in content if sorted(library.verify(c)) != [("ed25519-sha256", True), ("rsa-sha256", True)]]
    assert not bad, (len(bad), bad[0])
    found = verifiers.mailauth_verifies(tmp_path / "mailauth", content, records)
    assert all(f == ["pass", "pass"] for f in found), found


def test_a_key_of_ones_own_is_imported(server, tmp_path):
    pem = tmp_path / "own.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", pem],
                   check=True, stderr=subprocess.DEVNULL)
    add(server, "import.test")
    made = server.cli_json("domain", "import-key", "import.test", "--selector", "own", "--key", str(pem), "--now")
    assert [k["state"] for k in made["keys"] if k["selector"] == "own"] == ["active"]
    assert server.cli("domain", "import-key", "import.test", "--selector", "own", "--key", str(pem)).code == 1
    pem.write_text("nonsense")
    refused = server.cli("domain", "import-key", "import.test", "--selector", "bad", "--key", str(pem))
    assert refused.code == 2 and "no private key" in refused.err, refused
    assert server.cli("domain", "remove", "import.test").code == 0
    assert server.cli("domain", "show", "import.test").code == 1


def test_an_operator_verifies_by_hand_what_dns_does_not_show(server):
    add(server, "hand.test")
    refused = server.cli("domain", "verify", "hand.test")
    assert refused.code == 1 and "_gonets.hand.test" in refused.err, refused
    assert server.cli_json("domain", "verify", "hand.test", "--force")["verified"]
    turned = server.cli_json("domain", "rotate", "hand.test", "--now")
    assert [k["state"] for k in turned["keys"]] == ["active", "active"]


def test_the_api_refuses_what_it_does_not_know(server):
    assert server.api("POST", "/v1/domains", {"domian": "x.test"})[0] == 400
    assert server.api("POST", "/v1/domains", {"domain": "not a name"})[0] == 400
    assert server.api("GET", "/v1/domains/none.test")[0] == 404
    assert server.api("GET", "/v1/domains/shop.test?account=nobody")[0] == 404
    assert server.api("POST", "/v1/domains", {"domain": "shop.test"})[0] == 409
    assert server.api("POST", "/v1/domains/shop.test/keys", {"selector": "s"})[0] == 400


def test_a_regression_raises_an_event(launch, zones, receiver):
    server = launch(route=[("*", receiver.route)], server={"hostname": "mx.host.test"},
                    dns={"servers": [text_of(zones.endpoint)]},
                    domains={"egress_addresses": [EGRESS], "check_every": "1s", "retire_after": "1s"})
    made = ready(server, zones, "watch.test")
    publish(zones, "watch.test", made, drop=["_dmarc"])

    def regressions():
        return [e for e in server.ask("/v1/events?max=1000")["events"] if e["kind"] == "domain"]
    wait_until("an event", regressions)
    assert [(e["sender"], e["reason"]) for e in regressions()] == [
        ("watch.test", "dmarc_record: there is no record at _dmarc.watch.test")]
    assert server.audit()["problems"] == []
    # A key that has retired goes by itself.
    server.cli_json("domain", "rotate", "watch.test", "--now")
    wait_until("two keys are left", lambda: len(server.cli_json("domain", "show", "watch.test")["keys"]) == 2)


def test_the_platform_signs_too(launch, zones, receiver):
    server = launch(route=[("*", receiver.route)], server={"hostname": "mx.host.test"},
                    dns={"servers": [text_of(zones.endpoint)]}, dkim={"platform_domain": "host.test", "expires_after": "7d"},
                    domains={"egress_addresses": [EGRESS]})
    ours = add(server, "host.test")
    publish(zones, "host.test", ours, extra=HOST)
    theirs = add(server, "shop.test")
    publish(zones, "shop.test", theirs)
    for domain in ("host.test", "shop.test"):
        assert check(server, domain)["verified"]
    count = len(receiver.messages)
    server.submit(letter_from("shop.test"))
    content = receiver.wait_for(count + 1)[-1].content
    assert content.count(b"d=host.test;") == content.count(b"d=shop.test;") == 2
    times = re.findall(rb" t=(\d+); x=(\d+);", content)
    assert [int(x) - int(t) for t, x in times] == [7 * 24 * 3600] * 4
    assert verifiers.dkimpy_verifies(content, Records(zones)) == [True] * 4


def test_bounces_come_to_the_senders_own_domain_once_its_check_finds_that_they_would(launch, make_sink, accounts_database, zones):
    """And not before: a return path without an MX loses them."""
    sink = make_sink()
    with_feedback = launch(
        accounts=accounts_database, server={"hostname": "mx.host.test"}, dns={"servers": [text_of(zones.endpoint)]},
        domains={"egress_addresses": [EGRESS]}, feedback={"domain": "back.host.test", "postmaster": "ops@host.test"},
        listener=[{}, {"trusted_networks": ["127.9.9.9/32"]}], route=[("*", sink.route)])
    made = add(with_feedback, "path.test")

    def sent(subject):
        """A message by an author of that domain; gives its id and the return path that it left with."""
        queue_id = with_feedback.submit(sender="shop@path.test", recipients=("ann@far.test",),
                                        content=letter_from("path.test", subject))
        with_feedback.wait_event(queue_id, "delivered")
        found = next(m for m in sink.messages if b"number %d\r\n" % subject in m.content)
        return queue_id, found.sender

    publish(zones, "path.test", made, drop=["MX"])
    check(with_feedback, "path.test")
    assert sent(1)[1].endswith("@back.host.test")

    publish(zones, "path.test", made)
    assert check(with_feedback, "path.test")["check"]["good"]
    queue_id, path = sent(2)
    assert path.endswith("@bounce.path.test") and path.startswith("b-")

    report = (f"From: MAILER-DAEMON@far.test\r\nTo: <{path}>\r\nSubject: Undelivered Mail Returned to Sender\r\n"
              "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
              "--b\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n"
              "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; far.test\r\n\r\n"
              "Final-Recipient: rfc822; ann@far.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
              "Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n--b--\r\n")
    with smtplib.SMTP(*with_feedback.endpoints[1], timeout=DEADLINE) as world:
        world.ehlo()
        world.mail("")
        assert world.rcpt("anybody@bounce.path.test")[0] == 550
        assert world.rcpt("postmaster@bounce.path.test")[0] == 250
        assert world.rcpt(path)[0] == 250
        assert world.data(report)[0] == 250
    bounced = with_feedback.wait_event(queue_id, "inbound_bounce")
    assert bounced["category"] == "user_unknown" and bounced["recipients"][0]["address"] == "ann@far.test"
    wait_until("the postmaster's copy", lambda: any(m.recipients == ["ops@host.test"] for m in sink.messages))
