"""An SMTP (or LMTP) server that records every byte of each transaction and misbehaves as told.

    sink.on("RCPT", "550 5.1.1 No such user", about=b"bad@", times=1)

The first rule that fits the step answers it. Steps: "connect" (the greeting), "EHLO", "HELO", "LHLO", "MAIL", "RCPT",
"DATA", "end" (the end of data; for LMTP once a recipient), "RSET", "QUIT", "NOOP", "STARTTLS", "handshake". An answer is
a reply (text), or a function of the connection, such as those at the end of this file. With `tls`, an ssl.SSLContext, it
offers STARTTLS, or speaks TLS from the first byte if `implicit` is set.
"""
import dataclasses
import re
import socket
import ssl
import threading
import time

from .net import DEADLINE, private_host, text_of, wait_until
from .talk import unstuff

EXTENSIONS = ("PIPELINING", "SIZE 209715200", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN")


@dataclasses.dataclass
class Transaction:
    session: int
    mail: bytes  # the MAIL command, as it came
    tls: str = ""  # the protocol's version; "" in the clear
    resumed: bool = False
    rcpts: list = dataclasses.field(default_factory=list)  # accepted RCPT commands, as they came
    raw: bytes = b""  # between the 354 and the final dot
    accepted: bool = False

    @property
    def sender(self):
        return _path(self.mail)

    @property
    def recipients(self):
        return [_path(r) for r in self.rcpts]

    @property
    def content(self):
        return unstuff(self.raw)

    def parameters(self, recipient=None):
        """Those of MAIL, or of the RCPT of `recipient`: keyword to value."""
        line = self.mail if recipient is None else next(r for r in self.rcpts if _path(r) == recipient)
        words = line.rstrip(b"\r\n").decode().split(">", 1)[1].split()
        return {w.partition("=")[0].upper(): w.partition("=")[2] for w in words}


def _path(line):
    return re.search(rb"<(.*?)>", line).group(1).decode("utf-8")


class Closed(Exception):
    """The connection is at its end."""


@dataclasses.dataclass
class Rule:
    step: str
    answer: object
    about: bytes
    times: float


class Sink:
    def __init__(self, endpoint=None, extensions=EXTENSIONS, lmtp=False, backlog=256, tls=None, implicit=False):
        self.extensions = extensions
        self.tls = tls
        self.implicit = implicit
        self.extensions_in_tls = None  # where they differ
        self.lmtp = lmtp
        self.lock = threading.Lock()
        self.rules = []
        self.sessions = []  # of each connection, the lines of its commands
        self.messages = []  # accepted transactions
        self.refused = []  # transactions whose end of data was not answered 2xx
        self.connections = set()
        self.open_at_once = 0  # the most there ever were
        self.turned_away = 0  # by at_most()
        self.stopping = threading.Event()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(endpoint or (private_host(), 0))
        self.listener.listen(backlog)
        self.endpoint = self.listener.getsockname()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    @property
    def route(self):
        return ("lmtp://" if self.lmtp else "smtps://" if self.implicit else "smtp://") + text_of(self.endpoint)

    def on(self, step, answer, about=b"", times=float("inf")):
        with self.lock:
            self.rules.append(Rule(step, answer, about, times))
        return self

    def heal(self):
        """From now on all is well."""
        with self.lock:
            self.rules.clear()

    def wait_for(self, count):
        """Waits until `count` messages were accepted, and gives them."""
        wait_until(lambda: f"{count} messages at the sink; {len(self.messages)} came, {len(self.refused)} were refused; "
                           f"sessions {self.sessions[-3:]}", lambda: len(self.messages) >= count)
        return list(self.messages)

    def one(self):
        messages = self.wait_for(1)
        assert len(messages) == 1
        return messages[0]

    def commands(self):
        """All commands of all sessions in their order, as text without line ends."""
        return [line.rstrip(b"\r\n").decode("utf-8", "replace") for session in list(self.sessions) for line in session]

    def stop(self):
        self.stopping.set()
        # shutdown, since close alone does not wake the accept of another thread
        for s in [self.listener, *self.connections]:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        self.thread.join(DEADLINE)

    def _accept(self):
        while not self.stopping.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections.add(connection)
                self.open_at_once = max(self.open_at_once, len(self.connections))
                self.sessions.append([])
                number = len(self.sessions) - 1
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        session = Session(self, connection, number)
        try:
            session.run()
        except (OSError, Closed, ValueError):
            pass
        finally:
            with self.lock:
                self.connections.discard(connection)
            session.socket.close()
            connection.close()

    def rule_for(self, step, line):
        with self.lock:
            for rule in self.rules:
                if rule.step == step and rule.about in line and rule.times > 0:
                    rule.times -= 1
                    return rule.answer
        return None


class Session:
    """One connection of the sink."""

    def __init__(self, sink, connection, number):
        self.sink, self.socket, self.number = sink, connection, number
        self.buffer = b""
        self.output = b""
        self.good = ""  # what would be answered were there no rule
        self.transaction = None

    def run(self):
        if self.sink.implicit:
            self.shake_hands()
        self.answer("connect", b"", "220 sink.test ESMTP")
        while True:
            line = self.read_line()
            self.sink.sessions[self.number].append(line)
            verb = line[:4].upper().decode("ascii", "replace").strip()
            {"EHLO": self.ehlo, "LHLO": self.ehlo, "MAIL": self.mail, "RCPT": self.rcpt, "DATA": self.data,
             "RSET": self.rset, "QUIT": self.quit, "STAR": self.starttls}.get(verb, self.other)(line, verb)

    def ehlo(self, line, verb):
        secured = isinstance(self.socket, ssl.SSLSocket)
        extensions = self.sink.extensions
        if secured and self.sink.extensions_in_tls is not None:
            extensions = self.sink.extensions_in_tls
        lines = ["sink.test", *extensions]
        if self.sink.tls and not secured:
            lines.append("STARTTLS")
        good = "\r\n".join(f"250{'-' if i + 1 < len(lines) else ' '}{text}" for i, text in enumerate(lines))
        if (verb == "LHLO") != self.sink.lmtp:
            good = "500 5.5.1 Wrong protocol"
        self.answer(verb, line, good)

    def starttls(self, line, verb):
        good = "220 2.0.0 Go on" if self.sink.tls else "502 5.5.1 No TLS"
        if not self.answer("STARTTLS", line, good):
            return
        self.flush()
        rule = self.sink.rule_for("handshake", b"")
        if rule is not None:
            self.give(rule, "")
            return
        self.shake_hands()

    def shake_hands(self):
        self.buffer = b""
        self.socket = self.sink.tls.wrap_socket(self.socket, server_side=True)

    def mail(self, line, verb):
        if self.answer(verb, line, "250 2.1.0 Ok"):
            self.transaction = Transaction(self.number, line)
            if isinstance(self.socket, ssl.SSLSocket):
                self.transaction.tls = self.socket.version()
                self.transaction.resumed = self.socket.session_reused

    def rcpt(self, line, verb):
        good = "250 2.1.5 Ok" if self.transaction else "503 5.5.1 Need MAIL"
        if self.answer(verb, line, good):
            self.transaction.rcpts.append(line)

    def data(self, line, verb):
        good = "354 Go on" if self.transaction and self.transaction.rcpts else "554 5.5.1 No valid recipients"
        if not self.answer(verb, line, good):
            return
        done, self.transaction = self.transaction, None
        self.flush()
        done.raw = self.read_data()
        if self.sink.lmtp:
            oks = [r for r in done.rcpts if self.answer("end", r, "250 2.0.0 Delivered")]
            done.rcpts, done.accepted = oks, bool(oks)
            self.keep(done)
            return
        # Recorded before the reply goes out: once the peer has the reply, a test may look.
        answer = self.sink.rule_for("end", done.raw)
        done.accepted = answer is None or (isinstance(answer, str) and answer.startswith("2"))
        self.keep(done)
        self.give(answer, "250 2.0.0 Ok: queued as SINK")

    def keep(self, done):
        with self.sink.lock:
            (self.sink.messages if done.accepted else self.sink.refused).append(done)

    def rset(self, line, verb):
        if self.answer(verb, line, "250 2.0.0 Ok"):
            self.transaction = None

    def quit(self, line, verb):
        self.answer(verb, line, "221 2.0.0 Bye")
        self.flush()
        raise Closed

    def other(self, line, verb):
        good = {"HELO": "250 sink.test", "NOOP": "250 2.0.0 Ok"}.get(verb, "500 5.5.2 What?")
        self.answer(verb, line, good)

    def answer(self, step, line, good):
        """Whether the step was answered 2xx or 3xx."""
        return self.give(self.sink.rule_for(step, line), good)

    def give(self, answer, good):
        self.good = good
        if callable(answer):
            answer = answer(self)
            if isinstance(answer, bool):
                return answer
        elif answer is None:
            answer = good
        self.output += answer.encode() + b"\r\n"
        # 421 is followed by the end of the connection (RFC 5321 3.8).
        if answer.startswith("421"):
            self.flush()
            raise Closed
        return answer[0] in "23"

    def flush(self):
        output, self.output = self.output, b""
        if output:
            self.socket.sendall(output)

    def more(self):
        self.flush()
        got = self.socket.recv(262144)
        if not got:
            raise Closed
        self.buffer += got

    def read_line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line + b"\r\n"

    def read_data(self):
        parts, tail = [], b"\r\n"
        # The end may straddle two reads: the search goes on from what the last one left.
        while True:
            window = tail + self.buffer
            at = window.find(b"\r\n.\r\n")
            if at >= 0:
                raw = b"".join(parts) + window[:at + 2]
                self.buffer = window[at + 5:]
                return raw[2:]  # without the CRLF that stood in for the line before
            keep = min(len(window), 4)
            parts.append(window[:-keep])
            tail, self.buffer = window[-keep:], b""
            self.more()


# Answers that are no plain reply: functions that end the connection, give a reply, or say whether what they sent was good.

def cut(session):
    """Ends the connection in the middle, without a word."""
    session.flush()
    raise Closed


def reset(session):
    """The same by RST, as a host that restarted would."""
    session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    raise Closed


def raw(data):
    """Bytes that need not be a reply; the dialogue goes on."""
    def answer(session):
        session.flush()
        session.socket.sendall(data)
        return data[:1] in (b"2", b"3")
    return answer


def cut_after(data):
    """Some bytes, then the end."""
    def answer(session):
        session.flush()
        session.socket.sendall(data)
        raise Closed
    return answer


def endless_reply(session):
    """A reply whose last line never comes, as fast as the peer takes it."""
    session.flush()
    while True:
        session.socket.sendall(b"250-and so on\r\n" * 1000)


def endless_line(session):
    """A line that never ends."""
    session.flush()
    while True:
        session.socket.sendall(b"2" * 65536)


def silence(session):
    """No answer, until the peer has had enough."""
    session.flush()
    while session.socket.recv(65536):
        pass
    raise Closed


def when(event, then=None):
    """The answer is held back until `event` is set."""
    def answer(session):
        session.flush()
        event.wait(DEADLINE)
        return then or session.good
    return answer


def later(pause):
    """What would be answered anyway, after a while."""
    def answer(session):
        session.flush()
        time.sleep(pause)
        return session.good
    return answer


def at_most(connections):
    """As a greeting: 421 while more than so many are open."""
    def answer(session):
        with session.sink.lock:
            many = len(session.sink.connections) > connections
        if many:
            session.sink.turned_away += 1
        return "421 4.7.0 sink.test too many connections" if many else session.good
    return answer


def drip(text, pause=0.02):
    """A reply, byte by byte."""
    def answer(session):
        session.flush()
        for byte in text.encode() + b"\r\n":
            session.socket.sendall(bytes([byte]))
            time.sleep(pause)
        return text[0] in "23"
    return answer
