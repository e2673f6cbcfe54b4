#!/usr/bin/env python3
"""What TLS costs a relay: CPU microseconds a message of one server, with TLS on both sides and without, in one run.

    bench/tls_relay.py [--messages 20000] [--rounds 5] [--size 4096] [--sessions 20]

Three servers in a row: smtp-source -> first -> measured -> last, which discards. The hop into the measured server and the one
out of it are in the clear, or both over TLS 1.3 (AES-256-GCM, P-256 certificate) with connections that are used again. Rounds
alternate; what is printed are the medians of both, and the ratio. Needs Debian's postfix (smtp-source) and the release build.
"""
import argparse, json, pathlib, shutil, statistics, subprocess, tempfile, time

from rig import Server, cpu_seconds, free_port


class Hop(Server):
    """A server with a certificate of its own making, whose way on goes over TLS or not."""

    def __init__(self, work, port, to, tls):
        work.mkdir()
        super().__init__(work, port, [("*", to)])
        text = self.config.read_text().replace("[delivery]\n", "[tls]\nself_signed = true\n[delivery]\n")
        self.config.write_text(text.replace(f'to = "{to}"\n', f'to = "{to}"\n' + (f'tls = "{tls}"\n' if tls else "")))

    def taken(self):
        out = subprocess.run(["curl", "-s", "--unix-socket", self.work / "api.sock", "http://gonets/metrics"],
                             capture_output=True, text=True).stdout
        return sum(float(line.rpartition(" ")[2]) for line in out.splitlines()
                   if line.startswith("gonets_messages_accepted_total "))


class Chain:
    def __init__(self, work, tls):
        level = "required" if tls else "none"
        ports = [free_port() for _ in range(3)]
        self.last = Hop(work / "last", ports[2], "discard", None)
        self.measured = Hop(work / "measured", ports[1], f"smtp://127.0.0.1:{ports[2]}", level)
        self.first = Hop(work / "first", ports[0], f"smtp://127.0.0.1:{ports[1]}", level)
        self.all = [self.last, self.measured, self.first]

    def start(self):
        for hop in self.all:
            hop.start()

    def stop(self):
        for hop in self.all:
            hop.stop()

    def send(self, messages, opts):
        """CPU microseconds a message of the measured server."""
        before, cpu = self.last.taken(), cpu_seconds(self.measured.process.pid)
        subprocess.run(["smtp-source", "-d", "-s", str(opts.sessions), "-m", str(messages), "-l", str(opts.size),
                        "-f", "a@source.test", "-t", "b@sink.test", f"inet:127.0.0.1:{self.first.port}"], check=True)
        while self.last.taken() < before + messages:
            time.sleep(0.05)
        return (cpu_seconds(self.measured.process.pid) - cpu) * 1e6 / messages


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--messages", type=int, default=20_000)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--size", type=int, default=4096)
    p.add_argument("--sessions", type=int, default=20)
    p.add_argument("--dir", default="/var/tmp")
    opts = p.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="tls-", dir=opts.dir))
    chains = {}
    try:
        for name in ("plain", "tls"):
            (work / name).mkdir()
            chains[name] = Chain(work / name, name == "tls")
            chains[name].start()
        figures = {name: [] for name in chains}
        for chain in chains.values():
            chain.send(opts.messages // 4, opts)  # connections and caches become warm
        for _ in range(opts.rounds):
            for name, chain in chains.items():
                figures[name].append(chain.send(opts.messages, opts))
    finally:
        for chain in chains.values():
            chain.stop()
        shutil.rmtree(work, ignore_errors=True)
    medians = {f"{name}_us": round(statistics.median(f), 1) for name, f in figures.items()}
    print(json.dumps(medians | {"ratio": round(medians["tls_us"] / medians["plain_us"], 3),
                                "messages": opts.messages, "rounds": opts.rounds, "size": opts.size}))


main()
