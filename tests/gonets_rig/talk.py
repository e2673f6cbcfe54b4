"""An SMTP client of bytes: says exactly what it is told, and reads exactly what comes back."""
import re
import socket

from .net import DEADLINE


class Reply:
    def __init__(self, raw):
        self.raw = raw
        lines = raw.decode("utf-8", "replace").split("\r\n")[:-1]
        self.code = int(lines[0][:3])
        self.lines = [line[4:] for line in lines]
        found = re.match(r"([245]\.\d{1,3}\.\d{1,3})(?: |$)", self.lines[0])
        self.status = found.group(1) if found else ""
        self.text = "\n".join(self.lines)

    @property
    def queue_id(self):
        found = re.search(r"queued as ([0-9A-Z]+)$", self.text)
        assert found, f"no queue id in {self.raw!r}"
        return found.group(1)

    def is_(self, code, status=""):
        return self.code == code and (not status or self.status == status)

    def __repr__(self):
        return repr(self.raw.decode("utf-8", "replace"))


class Talk:
    """One connection. With `greet` the greeting is read and checked; `hello` says EHLO too."""

    def __init__(self, endpoint, greet=True, hello=False, before=b"", source=None):
        self.socket = socket.create_connection(endpoint, DEADLINE, source_address=source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.greeting = None
        if before:
            self.send(before)
        if greet:
            self.greeting = self.reply()
            assert self.greeting.code == 220, self.greeting
        if hello:
            self.expect(250, b"EHLO client.test")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, raw):
        self.socket.sendall(raw)

    def line(self):
        while b"\r\n" not in self.buffer:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError(f"closed by the server after {self.buffer!r}")
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line + b"\r\n"

    def reply(self):
        raw = b""
        while True:
            line = self.line()
            assert re.match(rb"[2-5]\d\d[ -]", line), f"not a reply line: {line!r}"
            raw += line
            if line[3:4] == b" ":
                return Reply(raw)

    def command(self, line):
        """Sends a line, str or bytes, and gives its reply."""
        self.send((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return self.reply()

    def expect(self, code, line, status=""):
        reply = self.command(line)
        assert reply.is_(code, status), f"{line!r} was answered {reply!r}, expected {code} {status}"
        return reply

    def envelope(self, sender, *recipients):
        """Up to the 354."""
        self.expect(250, f"MAIL FROM:<{sender}>", "2.1.0")
        for recipient in recipients:
            self.expect(250, f"RCPT TO:<{recipient}>", "2.1.5")
        self.expect(354, "DATA")

    def end_data(self, raw):
        """Sends `raw`, which holds its own end of data, and gives the reply."""
        self.send(raw)
        return self.reply()

    def message(self, content, sender="from@sender.test", recipients=("to@sink.test",)):
        """A whole transaction; gives the reply to the end of data. `content` is stuffed here."""
        self.envelope(sender, *recipients)
        return self.end_data(stuff(content) + b".\r\n")

    def closed(self):
        """Whether the server closes the connection, without a further byte."""
        try:
            self.buffer += self.socket.recv(65536)
        except ConnectionResetError:
            return True
        return self.buffer == b""


def stuff(content):
    """Dot-stuffed, and ended by CRLF."""
    if content and not content.endswith(b"\r\n"):
        content += b"\r\n"
    if content.startswith(b"."):
        content = b"." + content
    return content.replace(b"\r\n.", b"\r\n..")


def unstuff(raw):
    """What was meant by the bytes of a DATA, without the final dot."""
    if raw.startswith(b"."):
        raw = raw[1:]
    return raw.replace(b"\r\n.", b"\r\n")


def letter(subject="A message", body=b"Hello.\r\n", sender="from@sender.test", to="to@sink.test", extra=b""):
    """A small message with the header that a decent client writes."""
    return (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n"
            f"Date: Tue, 24 Nov 2026 03:28:32 +0000\r\nMessage-ID: <{abs(hash((subject, to)))}@sender.test>\r\n"
            ).encode() + extra + b"\r\n" + body


def split_received(content):
    """The Received field that the server under test put on top, and the rest."""
    assert content.startswith(b"Received: "), content[:200]
    end = re.search(rb"\r\n(?![ \t])", content).end()
    return content[:end], content[end:]
