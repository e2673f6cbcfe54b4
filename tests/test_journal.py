"""The journal: what became of a message is found by what is known of it."""
import datetime
import errno
import shutil

import pytest

from gonets_rig.net import wait_until
from gonets_rig.processes import run
from gonets_rig.talk import letter


@pytest.fixture
def daemon(launch, sink):
    return launch(route=[("*", sink.route)])


def search(daemon, *criteria):
    return daemon.cli_json("messages", "search", *criteria)["messages"]


def wait_found(daemon, count, *criteria):
    wait_until(lambda: f"{count} found by {criteria}: {search(daemon, *criteria)}",
               lambda: len(search(daemon, *criteria)) == count)
    return search(daemon, *criteria)


def test_a_delivered_message_is_found_by_each_thing_that_is_known_of_it(daemon):
    labels = b"X-Gonets-Campaign: Autumn sale\r\nX-Gonets-Tag: eu, beta\r\n"
    sent = daemon.submit(letter(extra=labels), sender="News@sender.test", recipients=["Ann@gmail.com", "bob@x.test"])
    other = daemon.submit(recipients=["carl@x.test"])
    daemon.wait_ends(sent, "Ann@gmail.com", "bob@x.test")
    daemon.wait_ends(other, "carl@x.test")
    wait_found(daemon, 3, "--status", "delivered")
    row, = search(daemon, "--recipient", "ann@GMAIL.com")
    assert row["message_id"] == sent and row["recipient"] == "Ann@gmail.com" and row["status"] == "delivered", row
    assert row["campaign"] == "Autumn sale" and row["tags"] == ["eu", "beta"] and row["provider"] == "google", row
    assert row["reply"].startswith("250") and row["attempts"] == 1 and row["account"] == "default", row
    for criteria in (["--sender", "news@sender.test"], ["--campaign", "Autumn sale"], ["--tag", "beta"],
                     ["--id", sent]):
        assert {(m["message_id"], m["recipient_index"]) for m in search(daemon, *criteria)} == {(sent, 0), (sent, 1)}
    assert search(daemon, "--recipient", "nobody@x.test") == []
    shown = daemon.cli("messages", "search", "--recipient", "bob@x.test")
    assert sent in shown.out and "delivered" in shown.out, shown


def test_pages_follow_each_other_from_the_newest_to_the_oldest(daemon):
    sent = [daemon.submit(recipients=[f"r{i}@x.test"]) for i in range(5)]
    wait_found(daemon, 5, "--status", "delivered")
    ids, page = [], []
    while True:
        got = daemon.cli_json("messages", "search", "--max", "2", *page)
        ids += [m["message_id"] for m in got["messages"]]
        if "next" not in got:
            break
        page = ["--page", got["next"]]
    assert ids == sorted(sent, reverse=True)
    assert daemon.cli("messages", "search", "--page", "nonsense").code != 0


def test_kill_9_neither_loses_nor_doubles_what_happened(daemon):
    sent = []
    for _ in range(3):
        sent += [daemon.submit(recipients=[f"r{i}@x.test" for i in range(3)]) for _ in range(10)]
        daemon.kill()
        daemon.start()
    wait_until("all delivered", lambda: daemon.audit()["delivered"] == 90)
    rows = wait_found(daemon, 90, "--status", "delivered", "--max", "1000")
    assert len({(m["message_id"], m["recipient_index"]) for m in rows}) == 90
    assert {m["message_id"] for m in rows} == set(sent)
    assert daemon.audit()["balanced"]


def test_a_domain_and_a_span_of_time(daemon):
    sent = daemon.submit(recipients=["a@x.test", "b@sub.x.test"])
    daemon.wait_ends(sent, "a@x.test", "b@sub.x.test")
    wait_found(daemon, 2, "--status", "delivered")
    row, = search(daemon, "--recipient", "*@X.test")
    assert row["recipient"] == "a@x.test"
    assert len(search(daemon, "--since", "1h")) == 2
    assert search(daemon, "--until", "1h") == []
    assert search(daemon, "--since", "2h", "--until", "1h", "--recipient", "a@x.test") == []
    assert daemon.cli("messages", "search", "--since", "yesterday").code != 0


