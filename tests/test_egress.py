"""Egresses: by which source address and under which name mail leaves, and by which other one when it can't."""
import pathlib
import re

import pytest

from gonets_rig.daemon import BINARY, to_toml
from gonets_rig.net import wait_until
from gonets_rig.processes import run
from gonets_rig.talk import Talk, letter

A = {"name": "a", "source_ipv4": "127.0.0.2", "helo": "a.gonets.test"}
B = {"name": "b", "source_ipv4": "127.0.0.3", "helo": "b.gonets.test"}
# Of a network for documentation (RFC 5737): no machine has it.
ABSENT = {"name": "absent", "source_ipv4": "192.0.2.77", "helo": "absent.gonets.test"}
BOTH_STREAMS = [{}, {"stream": "bulk"}]


def submit(server, recipients, listener=0):
    with Talk(server.endpoints[listener], hello=True) as talk:
        talk.expect(250, "MAIL FROM:<from@sender.test>")
        for recipient in recipients:
            talk.expect(250, f"RCPT TO:<{recipient}>")
        talk.expect(354, "DATA")
        reply = talk.end_data(letter() + b".\r\n")
        assert reply.is_(250, "2.0.0"), reply
        return reply.queue_id


def up(server):
    """What the metrics say of each egress."""
    return {labels["egress"]: value for labels, value in server.metrics()["gonets_egress_up"]}


def test_streams_and_routes_leave_by_their_egress(launch, postfix):
    server = launch(listener=BOTH_STREAMS, egress=[A, B], stream={"bulk": {"egress": "b"}}, delivery={"egress": "a"},
                    route=[{"domain": "defer.postfix.test", "to": postfix.route},
                           {"domain": "postfix.test", "to": postfix.route}])
    usual, bulk = submit(server, ["usual@postfix.test"]), submit(server, ["bulk@postfix.test"], listener=1)
    assert server.wait_event(usual, "delivered")["route"] == f"{postfix.route} via a"
    assert server.wait_event(bulk, "delivered")["route"] == f"{postfix.route} via b"
    assert postfix.seen_by("usual@postfix.test") == ("a.gonets.test", "127.0.0.2")
    assert postfix.seen_by("bulk@postfix.test") == ("b.gonets.test", "127.0.0.3")

    # A route's comes before a stream's, and a reload brings it.
    server.config["route"][-1]["egress"] = "a"
    server.reload()
    by_route = submit(server, ["by-route@postfix.test"], listener=1)
    server.wait_event(by_route, "delivered")
    assert postfix.seen_by("by-route@postfix.test") == ("a.gonets.test", "127.0.0.2")
    assert "via a" in server.cli("trace", by_route).out


def test_accounts_leave_by_their_egress_and_senders_may_choose_one_of_those_that_are_free_to_choose(launch, postfix):
    server = launch(egress=[A, B], delivery={"egress": "a", "egress_choices": ["b"]}, route=[("*", postfix.route)])
    server.change_account("default", egress="b")
    assert server.cli_json("account", "show", "default")["egress"] == "b"
    server.wait_event(submit(server, ["account@postfix.test"]), "delivered")
    assert postfix.seen_by("account@postfix.test") == ("b.gonets.test", "127.0.0.3")

    assert server.cli("account", "set", "default", "--egress", "", "--weight", "3").code == 0
    server.wait_event(submit(server, ["usual@postfix.test"]), "delivered")
    assert postfix.seen_by("usual@postfix.test") == ("a.gonets.test", "127.0.0.2")
    assert "weight" in server.cli("account", "show", "default").out

    chosen = server.submit(letter(extra=b"X-Gonets-Egress: b\r\n"), recipients=["chosen@postfix.test"])
    server.wait_event(chosen, "delivered")
    assert postfix.seen_by("chosen@postfix.test") == ("b.gonets.test", "127.0.0.3")
    with Talk(server.endpoints[0], hello=True) as talk:
        talk.expect(250, "MAIL FROM:<from@sender.test>")
        talk.expect(250, "RCPT TO:<u@postfix.test>")
        talk.expect(354, "DATA")
        reply = talk.end_data(letter(extra=b"X-Gonets-Egress: a\r\n") + b".\r\n")
        assert reply.is_(550, "5.7.1") and 'X-Gonets-Egress: "a" may not be chosen' in reply.text, reply


