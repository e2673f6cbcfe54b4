"""A disk that fills up: mail is put off, nothing that was acknowledged is lost, and the server recovers by itself."""
import os
import pathlib
import tempfile
import threading

import pytest

from gonets_rig import sink as peer
from gonets_rig.net import wait_until
from gonets_rig.processes import run
from gonets_rig.talk import Talk, letter

DISK_MIB = 160


@pytest.fixture
def disk():
    """A file system of its own, small enough to fill."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="gonets-disk-"))
    mounted = run("mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=0755", "gonets-test", folder)
    assert mounted.returncode == 0, f"these tests mount a tmpfs, so they need root: {mounted.stderr.decode()}"
    yield folder
    # Lazily, should something still have a file open: the tests must not leave a mount behind.
    run("umount", "-l", folder)
    folder.rmdir()


class Filler:
    def __init__(self, disk):
        self.path = disk / "filler"

    def fill(self, leave=0):
        """Takes all space but `leave` bytes, page by page at the end."""
        with open(self.path, "ab", buffering=0) as f:
            for block in (1 << 20, 4096):
                try:
                    while free(self.path.parent) - block >= leave:
                        f.write(b"\0" * block)
                except OSError:
                    pass

    def free(self):
        self.path.unlink(missing_ok=True)


def free(folder):
    s = os.statvfs(folder)
    return s.f_bavail * s.f_frsize


@pytest.fixture
def filler(disk):
    return Filler(disk)


def try_message(daemon, subject="x", body=b"x\r\n"):
    """The first reply that is no success, or that to the end of data."""
    with Talk(daemon.endpoint, hello=True) as talk:
        for line in ("MAIL FROM:<>", f"RCPT TO:<{subject}@sink.test>", "DATA"):
            reply = talk.command(line)
            if reply.code >= 400:
                return reply
        return talk.end_data(letter(subject=subject, body=body) + b".\r\n")


def test_mail_is_put_off_below_the_threshold_and_taken_again_above_it(launch, sink, disk, filler):
    relay = launch(route=[("*", sink.route)], spool={"path": str(disk / "spool"), "free_bytes_min": "32MiB"})
    assert try_message(relay, "before").is_(250)
    filler.fill(leave=16 << 20)
    wait_until("452 4.3.1", lambda: try_message(relay, "during").is_(452, "4.3.1"), every=0.1)
    assert relay.api("GET", "/healthz")[0] == 200
    status, readiness = relay.api("GET", "/readyz")
    assert status == 503 and readiness["reason"]
    filler.free()
    wait_until("250 again", lambda: try_message(relay, "after").is_(250), every=0.1)
    assert relay.api("GET", "/readyz")[0] == 200
    relay.wait_empty()
    names = {m.recipients[0] for m in sink.messages}
    assert {"before@sink.test", "after@sink.test"} <= names
    assert relay.audit()["balanced"]


def test_delivery_goes_on_while_the_disk_is_below_the_threshold(launch, sink, disk, filler):
    sink.on("RCPT", "450 4.2.1 Busy")
    relay = launch(route=[("*", sink.route)], spool={"path": str(disk / "spool"), "free_bytes_min": "32MiB"})
    ids = [relay.submit() for _ in range(10)]
    filler.fill(leave=16 << 20)
    wait_until("452 4.3.1", lambda: try_message(relay).is_(452, "4.3.1"), every=0.1)
    sink.heal()
    for queue_id in ids:
        relay.wait_event(queue_id, "delivered")


def test_full_disk_under_load_loses_nothing(launch, sink, disk, filler):
    relay = launch(route=[("*", sink.route)], spool={"path": str(disk / "spool"), "free_bytes_min": "1MiB"})
    acknowledged, refusals, stop = [], [], threading.Event()

    def client(number):
        count = 0
        while not stop.is_set():
            count += 1
            name = f"c{number}n{count}"
            try:
                reply = try_message(relay, name, (b"y" * 98 + b"\r\n") * 200)
            except OSError:
                refusals.append("lost")
                continue
            (acknowledged.append(name) if reply.is_(250) else refusals.append(f"{reply.code} {reply.status}"))

    clients = [threading.Thread(target=client, args=(n,)) for n in range(4)]
    for thread in clients:
        thread.start()
    try:
        wait_until("some mail", lambda: len(acknowledged) > 20)
        filler.fill()
        wait_until("refusals", lambda: len(refusals) > 20)
        assert relay.child.running()
        before = len(acknowledged)
        filler.free()
        wait_until("mail is taken again", lambda: len(acknowledged) > before + 20)
    finally:
        stop.set()
        for thread in clients:
            thread.join()
    assert set(refusals) <= {"452 4.3.1", "451 4.3.0"}, set(refusals)
    relay.wait_empty()
    got = {m.recipients[0].split("@")[0] for m in sink.messages}
    assert set(acknowledged) <= got
    assert relay.audit()["balanced"]
    relay.kill()
    relay.start()
    assert relay.audit()["balanced"]


def test_outcomes_that_the_disk_did_not_take_are_written_later(launch, sink, disk, filler):
    gate = threading.Event()
    sink.on("MAIL", peer.when(gate))
    relay = launch(route=[("*", sink.route)], spool={"path": str(disk / "spool"), "free_bytes_min": "1MiB"})
    ids = [relay.submit(recipients=(f"r{n}@sink.test",)) for n in range(5)]
    filler.fill()
    gate.set()
    sink.wait_for(5)
    filler.free()
    for queue_id in ids:
        relay.wait_event(queue_id, "delivered")
    relay.restart()
    assert relay.audit()["delivered"] == 5
    assert not relay.queue()
    assert len(sink.messages) == 5


def test_large_message_that_does_not_fit_is_put_off(launch, sink, disk, filler):
    relay = launch(route=[("*", sink.route)], spool={"path": str(disk / "spool"), "free_bytes_min": "1MiB"},
                   smtp={"message_bytes_max": "100MiB"})
    filler.fill(leave=12 << 20)
    reply = try_message(relay, "large", (b"z" * 98 + b"\r\n") * 300_000)
    assert (reply.code, reply.status) in ((452, "4.3.1"), (451, "4.3.0")), reply
    filler.free()
    wait_until("250 again", lambda: try_message(relay, "after").is_(250), every=0.1)
    relay.wait_empty()
    assert [m.recipients[0] for m in sink.messages] == ["after@sink.test"]
