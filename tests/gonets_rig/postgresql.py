"""A PostgreSQL of the tests' own: a cluster in a temporary folder, on a Unix socket, which forgets at a power cut.

As a program, `python3 -m gonets_rig.postgresql COMMAND...` runs the command with GONETS_TEST_POSTGRESQL set to the URL of
one, and ends with its exit code."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile

from .processes import Child, run

USER = "gonets"
SETTINGS = """
listen_addresses = ''
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 16MB
max_connections = 50
autovacuum = off
logging_collector = off
"""


def programs():
    """The folder of the newest installed version's programs, which Debian keeps out of PATH."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    if not found:
        raise AssertionError("no PostgreSQL is installed: run scripts/deps test")
    return found[-1].parent


def as_owner():
    """The words that make a command run as who may run a PostgreSQL, which refuses root."""
    if os.geteuid() != 0:
        return []
    owner = pwd.getpwnam("postgres")
    return ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", "--"]


class PostgreSQL:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gonets-postgresql-"))
        self.folder.chmod(0o755)
        self.data, self.socket = self.folder / "data", self.folder / "run"
        for made in (self.data, self.socket):
            made.mkdir()
            if as_owner():
                shutil.chown(made, "postgres", "postgres")
        made = run(*as_owner(), programs() / "initdb", "-D", self.data, "-U", USER, "-A", "trust", "-E", "UTF8",
                   "--no-locale", "--no-sync", "--no-instructions")
        assert made.returncode == 0, made.stderr.decode(errors="replace")
        with open(self.data / "postgresql.conf", "a") as settings:
            settings.write(SETTINGS)
        self.child = None
        self.start()

    def url(self, database="postgres"):
        return f"postgresql://{USER}@/{database}?host={self.socket}"

    def start(self):
        # Told to end should the tests die: setpriv after setpriv, as the second forgets what the first asked for.
        self.child = Child("postgresql", [*as_owner(), "setpriv", "--pdeathsig=INT", "--", programs() / "postgres",
                                          "-D", self.data, "-k", self.socket], self.folder)
        self.child.wait_ready("does not answer", lambda: run(
            programs() / "pg_isready", "-q", "-h", self.socket, "-U", USER, "-d", "postgres").returncode == 0)

    def sql(self, text, database="postgres"):
        done = run(programs() / "psql", "-XqtA", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", text)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode().strip()

    def make_database(self, name):
        self.sql(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def halt(self):
        """Ends it at once, cutting all connections; start() goes on with the same data."""
        self.child.stop(signal.SIGINT)

    def remove(self):
        if self.child:
            self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    server = PostgreSQL()
    try:
        return subprocess.run(sys.argv[1:], env={**os.environ, "GONETS_TEST_POSTGRESQL": server.url()}).returncode
    finally:
        server.remove()


if __name__ == "__main__":
    sys.exit(main())
