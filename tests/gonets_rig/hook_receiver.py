"""A receiver of webhooks on loopback, whose mood can be set."""
import http.server
import json
import socket
import threading
import time


class HookReceiver:
    """Keeps every request as (headers, body). `mood`: None (204), a status, or a function of the handler that answers."""

    def __init__(self, port=0):
        self.requests, self.mood, self.lock = [], None, threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                mood = receiver.mood
                if mood is None or isinstance(mood, int):
                    with receiver.lock:
                        receiver.requests.append((dict(self.headers), body, mood or 204))
                    self.reply(mood or 204)
                else:
                    mood(self, body)

            def reply(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                raise AssertionError("webhooks are POST alone")

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def acknowledged(self):
        """The bodies of what was answered with 2xx, in order, of type `events`."""
        with self.lock:
            all_of_them = [json.loads(body) for _, body, status in self.requests if status // 100 == 2]
        return [b for b in all_of_them if b["type"] == "events"]

    def events(self):
        return [e for b in self.acknowledged() for e in b["data"]["events"]]

    def of(self, queue_id):
        return [e for e in self.events() if e["message_id"] == queue_id]


def slow(seconds):
    def answer(handler, body):
        time.sleep(seconds)
        handler.reply(204)
    return answer


def closes_mid_body(handler, body):
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"half of it")
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def redirects_to(url):
    def answer(handler, body):
        handler.reply(307, Location=url)
    return answer


def endless(handler, body):
    handler.send_response(200)
    handler.send_header("Content-Length", str(10 ** 9))
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        handler.close_connection = True