def test_limits_of_an_egress_hold_for_it_alone(launch, sink):
    server = launch(listener=BOTH_STREAMS, egress=[A, B], stream={"bulk": {"egress": "b"}}, delivery={"egress": "a"},
                    route=[("*", sink.route)], limit=[{"egress": "b", "limits": {"messages_an_hour": 1}}])
    submit(server, ["first@x.test"], listener=1)
    sink.wait_for(1)
    waits = submit(server, ["second@x.test"], listener=1)
    for n in range(3):
        submit(server, [f"other{n}@x.test"])
    assert {r for m in sink.wait_for(4) for r in m.recipients} == {"first@x.test", *(f"other{n}@x.test" for n in range(3))}
    wait_until("the limit in `why`", lambda: "egress b" in server.cli("why", waits).out)


def test_a_pool_spreads_messages_and_each_keeps_its_egress(launch, make_sink):
    sink = make_sink()
    server = launch(egress=[A, B], pool=[{"name": "both", "egresses": {"a": 1, "b": 1}}], delivery={"egress": "both"},
                    route=[("*", sink.route)])
    sink.on("RCPT", "450 4.2.0 Later", times=40)
    sent = [submit(server, [f"u{n}@x.test"]) for n in range(40)]
    sink.wait_for(40)
    ways = {"a": 0, "b": 0}
    for queue_id in sent:
        server.wait_event(queue_id, "delivered")
        routes = {e["route"] for e in server.trace(queue_id) if e["kind"] in ("deferred", "delivered")}
        assert len(routes) == 1, routes
        ways[routes.pop()[-1]] += 1
    assert min(ways.values()) >= 4, ways  # of 40 by chance: less once in a hundred million runs


def test_a_missing_source_address_makes_the_others_stand_in(launch, sink):
    server = launch(egress=[ABSENT, B], pool=[{"name": "both", "egresses": ["absent", "b"]}],
                    delivery={"egress": "both"}, route=[("*", sink.route)])
    sent = [submit(server, [f"u{n}@x.test"]) for n in range(20)]
    sink.wait_for(20)
    for queue_id in sent:
        event = server.wait_event(queue_id, "delivered")
        assert event["route"].endswith(" via b") and event["attempts"] == 1
        assert [e for e in server.trace(queue_id) if e["kind"] == "deferred"] == []
    wait_until("the reason in the log", lambda: "192.0.2.77 is no address of this machine" in server.log())
    assert up(server) == {"default": 1, "absent": 0, "b": 1}


def test_mail_of_an_egress_without_others_waits_and_says_why(launch, sink):
    server = launch(egress=[ABSENT], delivery={"egress": "absent"}, route=[("*", sink.route)])
    queue_id = submit(server, ["u@x.test"])
    wait_until("the reason in `why`", lambda: "192.0.2.77 is no address of this machine" in server.cli("why", queue_id).out)
    assert [e["kind"] for e in server.trace(queue_id)] == ["accepted"]
    assert not sink.sessions
    # Mended: a reload gives the egress another chance at once.
    server.config["egress"][0]["source_ipv4"] = "127.0.0.4"
    server.reload()
    event = server.wait_event(queue_id, "delivered")
    assert event["attempts"] == 1
    assert up(server) == {"default": 1, "absent": 1}


def test_tools_show_how_each_egress_is(launch, sink):
    server = launch(egress=[ABSENT, B], pool=[{"name": "both", "egresses": ["absent", "b"]}],
                    delivery={"egress": "absent"}, route=[("*", sink.route)])
    submit(server, ["u@x.test"])
    wait_until("the egress is down", lambda: up(server)["absent"] == 0)
    default, absent, b = server.cli_json("egress", "list")["egresses"]
    assert default["name"] == "default" and default["state"] == "up" and default["helo"] == "mx.gonets.test"
    assert absent["state"] == "down" and "no address of this machine" in absent["reason"]
    assert absent["since"] < absent["until"]
    assert b == {"name": "b", "state": "up", "source_ipv4": "127.0.0.3", "helo": "b.gonets.test", "pools": ["both"]}
    shown = server.cli("egress", "list").out
    assert "192.0.2.77" in shown and "down since" in shown
    found = {f["text"]: f["health"] for f in server.cli("doctor", "--json").json["findings"] if f["subject"] == "egresses"}
    assert found == {"default: the system chooses the source address": "ok",
                     "absent: 192.0.2.77 is no address of this machine": "failed",
                     "b: 127.0.0.3 is an address of this machine": "ok"}


