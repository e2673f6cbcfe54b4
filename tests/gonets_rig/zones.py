"""Knot with zones that change while it runs, and what a receiver sees of them."""
import socket

from .knot import Forwarder, Knot, question
from .net import wait_until
from .processes import run


class Zones:
    """DNS as gonets and a receiver see it. `publish` replaces a zone's lines, SOA and NS apart."""

    def __init__(self, zones):
        self.knot = Knot(zones)
        self.forwarder = Forwarder(self.knot.endpoint)
        self.serial = 1

    @property
    def endpoint(self):
        return self.forwarder.endpoint

    def publish(self, name, lines):
        self.serial += 1
        text = "\n".join([f"$ORIGIN {name}.", "$TTL 60", f"@ SOA ns admin {self.serial} 3600 600 86400 5", "@ NS ns",
                          "ns A 127.0.0.1", *lines])
        (self.knot.folder / f"{name}.zone").write_text(text + "\n")
        done = run("knotc", "-s", self.knot.folder / "control", "zone-reload", name)
        assert done.returncode == 0, done
        wait_until(f"knot serves {name} of serial {self.serial}", lambda: self.serial_of(name) == self.serial)

    def serial_of(self, name):
        rdata = [r for kind, r in self._ask(name, 6) if kind == 6]
        return int.from_bytes(rdata[0][-20:-16], "big") if rdata else None

    def txt(self, name):
        """The first TXT record, its strings joined; empty when there is none."""
        for kind, rdata in self._ask(name, 16):
            if kind == 16:
                parts, at = [], 0
                while at < len(rdata):
                    parts.append(rdata[at + 1:at + 1 + rdata[at]])
                    at += 1 + rdata[at]
                return b"".join(parts).decode()
        return ""

    def _ask(self, name, kind):
        with socket.create_connection(self.knot.endpoint, 10) as s:
            query = question(name, kind)
            s.sendall(len(query).to_bytes(2, "big") + query)
            length = int.from_bytes(_exactly(s, 2), "big")
            return list(_records(_exactly(s, length)))

    def stop(self):
        self.forwarder.stop()
        self.knot.stop()


def _exactly(s, count):
    data = b""
    while len(data) < count:
        part = s.recv(count - len(data))
        assert part, "the name server closed the connection"
        data += part
    return data


def _skip_name(packet, at):
    while packet[at]:
        if packet[at] >= 0xC0:
            return at + 2
        at += 1 + packet[at]
    return at + 1


def _records(packet):
    """Type and rdata of each record of the answer section. Of SOA the numbers at the end are not compressed."""
    at = _skip_name(packet, 12) + 4
    for _ in range(int.from_bytes(packet[6:8], "big")):
        at = _skip_name(packet, at)
        kind, size = int.from_bytes(packet[at:at + 2], "big"), int.from_bytes(packet[at + 8:at + 10], "big")
        yield kind, packet[at + 10:at + 10 + size]
        at += 10 + size
