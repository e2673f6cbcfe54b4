"""Brokers that events go to: nats-server with JetStream, and a Kafka cluster in memory."""
import base64
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile

from .daemon import BINARY
from .net import DEADLINE, connects, free_endpoint, text_of, wait_until
from .processes import Child


class NatsServer:
    """`more` is text for its configuration. What its streams store outlasts stop() and start()."""

    def __init__(self, more="", **client):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gonets-nats-"))
        self.endpoint = free_endpoint()
        self.client_options = client
        self.config = self.folder / "nats.conf"
        self.config.write_text(f"""listen: "{self.address}"
jetstream {{ store_dir: "{self.folder}/store" }}
{more}
""")
        self.starts = 0
        self.child = None
        self.start()

    @property
    def address(self):
        return text_of(self.endpoint)

    def start(self):
        self.starts += 1
        self.child = Child(f"nats-{self.starts}", ["nats-server", "-c", self.config], self.folder)
        self.child.wait_ready("no port", lambda: connects(self.endpoint))
        if "tls" not in self.config.read_text():
            wait_until("JetStream is ready", lambda: "error" not in self.ask("INFO"))

    def kill(self):
        self.child.stop(9)

    def remove(self):
        self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self):
        return NatsClient(self.endpoint, **self.client_options)

    def ask(self, what, **request):
        """The answer of JetStream's API."""
        with self.connect() as client:
            return json.loads(client.request(f"$JS.API.{what}", json.dumps(request).encode() if request else b"")[1])

    def add_stream(self, name, *subjects, **more):
        answer = self.ask(f"STREAM.CREATE.{name}", name=name, subjects=subjects, storage="file", retention="limits",
                          **({"num_replicas": 1} | more))
        assert "error" not in answer, answer

    def remove_stream(self, name):
        answer = self.ask(f"STREAM.DELETE.{name}")
        assert answer.get("success"), answer

    def update_stream(self, name, *subjects, **more):
        answer = self.ask(f"STREAM.UPDATE.{name}", name=name, subjects=subjects, storage="file", retention="limits",
                          **({"num_replicas": 1} | more))
        assert "error" not in answer, answer

    def count(self, stream):
        return self.ask(f"STREAM.INFO.{stream}")["state"]["messages"]

    def messages(self, stream):
        """All that the stream has, in its order: (subject, Nats-Msg-Id, decoded JSON)."""
        found = []
        with self.connect() as client:
            state = json.loads(client.request(f"$JS.API.STREAM.INFO.{stream}", b"")[1])["state"]
            for seq in range(state["first_seq"], state["last_seq"] + 1):
                answer = json.loads(client.request(f"$JS.API.STREAM.MSG.GET.{stream}", json.dumps({"seq": seq}).encode())[1])
                message = answer["message"]
                headers = dict(line.split(": ", 1) if ": " in line else line.split(":", 1) for line in
                               base64.b64decode(message["hdrs"]).decode().split("\r\n")[1:] if line)
                found.append((message["subject"], headers["Nats-Msg-Id"].strip(), json.loads(base64.b64decode(message["data"]))))
        return found


class NatsClient:
    """As much of the protocol as asking questions takes. `key`, beside `jwt`, signs what the server wants signed."""

    def __init__(self, endpoint, **options):
        self.socket = socket.create_connection(endpoint, DEADLINE)
        self.file = self.socket.makefile("rb")
        info = json.loads(self.read_line().removeprefix(b"INFO "))
        options = {"verbose": False, "headers": True, "no_responders": True} | options
        if key := options.pop("key", None):
            options["sig"] = base64.urlsafe_b64encode(key.sign(info["nonce"].encode())).decode().rstrip("=")
        self.send(b"CONNECT " + json.dumps(options).encode())
        self.send(b"SUB inbox.rig 1")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, line):
        self.socket.sendall(line + b"\r\n")

    def read_line(self):
        line = self.file.readline()
        assert line.endswith(b"\n"), "the connection was closed"
        return line.strip()

    def request(self, subject, body):
        """Headers and body of the answer."""
        self.send(b"PUB %s inbox.rig %d\r\n%s" % (subject.encode(), len(body), body))
        while True:
            words = self.read_line().split(b" ")
            if words[0] == b"PING":
                self.send(b"PONG")
            elif words[0] in (b"MSG", b"HMSG"):
                content = self.file.read(int(words[-1]) + 2)[:-2]
                split = int(words[-2]) if words[0] == b"HMSG" else 0
                return content[:split], content[split:] or b'{"error": "nobody answers"}'
            else:
                assert words[0] in (b"INFO", b"+OK"), words


class KafkaMock:
    """Its records live as long as it does. Needs the target gonets_kafka_mock beside the server's binary."""

    def __init__(self, brokers=1):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gonets-kafka-"))
        self.out = self.folder / "out"
        with open(self.out, "wb") as out:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", "--", pathlib.Path(BINARY).with_name("gonets_kafka_mock"), str(brokers)],
                stdin=subprocess.PIPE, stdout=out)
        wait_until("the addresses of its brokers", lambda: b"\n" in self.out.read_bytes())
        self.servers = self.out.read_text().splitlines()[0].split(",")

    def tell(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def add_topic(self, name, partitions=1):
        self.tell(f"topic {name} {partitions}")
        self.tell(f"consume {name} {partitions}")

    def hide_topic(self, name, partitions=1):
        """Until add_topic() there is none. One that nobody has spoken of is made when a client asks for it."""
        self.tell(f"hide {name} {partitions}")

    def records(self):
        """All so far: (partition, key, id of the event, decoded JSON), in the order of each partition."""
        found = []
        for line in self.out.read_bytes().split(b"\n")[1:-1]:
            partition, _, key, event_id, value = line.decode().split("\t", 4)
            found.append((int(partition), key, event_id, json.loads(value)))
        return found

    def remove(self):
        self.process.stdin.close()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
