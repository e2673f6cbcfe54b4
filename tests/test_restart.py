"""Restarts and crashes: what was answered 250 is delivered or queued, whenever the process died."""
import collections
import os
import random
import threading
import time

import pytest

from gonets_rig.daemon import BINARY
from gonets_rig.net import wait_until
from gonets_rig.processes import Child
from gonets_rig.talk import Talk, letter

ROUNDS = int(os.environ.get("GONETS_CRASH_ROUNDS", "10"))
SEED = int(os.environ.get("GONETS_CRASH_SEED", "1"))
CLIENTS = 8
CONNECTIONS = 6
# What may have been told 250 for without its being on disk: on each connection the transaction under way and the one
# chained to it; and those whose outcome waits for a busy disk, of which so many stop the sending.
OUTCOMES_A_CONNECTION = 2
OUTCOMES_THAT_WAIT = 512


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_schedule_survives(launch, sink, how):
    sink.on("RCPT", "450 4.2.1 Busy")
    relay = launch(route=[("*", sink.route)], stream={"transactional": {"retry": ["1h"]}})
    ids = [relay.submit(letter(subject=f"Number {n}"), recipients=(f"r{n}@sink.test",)) for n in range(20)]
    for queue_id in ids:
        relay.wait_event(queue_id, "deferred")
    before = sorted((r["message_id"], r["next_attempt"], r["attempts"]) for r in relay.queue())
    relay.restart() if how == "restart" else (relay.kill(), relay.start())
    wait_until("the queue to be loaded", lambda: len(relay.queue()) == 20, every=0.05)
    assert sorted((r["message_id"], r["next_attempt"], r["attempts"]) for r in relay.queue()) == before
    sink.heal()
    relay.act("retry", domain="sink.test")
    relay.wait_empty()
    assert sorted(m.recipients[0] for m in sink.messages) == sorted(f"r{n}@sink.test" for n in range(20))


def test_what_fell_due_while_down_is_tried_at_the_start(launch, sink):
    sink.on("RCPT", "450 4.2.1 Busy")
    relay = launch(route=[("*", sink.route)])
    queue_id = relay.submit()
    relay.wait_event(queue_id, "deferred")
    relay.stop()
    sink.heal()
    relay.start()
    assert relay.wait_event(queue_id, "delivered")["attempts"] >= 2


def test_queue_ids_go_on_after_a_crash(launch):
    relay = launch(route=[("*", "discard")])
    ids = []
    for _ in range(3):
        ids.append(relay.submit())
        relay.kill()
        relay.start()
    ids.append(relay.submit())
    assert ids == sorted(set(ids))


def test_body_survives_a_crash_byte_for_byte(launch, sink):
    sink.on("RCPT", "450 4.2.1 Busy")
    relay = launch(route=[("*", sink.route)])
    rng = random.Random(3)
    bodies = {f"r{n}@sink.test": letter(body=rng.randbytes(size).hex().encode() + b"\r\n.\r\n", extra=b"X-N: %d\r\n" % n)
              for n, size in enumerate((0, 10, 1000, 7000))}
    for address, body in bodies.items():
        relay.submit(body, recipients=(address,))
    relay.kill()
    sink.heal()
    relay.start()
    for message in sink.wait_for(4):
        assert message.content.endswith(bodies[message.recipients[0]])


def test_partly_delivered_message_goes_on_with_the_rest(launch, sink):
    sink.on("RCPT", "450 4.2.1 Busy", about=b"<b@")
    relay = launch(route=[("*", sink.route)])
    queue_id = relay.submit(recipients=("a@sink.test", "b@sink.test"))
    relay.wait_event(queue_id, "delivered", "a@sink.test")
    relay.wait_event(queue_id, "deferred", "b@sink.test")
    relay.kill()
    sink.heal()
    relay.start()
    relay.wait_ends(queue_id, "a@sink.test", "b@sink.test")
    assert sorted(r for m in sink.messages for r in m.recipients) == ["a@sink.test", "b@sink.test"]


def test_audit_of_a_stopped_server_reads_its_spool(launch, sink):
    sink.on("RCPT", "450 4.2.1 Busy", about=b"<busy").on("RCPT", "550 5.1.1 No", about=b"<bad")
    relay = launch(route=[("*", sink.route)])
    queue_id = relay.submit(sender="", recipients=("good@sink.test", "bad@sink.test", "busy@sink.test"))
    relay.wait_ends(queue_id, "good@sink.test", "bad@sink.test")
    relay.wait_event(queue_id, "deferred", "busy@sink.test")
    relay.kill()
    report = relay.offline_audit()
    assert (report["accepted"], report["delivered"], report["bounced"], report["queued"]) == (3, 1, 1, 1)
    assert report["balanced"]


def test_spool_is_not_opened_twice(launch):
    relay = launch(route=[("*", "discard")])
    second = Child("second", [BINARY, "serve", "--config", relay.config_path], relay.folder)
    assert second.wait() not in (0, -11, -6)
    assert second.log().strip()
    relay.submit()


