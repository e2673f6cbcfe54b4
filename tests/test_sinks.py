"""Files of events: each event once whatever is killed when, readable by zstd's own tool, rotated, and never in mail's way."""
import json
import re
import shutil
import subprocess
import threading

import pytest

from gonets_rig.daemon import BINARY
from gonets_rig.net import wait_until

WAIT = 60
END_OF_FRAME = b"\x01\0\0"  # an empty last block


def sink_table(folder, **more):
    return {"name": "archive", "kind": "jsonl", "folder": str(folder)} | more


@pytest.fixture
def launch_with_sink(launch, tmp_path):
    """launch_with_sink(compress=False, ...): a server that writes its events into `server.events`."""
    def start(**more):
        folder = tmp_path / "events"
        server = launch(route=[("*", "discard")], sink=[sink_table(folder, **more)])
        server.events = folder
        return server
    return start


def text_of(path):
    """What is in a file; of one that is being written, up to its last flush."""
    if ".zst" not in path.name:
        return path.read_text()
    data = path.read_bytes()
    if path.name.endswith(".part"):
        data += END_OF_FRAME  # zstd keeps back what it has read of a frame without one
    done = subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=False)
    assert done.returncode == 0 or path.name.endswith(".part"), done.stderr
    return done.stdout.decode()


def files(server):
    return sorted(p for p in server.events.glob("archive-*") if ".jsonl" in p.name)


def finished(server):
    return [p for p in files(server) if not p.name.endswith(".part")]


def in_files(server):
    """All events in the order of the files; a line that is being written is no event yet."""
    found = []
    for path in files(server):
        for line in text_of(path).splitlines(keepends=True):
            if line.endswith("\n"):
                found.append(json.loads(line))
    return found


def in_log(server, query=""):
    found, cursor = [], "0"
    while True:
        page = server.ask(f"/v1/events?after={cursor}&max=1000{query}")
        if not page["events"] and page["next"] == cursor:
            return found
        found += page["events"]
        cursor = page["next"]


def wait_written(server, count, query=""):
    """Waits until the files have as many events, and gives what the log has then."""
    wait_until(lambda: f"{count} events in {files(server)}, found {len(in_files(server))}",
               lambda: len(in_files(server)) >= count, WAIT, every=0.2)
    return in_log(server, query)


def accepted(events):
    return sum(len(e["recipients"]) for e in events if e["kind"] == "accepted")


def ended(events):
    return sum(len(e["recipients"]) for e in events if e["kind"] == "discarded")


def seqs(events):
    return [e["seq"] for e in events]


@pytest.mark.parametrize("compress", [True, False])
def test_what_is_in_the_files_is_what_the_api_tells(launch_with_sink, compress):
    server = launch_with_sink(compress=compress)
    for _ in range(5):
        server.submit()
    events = wait_written(server, 10)
    assert in_files(server) == events and len(events) == 10
    server.check_events(in_files(server))
    part, = files(server)
    assert re.fullmatch(r"archive-\d{8}T\d{6}Z-000000000001\.jsonl" + (r"\.zst" if compress else "") + r"\.part", part.name)


@pytest.mark.parametrize("compress", [True, False])
def test_kill_9_while_events_flow_leaves_each_event_once(launch_with_sink, compress):
    server = launch_with_sink(compress=compress, rotate_bytes="2KiB" if compress else "16KiB")
    sent = []
    for round_number in range(4):
        going = threading.Event()

        def send():
            while not going.is_set():
                try:
                    sent.append(server.submit(recipients=[f"r{n}@x.test" for n in range(20)]))
                except (OSError, AssertionError):
                    return  # the kill came in between
        sender = threading.Thread(target=send)
        before = len(sent)
        sender.start()
        wait_until("mail flows", lambda: len(sent) >= before + 10 * (round_number + 1), WAIT)
        server.kill()
        going.set()
        sender.join()
        server.start()
    server.wait_empty()
    assert server.audit()["balanced"]
    wait_until("all ends are safe", lambda: ended(in_log(server)) == accepted(in_log(server)), WAIT, every=0.2)
    events = wait_written(server, len(in_log(server)))
    assert seqs(in_files(server)) == seqs(events) == list(range(1, len(events) + 1))
    assert in_files(server) == events
    assert {e["message_id"] for e in events if e["kind"] == "accepted"} >= set(sent)
    assert len(finished(server)) >= 1, files(server)
    for path in finished(server):
        assert path.suffix != ".zst" or subprocess.run(["zstd", "-tq", path], check=False).returncode == 0


def test_files_are_finished_when_they_are_large_and_old_ones_deleted(launch_with_sink):
    server = launch_with_sink(compress=False, rotate_bytes="1KiB", keep_files=2)

    def rotated():
        server.submit()
        return len(finished(server)) == 2 and "-000000000001.jsonl" not in finished(server)[0].name
    wait_until("the third finished file", rotated, WAIT, every=0.3)
    kept = [json.loads(line) for path in files(server) for line in path.read_text().splitlines()]
    assert seqs(kept) == list(range(kept[0]["seq"], kept[-1]["seq"] + 1)) and kept[0]["seq"] > 1


