"""Running it: probes, metrics, logs, reload, a graceful stop, checks of the configuration, rights."""
import contextlib
import http.client
import json
import os
import pathlib
import pwd
import socket
import stat

import pytest

from gonets_rig import sink as peer
from gonets_rig.daemon import BINARY, Daemon
from gonets_rig.net import connects, free_endpoint, private_host, text_of, wait_until
from gonets_rig.processes import run
from gonets_rig.talk import Talk, letter

SECRET = b"The merger is on Thursday.\r\n"


@pytest.fixture
def server(launch):
    return launch(route=[("*", "capture")])


# ---- probes and metrics

def test_probes_answer_on_both_ways(server):
    assert server.get("/healthz")[0] == 200
    assert server.get("/readyz")[0] == 200
    assert server.api("GET", "/healthz") == (200, {"status": "ok"})
    assert server.api("GET", "/readyz")[1]["ready"] is True


def total(metrics, part):
    """The sum of all samples of counters that have `part` in their name or a label."""
    return sum(v for name, samples in metrics.items() if name.endswith("_total") for labels, v in samples
               if part in name or part in labels.values())


def test_metrics_are_well_formed_and_count(server):
    before = server.metrics()
    assert before and all(name.startswith(("gonets_", "process_")) for name in before)
    for _ in range(5):
        server.wait_event(server.submit(), "delivered")
    after = server.metrics()
    assert total(after, "accepted") - total(before, "accepted") >= 5
    assert total(after, "delivered") - total(before, "delivered") >= 5


def test_web_page_may_not_speak_to_the_api(server):
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        connection = http.client.HTTPConnection(*server.http, timeout=10)
        connection.request("GET", "/v1/queue", headers=headers)
        assert connection.getresponse().status == 403
        connection.close()


# ---- logs

def test_log_holds_no_content_and_a_line_an_event(server):
    queue_id = server.submit(letter(body=SECRET, subject="Confidential subject"))
    server.wait_event(queue_id, "delivered")
    wait_until("the log tells of the message", lambda: server.log().count(queue_id) >= 2)
    assert "merger" not in server.log()
    assert "Confidential" not in server.log()


def test_log_is_json_where_asked_for(launch):
    server = launch(route=[("*", "capture")], log={"format": "json", "level": "info"})
    queue_id = server.submit()
    server.wait_event(queue_id, "delivered")
    server.stop()
    lines = [json.loads(line) for line in server.log().splitlines()]
    assert any(queue_id in json.dumps(line) for line in lines)
    assert all("level" in line for line in lines)


def test_hostile_client_cannot_forge_log_lines(server):
    with server.talk() as talk:
        talk.command(b"EHLO x\x1b[31m")
        talk.command(b"EHLO evil level=error msg=\"forged\"")
        talk.command("MAIL FROM:<\"a\\\"level=error\"@sender.test>")
        talk.expect(221, "QUIT")
    server.stop()
    assert "\x1b" not in server.log()
    assert not any(line.startswith("evil") or 'msg="forged"' in line.replace('\\"', "'") for line in server.log().splitlines())


# ---- reload and stop

def test_reload_takes_new_limits_and_routes(server, sink):
    server.config["smtp"] = {"message_bytes_max": "1MiB"}
    server.config["route"] = [{"domain": "*", "to": sink.route}]
    with server.talk() as old:
        server.reload()
        wait_until("the new limit", lambda: "SIZE 1048576" in server.talk().command("EHLO c.test").text, every=0.1)
        old.expect(250, "EHLO client.test")
    server.submit()
    assert sink.one()


def test_reload_of_a_broken_configuration_changes_nothing(server):
    good = server.config_path.read_text()
    server.config_path.write_text(good + "\n[smtp]\nfrob = 1\n")
    server.child.send_signal(1)
    wait_until("the log names the key", lambda: "frob" in server.log())
    server.wait_event(server.submit(), "delivered")
    server.config_path.write_text(good)


def test_no_thread_is_ended_by_a_signal_that_comes_while_another_is_handled(server):
    blocked = {}
    for task in pathlib.Path(f"/proc/{server.child.pid}/task").iterdir():
        # The main thread waits for them in sigwait, which shows them as not blocked.
        if task.name == str(server.child.pid):
            continue
        try:
            status = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines())
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread that has ended since
        blocked[f"{status['Name']} {task.name}"] = int(status["SigBlk"], 16)
    assert len(blocked) > 3
    assert [name for name, taken in blocked.items() if not (taken >> (1 - 1) & 1 and taken >> (15 - 1) & 1)] == []


