"""Accounts by command line and API: in force at once, shared by servers on one PostgreSQL, and without the database."""
import json
import os
import signal
import stat

import pytest

from gonets_rig.net import wait_until
from gonets_rig.postgresql import PostgreSQL


@pytest.fixture(scope="module")
def server(launch_shared, accounts_database):
    return launch_shared(accounts=accounts_database, listener=[{"kind": "smtp"}, {"kind": "submission"}])


def names(daemon):
    return [a["name"] for a in daemon.ask("/v1/accounts")["accounts"]]


def account(daemon, name):
    return daemon.ask(f"/v1/accounts/{name}")


def database_up(daemon):
    return daemon.metrics()["gonets_accounts_database_up"][0][1] == 1


# ---- by command line and API

def test_an_account_is_made_changed_and_shown_by_the_command_line(server):
    made = server.cli_json("account", "add", "cli-shop", "--plan", "free", "--quota", "60 messages/minute")
    assert made["state"] == "active" and made["plan"] == "free"
    assert "cli-shop" in names(server)
    limits = {(q["max"], q["measure"], q["window"]) for q in made["limits"]}
    assert limits == {(60, "messages", "minute"), (1500, "recipients", "month")}
    assert server.cli("account", "pause", "cli-shop").code == 0
    assert account(server, "cli-shop")["state"] == "paused"
    shown = server.cli("account", "show", "cli-shop")
    assert "paused" in shown.out and "1500 recipients/month" in shown.out
    assert server.cli("account", "resume", "cli-shop").code == 0
    assert server.cli("account", "set", "cli-shop", "--no-plan", "--no-quotas", "--policy", "warn",
                      "--message-bytes-max", "1MiB").code == 0
    now = account(server, "cli-shop")
    assert now["limits"] == [] and now["policy"] == "warn" and now["message_bytes_max"] == 1048576
    assert server.cli("account", "close", "cli-shop").code == 0
    again = server.cli("account", "pause", "cli-shop")
    assert again.code == 1 and "make it active first" in again.err
    assert "closed" in server.cli("account", "list").out


def test_a_credentials_secret_is_printed_once_ready_to_paste(server):
    server.cli_json("account", "add", "secret-shop")
    made = server.cli("credential", "add", "secret-shop", "--name", "web", "--scope", "send", "--scope", "read",
                      "--network", "192.0.2.0/24", "--network", "2001:db8::/32", "--stream", "bulk",
                      "--certificate", ":".join(["AB"] * 32))
    assert made.code == 0, made
    fields = dict(line.split(None, 1) for line in made.out.splitlines() if line.startswith("  "))
    assert len(fields["password"]) >= 24 and fields["login"].startswith("secret-shop-")
    assert fields["port"].split()[0] == str(server.endpoints[1][1])
    listed = server.cli_json("credential", "list", "secret-shop")["credentials"]
    assert [c["login"] for c in listed] == [fields["login"]]
    assert listed[0]["scopes"] == ["send", "read"] and listed[0]["stream"] == "bulk"
    assert listed[0]["networks"] == ["192.0.2.0/24", "2001:db8::/32"]
    assert listed[0]["certificate_sha256"] == "ab" * 32
    seen = json.dumps(account(server, "secret-shop")) + json.dumps(listed) + server.log()
    assert fields["password"] not in seen and "argon2" not in seen
    assert server.cli("credential", "revoke", "secret-shop", str(listed[0]["id"])).code == 0
    assert server.cli_json("credential", "list", "secret-shop")["credentials"] == []
    assert server.cli("credential", "revoke", "secret-shop", str(listed[0]["id"])).code == 1


def test_the_api_says_what_it_did(server):
    status, made = server.api("POST", "/v1/accounts", {"name": "api-shop"})
    assert (status, made["name"], made["policy"]) == (201, "api-shop", "enforce")
    status, key = server.api("POST", "/v1/accounts/api-shop/credentials", {"kind": "api_key", "scopes": ["read"]})
    assert status == 201 and key["api_key"] == f"{key['login']}.{key['secret']}"
    status, refused = server.api("POST", "/v1/accounts", {"name": "api-shop"})
    assert (status, refused["error"]["code"]) == (409, "exists")
    status, refused = server.api("PATCH", "/v1/accounts/api-shop", {"stat": "paused"})
    assert status == 400 and 'did you mean \\"state\\"' in json.dumps(refused)


def test_a_plan_is_made_used_and_removed(server):
    assert server.cli("plan", "set", "pro", "--quota", "50000/month", "--quota", "100 messages/minute@bulk").code == 0
    assert "100 messages/minute@bulk" in server.cli("plan", "list").out
    server.cli_json("account", "add", "plan-shop", "--plan", "pro")
    assert "plan-shop" in server.cli("plan", "show", "pro").out
    in_use = server.cli("plan", "remove", "pro")
    assert in_use.code == 1 and "plan-shop" in in_use.err
    assert server.cli("account", "set", "plan-shop", "--plan", "free").code == 0
    assert server.cli("plan", "remove", "pro").code == 0
    assert server.cli("plan", "show", "pro").code == 1


