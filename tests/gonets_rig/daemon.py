"""The server under test: configuration, life and death, command-line tools, API and metrics."""
import copy
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import tempfile
import types

import jsonschema

from .net import DEADLINE, connects, free_endpoint, says_220, text_of, wait_until
from .processes import Child, run
from .talk import Talk, letter

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("GONETS_BIN", str(ROOT / "build/release/gonets"))

EVENT_SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "api/events.schema.json").read_text()))
ENDS = ("delivered", "bounced", "expired", "cancelled", "discarded", "suppressed")


def to_toml(config):
    """TOML of plain values, tables, and arrays of tables."""
    def value(v):
        if isinstance(v, bool):
            return "true" if v else "false"
        if isinstance(v, (list, tuple)):
            return "[" + ", ".join(value(x) for x in v) + "]"
        if isinstance(v, dict):
            return "{ " + ", ".join(f"{k} = {value(x)}" for k, x in v.items()) + " }"
        return json.dumps(v) if isinstance(v, str) else str(v)

    def table(name, of):
        lines = [f"[{name}]"] + [f"{k} = {value(v)}" for k, v in of.items() if not isinstance(v, dict)]
        for k, v in of.items():
            if isinstance(v, dict):
                lines += ["", *table(f"{name}.{k}", v)]
        return lines

    lines = []
    for name, of in config.items():
        if isinstance(of, dict):
            lines += [*table(name, of), ""]
        else:
            for item in of:
                lines += [f"[[{name}]]"] + [f"{k} = {value(v)}" for k, v in item.items()] + [""]
    return "\n".join(lines)


def merge(into, more):
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
    return into