class Load:
    """Clients that send messages with ids of their own as fast as they can, until the server is gone."""

    def __init__(self):
        self.acknowledged = {}  # our id -> queue id
        self.in_doubt = set()  # sent whole, but without an answer
        self.surprises = []  # what a client should not have been told
        self.lock = threading.Lock()
        self.number = 0

    def run(self, endpoint, rng):
        threads = [threading.Thread(target=self._client, args=(endpoint, random.Random(rng.random()))) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        return threads

    def _client(self, endpoint, rng):
        try:
            with Talk(endpoint, greet=False) as talk:
                self._reply(talk)
                talk.send(b"EHLO client.test\r\n")
                self._reply(talk)
                while True:
                    self._message(talk, rng)
        except OSError:  # the server is gone, or said that it is going
            pass

    def _reply(self, talk):
        reply = talk.reply()
        if reply.is_(421, "4.3.2"):
            raise ConnectionError("going down")
        if reply.code >= 400:
            with self.lock:
                self.surprises.append(reply)
            raise ConnectionError("refused")
        return reply

    def _message(self, talk, rng):
        with self.lock:
            self.number += 1
            mine = f"m{self.number}"
        talk.send(b"MAIL FROM:<>\r\nRCPT TO:<%s@sink.test>\r\nDATA\r\n" % mine.encode())
        for _ in range(3):
            self._reply(talk)
        with self.lock:
            self.in_doubt.add(mine)
        talk.send(letter(subject=mine, body=b"x" * rng.randrange(1, 8000) + b"\r\n") + b".\r\n")
        reply = self._reply(talk)
        with self.lock:
            self.in_doubt.discard(mine)
            self.acknowledged[mine] = reply.queue_id


def ids_at(sink):
    return [m.recipients[0].split("@")[0] for m in list(sink.messages)]


def drain(relay, sink, load):
    assert not load.surprises
    sink.heal()
    relay.wait_empty(deadline=90)


def test_kill_at_random_moments_under_load_loses_nothing(launch, sink):
    rng = random.Random(SEED)
    moods = random.Random(SEED + 1)
    sink.on("RCPT", lambda session: "450 4.2.1 Not in the mood" if moods.random() < 0.1 else "250 2.1.5 Ok")
    relay = launch(route=[("*", sink.route)], delivery={"connections_per_site_max": CONNECTIONS})
    load = Load()
    kills = []  # how many messages the sink had at each
    for _ in range(ROUNDS):
        clients = load.run(relay.endpoint, rng)
        time.sleep(rng.uniform(0.05, 1.2))  # the moment is the point
        relay.kill()
        for client in clients:
            client.join()
        kills.append(len(sink.messages))
        offline = relay.offline_audit()
        relay.start()
        audit = relay.audit()
        assert offline["balanced"] and audit["balanced"], (offline, audit)
        assert offline["accepted"] == audit["accepted"]
        assert len(load.acknowledged) <= audit["accepted"] <= len(load.acknowledged) + len(load.in_doubt), audit

    drain(relay, sink, load)
    got = ids_at(sink)
    counts = collections.Counter(got)
    missing = set(load.acknowledged) - set(counts)
    assert not missing, f"seed {SEED}: acknowledged and lost: {sorted(missing)[:10]} of {len(missing)}"
    assert set(counts) <= set(load.acknowledged) | load.in_doubt
    audit = relay.audit()
    assert audit["balanced"] and audit["queued"] == 0
    assert audit["accepted"] == audit["delivered"] == len(counts), "the audit and the sink do not agree"
    check_duplicates(got, kills)


def check_duplicates(got, kills):
    """Each second copy is of a message that was in flight at a kill: among the last that the sink had by then."""
    in_flight = CONNECTIONS * OUTCOMES_A_CONNECTION + OUTCOMES_THAT_WAIT
    seen = {}
    for at, name in enumerate(got):
        if name in seen:
            kill = next((k for k in kills if seen[name] < k <= at), None)
            assert kill is not None, f"{name} came twice with no kill in between"
            assert seen[name] >= kill - in_flight, f"{name} came again {kill - seen[name]} messages after it was taken"
        seen[name] = at


def test_clean_stops_under_load_lose_nothing_and_repeat_nothing(launch, sink):
    rng = random.Random(SEED + 2)
    relay = launch(route=[("*", sink.route)], delivery={"connections_per_site_max": CONNECTIONS})
    load = Load()
    for _ in range(3):
        clients = load.run(relay.endpoint, rng)
        wait_until("some mail", lambda: len(load.acknowledged) > 50)
        relay.stop()
        for client in clients:
            client.join()
        relay.start()
    drain(relay, sink, load)
    counts = collections.Counter(ids_at(sink))
    assert set(load.acknowledged) <= set(counts)
    assert max(counts.values()) == 1