def test_counts_by_what_recipients_have_in_common(daemon):
    daemon.add_account("shop")
    sent = [daemon.submit(letter(extra=b"X-Gonets-Campaign: Autumn\r\n"), recipients=["a@gmail.com", "b@x.test"])
            for _ in range(2)]
    for each in sent:
        daemon.wait_ends(each, "a@gmail.com", "b@x.test")
    wait_found(daemon, 4, "--status", "delivered")

    def rows(by, *more):
        return {r["name"]: r for r in daemon.cli_json("stats", "--by", by, *more)["rows"]}
    campaign = rows("campaign")["Autumn"]
    assert campaign["counts"] == {"accepted": 4, "delivered": 4} and campaign["rates"]["delivered"] == 1, campaign
    assert rows("provider", "--since", "1h")["google"]["counts"]["delivered"] == 2
    assert rows("account") == rows("account", "--account", "default") and "default" in rows("account")
    assert rows("campaign", "--account", "shop") == {}
    assert sum(r["counts"]["delivered"] for r in rows("hour").values()) == 4
    assert rows("campaign", "--until", "2h") == {}
    shown = daemon.cli("stats", "--by", "campaign")
    assert "Autumn" in shown.out and "100.0" in shown.out, shown
    assert all(len(line) <= 100 for line in shown.out.splitlines()), shown
    assert daemon.cli("stats", "--by", "weather").code == 2


def journal_up(daemon):
    (_, up), = daemon.metrics()["gonets_journal_up"]
    return up


def test_a_journal_that_cannot_be_written_keeps_no_mail_back_and_catches_up(daemon):
    folder = daemon.folder / "spool" / "journal"
    daemon.stop()
    shutil.rmtree(folder)
    folder.write_text("in its place")
    daemon.start()
    sent = [daemon.submit(recipients=[f"r{i}@x.test"]) for i in range(5)]
    for i, each in enumerate(sent):
        daemon.wait_ends(each, f"r{i}@x.test")
    wait_until("the journal is down", lambda: journal_up(daemon) == 0)
    wait_until("the log says so", lambda: "journal_failed" in daemon.log())
    folder.unlink()
    wait_found(daemon, 5, "--status", "delivered")
    wait_until("the journal is up", lambda: journal_up(daemon) == 1)


def test_a_full_disk_of_the_journal_keeps_no_mail_back_and_it_catches_up(daemon):
    folder = daemon.folder / "spool" / "journal"
    daemon.stop()
    shutil.rmtree(folder)
    folder.mkdir()
    mounted = run("mount", "-t", "tmpfs", "-o", "size=2m", "gonets-test", folder)
    assert mounted.returncode == 0, f"this test mounts a tmpfs, so it needs root: {mounted.stderr.decode()}"
    try:
        daemon.start()
        first = daemon.submit(recipients=["before@x.test"])
        wait_found(daemon, 1, "--id", first, "--status", "delivered")
        filler = folder / "filler"
        with open(filler, "ab", buffering=0) as f:
            try:
                while True:
                    f.write(b"\0" * 4096)
            except OSError as full:
                assert full.errno == errno.ENOSPC
        sent = []
        while journal_up(daemon) == 1:  # until what SQLite's files had room for is used up
            sent.append(daemon.submit(recipients=[f"r{len(sent)}@x.test"]))
            daemon.wait_ends(sent[-1], f"r{len(sent) - 1}@x.test")
        filler.unlink()
        wait_found(daemon, len(sent) + 1, "--status", "delivered", "--max", "1000")
    finally:
        daemon.stop()
        run("umount", "-l", folder)


def test_the_retention_deletes_days_and_a_reload_changes_it(launch, sink):
    daemon = launch(route=[("*", sink.route)], journal={"retention": "60d"})
    folder = daemon.folder / "spool" / "journal"
    sent = daemon.submit(recipients=["a@x.test"])
    wait_found(daemon, 1, "--id", sent, "--status", "delivered")
    today = sorted(folder.glob("journal-*.db"))
    daemon.stop()
    day = datetime.datetime.now(datetime.timezone.utc).date()
    old, older = (folder / f"journal-{day - datetime.timedelta(days=days)}.db" for days in (40, 80))
    for each in (old, older):
        shutil.copy(today[-1], each)
    daemon.start()
    wait_until("what is older is gone", lambda: not older.exists())
    assert old.exists()
    daemon.config["journal"]["retention"] = "30d"
    daemon.reload()
    wait_until("what has become too old is gone", lambda: not old.exists())
    assert today[-1].exists()
    wait_found(daemon, 1, "--status", "delivered")


def test_without_a_journal_mail_goes_on_and_a_search_says_why_it_finds_nothing(launch, sink):
    daemon = launch(route=[("*", sink.route)], journal={"enabled": False})
    sent = daemon.submit(recipients=["a@x.test"])
    daemon.wait_ends(sent, "a@x.test")
    answer = daemon.cli("messages", "search")
    assert answer.code != 0 and "journal.enabled" in answer.out + answer.err, answer
    assert not (daemon.folder / "spool" / "journal").exists()
