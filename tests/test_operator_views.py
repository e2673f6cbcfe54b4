"""What operators ask of what has happened: how pace changed, and what other rules would have made of replies."""
from gonets_rig.net import wait_until


def test_history_tells_every_change_of_a_site_s_pace_and_survives_a_restart(launch, sink):
    daemon = launch(route=[("*", sink.route)])
    daemon.cli("shaping", "pin", "postfix.test", "--rate", "20/m", "--connections", "2", "--stream", "transactional")
    daemon.cli("shaping", "release", "postfix.test")

    def changes(place):
        return [c["change"] for c in daemon.cli_json("shaping", "history", place)["changes"]]
    wait_until("both are in the log", lambda: len(changes("someone@postfix.test")) == 2)
    assert changes("postfix.test")[0].startswith("pinned") and changes("postfix.test")[1].startswith("released")
    daemon.restart()
    assert changes(sink.route) == changes("postfix.test")
    shown = daemon.cli("shaping", "history", "postfix.test", "--since", "1h", "--max", "1")
    assert "2 changes, the last 1 of them" in shown.out and "released" in shown.out, shown
    assert max(map(len, shown.out.splitlines())) <= 100
    refused = daemon.cli("shaping", "history", "postfix.test", "--since", "yesterday")
    assert refused.code == 2 and "duration" in refused.err, refused


def test_rules_can_be_tried_on_the_replies_of_the_last_days(launch, sink, tmp_path):
    daemon = launch(route=[("*", sink.route)], stream={"transactional": {"retry": ["1h"]}})
    sink.on("RCPT", "550 5.7.1 Sleeping until Monday", times=1)
    daemon.wait_event(daemon.submit(recipients=["a@sink.test"]), "bounced")
    sink.on("RCPT", "450 4.2.1 The mailbox is busy", times=1)
    daemon.wait_event(daemon.submit(recipients=["b@sink.test"]), "deferred")
    rules = tmp_path / "new.toml"
    rules.write_text("""
[[rule]]
name = "monday"
text = ["until monday"]
verdict = "defer"
for = "12h"
about = "address"
why = "they rest"
samples = ["550 Sleeping until Monday"]
""")
    report = daemon.cli_json("rules", "test", rules, "--since", "7d")
    assert report["replies"] == 2 and report["different"] == 1, report
    group = report["groups"][0]
    assert group["now"] == {"verdict": "fail"} and group["then"]["rule"] == "monday"
    assert group["example"]["recipient"] == "a@sink.test" and group["example"]["reply"]["code"] == 550
    shown = daemon.cli("rules", "test", rules)
    assert shown.code == 0 and "defer for 12h (monday, about the address)" in shown.out, shown
    rules.write_text("[[rule]]\nname = 1\n")
    assert daemon.cli("rules", "test", rules).code == 1
