#!/usr/bin/env python3
"""How fast readers of the event log are: pages, a stream, a webhook, and sinks; and what each costs the server.

    bench/events.py [--binary build/release/gonets] [--events 100000]

The sink to Kafka needs the target gonets_kafka_mock beside the binary, that to NATS needs nats-server; without, they are
left out. Fills a log through SMTP into a route that discards, then reads it. One line each: events a second, and the server's CPU
microseconds an event.
"""
import argparse
import concurrent.futures
import http.client
import http.server
import json
import os
import pathlib
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", default="build/release/gonets")
parser.add_argument("--events", type=int, default=100_000)
given = parser.parse_args()

os.environ["GONETS_BIN"] = given.binary
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))
from gonets_rig.brokers import KafkaMock, NatsServer  # noqa: E402: it looks at GONETS_BIN

CLIENTS = 8  # that fill the log; a message of one recipient is two events


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Server:
    def __init__(self, folder, more=""):
        self.socket = f"{folder}/api.sock"
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            self.port = chosen.getsockname()[1]
        config = pathlib.Path(folder, "gonets.toml")
        config.write_text(f"""
[server]
hostname = "bench.test"
[spool]
path = "{folder}/spool"
[api]
socket = "{self.socket}"
[log]
level = "warning"
[[listener]]
address = "127.0.0.1:{self.port}"
trusted_networks = ["127.0.0.0/8"]
[[route]]
domain = "*"
to = "discard"
{more}""")
        self.child = subprocess.Popen([given.binary, "serve", "--config", config])
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                if self.child.poll() is not None:
                    raise SystemExit("the server did not start")
                time.sleep(0.05)

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, path, method="GET", body=None):
        connection = Unix(self.socket)
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"} if body else {})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def stop(self):
        self.child.terminate()
        self.child.wait()


def measured(what, server, work):
    begun, cpu = time.monotonic(), server.cpu()
    events = work()
    took, used = time.monotonic() - begun, server.cpu() - cpu
    print(f"{what:8} {events:8} events  {events / took:9.0f}/s  {used / events * 1e6:6.1f} us CPU of the server an event")


def fill(server):
    def send(messages):
        with smtplib.SMTP("127.0.0.1", server.port) as smtp:
            for number in range(messages):
                smtp.sendmail("news@shop.test", f"reader{number}@mail.test", "Subject: x\r\n\r\nx\r\n")
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(send, [given.events // 2 // CLIENTS] * CLIENTS))
    while any(server.ask("/v1/queue")[state] for state in ("ready", "sending", "resolving", "deferred")):
        time.sleep(0.2)


def pages(server):
    connection = Unix(server.socket)
    count, cursor = 0, "0"
    while True:
        connection.request("GET", f"/v1/events?after={cursor}&max=1000")
        text = connection.getresponse().read()
        cursor = text.rpartition(b'"next":"')[2].partition(b'"')[0].decode()
        found = text.count(b'{"seq":')
        if not found:
            return count
        count += found


def stream(server, total):
    connection = Unix(server.socket)
    connection.request("GET", "/v1/events", headers={"Accept": "text/event-stream"})
    answer = connection.getresponse()
    count, rest = 0, b""
    while count < total:
        text = rest + answer.read1(1 << 20)
        count += text.count(b"\nid: ")
        rest = text[-4:]  # of what may go on in the next part
    connection.close()
    return count


class Receiver(http.server.ThreadingHTTPServer):
    """Acknowledges at once; how many events came says the last cursor."""
    cursor = 0

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.cursor = int(body.partition(b'"cursor":')[2].partition(b",")[0])
            self.send_response_only(204)
            self.end_headers()

        def log_message(self, *_):
            pass


def webhook(server, receiver, total):
    hook = server.ask("/v1/webhooks", "POST", {"url": f"http://127.0.0.1:{receiver.server_port}/", "name": "bench"})
    server.ask(f"/v1/webhooks/{hook['id']}/replay", "POST", {"after": 0})
    while receiver.cursor < total:
        time.sleep(0.01)
    return total


def sink(cursor, total):
    while not cursor.exists() or int(cursor.read_text().split()[3]) < total:
        time.sleep(0.05)
    return total


def brokers(folder, total):
    cursor = pathlib.Path(folder, "spool/sinks/bench.cursor")
    if shutil.which("nats-server"):
        nats = NatsServer()
        nats.add_stream("BENCH", "bench")
        server = Server(folder, f'[[sink]]\nname = "bench"\nkind = "nats"\nservers = ["{nats.address}"]\n'
                                'subject = "bench"\njetstream = "BENCH"\n')
        measured("nats", server, lambda: sink(cursor, total))
        print(f"         {nats.count('BENCH')} messages in the stream")
        server.stop()
        nats.remove()
        cursor.unlink()
    if pathlib.Path(given.binary).with_name("gonets_kafka_mock").exists():
        kafka = KafkaMock()
        kafka.tell("topic bench 4")
        server = Server(folder, f'[[sink]]\nname = "bench"\nkind = "kafka"\nservers = ["{kafka.servers[0]}"]\n'
                                'topic = "bench"\n')
        measured("kafka", server, lambda: sink(cursor, total))
        server.stop()
        kafka.remove()


with tempfile.TemporaryDirectory() as folder:
    server = Server(folder, '[webhooks]\nallow_networks = ["127.0.0.0/8"]\n')
    receiver = Receiver(("127.0.0.1", 0), Receiver.Handler)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    try:
        fill(server)
        total = int(server.ask("/v1/events?after=latest")["next"])
        measured("pages", server, lambda: pages(server))
        measured("stream", server, lambda: stream(server, total))
        measured("webhook", server, lambda: webhook(server, receiver, total))
        server.stop()
        for compress in ("true", "false"):
            server = Server(folder, f'[[sink]]\nname = "bench"\nkind = "jsonl"\nfolder = "{folder}/events"\n'
                                    f'compress = {compress}\nrotate_bytes = "1GiB"\n')
            measured("sink" if compress == "false" else "zstd", server,
                     lambda: sink(pathlib.Path(folder, "events/bench.cursor"), total))
            size = sum(p.stat().st_size for p in pathlib.Path(folder, "events").glob("bench-*"))
            print(f"         {size / total:.0f} bytes an event in the file")
            server.stop()
            for path in pathlib.Path(folder, "events").iterdir():
                path.unlink()
        brokers(folder, total)
    finally:
        server.stop()