def test_the_configurations_of_the_documentation_are_sound(tmp_path):
    text = (pathlib.Path(__file__).parent.parent / "docs" / "egress.md").read_text()
    examples = re.findall(r"```toml\n(.*?)```", text, re.S)
    assert len(examples) == 5
    for number, example in enumerate(examples):
        path = tmp_path / f"{number}.toml"
        path.write_text(f'[spool]\npath = "{tmp_path}/spool"\n' + example)
        done = run(BINARY, "check-config", "--config", path)
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_egress_of_one_family_keeps_to_it(launch, sink):
    """The sink has an IPv4 address; an egress with an IPv6 address alone must not go there by the system's choice."""
    server = launch(egress=[{"name": "six", "source_ipv6": "::1"}], delivery={"egress": "six"}, route=[("*", sink.route)])
    event = server.wait_event(submit(server, ["u@x.test"]), "deferred")
    assert "the egress six has no IPv4 address" in event["reply"]["text"]
    assert not sink.sessions


RULE = """
[[rule]]
name = "blocked"
code = "554"
text = ["is blocked"]
verdict = "other_egress"
about = "egress"
why = "an example"
samples = ["554 5.7.1 Your address is blocked"]
"""


@pytest.mark.parametrize("lasts", ["", 'for = "1h"'])
def test_mail_that_a_receiver_blocks_goes_by_the_other_of_the_pool_at_once(launch, sink, tmp_path, lasts):
    """The sink refuses who greets it as `a`."""
    (tmp_path / "rules.toml").write_text(RULE + lasts + "\n")
    def answer(session):
        is_a = A["helo"].encode() in session.sink.sessions[session.number][0]
        return "554 5.7.1 Your address is blocked" if is_a else session.good
    sink.on("MAIL", answer)
    server = launch(egress=[A, B], pool=[{"name": "both", "egresses": ["a", "b"]}], delivery={"egress": "both"},
                    shaping={"rules_file": str(tmp_path / "rules.toml")}, route=[("*", sink.route)],
                    stream={"transactional": {"retry": ["1h"]}})
    sent = [submit(server, [f"u{n}@x.test"]) for n in range(16)]
    sink.wait_for(16)
    tries = []
    for queue_id in sent:
        delivered = server.wait_event(queue_id, "delivered")
        assert delivered["route"].endswith(" via b")
        tries.append(delivered["attempts"])
    assert max(tries) == 2
    deferred = [e for q in sent for e in server.trace(q) if e["kind"] == "deferred"]
    assert deferred and all(e["route"].endswith(" via a") and "other_egress" in e["reason"] for e in deferred)
    if lasts:  # those that come later do not even try
        more = [submit(server, [f"later{n}@x.test"]) for n in range(16)]
        assert {server.wait_event(q, "delivered")["attempts"] for q in more} == {1}


def test_mail_that_a_receiver_blocks_waits_where_there_is_no_other(launch, sink, tmp_path):
    (tmp_path / "rules.toml").write_text(RULE)
    sink.on("MAIL", "554 5.7.1 Your address is blocked", times=1)
    server = launch(egress=[A], delivery={"egress": "a"}, shaping={"rules_file": str(tmp_path / "rules.toml")},
                    route=[("*", sink.route)])
    queue_id = submit(server, ["u@x.test"])
    assert server.wait_event(queue_id, "deferred")["reply"]["code"] == 554
    server.wait_event(queue_id, "delivered")


@pytest.mark.parametrize("config, error", [
    ({"delivery": {"egress": "x"}}, 'delivery.egress: there is no egress or pool "x"'),
    ({"pool": [{"name": "p", "egresses": []}]}, "pool[1].egresses: is empty"),
    ({"egress": [{"name": "a", "source_ipv4": "mail.example.com"}]}, "expected an IPv4 address"),
    ({"egress": [{"name": "a", "helo": "not a name"}]}, "expected a host name"),
])
def test_errors_say_what_is_wrong(launch, sink, config, error):
    server = launch(route=[("*", sink.route)])
    (server.folder / "wrong.toml").write_text(to_toml(config))
    server.config_path = server.folder / "wrong.toml"
    answer = server.cli("check-config")
    assert answer.code != 0 and error in answer.out + answer.err, answer
