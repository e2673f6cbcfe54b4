"""An OAuth authorization server's introspection end point (RFC 7662), over HTTP on loopback."""
import base64
import http.server
import json
import threading
import urllib.parse


class Introspection:
    """`tokens`: what is said of each; of any other, that it is not active. `asked` has every token, in order."""

    client = ("gonets", "s3cret & more")

    def __init__(self):
        self.tokens, self.asked, self.broken = {}, [], False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                user, _, secret = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
                if (urllib.parse.unquote(user), urllib.parse.unquote(secret)) != outer.client:
                    return self.answer(401, {})
                if outer.broken:
                    return self.answer(500, {})
                token = form["token"][0]
                outer.asked.append(token)
                self.answer(200, outer.tokens.get(token, {"active": False}))

            def answer(self, status, body):
                raw = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/introspect"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
