"""The journal: what became of a message is found by what is known of it."""
import contextlib
import datetime
import errno
import itertools
import shutil
import sqlite3

import pytest

from gonets_rig.net import wait_until
from gonets_rig.postgresql import PostgreSQL
from gonets_rig.processes import run
from gonets_rig.talk import letter

databases = itertools.count()


@pytest.fixture
def files(launch, sink):
    """A server whose journal is in files."""
    return launch(route=[("*", sink.route)])


@pytest.fixture(params=["files", "postgresql"])
def daemon(request, launch, sink):
    if request.param == "files":
        return request.getfixturevalue("files")
    name = f"journal_{next(databases)}"
    return launch(route=[("*", sink.route)],
                  journal={"database": request.getfixturevalue("postgresql").make_database(name)})


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
    header_id = row["header_message_id"]
    assert header_id.endswith("@sender.test"), row
    assert len(search(daemon, "--message-id", header_id)) == 3  # the rig's letters have the same
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


def test_counts_by_tag_and_provider_in_a_minute(daemon):
    labels = [b"X-Gonets-Tag: eu, beta\r\n", b"X-Gonets-Tag: eu\r\n", b""]
    for extra in labels:
        daemon.wait_ends(daemon.submit(letter(extra=extra), recipients=["a@gmail.com"]), "a@gmail.com")
    wait_found(daemon, 3, "--status", "delivered")
    rows = daemon.cli_json("stats", "--by", "tag", "--group", "provider,minute")
    assert rows["group"] == ["provider", "minute"]
    delivered = {}
    for row in rows["rows"]:
        assert datetime.datetime.fromisoformat(row["group"]["minute"].replace("Z", "+00:00")).second == 0, row
        if "delivered" in row["counts"]:
            key = row["name"], row["group"]["provider"]
            delivered[key] = delivered.get(key, 0) + row["counts"]["delivered"]
    assert delivered == {("eu", "google"): 2, ("beta", "google"): 1}
    shown = daemon.cli("stats", "--by", "tag", "--group", "provider")
    assert "PROVIDER" in shown.out and "beta" in shown.out, shown
    for wrong in ("tag", "weather"):
        assert daemon.cli("stats", "--by", "tag", "--group", wrong).code != 0
    assert daemon.cli("stats", "--by", "hour", "--group", "day").code != 0


def test_a_subject_is_kept_when_the_account_lets_it(daemon):
    without = daemon.submit(letter(subject="Spring sale"), recipients=["a@x.test"])
    assert daemon.cli_json("account", "set", "default", "--journal-subject", "yes")["journal_subject"] is True
    sent = daemon.submit(letter(subject="=?utf-8?q?Caf=C3=A9?= sale"), recipients=["b@x.test"])
    row, = wait_found(daemon, 1, "--subject", "SALE")
    assert row["message_id"] == sent and row["subject"] == "Café sale", row
    assert "subject" not in wait_found(daemon, 1, "--id", without)[0]
    accepted = daemon.ask(f"/v1/messages/{sent}/trace")["events"][0]
    assert accepted["subject"] == "Café sale", accepted


def make_older(file, days):
    """Today's file as if all in it had been accepted so many days ago."""
    day = datetime.date.fromisoformat(file.name[len("journal-"):-len(".db")]) - datetime.timedelta(days=days)
    older = file.with_name(f"journal-{day}.db")
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.rename(older)
    by = days * 86_400_000 << 19
    with contextlib.closing(sqlite3.connect(older)) as db, db:
        db.execute("UPDATE messages SET id = id - ?", (by,))
        for table in ("recipients", "terms", "recipient_terms"):
            db.execute(f"UPDATE {table} SET message = message - ?", (by,))
    return older


