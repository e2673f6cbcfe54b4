"""`gonets top`: what it shows of mail that flows, on a pseudo-terminal and without one."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading

import pytest

from gonets_rig.daemon import BINARY
from gonets_rig.net import wait_until


class Screen:
    """`gonets top` on a terminal of our own, as people would see it."""

    def __init__(self, server, width=100, height=20, args=()):
        self.master, slave = pty.openpty()
        self.resize(width, height)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        env = {**os.environ, "TERM": "xterm", "NO_COLOR": ""}
        self.process = subprocess.Popen([BINARY, "top", "--config", str(server.config_path), *args], stdin=slave,
                                        stdout=slave, stderr=slave, env=env, start_new_session=True)
        self.output = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.stopping = False
        self.reader.start()

    def _read(self):
        while not self.stopping:
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.output += os.read(self.master, 65536)
                except OSError:
                    return

    def resize(self, width, height):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def frame(self):
        """The lines of the last frame that is whole, without colours."""
        frames = self.output.split(b"\x1b[H")
        whole = [f for f in frames if f.endswith(b"\x1b[J")]
        if not whole:
            return []
        return re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", whole[-1]).decode().replace("\r", "").split("\n")

    def press(self, keys):
        os.write(self.master, keys)

    def wait_for(self, text):
        wait_until(lambda: f"{text!r} on the screen: {self.frame()}", lambda: text in "\n".join(self.frame()))

    def end(self):
        self.process.wait(30)
        self.stopping = True
        self.reader.join(10)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        self.stopping = True
        self.reader.join(10)
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def screen_of():
    made = []

    def make(*args, **more):
        made.append(Screen(*args, **more))
        return made[-1]
    yield make
    for screen in made:
        screen.stop()


@pytest.fixture
def server(launch, make_sink):
    good, deferring = make_sink(), make_sink()
    deferring.on("RCPT", "450 4.2.0 Later", times=1000)
    made = launch(route=[("later.test", deferring.route), ("*", good.route)])
    made.good, made.deferring = good.route, deferring.route
    for n in range(6):
        made.submit(recipients=[f"u{n}@good.test"])
        if n < 3:
            made.wait_event(made.submit(recipients=[f"u{n}@later.test"]), "deferred")
    good.wait_for(6)
    return made


def test_one_frame_in_json(server):
    def rows(by):
        return {r["name"]: r for r in server.cli_json("top", "--once", "--by", by)["rows"]}
    sites = rows("site")
    # What waits for its next attempt is no site's until then.
    assert sites["later.test"]["retrying"] == 3 and "oldest" in sites["later.test"]
    assert sites[server.good]["retrying"] == 0 and "oldest" not in sites[server.good]
    assert rows("egress")["none yet"]["retrying"] == 3
    assert rows("account")["default"]["retrying"] == 3
    assert rows("provider")["other"]["retrying"] == 3
    flow = server.ask("/v1/flow?by=site")
    counts = {r["name"]: r for r in flow["rows"]}
    assert counts[server.good]["delivered"] == 6 and counts[server.deferring]["deferred"] >= 3
    assert flow["total"]["delivered"] == 6 and flow["total"]["deferred"] >= 3
    assert server.api("GET", "/v1/flow?by=colour")[0] == 400


def test_one_frame_where_the_output_is_no_terminal(server):
    shown = server.cli("top", "--by", "site").out
    assert server.deferring in shown and "DEFERRED" in shown and "\x1b" not in shown and "q quit" not in shown


def test_keys_change_what_is_shown_and_q_gives_the_terminal_back(server, screen_of):
    screen = screen_of(server)
    screen.wait_for("by provider, sorted by rate")
    screen.press(b"2")
    screen.wait_for(server.deferring)
    screen.press(b"s")
    screen.wait_for("by site, sorted by queue")
    screen.press(b"\t")
    screen.wait_for("by account")
    screen.press(b"4")
    screen.wait_for("by egress")
    screen.press(b"p")
    screen.wait_for("PAUSED")
    screen.press(b"q")
    screen.end()
    assert screen.process.returncode == 0
    assert screen.output.endswith(b"\x1b[?25h\x1b[?1049l")
    assert termios.tcgetattr(screen.slave) == screen.before


def test_it_fits_the_terminal_and_follows_its_size(server, screen_of):
    screen = screen_of(server, width=100, height=20, args=("--by", "site"))
    screen.wait_for("q quit")
    screen.resize(50, 9)
    wait_until("narrow frames", lambda: screen.frame() and max(map(len, screen.frame())) <= 50 and len(screen.frame()) <= 9)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_gives_the_terminal_back(server, screen_of, number):
    screen = screen_of(server)
    screen.wait_for("by provider")
    screen.process.send_signal(number)
    screen.end()
    assert screen.output.endswith(b"\x1b[?25h\x1b[?1049l")
    assert termios.tcgetattr(screen.slave) == screen.before


def test_a_server_that_is_gone_is_told_and_waited_for(server, screen_of):
    screen = screen_of(server)
    screen.wait_for("by provider")
    server.stop()
    screen.wait_for("no server is running")
    assert server.cli("top", "--once").code == 1
