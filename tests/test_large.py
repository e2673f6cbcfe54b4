"""Large messages pass through in a window: memory does not grow with them."""
import random
import threading

import pytest

from gonets_rig import sink as peer
from gonets_rig.talk import letter, split_received

MIB = 1 << 20
# Of resident memory over what small messages took: windows, the allocator's slack, and most of all the store's write
# buffers (16 MiB each, and the next one is filled while one is written out).
GROWTH_MIB_MAX = 48


def large(size, seed=0):
    """Lines of random text, some with dots, of about `size` bytes."""
    rng = random.Random(seed)
    block = b"".join(b"." * rng.randrange(3) + rng.randbytes(36).hex().encode() + b"\r\n" for _ in range(1000))
    return letter(subject="Large", body=block * (size // len(block) + 1))


def sanitized(daemon):
    with open(f"/proc/{daemon.pid}/maps") as maps:
        return any("libasan" in line or "libtsan" in line for line in maps)


@pytest.fixture
def relay(launch, sink):
    relay = launch(route=[("*", sink.route)], smtp={"message_bytes_max": "100MiB"})
    with relay.talk(hello=True) as talk:
        for _ in range(200):
            assert talk.message(letter(body=b"x" * 4000 + b"\r\n")).is_(250)
    sink.wait_for(200)
    sink.messages.clear()
    return relay


def check_growth(relay, before, mib_max=GROWTH_MIB_MAX):
    growth = (relay.status("VmHWM") - before) // 1024
    print(f"grew by {growth} MiB")
    # Sanitizers keep freed memory back on purpose.
    assert growth <= mib_max or sanitized(relay)


@pytest.mark.parametrize("mib", [25, 90])
def test_message_passes_unchanged_through_a_window(relay, sink, mib):
    content = large(mib * MIB)
    before = relay.status("VmHWM")
    queue_id = relay.submit(content)
    assert split_received(sink.one().content)[1] == content
    end = relay.wait_event(queue_id, "delivered")
    assert end["reply"]["code"] == 250
    check_growth(relay, before)


def test_several_large_messages_at_once_pass_through_windows(relay, sink):
    contents = {f"r{n}@sink.test": large(25 * MIB, n) for n in range(4)}
    before = relay.status("VmHWM")
    senders = [threading.Thread(target=relay.submit, args=(content,), kwargs={"recipients": (address,)})
               for address, content in contents.items()]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    for message in sink.wait_for(4):
        assert split_received(message.content)[1] == contents[message.recipients[0]]
    check_growth(relay, before, mib_max=64)


def test_large_message_waits_for_a_slow_peer_on_disk(relay, sink):
    gate = threading.Event()
    sink.on("DATA", peer.when(gate))
    content = large(25 * MIB)
    before = relay.status("VmHWM")
    relay.submit(content)
    gate.set()
    assert split_received(sink.one().content)[1] == content
    check_growth(relay, before)


def test_large_message_survives_a_crash(launch, sink):
    sink.on("RCPT", "450 4.2.1 Busy")
    relay = launch(route=[("*", sink.route)])
    content = large(8 * MIB)
    relay.submit(content)
    relay.kill()
    sink.heal()
    relay.start()
    assert split_received(sink.one().content)[1] == content
    relay.wait_empty()
    assert relay.audit()["balanced"]


def test_large_message_in_chunks_of_bdat_passes_unchanged(relay, sink):
    content = large(6 * MIB)
    with relay.talk(hello=True) as talk:
        talk.expect(250, "MAIL FROM:<>")
        talk.expect(250, "RCPT TO:<to@sink.test>")
        for at in range(0, len(content), 700_001):
            chunk = content[at:at + 700_001]
            last = b" LAST" if at + len(chunk) == len(content) else b""
            talk.send(b"BDAT %d%s\r\n" % (len(chunk), last) + chunk)
            assert talk.reply().is_(250)
    assert split_received(sink.one().content)[1] == content


def test_large_message_given_up_half_way_leaves_nothing(relay, sink):
    content = large(10 * MIB)
    talk = relay.talk(hello=True)
    talk.envelope("", "to@sink.test")
    talk.send(content)
    talk.close()
    queue_id = relay.submit()
    relay.wait_event(queue_id, "delivered")
    assert relay.audit()["accepted"] == 201
    assert len(sink.messages) == 1