def test_addresses_are_hashed_when_the_account_says_so_and_are_found_by_who_knows_them(files):
    daemon = files
    folder = daemon.folder / "spool" / "journal"
    sent = [daemon.submit(recipients=[f"secret{i}@x.test"]) for i in range(3)]
    for i, each in enumerate(sent):
        daemon.wait_ends(each, f"secret{i}@x.test")
    wait_found(daemon, 3, "--status", "delivered")
    daemon.stop()
    file, = folder.glob("journal-*.db")
    older = make_older(file, 5)
    daemon.start()
    assert wait_found(daemon, 1, "--recipient", "secret1@x.test")[0]["recipient_hashed"] is False
    changed = daemon.cli_json("account", "set", "default", "--journal-hash-after", "4")
    assert changed["journal_hash_after_days"] == 4
    assert "hashed after 4 days" in daemon.cli("account", "show", "default").out
    daemon.submit(recipients=["other@x.test"])  # what is accepted wakes the journal
    wait_until("the address is hashed", lambda: search(daemon, "--recipient", "secret1@x.test")[0]["recipient_hashed"])
    row, = search(daemon, "--recipient", "SECRET1@x.test")
    assert row["recipient"].startswith("(hashed ") and row["reply"].split() == ["250", *row["reply"].split()[1:2]], row
    assert len(search(daemon, "--recipient", "*@x.test")) == 4
    wait_until("it is gone from the disk", lambda: not any(
        b"secret" in f.read_bytes() for f in folder.glob(f"{older.name}*")))


def journal_up(daemon):
    (_, up), = daemon.metrics()["gonets_journal_up"]
    return up


def test_a_journal_that_cannot_be_written_keeps_no_mail_back_and_catches_up(files):
    daemon = files
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


def test_a_full_disk_of_the_journal_keeps_no_mail_back_and_it_catches_up(files):
    daemon = files
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


def test_a_postgresql_that_is_down_keeps_no_mail_back_and_the_journal_catches_up(launch, sink):
    postgresql = PostgreSQL()
    try:
        daemon = launch(route=[("*", sink.route)], journal={"database": postgresql.url()})
        first = daemon.submit(recipients=["first@x.test"])
        wait_found(daemon, 1, "--id", first, "--status", "delivered")
        postgresql.halt()
        sent = [daemon.submit(recipients=[f"r{i}@x.test"]) for i in range(5)]
        for i, each in enumerate(sent):
            daemon.wait_ends(each, f"r{i}@x.test")
        wait_until("the journal is down", lambda: journal_up(daemon) == 0)
        assert daemon.cli("messages", "search").code != 0
        postgresql.start()
        wait_until("the journal is up", lambda: journal_up(daemon) == 1)
        wait_found(daemon, 6, "--status", "delivered")
        days = postgresql.sql("SELECT COUNT(*) FROM journal_days")
        parts = postgresql.sql("SELECT COUNT(*) FROM pg_inherits WHERE inhparent = 'journal_recipients'::regclass")
        assert days == parts == "1"
    finally:
        postgresql.remove()


def test_the_retention_drops_the_partitions_of_old_days(launch, sink, postgresql):
    url = postgresql.make_database("journal_retention")
    daemon = launch(route=[("*", sink.route)], journal={"database": url, "retention": "2d"})
    sent = daemon.submit(recipients=["a@x.test"])
    wait_found(daemon, 1, "--id", sent, "--status", "delivered")
    daemon.stop()
    tables = ["messages", "recipients", "terms", "state", "hashed", "hours", "minutes"]
    day = int(postgresql.sql("SELECT day FROM journal_days", "journal_retention"))
    postgresql.sql(f"INSERT INTO journal_days VALUES ({day - 5})", "journal_retention")
    old = (datetime.date(1970, 1, 1) + datetime.timedelta(days=day - 5)).strftime("%Y%m%d")
    for table in tables:
        postgresql.sql(f"CREATE TABLE journal_{table}_{old} (x BIGINT)", "journal_retention")
    daemon.start()
    wait_until("the old day is gone", lambda: postgresql.sql(
        "SELECT COUNT(*) FROM journal_days", "journal_retention") == "1")
    assert postgresql.sql(f"SELECT COUNT(*) FROM pg_class WHERE relname LIKE '%{old}'", "journal_retention") == "0"
    wait_found(daemon, 1, "--status", "delivered")


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
