"""The journal: what became of a message is found by what is known of it."""
import pytest

from gonets_rig.net import wait_until
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
