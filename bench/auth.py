#!/usr/bin/env python3
"""What a client costs that connects anew, logs in and leaves: connect, EHLO, AUTH PLAIN, QUIT, by several processes.

    bench/auth.py [--rate 1000] [--seconds 10] [--clients 2] [--tls]

Prints the rate that was reached, the server's CPU a connection, and how many passwords were hashed for it. `--rate 0`: as
fast as it goes. Everything runs on 127.0.0.1; needs the release build.
"""
import argparse, base64, json, multiprocessing, os, pathlib, shutil, socket, ssl, subprocess, tempfile, time

from rig import GONETS, Server, cpu_seconds, free_port


def hashes(server):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(server.work / "api.sock"))
        s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        page = b"".join(iter(lambda: s.recv(65536), b"")).decode()
    return int(float(next(l for l in page.splitlines() if l.startswith("gonets_auth_hashes_total ")).split()[1]))


def reply(s):
    data = b""
    while True:
        data += s.recv(4096)
        lines = data.split(b"\r\n")
        if len(lines) > 1 and lines[-1] == b"" and lines[-2][3:4] == b" ":
            return data


def client(port, line, rate, seconds, tls, found):
    """Keeps its own pace: what it could not do in time is done late, and counts."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    began, done, slowest = time.time(), 0, 0.0
    while (now := time.time()) < began + seconds:
        if rate and now < (due := began + done / rate):
            time.sleep(due - now)
        at = time.time()
        s = socket.create_connection(("127.0.0.1", port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            s = context.wrap_socket(s)
        reply(s)
        s.sendall(b"EHLO bench.test\r\n")
        reply(s)
        s.sendall(line)
        said = reply(s)
        assert said.startswith(b"235"), said
        s.sendall(b"QUIT\r\n")
        reply(s)
        s.close()
        slowest = max(slowest, time.time() - at)
        done += 1
    found.put((done, time.time() - began, slowest))


def main():
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--rate", type=int, default=1000)
    given.add_argument("--seconds", type=float, default=10)
    given.add_argument("--clients", type=int, default=2)
    given.add_argument("--tls", action="store_true")
    given = given.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="gonets-auth-", dir="/var/tmp"))
    server = Server(work, free_port(), [("*", "discard")])
    port = server.port
    if given.tls:
        port = free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                        "2", "-keyout", work / "key.pem", "-out", work / "cert.pem", "-subj", "/CN=bench.test"], check=True,
                       stderr=subprocess.DEVNULL)
        server.config.write_text(server.config.read_text() + f"""
[[listener]]
kind = "submissions"
address = "127.0.0.1:{port}"
tls_certificate = "{work}/cert.pem"
tls_key = "{work}/key.pem"
""")
    server.config.write_text(server.config.read_text() + '[auth]\nplaintext_networks = ["127.0.0.0/8"]\n')
    server.start()
    try:
        measure(given, server, port)
    finally:
        server.stop()
        shutil.rmtree(work)


def measure(given, server, port):
    def cli(*argv):
        return json.loads(subprocess.run([GONETS, *argv, "--json", "--config", server.config], check=True,
                                         capture_output=True).stdout)
    cli("account", "add", "bench")
    login = cli("credential", "add", "bench")
    line = b"AUTH PLAIN " + base64.b64encode(f"\0{login['login']}\0{login['secret']}".encode()) + b"\r\n"
    found = multiprocessing.Queue()
    hashed, cpu = hashes(server), cpu_seconds(server.process.pid)
    all_of_them = [multiprocessing.Process(target=client, args=(port, line, given.rate / given.clients, given.seconds,
                                                                given.tls, found)) for _ in range(given.clients)]
    for each in all_of_them:
        each.start()
    results = [found.get() for _ in all_of_them]
    for each in all_of_them:
        each.join()
    connections = sum(r[0] for r in results)
    cpu = cpu_seconds(server.process.pid) - cpu
    print(json.dumps({
        "tls": given.tls,
        "connections": connections,
        "rate": round(connections / max(r[1] for r in results)),
        "server_cpu_us_a_connection": round(cpu / connections * 1e6),
        "slowest_ms": round(max(r[2] for r in results) * 1000),
        "passwords_hashed": hashes(server) - hashed,
    }))


if __name__ == "__main__":
    main()
