#!/usr/bin/env python3
"""What many connections and large messages cost:

  idle      resident memory with 10,000 idle SMTP connections
  large     how much a 25 MiB message adds to the peak of resident memory, on its way through
  bodies    MiB/s relayed of 100 KiB messages, and the disk's own rate of synced sequential writes of 1 MiB

    bench/limits.py

Everything runs on 127.0.0.1. Needs Debian's postfix (smtp-source, smtp-sink) and the release build.
"""
import json, os, pathlib, resource, shutil, socket, subprocess, tempfile, time

from rig import Server, free_port, sink, sink_count


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


def source(port, messages, sessions, size):
    subprocess.run(["smtp-source", "-d", "-s", str(sessions), "-m", str(messages), "-l", str(size), "-f", "a@source.test",
                    "-t", "b@sink.test", f"inet:127.0.0.1:{port}"], check=True)


def relayed(server, receiver, messages, sessions, size):
    before, began = sink_count(receiver), time.time()
    source(server.port, messages, sessions, size)
    while sink_count(receiver) < before + messages:
        time.sleep(0.005)
    return time.time() - began


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
    receiver = sink(to)
    server = Server(work, port, [("*", to)])
    result = {}
    try:
        server.start()
        relayed(server, receiver, 2000, 20, 4096)
        before = peak_mib(server)
        relayed(server, receiver, 1, 1, 25 << 20)
        result["large"] = {"peak_before_mib": round(before, 1), "peak_mib": round(peak_mib(server), 1)}
        rates = [(disk_mib_per_s(work), 5000 * 100 / 1024 / relayed(server, receiver, 5000, 20, 100 << 10)) for _ in range(3)]
        result["bodies"] = [{"disk_mib_per_s": round(d), "relayed_mib_per_s": round(r), "ratio": round(r / d, 2)}
                            for d, r in rates]
        server.stop()
        server.start()
        result["idle"] = idle(server, 10_000)
        server.stop()
    finally:
        receiver.terminate()
        if server.process.poll() is None:
            server.process.kill()
        shutil.rmtree(work, ignore_errors=True)
    print(json.dumps(result, indent=1))


main()
