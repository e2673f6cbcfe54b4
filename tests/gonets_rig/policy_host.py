"""An HTTPS server for MTA-STS policies and TLS reports: as many names as wanted on one address, each as it is told."""
import dataclasses
import http.server
import ssl
import threading

from .net import private_host

PATH = "/.well-known/mta-sts.txt"


def policy(*mx, mode="enforce", max_age=86400):
    return "".join(line + "\r\n" for line in ["version: STSv1", f"mode: {mode}", *[f"mx: {m}" for m in mx],
                                              f"max_age: {max_age}"])


@dataclasses.dataclass
class Site:
    body: str = ""
    status: int = 200
    kind: str = "text/plain"
    headers: dict = dataclasses.field(default_factory=dict)
    gate: threading.Event = None  # answers once this is set
    sized: bool = True  # else the end of the connection is the end of the body


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        pass  # clients that go away, or refuse the certificate, are what is tested


class PolicyHost:
    def __init__(self, authority, endpoint=None):
        self.authority = authority
        self.sites = {}  # by host name
        self.contexts = {}
        self.gets = []  # (host, path)
        self.posts = []  # (host, path, headers, body)
        self.server = Server(endpoint or (private_host(), 0), self._handler())
        self.endpoint = self.server.server_address
        fallback = authority.issue("fallback.test").server_context()
        fallback.sni_callback = self._choose
        self.server.socket = fallback.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def _choose(self, sock, name, context):
        if name in self.contexts:
            sock.context = self.contexts[name]

    def serve(self, name, body="", certificate=None, **how):
        """Answers for `name` from now on; without `certificate`, with a good one."""
        self.contexts[name] = (certificate or self.authority.issue(name)).server_context()
        self.sites[name] = Site(body, **how)

    def serve_policy(self, domain, text, **how):
        self.serve("mta-sts." + domain, text, **how)

    def fetches(self, domain):
        return sum(host == "mta-sts." + domain for host, _ in list(self.gets))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def _handler(self):
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def name(self):
                return self.headers["Host"].partition(":")[0]

            def answer(self, site):
                if site.gate:
                    site.gate.wait(30)
                body = site.body.encode()
                self.send_response(site.status)
                self.send_header("Content-Type", site.kind)
                self.send_header(*(("Content-Length", str(len(body))) if site.sized else ("Connection", "close")))
                for key, value in site.headers.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                host.gets.append((self.name(), self.path))
                site = host.sites.get(self.name())
                self.answer(site if site and self.path == PATH else Site(status=404))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                host.posts.append((self.name(), self.path, dict(self.headers), body))
                self.answer(host.sites.get(self.name(), Site(status=404)))

            def log_message(self, *_):
                pass

        return Handler