def test_bad_usage_is_told_before_anything_is_asked(server):
    for words in (["account", "add", "No Name"], ["account", "set", "shop"], ["plan", "set", "x", "--quota", "1/week"],
                  ["credential", "add", "shop", "--network", "192.0.2.1/24"]):
        answer = server.cli(*words)
        assert answer.code == 2 and answer.err, (words, answer)


def test_queue_and_events_name_the_account(server):
    queue_id = server.submit(recipients=("to@nowhere.test",))
    rows = server.cli_json("queue", "list", "--account", "default")["rows"]
    assert [r["account"] for r in rows if r["message_id"] == queue_id] == ["default"]
    assert server.trace(queue_id)[0]["account"] == "default"
    server.cli_json("account", "add", "quiet-shop")
    assert server.cli_json("queue", "list", "--account", "quiet-shop")["rows"] == []
    assert server.cli_json("queue", "list", "--account", "no-such")["rows"] == []
    assert server.act("remove", id=queue_id) == 1


def test_accounts_survive_a_restart(server):
    server.cli_json("account", "add", "lasting", "--plan", "free")
    issued = server.cli_json("credential", "add", "lasting")
    server.restart()
    assert account(server, "lasting")["plan"] == "free"
    assert [c["login"] for c in account(server, "lasting")["credential_list"]] == [issued["login"]]


# ---- files

def test_the_database_and_its_key_are_for_the_server_alone(launch):
    daemon = launch()
    folder = daemon.folder / "accounts"
    for path, mode in [(folder, 0o700), (folder / "accounts.db", 0o600), (folder / "accounts.key", 0o600)]:
        assert stat.S_IMODE(path.stat().st_mode) == mode, path


def test_a_key_file_that_is_not_the_databases_keeps_the_server_from_starting(launch):
    daemon = launch()
    daemon.stop()
    (daemon.folder / "accounts" / "accounts.key").write_text("5a" * 32 + "\n")
    daemon.spawn()
    assert daemon.child.wait() == 1
    assert "another key than that of accounts.key_file" in daemon.child.log()
    daemon.child = None


# ---- PostgreSQL

def test_two_servers_on_one_postgresql_see_each_others_changes(launch, postgresql, key_file):
    both = {"database": postgresql.make_database("two"), "key_file": key_file}
    one, two = launch(accounts=both), launch(accounts=both, server={"node": 1})
    one.cli_json("account", "add", "from-one")
    two.cli_json("account", "add", "from-two")
    wait_until("each knows both accounts", lambda: {"from-one", "from-two"} <= set(names(one)) & set(names(two)))
    two.cli_json("account", "pause", "from-one")
    wait_until("the other one knows", lambda: account(one, "from-one")["state"] == "paused")


def test_the_server_goes_on_without_its_database_and_recovers(launch, key_file):
    postgresql = PostgreSQL()
    try:
        daemon = launch(accounts={"database": postgresql.url(), "key_file": key_file}, route=[("*", "capture")])
        daemon.cli_json("account", "add", "shop")
        postgresql.halt()
        wait_until("it notices", lambda: not database_up(daemon))
        assert account(daemon, "shop")["name"] == "shop", "what is known stays known"
        status, refused = daemon.api("POST", "/v1/accounts", {"name": "other"})
        assert (status, refused["error"]["code"]) == (503, "database_unavailable")
        daemon.wait_ends(daemon.submit(), "to@sink.test")
        postgresql.start()
        wait_until("it is back", lambda: database_up(daemon))
        assert daemon.api("POST", "/v1/accounts", {"name": "other"})[0] == 201
    finally:
        postgresql.remove()


def test_the_server_starts_without_its_database(launch, key_file):
    postgresql = PostgreSQL()
    try:
        postgresql.halt()
        daemon = launch(accounts={"database": postgresql.url(), "key_file": key_file})
        assert not database_up(daemon)
        wait_until("the log says so", lambda: "accounts_database_down" in daemon.log())
        postgresql.start()
        wait_until("it is there", lambda: database_up(daemon))
        daemon.cli_json("account", "add", "shop")
        assert names(daemon) == ["default", "shop"]
    finally:
        postgresql.remove()


def test_a_database_that_hangs_is_noticed_and_holds_up_no_mail(launch, key_file):
    postgresql = PostgreSQL()
    try:
        daemon = launch(accounts={"database": postgresql.url(), "key_file": key_file}, route=[("*", "capture")])
        backends = [int(pid) for pid in postgresql.sql(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'gonets'").split()]
        for pid in backends:
            os.kill(pid, signal.SIGSTOP)
        try:
            wait_until("it notices", lambda: not database_up(daemon))
            daemon.wait_ends(daemon.submit(), "to@sink.test")
        finally:
            for pid in backends:
                os.kill(pid, signal.SIGCONT)
        wait_until("it is back", lambda: database_up(daemon))
    finally:
        postgresql.remove()


def test_postgresql_without_a_key_file_is_refused_by_the_configurations_check(launch, tmp_path):
    daemon = launch()
    daemon.config["accounts"] = {"database": "postgresql:///gonets"}
    daemon.write_config()
    checked = daemon.cli("check-config")
    assert checked.code == 1 and "accounts.key_file" in checked.out + checked.err
