"""Loopback addresses and ports of our own, and waiting by polling."""
import contextlib
import itertools
import os
import random
import socket
import time

# Generous: it bounds how long a failing test takes, never what a passing one may take.
DEADLINE = float(os.environ.get("GONETS_TEST_DEADLINE", "30"))

# Each run of the tests listens in a /24 of its own. Connections leave from 127.0.0.1, so that no ephemeral port can sit
# on a port of a server that is down for a moment, and runs side by side do not meet.
_first, _second = random.SystemRandom().randrange(64, 250), random.SystemRandom().randrange(1, 250)
_hosts = itertools.count(1)


def private_host():
    """An address of 127.0.0.0/8 that nothing else of this run uses."""
    return f"127.{_first}.{_second}.{1 + next(_hosts) % 250}"


def free_port(host, kind=socket.SOCK_STREAM):
    """A port of `host` that the kernel chose."""
    with contextlib.closing(socket.socket(socket.AF_INET, kind)) as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def free_endpoint():
    host = private_host()
    return host, free_port(host)


def text_of(endpoint):
    return f"{endpoint[0]}:{endpoint[1]}"


def wait_until(what, condition, deadline=DEADLINE, every=0.01):
    """Polls `condition` until it is true, and returns what it gave. `what`, a text or a function, explains a failure."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline} s in vain: {what() if callable(what) else what}")
        time.sleep(every)


def connects(endpoint):
    try:
        with socket.create_connection(endpoint, 1):
            return True
    except OSError:
        return False


def says_220(endpoint):
    """Whether a greeting comes; says QUIT then, so that the server counts no lost client."""
    try:
        with socket.create_connection(endpoint, 5) as s:
            greeting = s.recv(512)
            if greeting.startswith(b"220"):
                s.sendall(b"QUIT\r\n")
                s.recv(512)
                return True
    except OSError:
        pass
    return False


class SilentUdp:
    """A UDP port that takes everything and never answers: a resolver that is down."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((private_host(), 0))
        self.endpoint = self.socket.getsockname()

    def stop(self):
        self.socket.close()


def pid_exists(pid):
    try:
        os.kill(pid, 0)
        return True
    except ProcessLookupError:
        return False
