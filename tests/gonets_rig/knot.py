"""Knot DNS with zones written by the tests, signed by it where they say so, and a forwarder in front of it that is slow or deaf for some names."""
import pathlib
import shutil
import socket
import tempfile
import threading
import time

from .net import free_endpoint, private_host
from .processes import Child, run


class Knot:
    """Serves `zones`: name to the lines of its zone file, without SOA and NS. The zone "broken.test" has a file that
    cannot be read, so that Knot answers SERVFAIL. What is in no zone is refused; zones of "test" answer NXDOMAIN.

    Those named in `signed` are signed; `trust_anchor` is then a file with their keys. `other_anchors` are further lines of
    it, such as a key that a zone is not signed with."""

    def __init__(self, zones, signed=(), other_anchors=()):
        self.signed = set(signed)
        self.zones = dict(zones)
        self.serial = 1
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gonets-knot-"))
        self.endpoint = free_endpoint()
        for name, lines in zones.items():
            self._write(name, lines)
        (self.folder / "broken.test.zone").write_text("this is no zone file\n")
        signing = "\n    dnssec-signing: on\n    dnssec-policy: rig"
        listed = "\n".join(f"  - domain: {name}{signing if name in self.signed else ''}" for name in [*zones, "broken.test"])
        (self.folder / "knot.conf").write_text(f"""
server:
  listen: {self.endpoint[0]}@{self.endpoint[1]}
  rundir: {self.folder}
database:
  storage: {self.folder}/db
control:
  listen: {self.folder}/control
log:
  - target: stderr
    any: warning
policy:
  - id: rig
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: {self.folder}
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    dnssec-signing: off
zone:
{listed}
""")
        (self.folder / "db").mkdir()
        self.child = Child("knotd", ["knotd", "-c", self.folder / "knot.conf"], self.folder)
        self.child.wait_ready("no answers", lambda: all(self.serves(name) for name in zones))
        self.trust_anchor = self.folder / "anchors"
        anchors = [run("keymgr", "-c", self.folder / "knot.conf", name, "ds").stdout.decode() for name in self.signed]
        assert all(anchors), "a zone without keys"
        self.trust_anchor.write_text("".join(anchors) + "".join(line + "\n" for line in other_anchors))
        self.folder.chmod(0o755)

    def _write(self, name, lines, serial=1):
        text = "\n".join([f"$ORIGIN {name}.", "$TTL 60", f"@ SOA ns admin {serial} 3600 600 86400 5", "@ NS ns",
                          "ns A 127.0.0.1", *lines])
        (self.folder / f"{name}.zone").write_text(text + "\n")

    def serves(self, name):
        return answers(self.endpoint, name)

    def rewrite(self, name, lines):
        """Serves these records from now on."""
        self.serial += 1
        self._write(name, lines, self.serial)
        done = run("knotc", "-s", self.folder / "control", "-b", "zone-reload", name)
        assert done.returncode == 0, done.stderr.decode()

    def stop(self):
        self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def question(name, kind=6):
    """A query packet; 6 is SOA."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + labels + b"\x00" + bytes([0, kind, 0, 1])


def answers(endpoint, name):
    """Whether a server has an answer for the SOA of `name`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.5)
        s.sendto(question(name), endpoint)
        try:
            reply = s.recv(4096)
        except OSError:
            return False
        return reply[3] & 15 == 0 and reply[6:8] != b"\x00\x00"


def name_of(packet):
    """The queried name of a DNS packet, in lower case."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]])
        at += 1 + packet[at]
    return b".".join(labels).decode("ascii", "replace").lower()


class Forwarder:
    """A resolver as gonets sees it: hands questions to `upstream`, answers those below slow.test after `delay` seconds
    and those below deaf.test never, until `heal`. Sets RA, which an authoritative server does not."""

    def __init__(self, upstream, delay=0.3):
        self.upstream, self.delay = upstream, delay
        self.deaf = True
        self.asked = []  # names, in their order
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((private_host(), 0))
        self.endpoint = self.socket.getsockname()
        self.stopping = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def heal(self):
        self.deaf = False

    def stop(self):
        self.stopping = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", self.endpoint)
        self.thread.join(10)
        self.socket.close()

    def _serve(self):
        while not self.stopping:
            packet, client = self.socket.recvfrom(4096)
            if len(packet) > 12:
                threading.Thread(target=self._answer, args=(packet, client), daemon=True).start()

    def _answer(self, packet, client):
        name = name_of(packet)
        self.asked.append(name)
        if self.deaf and ("." + name).endswith(".deaf.test"):
            return
        if ("." + name).endswith(".slow.test"):
            time.sleep(self.delay)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.sendto(packet, self.upstream)
            try:
                reply = bytearray(s.recv(65535))
                reply[3] |= 0x80
                self.socket.sendto(reply, client)
            except OSError:
                pass
