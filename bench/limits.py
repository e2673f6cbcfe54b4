#!/usr/bin/env python3
"""What many connections and large messages cost:

  idle      resident memory with 10,000 idle SMTP connections
  large     how much a 25 MiB message adds to the peak of resident memory, on its way through
  bodies    MiB/s of 100 KiB messages: made safe (to the route `discard`), relayed, and sent to the sink with no server
            between; beside the disk's own rate of synced sequential writes of 1 MiB. Medians of 5 rounds.

    bench/limits.py

Everything runs on 127.0.0.1. Needs Debian's postfix (smtp-source, smtp-sink) and the release build.
"""
import json, os, pathlib, resource, shutil, socket, statistics, subprocess, tempfile, time

from rig import Server, Sink, free_port, smarthost


def peak_mib(server):
    for line in open(f"/proc/{server.process.pid}/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024


def idle(server, connections):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    before, all_open = server.memory_mib(), []
    for i in range(connections):
        s = socket.socket()
        s.bind((f"127.0.{1 + i // 20000}.1", 0))
        s.connect(("127.0.0.1", server.port))
        all_open.append(s)
    for s in all_open:
        s.recv(200)
        s.sendall(b"EHLO idle.test\r\n")
    for s in all_open:
        s.recv(1000)
    after = server.memory_mib()
    for s in all_open:
        s.close()
    return {"connections": connections, "memory_before_mib": round(before, 1), "memory_mib": round(after, 1)}


def source(port, messages, sessions, size, to="b@sink.test"):
    subprocess.run(["smtp-source", "-d", "-s", str(sessions), "-m", str(messages), "-l", str(size), "-f", "a@source.test",
                    "-t", to, f"inet:127.0.0.1:{port}"], check=True)


def relayed(server, receiver, messages, sessions, size):
    before, began = receiver.count, time.time()
    source(server.port, messages, sessions, size)
    while receiver.count < before + messages:
        time.sleep(0.005)
    return time.time() - began


def bodies_round(server, receiver, messages=5000, sessions=20, size=100 << 10):
    mib = messages * size / (1 << 20)

    def rate(port, to):
        began = time.time()
        source(port, messages, sessions, size, to)
        return mib / (time.time() - began)

    return {"disk": disk_mib_per_s(server.work), "made_safe": rate(server.port, "b@discard.test"),
            "relayed": mib / relayed(server, receiver, messages, sessions, size), "no_server": rate(receiver.port, "b@sink.test")}


def disk_mib_per_s(folder, mib=512):
    block = os.urandom(1 << 20)
    path = folder / "blocks"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    began = time.time()
    for _ in range(mib):
        os.write(fd, block)
        os.fdatasync(fd)
    took = time.time() - began
    os.close(fd)
    path.unlink()
    return mib / took


def main():
    work = pathlib.Path(tempfile.mkdtemp(prefix="limits-", dir="/var/tmp"))
    port, to = free_port(), free_port()
    receiver = Sink(to)
    server = Server(work, port, [("discard.test", "discard"), ("*", smarthost(to))])
    result = {}
    try:
        server.start()
        relayed(server, receiver, 2000, 20, 4096)
        before = peak_mib(server)
        relayed(server, receiver, 1, 1, 25 << 20)
        result["large"] = {"peak_before_mib": round(before, 1), "peak_mib": round(peak_mib(server), 1)}
        rounds = [bodies_round(server, receiver) for _ in range(5)]
        result["bodies_mib_per_s"] = {k: round(statistics.median(r[k] for r in rounds)) for k in rounds[0]}
        server.stop()
        server.start()
        result["idle"] = idle(server, 10_000)
        server.stop()
    finally:
        receiver.stop()
        if server.process.poll() is None:
            server.process.kill()
        shutil.rmtree(work, ignore_errors=True)
    print(json.dumps(result, indent=1))


main()
