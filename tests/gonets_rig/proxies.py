"""What mail leaves through: microsocks, a SOCKS 5 proxy, and HAProxy."""
import pathlib
import shutil
import tempfile

from .net import connects, free_endpoint, text_of
from .processes import Child


class MicroSocks:
    """Connects from `source`. With a user, nobody else may use it."""

    def __init__(self, endpoint=None, source="127.0.0.5", user="", password=""):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gonets-socks-"))
        self.endpoint = endpoint or free_endpoint()
        self.url = "socks5://" + (f"{user}:{password}@" if user else "") + text_of(self.endpoint)
        login = ["-u", user, "-P", password] if user else []
        self.child = Child("microsocks", ["microsocks", "-i", self.endpoint[0], "-p", self.endpoint[1], "-b", source, *login],
                           self.folder)
        self.child.wait_ready("no port", lambda: connects(self.endpoint))

    def stop(self):
        self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class HAProxy:
    """Connects to where the PROXY header says. From where it says, too, but only for the `sources` given: to take any
    needs the right to configure the network."""

    def __init__(self, sources):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gonets-haproxy-"))
        self.endpoint = free_endpoint()
        self.url = f"haproxy://{text_of(self.endpoint)}"
        lines = ["defaults", "  mode tcp", "  timeout connect 5s", "  timeout client 60s", "  timeout server 60s",
                 "frontend mail-exit", f"  bind {text_of(self.endpoint)} accept-proxy"]
        lines += [f"  use_backend from-{source} if {{ src {source} }}" for source in sources]
        for source in sources:
            lines += [f"backend from-{source}", f"  source {source}", "  server any 0.0.0.0"]
        (self.folder / "haproxy.cfg").write_text("\n".join(lines) + "\n")
        self.child = Child("haproxy", ["haproxy", "-db", "-f", self.folder / "haproxy.cfg"], self.folder)
        self.child.wait_ready("no port", lambda: connects(self.endpoint))

    def stop(self):
        self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
