"""Fixtures of the whole-daemon tests. What they start, they end: by its own pid, in every case."""
import os

import pytest

from gonets_rig.daemon import BINARY, Daemon
from gonets_rig.dovecot import Dovecot
from gonets_rig.net import SilentUdp
from gonets_rig.postfix import PostfixReceiver, SmtpSink
from gonets_rig.postgresql import PostgreSQL
from gonets_rig.sink import Sink


def pytest_configure(config):
    if not os.access(BINARY, os.X_OK) and not config.option.collectonly:
        pytest.exit(f"no server to test at {BINARY}: run scripts/build, or set GONETS_BIN", returncode=2)


# The files that take minutes: begun first, so that no worker is left alone with one at the end.
LONG = ["test_tls_server.py", "test_simulation.py", "test_receivers.py"]


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


def factory_of(make, end):
    """A fixture's generator: a function that makes things, which are ended in the opposite order, each of them even if
    ending another one fails."""
    made = []

    def start(*args, **more):
        made.append(make(*args, **more))
        return made[-1]
    yield start
    failures = []
    for thing in reversed(made):
        try:
            end(thing)
        except Exception as e:  # noqa: BLE001: reported below
            failures.append(e)
    if failures:
        raise failures[0]


@pytest.fixture
def launch():
    """Starts a server: launch(route=[("*", "capture")], smtp={...})."""
    yield from factory_of(lambda **config: Daemon(**config).start(), Daemon.remove)


@pytest.fixture(scope="module")
def launch_shared():
    """The same for a server that all tests of a module speak to."""
    yield from factory_of(lambda **config: Daemon(**config).start(), Daemon.remove)


@pytest.fixture
def make_sink():
    yield from factory_of(Sink, Sink.stop)


@pytest.fixture
def sink(make_sink):
    return make_sink()


@pytest.fixture
def relay(launch, sink):
    """A server that sends everything to `sink`."""
    return launch(route=[("*", sink.route)])


@pytest.fixture
def smtp_sink():
    yield from factory_of(SmtpSink, SmtpSink.stop)


@pytest.fixture(scope="session")
def dovecot():
    peer = Dovecot()
    yield peer
    peer.stop()


@pytest.fixture(scope="session")
def postfix():
    peer = PostfixReceiver()
    yield peer
    peer.stop()


@pytest.fixture(scope="session")
def postgresql():
    made = PostgreSQL()
    yield made
    made.remove()


@pytest.fixture(scope="session")
def key_file(tmp_path_factory):
    """With what a database that is shared seals its secrets."""
    path = tmp_path_factory.mktemp("key") / "accounts.key"
    path.write_text("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n")
    path.chmod(0o600)
    return str(path)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def accounts_database(request):
    """The [accounts] of a server, on each engine: all tests of a module that take it run over both."""
    if request.param == "sqlite":
        return {}
    name = request.module.__name__.removeprefix("test_")
    return {"database": request.getfixturevalue("postgresql").make_database(name),
            "key_file": request.getfixturevalue("key_file")}


@pytest.fixture
def silent_resolver():
    peer = SilentUdp()
    yield peer
    peer.stop()