def test_stop_lets_a_message_under_way_end(launch, sink):
    server = launch(route=[("*", sink.route)], server={"stop_within": "20s"})
    with server.talk(hello=True) as sending, server.talk(hello=True) as idle:
        sending.envelope("a@sender.test", "to@sink.test")
        sending.send(b"Subject: under way\r\n\r\nhalf ")
        child = server.child
        child.send_signal(15)
        assert idle.reply().is_(421, "4.3.2")
        assert idle.closed()
        wait_until("no more connections", lambda: not connects(server.endpoint))
        assert sending.end_data(b"and half\r\n.\r\n").is_(250, "2.0.0")
    assert child.wait() == 0
    server.child = None
    server.start()
    assert sink.one().content.endswith(b"half and half\r\n")


def test_stop_does_not_wait_longer_than_told(launch):
    server = launch(route=[("*", "capture")], server={"stop_within": "300ms"})
    with server.talk(hello=True) as sending:
        sending.envelope("a@sender.test", "to@sink.test")
        sending.send(b"Subject: never ends\r\n\r\n")
        server.stop()
        try:
            rest = sending.reply()
            assert rest.is_(421, "4.3.2"), rest
        except ConnectionError:
            pass
    server.start()
    assert not server.captured()


def test_stop_with_a_hanging_delivery_repeats_it_after_the_start(launch, sink):
    sink.on("MAIL", peer.silence, times=1)
    server = launch(route=[("*", sink.route)], server={"stop_within": "300ms"})
    queue_id = server.submit()
    wait_until("MAIL at the sink", lambda: any(c.startswith("MAIL") for c in sink.commands()))
    server.restart()
    server.wait_event(queue_id, "delivered")
    assert len(sink.messages) == 1


