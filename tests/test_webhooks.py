"""Events told by requests: signed, in order, at least once, and none lost while the receiver or the server is down."""
import http.client
import json
import smtplib
import subprocess
import threading

import pytest

from gonets_rig.clock import SettableClock
from gonets_rig.daemon import Daemon
from gonets_rig.hook_receiver import HookReceiver, closes_mid_body, endless, redirects_to, slow
from gonets_rig.net import DEADLINE, wait_until
from gonets_rig.node import NODE, install_node_packages

SETTINGS = {"webhooks": {"allow_networks": ["127.0.0.0/8"], "timeout": "3s"}}


@pytest.fixture
def receiver():
    made = HookReceiver()
    yield made
    made.stop()


@pytest.fixture
def daemon(launch, sink):
    return launch(route=[("*", sink.route)], **SETTINGS)


def add(daemon, receiver, *more):
    return daemon.cli_json("webhook", "add", receiver.url, *more)


def told(receiver, queue_id, *kinds):
    return wait_until(f"{kinds} of {queue_id}", lambda: {e["kind"] for e in receiver.of(queue_id)} >= set(kinds)
                      and receiver.of(queue_id))


def verdicts(tmp_path, jobs):
    install_node_packages()
    file = tmp_path / "requests.json"
    file.write_text(json.dumps(jobs))
    run = subprocess.run(["node", NODE / "webhook.mjs", file], cwd=NODE, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def jobs_of(receiver, secret):
    return [{"secret": secret, "headers": {k.lower(): v for k, v in headers.items()}, "body": body.decode()}
            for headers, body, _ in receiver.requests]


def test_events_arrive_in_order_and_an_independent_library_verifies_them(daemon, receiver, tmp_path):
    hook = add(daemon, receiver)
    assert hook["secret"].startswith("whsec_") and hook["name"] == "127.0.0.1"
    ids = [daemon.submit() for _ in range(5)]
    for queue_id in ids:
        told(receiver, queue_id, "accepted", "delivered")
    numbers = [e["seq"] for e in receiver.events()]
    assert numbers == sorted(set(numbers))
    body = receiver.acknowledged()[-1]
    assert body["data"]["cursor"] >= numbers[-1] and body["data"]["lost"] == 0 and body["data"]["webhook"] == "127.0.0.1"
    jobs = jobs_of(receiver, hook["secret"])
    assert set(verdicts(tmp_path, jobs)) == {"good"}
    other = {**jobs[0], "body": jobs[0]["body"].replace("accepted", "acceptes")}
    assert verdicts(tmp_path, [other]) != ["good"]
    # The secret is in no answer but that to add.
    assert "secret" not in daemon.cli_json("webhook", "show", "127.0.0.1")


def test_a_secret_is_replaced_without_a_gap(daemon, receiver, tmp_path):
    old = add(daemon, receiver)["secret"]
    new = daemon.cli_json("webhook", "rotate", "127.0.0.1")["secret"]
    assert new != old
    told(receiver, daemon.submit(), "delivered")
    jobs = jobs_of(receiver, old)[-1:] + jobs_of(receiver, new)[-1:]
    assert verdicts(tmp_path, jobs) == ["good", "good"]


def test_kinds_streams_and_accounts_choose(daemon, receiver, sink):
    daemon.add_account("shop", policy="off")
    add(daemon, receiver, "--name", "refused", "--event", "bounced")
    sink.on("RCPT", "550 5.1.1 User unknown", about=b"no@sink.test")
    good = daemon.submit()
    bad = daemon.submit(recipients=("no@sink.test",))
    assert [e["kind"] for e in told(receiver, bad, "bounced")] == ["bounced"]
    assert receiver.of(good) == []
    wrong = daemon.cli("webhook", "add", receiver.url, "--name", "b", "--event", "bouncd")
    assert wrong.code == 2 and "bouncd" in wrong.err and "bounced" in wrong.err
    daemon.cli_json("webhook", "change", "refused", "--event", "accepted")
    assert [e["kind"] for e in told(receiver, daemon.submit(), "accepted")] == ["accepted"]
    assert daemon.cli("webhook", "remove", "refused").code == 0
    assert daemon.cli_json("webhook", "list")["webhooks"] == []


def by_key(daemon, key, method, path, body=None):
    connection = http.client.HTTPConnection(*daemon.http, timeout=DEADLINE)
    try:
        connection.request(method, path, body and json.dumps(body), {"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_an_account_s_key_has_its_own_webhooks_and_is_told_of_its_own_mail(launch, sink, receiver):
    daemon = launch(route=[("*", sink.route)], listener=[{}, {"kind": "submission", "trusted_networks": []}],
                    auth={"plaintext_networks": ["127.0.0.0/8"]}, **SETTINGS)
    for name in ("shop", "other"):
        daemon.add_account(name, policy="off")
    admin, other = daemon.add_api_key("shop", ["admin"]), daemon.add_api_key("other", ["admin"])
    status, hook = by_key(daemon, admin, "POST", "/v1/webhooks", {"url": receiver.url})
    assert status == 201 and hook["account"] == "shop" and hook["secret"]
    assert by_key(daemon, admin, "POST", "/v1/webhooks", {"url": receiver.url, "account": "other"})[0] == 403
    for method, path in (("GET", ""), ("POST", "/rotate"), ("POST", "/test"), ("DELETE", "")):
        assert by_key(daemon, other, method, f"/v1/webhooks/{hook['id']}{path}")[0] == 404
    assert by_key(daemon, other, "GET", "/v1/webhooks")[1]["webhooks"] == []
    assert by_key(daemon, daemon.add_api_key("shop", ["read"]), "GET", "/v1/webhooks")[0] == 403
    not_its_own = daemon.submit()  # of the account `default`
    login = daemon.add_login("shop")
    with smtplib.SMTP(*daemon.endpoints[1], timeout=DEADLINE) as smtp:
        smtp.login(login.login, login.secret)
        smtp.sendmail("news@shop.test", "ann@sink.test", "Subject: hello\r\n\r\nhello\r\n")
    wait_until("its own mail", lambda: {e["kind"] for e in receiver.events()} >= {"accepted", "delivered"})
    assert daemon.wait_ends(not_its_own) and receiver.of(not_its_own) == []
    assert {e["account"] for e in receiver.events()} == {"shop"}
    assert "shop" in daemon.cli("webhook", "--account", "shop").out


@pytest.mark.parametrize("mood", [500, 404, slow(5), closes_mid_body, endless, redirects_to("http://127.0.0.1:1/")],
                         ids=["500", "404", "slow", "closes mid-body", "endless", "redirects"])
def test_what_was_not_acknowledged_comes_again(daemon, receiver, mood):
    add(daemon, receiver)
    receiver.mood = mood
    queue_id = daemon.submit()
    shown = wait_until("a failure", lambda: (s := daemon.cli_json("webhook", "show", "127.0.0.1"))["failures"] and s)
    assert shown["error"] and shown["recent"][0]["error"] and not shown["recent"][0]["acknowledged"]
    receiver.mood = None
    daemon.cli_json("webhook", "resume", "127.0.0.1")
    told(receiver, queue_id, "accepted", "delivered")
    after = wait_until("good standing", lambda: (s := daemon.cli_json("webhook", "show", "127.0.0.1"))["failures"] == 0 and s)
    assert after["recent"][0]["acknowledged"]


def test_a_receiver_that_is_down_gets_all_of_it_later(daemon, receiver):
    add(daemon, receiver)
    port = receiver.port
    receiver.stop()
    ids = [daemon.submit() for _ in range(30)]
    wait_until("a failure", lambda: daemon.cli_json("webhook", "show", "127.0.0.1")["failures"])
    daemon.kill()
    daemon.start()
    again = HookReceiver(port)
    try:
        daemon.cli_json("webhook", "resume", "127.0.0.1")
        for queue_id in ids:
            told(again, queue_id, "accepted", "delivered")
    finally:
        again.stop()


@pytest.fixture
def settable_clock():
    made = SettableClock()
    yield made
    made.remove()


def test_an_hour_of_silence_costs_nothing_and_three_days_pause_it_with_nothing_lost(settable_clock, sink, receiver):
    daemon = Daemon(route=[("*", sink.route)], **SETTINGS)
    daemon.environment = settable_clock.environment
    try:
        daemon.start()
        add(daemon, receiver)
        port = receiver.port
        receiver.stop()

        def hook():
            return daemon.cli_json("webhook", "show", "127.0.0.1")

        def fails_again():
            before = hook()["failures"]
            wait_until("another failure", lambda: hook()["state"] != "active" or hook()["failures"] > before)

        ids = [daemon.submit()]
        wait_until("a failure", lambda: hook()["failures"])
        settable_clock.set_ahead(hours=1)
        ids.append(daemon.submit())
        fails_again()
        assert hook()["state"] == "active"
        settable_clock.set_ahead(hours=74)
        fails_again()
        assert hook()["state"] == "paused" and "72" in hook()["reason"], hook()
        ids.append(daemon.submit())
        again = HookReceiver(port)
        try:
            daemon.cli_json("webhook", "resume", "127.0.0.1")
            for queue_id in ids:
                told(again, queue_id, "accepted", "delivered")
        finally:
            again.stop()
    finally:
        daemon.remove()


def test_410_pauses_it_and_resuming_goes_on_where_it_was(daemon, receiver):
    add(daemon, receiver)
    receiver.mood = 410
    queue_id = daemon.submit()
    paused = wait_until("a pause", lambda: (h := daemon.cli_json("webhook", "list")["webhooks"][0])["state"] == "paused" and h)
    assert "410" in paused["reason"]
    receiver.mood = None
    daemon.restart()
    later = daemon.submit()
    daemon.wait_ends(later)
    assert receiver.events() == []
    daemon.cli_json("webhook", "resume", "127.0.0.1")
    told(receiver, queue_id, "accepted", "delivered")
    told(receiver, later, "accepted", "delivered")


def test_events_are_sent_again_from_any_cursor(daemon, receiver):
    add(daemon, receiver)
    queue_id = daemon.submit()
    first = told(receiver, queue_id, "accepted", "delivered")
    daemon.cli_json("webhook", "replay", "127.0.0.1", "--after", str(first[0]["seq"] - 1))
    wait_until("all again", lambda: len(receiver.of(queue_id)) == 2 * len(first))
    daemon.cli_json("webhook", "replay", "127.0.0.1", "--back", "1h")
    wait_until("and again", lambda: len(receiver.of(queue_id)) == 3 * len(first))
    beyond = daemon.cli("webhook", "replay", "127.0.0.1", "--after", "999999")
    assert beyond.code == 2 and "beyond" in beyond.err


def test_nothing_is_sent_into_networks_that_are_not_the_internet(launch, sink, receiver):
    daemon = launch(route=[("*", sink.route)])
    add(daemon, receiver)
    refused = daemon.cli("webhook", "test", "127.0.0.1")
    assert refused.code == 1 and "allow_networks" in refused.out
    assert receiver.requests == []


def test_one_can_be_tried_out(daemon, receiver, tmp_path):
    hook = add(daemon, receiver)
    tried = daemon.cli("webhook", "test", "127.0.0.1")
    assert tried.code == 0 and tried.out.startswith("acknowledged: 204 in ")
    assert json.loads(receiver.requests[0][1])["type"] == "test"
    assert verdicts(tmp_path, jobs_of(receiver, hook["secret"])) == ["good"]
    near = daemon.cli("webhook", "test", "127.0.0.2")
    assert near.code == 1 and 'did you mean "127.0.0.1"' in near.err


def test_no_event_is_lost_or_invented_over_crashes(daemon, receiver):
    add(daemon, receiver)
    ids, stop = [], threading.Event()

    def submit():
        while not stop.is_set():
            try:
                ids.append(daemon.submit())
            except (OSError, AssertionError):
                stop.wait(0.05)

    for _ in range(4):
        stop.clear()
        client = threading.Thread(target=submit)
        before = len(ids)
        client.start()
        wait_until("some mail", lambda: len(ids) >= before + 40)
        daemon.kill()
        stop.set()
        client.join()
        daemon.start()
    daemon.wait_empty()
    last = daemon.submit()
    told(receiver, last, "accepted", "delivered")
    kept = {}
    after = 0
    while page := daemon.ask(f"/v1/events?after={after}&max=1000")["events"]:
        kept |= {e["seq"]: e for e in page}
        after = page[-1]["seq"]
    told_of = {e["seq"]: e for e in receiver.events()}
    assert told_of == kept
    assert set(ids) <= {e["message_id"] for e in kept.values() if e["kind"] == "accepted"}
