"""An HTTP end point on loopback that is sent forms and answers JSON, as OAuth has them."""
import http.server
import json
import threading
import urllib.parse


class FormServer:
    """`answer(form, headers)` gives the status and what the body is made of; a form has each of its fields once."""

    def __init__(self, path, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, body = answer(dict(urllib.parse.parse_qsl(text, strict_parsing=True)), self.headers)
                raw = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}{path}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
