"""Warm-ups: an egress that receivers don't know yet sends little at first; the rest goes by others, or waits."""
import pytest

from gonets_rig.daemon import BINARY, to_toml
from gonets_rig.net import wait_until
from gonets_rig.processes import run
from gonets_rig.talk import Talk, letter

NEW = {"name": "new", "source_ipv4": "127.0.0.2", "helo": "new.gonets.test"}
OLD = {"name": "old", "source_ipv4": "127.0.0.3", "helo": "old.gonets.test"}


def submit(server, count, domain="postfix.test"):
    ids = []
    with Talk(server.endpoints[0], hello=True) as talk:
        for n in range(count):
            talk.expect(250, "MAIL FROM:<from@sender.test>")
            talk.expect(250, f"RCPT TO:<u{n}@{domain}>")
            talk.expect(354, "DATA")
            reply = talk.end_data(letter() + b".\r\n")
            assert reply.is_(250, "2.0.0"), reply
            ids.append(reply.queue_id)
    return ids


def ways(server, ids):
    """How many of the messages left by which egress."""
    found = {"new": 0, "old": 0}
    for queue_id in ids:
        found[server.wait_event(queue_id, "delivered")["route"].rsplit(" via ", 1)[1]] += 1
    return found


def only_line(server):
    (line,) = server.cli_json("warm-up", "list")["warm_ups"]
    return line


@pytest.fixture
def warm_up():
    return {"egress": "new", "first_day": 4, "last_day": 64, "days": 5}


def test_what_the_cap_keeps_back_goes_by_the_other_egress_of_the_pool(launch, postfix, warm_up):
    server = launch(egress=[NEW, OLD], pool=[{"name": "both", "egresses": {"new": 20, "old": 1}}],
                    delivery={"egress": "both"}, route=[("*", postfix.route)], warm_up=[warm_up])
    sent = submit(server, 30)
    found = ways(server, sent)
    assert found == {"new": 4, "old": 26}  # which egress each takes is by chance, but twenty to one
    assert len([m for m in postfix.messages() if "new.gonets.test" in m["Received"]]) == found["new"]
    line = only_line(server)
    assert line == line | {"egress": "new", "provider": "other sites", "state": "warming", "day": 1, "days": 5, "cap": 4,
                           "accepted": found["new"], "deferred": 0, "fell_back": False, "when_full": "other_egress"}
    # Not crossed by a crash, either.
    server.kill()
    server.start()
    again = ways(server, submit(server, 10))
    assert found["new"] + again["new"] <= 4, again


def test_mail_of_an_egress_alone_waits_for_its_cap_and_an_operator_can_change_the_day(launch, postfix, warm_up):
    server = launch(egress=[NEW], delivery={"egress": "new"}, route=[("*", postfix.route)],
                    warm_up=[warm_up | {"when_full": "wait"}])
    sent = submit(server, 12)
    wait_until("four have gone", lambda: only_line(server)["accepted"] == 4)
    waiting = [i for i in sent if not any(e["kind"] == "delivered" for e in server.trace(i))]
    assert len(waiting) == 8
    told = wait_until("the cap in `why`", lambda: [o for r in server.cli_json("why", waiting[0])["recipients"]
                                                   for o in r["obstacles"] if o["what"] == "warm_up"])
    assert "4 messages a day for warm-up new and other sites (day 1 of 5)" in told[0]["detail"]
    shown = server.cli("warm-up").out
    assert "other sites" in shown and "1 of 5" in shown, shown

    done = server.cli("warm-up", "set", "new", "other sites", "--day", "2")
    assert done.out == "new at other sites: day 2 of 5, at most 8 messages in 24 hours\n"
    wait_until("four more have gone", lambda: only_line(server)["accepted"] == 4)
    wait_until("it is kept", lambda: "set by an operator" in server.cli("shaping", "history", "other sites via new").out)
    server.kill()
    server.start()
    assert only_line(server)["day"] == 2

    server.cli("warm-up", "set", "new", "other sites", "--warm")
    for queue_id in sent:
        server.wait_event(queue_id, "delivered")
    assert only_line(server) == {"egress": "new", "provider": "other sites", "state": "warm"}
    history = server.cli("shaping", "history", "other sites via new").out
    assert "day 2 of 5, 8 messages: set by an operator" in history and "warm, no cap any more" in history, history

    refused = server.cli("warm-up", "set", "new", "gogle", "--day", "2")
    assert refused.code != 0 and 'did you mean "google"?' in refused.err, refused


def test_a_configuration_that_is_wrong_is_refused(tmp_path):
    path = tmp_path / "gonets.toml"
    path.write_text(to_toml({
        "spool": {"path": str(tmp_path / "spool")}, "egress": [NEW], "pool": [{"name": "both", "egresses": ["new"]}],
        "warm_up": [{"egress": "nwe"}, {"egress": "both"}, {"egress": "new", "provider": "gogle"},
                    {"egress": "new", "first_day": 10, "last_day": 5}]}))
    done = run(BINARY, "check-config", "--config", path)
    assert done.returncode != 0
    said = (done.stdout + done.stderr).decode()
    assert 'there is no egress "nwe"; did you mean "new"?' in said
    assert '"both" is a pool: each of its egresses is warmed up by itself' in said
    assert 'there is no "gogle"' in said
    assert "is less than first_day, 10" in said
