#!/usr/bin/env python3
"""What a deep queue costs: fills the server with recipients that a receiver defers, and measures

  memory        resident memory of the server, all recipients deferred
  fresh rate    relayed messages a second to another receiver, against a server with an empty queue: in turns, once
                the disk has come to rest, since disks drift more between minutes than what is to be seen
  restart       seconds until SMTP answers again, and until the whole index is loaded

    bench/deep_queue.py [--recipients 1000000] [--domains 50000]

Everything runs on 127.0.0.1. Needs Debian's postfix (smtp-source, smtp-sink) and the release build.
"""
import argparse, concurrent.futures, json, multiprocessing, pathlib, shutil, socket, statistics, subprocess, tempfile, time

from rig import Server, Sink, free_port, smarthost

def fill(port, first, count, domains, body):
    """One connection, each message's commands in the same write as the end of the one before."""
    s = socket.create_connection(("127.0.0.1", port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    f = s.makefile("rb")
    f.readline()
    s.sendall(b"EHLO fill.test\r\n")
    while f.readline()[3:4] == b"-":
        pass
    commands = lambda n: b"MAIL FROM:<sender@source.test>\r\nRCPT TO:<user%d@d%d.test>\r\nDATA\r\n" % (n, n % domains)
    s.sendall(commands(first))
    for n in range(first, first + count):
        for _ in range(3):
            line = f.readline()
        if not line.startswith(b"354"):
            raise SystemExit(f"refused: {line!r}")
        last = n == first + count - 1
        s.sendall(body + (b"QUIT\r\n" if last else commands(n + 1)))
        line = f.readline()
        if not line.startswith(b"250"):
            raise SystemExit(f"refused: {line!r}")


def fill_in_threads(port, first, count, domains, body, threads):
    part = count // threads
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(fill, port, first + i * part, part, domains, body) for i in range(threads)]:
            done.result()


def fill_all(port, total, domains, size, processes=2, threads=25):
    line = b"x" * 70 + b"\r\n"
    body = b"Subject: deep\r\n\r\n" + line * (size // 72) + b".\r\n"
    part = total // processes
    jobs = [multiprocessing.Process(target=fill_in_threads, args=(port, i * part, part, domains, body, threads))
            for i in range(processes)]
    for j in jobs:
        j.start()
    for j in jobs:
        j.join()
        if j.exitcode:
            raise SystemExit("filling failed")


def fresh_rate(port, sink, messages):
    before, began = sink.count, time.time()
    subprocess.run(["smtp-source", "-d", "-s", "50", "-m", str(messages), "-l", "4096", "-f", "sender@source.test",
                    "-t", "rcpt@fresh.test", f"inet:127.0.0.1:{port}"], check=True)
    while sink.count < before + messages:
        time.sleep(0.01)
    return messages / (time.time() - began)


def wait_for(server, total, key="deferred"):
    while True:
        s = server.summary()
        if s and s[key] >= total:
            return
        time.sleep(1)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recipients", type=int, default=1_000_000)
    p.add_argument("--domains", type=int, default=50_000)
    p.add_argument("--size", type=int, default=2048)
    p.add_argument("--rest", type=float, default=45, help="seconds between filling and measuring")
    p.add_argument("--dir", default="/var/tmp")
    opts = p.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="deep-", dir=opts.dir))
    port, deferring, fresh = free_port(), free_port(), free_port()
    sinks = [Sink(deferring, "-r", "RCPT"), Sink(fresh)]
    routes = [("fresh.test", smarthost(fresh)), ("*", smarthost(deferring))]
    for name in ("deep", "empty"):
        (work / name).mkdir()
    server = Server(work / "deep", port, routes)
    empty_port = free_port()
    empty = Server(work / "empty", empty_port, routes)
    result = {"recipients": opts.recipients, "domains": opts.domains}
    try:
        server.start()
        began = time.time()
        fill_all(port, opts.recipients, opts.domains, opts.size)
        result["fill_per_s"] = round(opts.recipients / (time.time() - began))
        wait_for(server, opts.recipients)
        result["filled_and_deferred_s"] = round(time.time() - began)
        time.sleep(opts.rest)
        result["memory_mib"] = round(server.memory_mib(), 1)
        empty.start()
        turns = [(fresh_rate(port, sinks[1], 20000), fresh_rate(empty_port, sinks[1], 20000)) for _ in range(5)]
        empty.stop()
        result["fresh_per_s_deep"] = round(statistics.median(deep for deep, _ in turns))
        result["fresh_per_s_empty"] = round(statistics.median(other for _, other in turns))
        result["fresh_ratio"] = round(statistics.median(deep / other for deep, other in turns), 3)
        server.kill()
        result["restart_to_220_s"] = round(server.start(), 2)
        began = time.time()
        while (s := server.summary()) is None or s["loading"]:
            time.sleep(0.1)
        result["restart_to_loaded_s"] = round(result["restart_to_220_s"] + time.time() - began, 2)
        result["loaded"] = s["deferred"]
        result["memory_after_restart_mib"] = round(server.memory_mib(), 1)
        result["spool_mib"] = sum(f.stat().st_size for f in (work / "deep" / "spool").rglob("*") if f.is_file()) >> 20
        server.stop()
    finally:
        for s in sinks:
            s.stop()
        for each in (server, empty):
            if getattr(each, "process", None) and each.process.poll() is None:
                each.process.kill()
        shutil.rmtree(work, ignore_errors=True)
    print(json.dumps(result))


main()
