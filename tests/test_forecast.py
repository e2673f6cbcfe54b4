"""`gonets forecast`: what it foretells of a small mailing, and what then happens."""

from gonets_rig.net import wait_until


def forecast(server, tmp_path, recipients, *more):
    path = tmp_path / "recipients.txt"
    path.write_text("".join(r + "\n" for r in recipients))
    return server.cli_json("forecast", "--recipients", str(path), *more)


def test_the_provider_with_the_tight_limit_is_last_and_so_it_happens(launch, make_sink, tmp_path):
    fast, slow = make_sink(), make_sink()
    server = launch(route=[{"domain": "slow.test", "to": slow.route, "egress": "slow"}, ("*", fast.route)],
                    egress=[{"name": "slow"}], limit=[{"egress": "slow", "limits": {"messages_a_second": 2}}])
    by_slow = slow.route + " via slow"
    mailing = [f"u{n}@slow.test" for n in range(12)] + [f"u{n}@fast.test" for n in range(20)]
    told = forecast(server, tmp_path, mailing, "--stream", "transactional")
    rows = {p["name"]: p for p in told["providers"]}
    assert told["recipients"] == 32 and rows[by_slow]["recipients"] == 12 and rows[fast.route]["recipients"] == 20
    assert told["bound_by"].startswith("2 messages a second for egress slow")
    assert rows[by_slow]["seconds"] == told["seconds"] == 6 and rows[fast.route]["seconds"] < 6
    assert told["seconds_without_that"] < told["seconds"] and by_slow in told["advice"]

    for recipient in mailing:
        server.submit(recipients=[recipient])
    fast.wait_for(20)
    assert len(slow.messages) < 12
    ahead = forecast(server, tmp_path, mailing, "--stream", "transactional")
    assert {p["name"]: p["ahead"] for p in ahead["providers"]}[fast.route] == 0
    slow.wait_for(12)


def test_what_an_hour_has_left_goes_at_once_and_accounts_have_limits_of_their_own(launch, sink, tmp_path):
    server = launch(route=[("*", sink.route)],
                    limit=[{"account": "shop", "limits": {"messages_an_hour": 10}},
                           {"stream": "bulk", "limits": {"messages_an_hour": 3600}}])
    server.add_account("shop")
    ten = [f"u{n}@x.test" for n in range(10)]
    assert forecast(server, tmp_path, ten)["seconds"] == 0
    assert forecast(server, tmp_path, ten, "--account", "shop")["seconds"] == 0
    twelve = forecast(server, tmp_path, [*ten, "a@y.test", "b@y.test"], "--account", "shop")
    assert twelve["seconds"] == 720 and "account shop" in twelve["bound_by"]
    assert twelve["seconds_without_that"] == 0
    unknown = server.cli("forecast", "--recipients", str(tmp_path / "recipients.txt"), "--account", "nobody")
    assert unknown.code == 1 and "nobody" in unknown.err


def test_it_counts_by_domain_and_says_what_it_leaves_out(launch, sink, tmp_path):
    server = launch(route=[("x.test", sink.route), ("y.test", sink.route)])  # the rig's DNS answers nothing
    lines = [f"u{n}@X.test" for n in range(5)] + ["", "  spaced@y.test  ", "no address", "lost@nowhere.test"]
    told = forecast(server, tmp_path, lines)
    assert told["recipients"] == 7 and told["invalid"] == 1 and told["unreachable"] == 1
    (row,) = told["providers"]
    assert row["recipients"] == 6 and row["sites"] == 1
    few = forecast(server, tmp_path, lines, "--look-up", "1")
    assert {p["name"]: p["recipients"] for p in few["providers"]} == {sink.route: 5, "other domains": 2}
    shown = server.cli("forecast", "--recipients", "-", stdin=b"a@x.test\nb@x.test\n").out
    assert "2 recipients would be through" in shown and "Faster:" in shown


def test_a_held_destination_waits_for_its_hold(launch, sink, tmp_path):
    (tmp_path / "rules.toml").write_text('''
[[rule]]
name = "closed"
code = "450"
text = ["closed"]
verdict = "hold_site"
for = "1h"
about = "egress"
why = "an example"
samples = ["450 4.7.1 closed"]
''')
    server = launch(route=[("*", sink.route)], shaping={"rules_file": str(tmp_path / "rules.toml")})
    sink.on("RCPT", "450 4.7.1 closed", times=1)
    server.wait_event(server.submit(recipients=["u@x.test"]), "deferred")
    wait_until("the hold", lambda: 3400 < forecast(server, tmp_path, ["a@x.test"])["seconds"] <= 3700)
    assert "held" in forecast(server, tmp_path, ["a@x.test"])["bound_by"]


def test_bad_files_are_refused(launch, sink, tmp_path):
    server = launch(route=[("*", sink.route)])
    assert "can't be read" in server.cli("forecast", "--recipients", str(tmp_path / "none")).err
    (tmp_path / "empty").write_text("\n")
    answer = server.cli("forecast", "--recipients", str(tmp_path / "empty"))
    assert answer.code == 1 and "there is no address" in answer.err
    server.stop()
    (tmp_path / "one").write_text("a@x.test\n")
    assert server.cli("forecast", "--recipients", str(tmp_path / "one")).code == 1