def test_a_file_is_finished_when_it_is_old(launch_with_sink):
    server = launch_with_sink(rotate_after="1s")
    server.submit()
    wait_until("a finished file", lambda: finished(server), WAIT, every=0.1)
    wait_until("both events in finished files", lambda: len(in_files(server)) == 2 and not
               [p for p in files(server) if p.name.endswith(".part")], WAIT, every=0.1)
    for path in finished(server):
        assert subprocess.run(["zstd", "-tq", path], check=False).returncode == 0


def test_a_sink_takes_the_kinds_and_streams_that_it_should(launch_with_sink):
    server = launch_with_sink(kinds=["discarded"], streams=["transactional"])
    server.submit()
    assert [e["kind"] for e in wait_written(server, 1, "&kind=discarded")] == ["discarded"]
    assert [e["kind"] for e in in_files(server)] == ["discarded"]


def test_a_sink_takes_the_accounts_that_it_should(launch_with_sink):
    server = launch_with_sink(accounts=["nobody"])
    server.submit()
    server.wait_empty()
    cursor = server.events / "archive.cursor"
    wait_until("it has passed over them", lambda: cursor.exists() and "cursor 2\n" in cursor.read_text(), WAIT, every=0.1)
    assert files(server) == []
    server.config["sink"][0] |= {"name": "second", "accounts": ["default"]}
    server.restart()
    second = server.events / "second.cursor"
    wait_until("it has taken them", lambda: second.exists() and "cursor 2\n" in second.read_text(), WAIT, every=0.1)
    part, = server.events.glob("second-*")
    assert len(text_of(part).splitlines()) == 2


def test_a_folder_that_fails_does_not_slow_mail_and_is_caught_up_with(launch_with_sink):
    server = launch_with_sink()
    server.submit()
    wait_written(server, 2)
    moved = server.events.with_name("moved")
    server.stop()
    shutil.move(server.events, moved)
    server.events.write_text("a file where the folder should be\n")
    server.start()
    for _ in range(5):
        server.submit()
    server.wait_empty()
    wait_until("the sink is down", lambda: sample(server, "up") == 0, WAIT)
    assert sample(server, "lag_seconds") >= 0
    wait_until("the log says so", lambda: "sink_failed" in server.log())
    server.events.unlink()
    shutil.move(moved, server.events)
    events = wait_written(server, 12)
    assert in_files(server) == events and len(events) == 12
    wait_until("the sink is up", lambda: sample(server, "up") == 1, WAIT)
    wait_until("they are counted", lambda: sample(server, "events_total") >= 10, WAIT)


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of its own, of two MiB. It is gone with the test, whatever still has it open."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "gonets-test", folder], capture_output=True, check=False)
    assert mounted.returncode == 0, f"this test mounts a tmpfs, so it needs root: {mounted.stderr.decode()}"
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("compress", [True, False])
def test_a_full_disk_does_not_slow_mail_and_each_event_is_there_once_when_there_is_room(small_disk, launch, compress):
    server = launch(route=[("*", "discard")], sink=[sink_table(small_disk / "events", compress=compress)])
    server.events = small_disk / "events"
    server.submit()
    wait_written(server, 2)
    ballast = small_disk / "ballast"
    with open(ballast, "wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    for _ in range(200):
        server.submit()
    server.wait_empty()
    wait_until("the sink is down", lambda: sample(server, "up") == 0, WAIT)
    wait_until("the log says so", lambda: "sink_failed" in server.log() and "No space left" in server.log())
    assert server.audit()["balanced"]
    ballast.unlink()
    events = wait_written(server, 402)
    wait_until("the sink is up", lambda: sample(server, "up") == 1, WAIT)
    assert in_files(server) == events and len(events) == 402
    server.kill()
    server.start()
    server.submit()
    events = wait_written(server, 404)
    assert in_files(server) == events


def sample(server, name):
    (labels, value), = server.metrics()[f"gonets_sink_{name}"]
    assert labels == {"sink": "archive"}
    return value


def test_a_change_of_sinks_needs_a_restart_and_the_log_says_so(launch_with_sink):
    server = launch_with_sink()
    server.config["sink"][0]["rotate_after"] = "2h"
    server.reload()
    wait_until("the log names it", lambda: "setting=sink" in server.log())


def test_a_configuration_that_cannot_work_is_refused(tmp_path):
    for table, part in (({"kinds": ["bouncd"]}, "kinds"), ({"folder": "events"}, "folder"), ({"kind": "csv"}, "kind")):
        config = tmp_path / "bad.toml"
        lines = "".join(f"{k} = {json.dumps(v)}\n" for k, v in (sink_table(tmp_path) | table).items())
        config.write_text(f"[[sink]]\n{lines}")
        answer = check(config)
        assert answer.returncode != 0 and f"sink[1].{part}" in answer.stdout + answer.stderr, answer
    two = tmp_path / "two.toml"
    lines = "".join(f"{k} = {json.dumps(v)}\n" for k, v in sink_table(tmp_path).items())
    two.write_text(f"[[sink]]\n{lines}[[sink]]\n{lines}")
    answer = check(two)
    assert answer.returncode != 0 and "there twice" in answer.stdout + answer.stderr, answer


def check(config):
    return subprocess.run([BINARY, "check-config", "--config", config], capture_output=True, text=True, check=False)
