"""What the benchmarks share: the server under test on loopback, and Postfix's sink as its receiver."""
import json, os, pathlib, re, signal, socket, subprocess, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
GONETS = ROOT / "build/release/gonets"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port, limit):
    end = time.time() + limit
    while time.time() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as s:
                if s.recv(100).startswith(b"220"):
                    return
        except OSError:
            time.sleep(0.005)
    raise SystemExit(f"nothing answers 220 on port {port}")


class Server:
    """`routes` is a list of (domain, port of the receiver on loopback); the first that matches counts."""

    def __init__(self, work, port, routes):
        self.work, self.port = work, port
        self.config = work / "gonets.toml"
        route = lambda domain, to: f'[[route]]\ndomain = "{domain}"\nto = "smtp://127.0.0.1:{to}"\n'
        self.config.write_text(f"""
[server]
hostname = "relay.test"
connections_max = 50000
connections_per_address_max = 50000
[[listener]]
kind = "smtp"
address = "127.0.0.1:{port}"
trusted_networks = ["127.0.0.0/8"]
[smtp]
messages_max = 1000000000
{"".join(route(*r) for r in routes)}[delivery]
messages_per_connection_max = 1000000
[spool]
path = "{work}/spool"
[stream.transactional]
retry = ["12h"]
[api]
socket = "{work}/api.sock"
[log]
level = "warning"
""")

    def start(self):
        began = time.time()
        self.log = open(self.work / "log", "a")
        self.process = subprocess.Popen([GONETS, "serve", "--config", self.config], stderr=self.log)
        answers(self.port, 60)
        return time.time() - began

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def summary(self):
        out = subprocess.run([GONETS, "queue", "summary", "--json", "--config", self.config], capture_output=True, text=True)
        return json.loads(out.stdout) if out.returncode == 0 else None

    def memory_mib(self):
        for line in open(f"/proc/{self.process.pid}/smaps_rollup"):
            if line.startswith("Rss:"):
                return int(line.split()[1]) / 1024


def sink(port, *options):
    process = subprocess.Popen(["stdbuf", "-o0", "smtp-sink", "-c", "-u", "nobody", *options, f"inet:127.0.0.1:{port}", "1024"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    os.set_blocking(process.stdout.fileno(), False)
    process.seen, process.text = 0, ""
    return process


def sink_count(process):
    try:
        process.text = (process.text + (os.read(process.stdout.fileno(), 1 << 20) or b"").decode())[-4000:]
    except BlockingIOError:
        pass
    found = re.findall(r"mesg=(\d+)", process.text)
    return int(found[-1]) if found else 0
