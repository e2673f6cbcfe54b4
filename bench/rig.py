"""What the benchmarks share: the server under test on loopback, and Postfix's sink as its receiver."""
import json, os, pathlib, re, signal, socket, subprocess, threading, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
GONETS = ROOT / "build/release/gonets"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def smarthost(port):
    return f"smtp://127.0.0.1:{port}"


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
    """`routes` is a list of (domain, destination); the first that matches counts."""

    def __init__(self, work, port, routes):
        self.work, self.port = work, port
        self.config = work / "gonets.toml"
        route = lambda domain, to: f'[[route]]\ndomain = "{domain}"\nto = "{to}"\n'
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


class Sink:
    """smtp-sink, and how many messages it has taken. A thread reads its counter: it would stop at a full pipe."""

    def __init__(self, port, *options):
        self.process = subprocess.Popen(["stdbuf", "-o0", "smtp-sink", "-c", "-u", "nobody", *options, f"inet:127.0.0.1:{port}",
                                         "1024"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port, self.count = port, 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        text = b""
        while block := os.read(self.process.stdout.fileno(), 1 << 16):
            text = text[-100:] + block
            if found := re.findall(rb"mesg=(\d+)", text):
                self.count = int(found[-1])

    def stop(self):
        self.process.terminate()
        self.process.wait()
