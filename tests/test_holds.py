"""Standing holds: what operators keep back until they release it, also what is yet to come."""
import pytest

from gonets_rig.net import wait_until
from gonets_rig.talk import letter

@pytest.fixture
def daemon(launch, sink):
    return launch(route=[("*", sink.route)])


def held(daemon):
    return {h["id"]: h["recipients"] for h in daemon.cli_json("hold", "list")["holds"]}


def wait_held(daemon, hold, count):
    wait_until(lambda: f"{count} kept back: {held(daemon)}", lambda: held(daemon).get(hold) == count)


def test_a_hold_of_a_domain_survives_kill_9_and_is_named_by_why_until_it_is_released(daemon, sink):
    added = daemon.cli("hold", "add", "--domain", "Held.test", "--reason", "their server is being moved")
    assert added.code == 0 and "hold 1: domain held.test; 0 recipients kept back" in added.out, added
    first = daemon.submit(recipients=["a@held.test", "b@free.test"])
    daemon.wait_ends(first, "b@free.test")
    wait_held(daemon, 1, 1)
    daemon.kill()
    daemon.start()
    wait_held(daemon, 1, 1)
    second = daemon.submit(recipients=["c@held.test"])
    wait_held(daemon, 1, 2)
    why = daemon.cli_json("why", second)["recipients"][0]
    assert [o["what"] for o in why["obstacles"]] == ["standing_hold"] and "expected" not in why, why
    assert "their server is being moved" in why["obstacles"][0]["detail"]
    row = next(r for r in daemon.queue() if r["message_id"] == second)
    assert row["state"] == "paused" and "their server is being moved" in row["hold_reason"], row
    listed = daemon.cli("hold")
    assert "domain held.test" in listed.out and "their server is being moved" in listed.out, listed
    assert [m.recipients for m in sink.messages] == [["b@free.test"]]
    released = daemon.cli("hold", "release", "1")
    assert "released hold 1 (domain held.test): 2 recipients can go" in released.out, released
    daemon.wait_ends(first, "a@held.test")
    daemon.wait_ends(second, "c@held.test")
    assert "Nothing is held back" in daemon.cli("hold", "list").out
    assert daemon.cli("hold", "release", "1").code == 1
    assert daemon.audit()["balanced"]


def test_what_is_given_must_all_be_true_and_nobody_else_waits(daemon, sink):
    daemon.add_account("shop")
    hold = daemon.cli_json("hold", "add", "--stream", "transactional", "--provider", "google", "--account", "default")
    assert hold["account"] == "default" and hold["provider"] == "google"
    google = daemon.submit(recipients=["a@gmail.com"])
    other = daemon.submit(recipients=["a@elsewhere.test"])
    daemon.wait_ends(other, "a@elsewhere.test")
    wait_held(daemon, hold["id"], 1)
    # What waits already is kept back by a hold that comes later, too, and goes when the last of them is released.
    second = daemon.cli_json("hold", "add", "--domain", "gmail.com")
    daemon.cli("hold", "release", str(hold["id"]))
    wait_held(daemon, second["id"], 1)
    assert daemon.cli_json("why", google)["recipients"][0]["obstacles"][0]["detail"].startswith(f"hold {second['id']}")
    daemon.cli("hold", "release", str(second["id"]))
    daemon.wait_ends(google, "a@gmail.com")


def test_a_campaign_or_a_tag_is_held_by_what_its_sender_called_it(daemon, sink):
    labels = b"X-Gonets-Campaign: Autumn sale\r\nX-Gonets-Tag: eu, beta\r\n"
    hold = daemon.cli_json("hold", "add", "--campaign", "Autumn sale", "--reason", "a wrong price")
    assert hold["campaign"] == "Autumn sale" and "tag" not in hold
    tagged = daemon.cli_json("hold", "add", "--tag", "beta")
    both = daemon.submit(letter(extra=labels), recipients=["a@x.test", "b@y.test"])
    beta = daemon.submit(letter(extra=b"X-Gonets-Tag: beta\r\n"), recipients=["c@x.test"])
    other = daemon.submit(letter(extra=b"X-Gonets-Campaign: Autumn\r\n"), recipients=["d@x.test"])
    daemon.wait_ends(other, "d@x.test")
    wait_held(daemon, hold["id"], 2)
    wait_held(daemon, tagged["id"], 1)
    assert "campaign Autumn sale" in daemon.cli("hold").out
    daemon.kill()
    daemon.start()
    wait_held(daemon, hold["id"], 2)
    daemon.cli("hold", "release", str(hold["id"]))
    wait_held(daemon, tagged["id"], 3)
    daemon.cli("hold", "release", str(tagged["id"]))
    for queue_id, address in ((both, "a@x.test"), (both, "b@y.test"), (beta, "c@x.test")):
        daemon.wait_ends(queue_id, address)
    # The fields stay in the message, as all that a sender writes.
    assert sum(b"X-Gonets-Campaign: Autumn sale" in m.content for m in sink.messages) == 1
    assert daemon.audit()["balanced"]


def test_a_label_that_cannot_be_read_is_refused_and_named(daemon):
    with daemon.talk(hello=True) as talk:
        talk.expect(250, "MAIL FROM:<from@sender.test>")
        talk.expect(250, "RCPT TO:<a@x.test>")
        talk.expect(354, "DATA")
        reply = talk.end_data(letter(extra=b"X-Gonets-Tag: " + b"x" * 65 + b"\r\n") + b".\r\n")
        assert reply.is_(554, "5.6.0") and "X-Gonets-Tag: 1 to 64 printable" in reply.text, reply


@pytest.mark.parametrize("given, said", [
    ((), "a hold of everything"),
    (("--stream", "bulky"), 'did you mean "bulk"?'),
    (("--account", "nobody"), "there is no account"),
    (("--provider", "gogle"), 'did you mean "google"?'),
    (("--domain", "no domain"), "is not a domain name"),
])
def test_a_hold_of_nothing_that_is_known_is_refused(daemon, given, said):
    refused = daemon.cli("hold", "add", *given)
    assert refused.code == 2 and said in refused.err, refused
    assert held(daemon) == {}
