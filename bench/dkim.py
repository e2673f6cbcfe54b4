#!/usr/bin/env python3
"""What signing costs a relay: CPU microseconds a message without a signature, with RSA-2048 and with Ed25519, in one run.

    bench/dkim.py [--messages 20000] [--rounds 5] [--size 4096] [--sessions 50]

Three servers by bench/relay-adapter, one sink; rounds alternate. In each, `openssl speed` measures a bare signature, while a
fourth server, which does not sign, keeps the machine as busy. Prints the medians. Needs Debian's postfix (smtp-source, smtp-sink),
openssl and the release build.
"""
import argparse, json, os, pathlib, re, shutil, statistics, subprocess, tempfile, threading, time

from rig import ROOT, Sink, answers, cpu_seconds, free_port

ADAPTER = ROOT / "bench/relay-adapter"
KINDS = ("unsigned", "rsa2048", "ed25519")
BARE_LOAD = 150_000  # messages: more than a relay can take in the eight seconds that openssl measures


class Relay:
    def __init__(self, work, kind, sink):
        self.work, self.port, self.sink = work, free_port(), sink
        environment = os.environ | ({} if kind == "unsigned" else {"GONETS_DKIM": kind})
        self.process = subprocess.Popen([ADAPTER, "start", work, str(self.port), str(sink.port)], env=environment)
        answers(self.port, 60)

    def send(self, messages, opts):
        """CPU microseconds a message."""
        due = self.sink.count + messages
        began = cpu_seconds(self.process.pid)
        subprocess.run(["smtp-source", "-d", "-s", str(opts.sessions), "-m", str(messages), "-l", str(opts.size),
                        "-f", "a@source.test", "-t", "b@sink.test", f"inet:127.0.0.1:{self.port}"], check=True)
        while self.sink.count < due:
            time.sleep(0.05)
        time.sleep(0.5)  # settled, too
        return (cpu_seconds(self.process.pid) - began) * 1e6 / messages

    def stop(self):
        subprocess.run([ADAPTER, "stop", self.work], check=True)
        self.process.wait()


def bare_us(busy, opts):
    """CPU microseconds of a signature by OpenSSL alone, beside a relay that does not sign: a processor that shares its core with
    a busy one is slower than one that has it alone, by up to a half."""
    load = threading.Thread(target=busy.send, args=(BARE_LOAD, opts))
    load.start()
    said = subprocess.run(["openssl", "speed", "-seconds", "2", "-mr", "rsa2048", "ed25519"], capture_output=True, text=True,
                          check=True).stdout
    if not load.is_alive():
        raise SystemExit("the load ended before openssl did: a larger BARE_LOAD")
    load.join()
    # The first figure is signatures a second of CPU time.
    rsa = re.search(r"^\+F2:\d+:2048:([\d.]+):", said, re.M)
    ed25519 = re.search(r"^\+F6:\d+:\d+:Ed25519:([\d.]+):", said, re.M)
    return {"rsa2048": 1e6 / float(rsa[1]), "ed25519": 1e6 / float(ed25519[1])}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--messages", type=int, default=20_000)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--size", type=int, default=4096)
    p.add_argument("--sessions", type=int, default=50)
    p.add_argument("--dir", default="/var/tmp")
    opts = p.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="dkim-", dir=opts.dir))
    sink = Sink(free_port())
    relays, figures, bare = {}, {kind: [] for kind in KINDS}, []
    try:
        answers(sink.port, 10)
        for kind in KINDS:
            relays[kind] = Relay(work / kind, kind, sink)
            relays[kind].send(opts.messages // 4, opts)  # connections and caches become warm
        relays["busy"] = Relay(work / "busy", "unsigned", sink)
        for _ in range(opts.rounds):
            for kind in KINDS:
                figures[kind].append(relays[kind].send(opts.messages, opts))
            bare.append(bare_us(relays["busy"], opts))
    finally:
        for relay in relays.values():
            relay.stop()
        sink.stop()
        shutil.rmtree(work, ignore_errors=True)
    medians = {kind: round(statistics.median(f), 1) for kind, f in figures.items()}
    alone = {kind: round(statistics.median(b[kind] for b in bare), 1) for kind in bare[0]}
    over = {kind: round(medians[kind] - medians["unsigned"] - alone[kind], 1) for kind in alone}
    print(json.dumps({"cpu_us": medians, "openssl_us": alone, "over_unsigned_and_openssl_us": over,
                      "ed25519_over_unsigned_us": round(medians["ed25519"] - medians["unsigned"], 1),
                      "messages": opts.messages, "rounds": opts.rounds, "size": opts.size}))


main()