class Answer:
    """What a command-line tool said."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()

    @property
    def json(self):
        assert self.out, self
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n{self.out}\n{self.err}"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=DEADLINE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(str(self.path))


class Daemon:
    """Keyword arguments are sections of the configuration, laid over those below; `route` is a list of (domain, to)
    pairs or tables, and `listener` a list of tables that may leave out what the first one has by default."""

    def __init__(self, folder=None, **config):
        self.made = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="gonets-"))
        # A server that gave up root must get at its spool below.
        self.folder.chmod(0o755)
        self.config_path = self.folder / "gonets.toml"
        self.socket_path = self.folder / "api.sock"
        self.http = free_endpoint()
        self.child = None
        self.environment = {}
        self.starts = 0
        self.checked = set()
        config = copy.deepcopy(config)
        listeners = [{"kind": "smtp", "address": text_of(free_endpoint()), "trusted_networks": ["127.0.0.0/8"]} | more
                     for more in config.pop("listener", [{}])]
        # Reports to the sender that most tests use are not what they look at.
        routes = [r if isinstance(r, dict) else dict(zip(("domain", "to"), r))
                  for r in [("sender.test", "discard"), *config.pop("route", [])]]
        self.config = merge({
            "server": {"hostname": "mx.gonets.test", "shards": 2, "stop_within": "2s"},
            "spool": {"path": str(self.folder / "spool"), "free_bytes_min": "16MiB"},
            "delivery": {"site_backoff_base": "200ms", "site_backoff_max": "1s", "connect_timeout": "5s"},
            "dns": {"servers": [text_of(free_endpoint())], "timeout": "2s"},
            "api": {"socket": str(self.socket_path), "listen": text_of(self.http)},
            "stream": {"transactional": {"retry": ["1s"], "jitter": 0.0}},
            "log": {"level": "debug"},
        }, config)
        self.config["listener"] = listeners
        self.config["route"] = routes

    # ---- life

    @property
    def endpoints(self):
        return [(a.rpartition(":")[0].strip("[]"), int(a.rpartition(":")[2])) for a in
                (listener["address"] for listener in self.config["listener"])]

    @property
    def endpoint(self):
        return self.endpoints[0]

    @property
    def pid(self):
        return self.child.pid

    def write_config(self):
        self.config_path.write_text(to_toml(self.config))

    def spawn(self):
        self.write_config()
        self.starts += 1
        self.child = Child(f"gonets-{self.starts}", [BINARY, "serve", "--config", self.config_path], self.folder,
                           env=self.environment)
        return self

    def start(self):
        self.spawn()
        self.child.wait_ready("no greeting", lambda: says_220(self.endpoint))
        self.child.wait_ready("not all ports are open", lambda: all(map(connects, self.endpoints)))
        return self

    def stop(self):
        """Stops it cleanly; fails where that does not work."""
        child, self.child = self.child, None
        if child is None:
            return
        code = child.stop(signal.SIGTERM)
        log = child.log()
        assert "Sanitizer" not in log and "runtime error:" not in log, log[-20000:]
        assert code == 0, f"exit code {code} at SIGTERM:\n{log[-4000:]}"

    def kill(self):
        child, self.child = self.child, None
        child.stop(signal.SIGKILL)

    def restart(self):
        self.stop()
        return self.start()

    def reload(self, deadline=DEADLINE):
        """Writes the configuration as it stands in `config`, and lets the server read it."""
        seen = self.log().count("reload")
        self.write_config()
        self.child.send_signal(signal.SIGHUP)
        wait_until("the log says that it reloaded", lambda: self.log().count("reload") > seen, deadline)

    def remove(self):
        try:
            self.stop()
        finally:
            if self.made:
                shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return "".join(p.read_text(errors="replace") for p in sorted(self.folder.glob("gonets-*.log")))

    def status(self, field):
        """A number of /proc/PID/status, such as VmHWM in KiB."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+)", text, re.M).group(1))

    # ---- tools, API, metrics

    def cli(self, *argv, stdin=None):
        more = {} if stdin is None else {"input": stdin, "stdin": None}
        where = () if argv[0] == "version" else ("--config", self.config_path)
        return Answer(run(BINARY, *argv, *where, **more))

    def cli_json(self, *argv):
        answer = self.cli(*argv, "--json")
        assert answer.code == 0, f"{argv}: {answer}"
        return answer.json

    def raw_api(self, method, path, body=None):
        """Status, bytes and content type of an answer."""
        connection = UnixConnection(self.socket_path)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {} if body is None else {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read(), response.headers.get("Content-Type", "")
        finally:
            connection.close()

    def api(self, method, path, body=None):
        """Status and decoded JSON, or text."""
        status, content, kind = self.raw_api(method, path, body)
        return status, json.loads(content) if "json" in kind else content.decode()

    def get(self, path):
        """The same by HTTP over TCP."""
        connection = http.client.HTTPConnection(*self.http, timeout=DEADLINE)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def metrics(self):
        return parse_metrics(self.get("/metrics")[1])

    # ---- accounts

    def add_account(self, name, **settings):
        """Without a from policy unless `settings` has one."""
        status, answer = self.api("POST", "/v1/accounts", {"name": name, "policy": "off"} | settings)
        assert status == 201, answer
        return answer

    def change_account(self, name, **to):
        status, answer = self.api("PATCH", f"/v1/accounts/{name}", to)
        assert status == 200, answer

    def add_credential(self, account, **more):
        status, answer = self.api("POST", f"/v1/accounts/{account}/credentials", more)
        assert status == 201, answer
        return answer

    def add_login(self, account, **more):
        """An SMTP login, with `login`, `secret` and `id`."""
        return types.SimpleNamespace(**self.add_credential(account, **more))

    def add_api_key(self, account, scopes):
        """What goes behind `Authorization: Bearer`."""
        return self.add_credential(account, kind="api_key", scopes=scopes)["api_key"]

    def revoke(self, account, login):
        status, answer = self.api("DELETE", f"/v1/accounts/{account}/credentials/{login.id}")
        assert status == 200, answer

    # ---- mail

    def talk(self, **more):
        return Talk(self.endpoint, **more)

    def submit(self, content=None, sender="from@sender.test", recipients=("to@sink.test",), mail="", rcpt=""):
        """Sends one message; gives its queue id. `mail` and `rcpt` are further parameters."""
        with self.talk(hello=True) as talk:
            talk.expect(250, f"MAIL FROM:<{sender}> {mail}".rstrip(), "2.1.0")
            for recipient in recipients:
                talk.expect(250, f"RCPT TO:<{recipient}> {rcpt}".rstrip(), "2.1.5")
            talk.expect(354, "DATA")
            reply = talk.end_data((letter() if content is None else content).replace(b"\r\n.", b"\r\n..") + b".\r\n")
            assert reply.is_(250, "2.0.0"), reply
            talk.expect(221, "QUIT", "2.0.0")
            return reply.queue_id

    def ask(self, path):
        status, answer = self.api("GET", path)
        assert status == 200, (path, status, answer)
        if path.startswith("/v1/events"):
            self.check_events(answer["events"])
        return answer

    def check_events(self, events):
        """That they are as api/events.schema.json says; each event once."""
        for event in events:
            if event["seq"] not in self.checked:
                EVENT_SCHEMA.validate(event)
                self.checked.add(event["seq"])

    def trace(self, queue_id):
        """The message's events, oldest first; none while nothing is known of it."""
        status, answer = self.api("GET", f"/v1/messages/{queue_id}/trace")
        assert status in (200, 404), (status, answer)
        events = answer["events"] if status == 200 else []
        self.check_events(events)
        return events

    def events_of(self, queue_id, address=None, kind=None):
        return [e for e in self.trace(queue_id)
                if (address is None or any(r["address"] == address for r in e["recipients"]))
                and (kind is None or e["kind"] == kind)]

    def wait_event(self, queue_id, kind, address=None, count=1):
        """Waits for the `count`th event of this kind, and gives it."""
        found = []

        def check():
            found[:] = self.events_of(queue_id, address, kind)
            return len(found) >= count
        wait_until(lambda: f"{kind} (number {count}) of {address or 'anybody'} in the trace of {queue_id}: "
                           f"{json.dumps(self.trace(queue_id), indent=1)}", check, every=0.05)
        return found[count - 1]

    def ends(self, queue_id):
        """What became of each recipient that has ended: address to event."""
        return {r["address"]: e for e in self.trace(queue_id) if e["kind"] in ENDS for r in e["recipients"]}

    def wait_ends(self, queue_id, *addresses):
        wait_until(lambda: f"an end for each of {addresses}: {self.trace(queue_id)}",
                   lambda: set(addresses) <= set(self.ends(queue_id)), every=0.05)
        return self.ends(queue_id)

    def queue(self):
        """The rows of all queued recipients, but at most a thousand."""
        return self.ask("/v1/queue/messages?max=1000")["rows"]

    def act(self, action, **filters):
        """How many recipients it changed."""
        status, answer = self.api("POST", "/v1/queue/actions", {"action": action, "filter": filters})
        assert status == 200, answer
        return answer["affected"]

    def audit(self):
        return self.ask("/v1/audit")

    def offline_audit(self):
        """That of a server that is not running."""
        answer = Answer(run(BINARY, "audit", "--spool", self.config["spool"]["path"], "--json"))
        assert answer.code == 0, answer
        return answer.json

    def empty(self):
        summary = self.ask("/v1/queue")
        return not any(summary[k] for k in ("loading", "ready", "sending", "deferred", "held", "resolving"))

    def wait_empty(self, deadline=DEADLINE):
        wait_until(lambda: f"an empty queue: {self.ask('/v1/queue')}", self.empty, deadline, every=0.05)

    def captured(self):
        return self.ask("/v1/capture")["messages"]

    def wait_captured(self, count=1):
        wait_until(f"{count} messages in the capture mailbox", lambda: len(self.captured()) >= count, every=0.05)
        return self.captured()

    def captured_content(self, captured_id):
        return self.raw_api("GET", f"/v1/capture/{captured_id}")[1]


def parse_metrics(page):
    """Prometheus text: name to a list of (labels, value). Fails where it is not well-formed."""
    found, typed = {}, {}
    for line in page.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in typed, f"{name} is declared twice"
            typed[name] = kind
            continue
        if not line or line.startswith("#"):
            continue
        match = re.fullmatch(r'([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\]|\\.)*",?)*)\})? (\S+)', line)
        assert match, f"not a sample: {line!r}"
        name, labels, number = match.groups()
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        assert name in typed or base in typed, f"{name} has no TYPE"
        pairs = dict(re.findall(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"', labels or ""))
        found.setdefault(name, []).append((pairs, float(number)))
    return found