def test_supervisor_is_told_when_it_is_ready_and_when_it_stops(tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(30)
        server = Daemon(route=[("*", "capture")])
        server.environment = {"NOTIFY_SOCKET": str(path)}
        try:
            server.spawn()
            assert b"READY=1" in notify.recv(4096)
            assert connects(server.endpoint), "ready before it listens"
            server.stop()
            said = notify.recv(4096)
            while b"STOPPING=1" not in said:
                said = notify.recv(4096)
        finally:
            server.remove()


# ---- rights

def test_rights_are_dropped_once_a_low_port_is_bound(launch):
    endpoint = (private_host(), 25)
    server = launch(listener=[{"address": text_of(endpoint)}], route=[("*", "capture")], server={"user": "nobody"})
    nobody = pwd.getpwnam("nobody")
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text().splitlines()
    fields = {line.partition(":")[0]: line.partition(":")[2].split() for line in status}
    assert set(fields["Uid"]) == {str(nobody.pw_uid)}
    assert set(fields["Gid"]) == {str(nobody.pw_gid)}
    assert fields["Groups"] in ([], [str(nobody.pw_gid)])
    assert int(fields["CapEff"][0], 16) == 0
    # Threads too: setuid by the system call alone would change one of them.
    def of_threads():
        for task in pathlib.Path(f"/proc/{server.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # one that has ended meanwhile
                yield (task / "status").read_text()
    seen = list(of_threads())
    assert len(seen) > 2 and all(f"Uid:\t{nobody.pw_uid}\t{nobody.pw_uid}" in one for one in seen)
    server.wait_event(server.submit(), "delivered")
    server.restart()
    server.wait_event(server.submit(), "delivered")


def test_spool_and_socket_are_closed_to_others(server):
    server.submit()
    assert stat.S_IMODE(os.stat(server.socket_path).st_mode) in (0o660, 0o600)
    spool = pathlib.Path(server.config["spool"]["path"])
    assert stat.S_IMODE(spool.stat().st_mode) & 0o077 == 0


def test_socket_left_by_a_crash_is_replaced(server):
    server.kill()
    assert server.socket_path.exists()
    server.start()
    assert server.queue() == []


def refused_to_start(server):
    """What it says."""
    server.spawn()
    child, server.child = server.child, None
    assert child.wait() == 1
    return child.log()


def test_second_server_does_not_share_a_port(server):
    second = Daemon(listener=[{"address": text_of(server.endpoint)}])
    try:
        assert "in use" in refused_to_start(second)
    finally:
        second.remove()


def test_port_that_is_taken_is_named(launch, sink):
    server = Daemon(listener=[{"address": text_of(sink.endpoint)}])
    try:
        log = refused_to_start(server)
        assert "{} port {}".format(*sink.endpoint) in log and "in use" in log
    finally:
        server.remove()


# ---- the configuration

def check(tmp_path, text):
    path = tmp_path / "gonets.toml"
    path.write_text(text)
    done = run(BINARY, "check-config", "--config", path)
    return done.returncode, done.stderr.decode() + done.stdout.decode(), path




@pytest.mark.parametrize("text, line, words", [
    ('[smtp]\nmesage_bytes_max = "1MiB"\n', 2, ["smtp.mesage_bytes_max", "message_bytes_max"]),
    ('[smtpp]\nx = 1\n', 1, ["smtpp", "smtp"]),
    ('[smtp]\n\ncommand_timeout = "5 parsecs"\n', 3, ["smtp.command_timeout", "5 parsecs"]),
    ('[smtp]\nrecipients_max = "many"\n', 2, ["smtp.recipients_max", "many"]),
    ('[smtp]\nrecipients_max = 0\n', 2, ["smtp.recipients_max", "0"]),
    ('[[listener]]\naddress = "nowhere"\n', 2, ["listener[1].address", "nowhere"]),
    ('[[listener]]\nkind = "smpt"\naddress = "127.0.0.1:25"\n', 2, ["listener[1].kind", "smpt", '"smtp"']),
    ('[[listener]]\nkind = "smtp"\n', 1, ["listener[1].address"]),
    ('[[listener]]\naddress = "127.0.0.1:25"\ntrusted_networks = ["10.0.0.0/33"]\n', 3, ["trusted_networks", "10.0.0.0/33"]),
    ('[[route]]\ndomain = "*"\nto = "captur"\n', 3, ["route[1].to", "captur", "capture"]),
    ('[server]\nhostname = \n', 2, []),
    ('[smtp]\nnewlines = "normalise"\n', 2, ["smtp.newlines", "normalise", "normalize"]),
])
def test_error_names_file_line_key_and_what_is_right(tmp_path, text, line, words):
    code, said, path = check(tmp_path, text)
    assert code == 1
    assert f"{path}:{line}:" in said
    for word in words:
        assert word in said, said


def test_all_errors_are_told_at_once(tmp_path):
    code, said, path = check(tmp_path, '[smtp]\nfrob = 1\nrecipients_max = "x"\n[servr]\n')
    assert code == 1
    assert len([line for line in said.splitlines() if str(path) in line]) == 3


def test_good_configuration_passes(tmp_path, server):
    assert check(tmp_path, server.config_path.read_text())[0] == 0
    spare = f'[server]\nhostname = "mx.gonets.test"\n[spool]\npath = "{tmp_path}/spool"\n'
    code, said, _ = check(tmp_path, spare + '[[listener]]\naddress = "127.0.0.1:2525"\n')
    assert (code, "warning" in said) == (0, False), said


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_open_relay_is_called_one(tmp_path, network):
    _, said, _ = check(tmp_path, f'[[listener]]\naddress = "0.0.0.0:25"\ntrusted_networks = ["{network}"]\n')
    assert "open relay" in said


def test_missing_file_is_named(tmp_path):
    done = run(BINARY, "check-config", "--config", tmp_path / "nonesuch.toml")
    assert done.returncode == 1
    assert "nonesuch.toml" in done.stderr.decode()


def test_serve_refuses_a_broken_configuration(tmp_path):
    path = tmp_path / "gonets.toml"
    path.write_text("[smtp]\nfrob = 1\n")
    done = run(BINARY, "serve", "--config", path)
    assert done.returncode in (1, 2)
    assert f"{path}:2:" in done.stderr.decode()


def test_session_by_ipv6_is_served(launch):
    endpoint = free_endpoint()
    with socket.socket(socket.AF_INET6) as s:
        s.bind(("::1", 0))
        port = s.getsockname()[1]
    server = launch(listener=[{"address": text_of(endpoint)}, {"address": f"[::1]:{port}", "trusted_networks": ["::1/128"]}],
                    route=[("*", "capture")])
    with Talk(("::1", port), hello=True) as talk:
        reply = talk.message(letter())
        assert reply.is_(250), reply
    server.wait_event(reply.queue_id, "delivered")
    assert b"IPv6:::1" in server.captured_content(server.captured()[0]["id"])
