"""Events into NATS JetStream and Kafka: all of them, in order, at least once whatever dies when; and never in mail's way."""
import json
import signal
import subprocess
import threading

import pytest

from conftest import factory_of
from gonets_rig.brokers import KafkaMock, NatsServer
from gonets_rig.daemon import BINARY
from gonets_rig.nats_keys import Logins
from gonets_rig.net import free_endpoint, text_of, wait_until
from gonets_rig.pki import Authority

WAIT = 60
STREAM, SUBJECT, TOPIC = "GONETS", "gonets.events", "gonets-events"


@pytest.fixture
def start_nats():
    yield from factory_of(NatsServer, NatsServer.remove)


@pytest.fixture
def nats(start_nats):
    server = start_nats()
    server.add_stream(STREAM, "gonets.>")
    return server


@pytest.fixture
def kafka():
    """Not for a server built with TSan: that of g++ 12 does not know thrd_create(), by which librdkafka makes its threads."""
    yield from factory_of(KafkaMock, KafkaMock.remove)


@pytest.fixture
def launch_to(launch):
    """launch_to(broker, ...): a server with a sink named `out` to it."""
    def start(broker, **more):
        return launch(route=[("*", "discard")], sink=[table_for(broker) | more])
    return start


def table_for(broker):
    if isinstance(broker, NatsServer):
        return {"name": "out", "kind": "nats", "servers": [broker.address], "subject": SUBJECT, "jetstream": STREAM}
    return {"name": "out", "kind": "kafka", "servers": broker.servers, "topic": TOPIC}


def in_log(server, query=""):
    found, cursor = [], "0"
    while True:
        page = server.ask(f"/v1/events?after={cursor}&max=1000{query}")
        if not page["events"] and page["next"] == cursor:
            return found
        found += page["events"]
        cursor = page["next"]


def wait_all_ended(server):
    """All events, when each recipient has ended."""
    server.wait_empty()

    def count(kind):
        return sum(len(e["recipients"]) for e in in_log(server) if e["kind"] == kind)
    wait_until("all ends are safe", lambda: count("discarded") == count("accepted"), WAIT, every=0.2)
    return in_log(server)


def discarded(server):
    return [e for e in wait_all_ended(server) if e["kind"] == "discarded"]


def wait_in_nats(nats, server, events):
    wait_until(lambda: f"{len(events)} events, found {nats.count(STREAM)}\n{server.log()[-3000:]}",
               lambda: nats.count(STREAM) >= len(events), WAIT, every=0.2)
    return nats.messages(STREAM)


def wait_in_kafka(kafka, server, events):
    wanted = {e["seq"] for e in events}
    wait_until(lambda: f"{len(events)} events, found {len(kafka.records())}\n{server.log()[-3000:]}",
               lambda: {e["seq"] for _, _, _, e in kafka.records()} >= wanted, WAIT, every=0.2)
    return kafka.records()


def sample(server, name):
    (labels, value), = server.metrics()[f"gonets_sink_{name}"]
    assert labels == {"sink": "out"}
    return value


def wait_down(server, *words):
    wait_until("the sink is down", lambda: sample(server, "up") == 0, WAIT, every=0.1)
    wait_until(lambda: f"the log says {words}: {server.log()[-3000:]}",
               lambda: any("sink_failed" in line and all(w in line for w in words) for line in server.log().splitlines()), WAIT)


def wait_up(server):
    wait_until(lambda: f"the sink is up\n{server.log()[-3000:]}", lambda: sample(server, "up") == 1, WAIT, every=0.1)


def send_until(server, going, sent):
    while not going.is_set():
        try:
            sent.append(server.submit(recipients=[f"r{n}@x.test" for n in range(20)]))
        except (OSError, AssertionError):
            return  # a kill came in between


def kill_while_events_flow(server, rounds=3):
    """The queue ids of what the server took."""
    sent = []
    for _ in range(rounds):
        going = threading.Event()
        sender = threading.Thread(target=send_until, args=(server, going, sent))
        before = len(sent)
        sender.start()
        wait_until("mail flows", lambda: len(sent) >= before + 20, WAIT)
        server.kill()
        going.set()
        sender.join()
        server.start()
    return sent


# ---- NATS

def test_a_stream_gets_the_events_in_order_as_the_api_tells_them(nats, launch_to):
    server = launch_to(nats)
    for _ in range(5):
        server.submit()
    events = wait_all_ended(server)
    got = wait_in_nats(nats, server, events)
    assert [e for _, _, e in got] == events and len(events) == 10
    assert {subject for subject, _, _ in got} == {SUBJECT}
    assert len({i for _, i, _ in got}) == 10 and all(i.startswith("mx.gonets.test-") for _, i, _ in got)
    wait_until("they are counted", lambda: sample(server, "events_total") == 10, WAIT, every=0.1)
    wait_until("none is behind", lambda: sample(server, "lag_seconds") == 0, WAIT, every=0.1)


def test_the_subject_may_have_the_kind_and_kinds_are_chosen(nats, launch_to):
    server = launch_to(nats, subject="gonets.{kind}.out", kinds=["discarded"])
    server.submit()
    wait_all_ended(server)
    got = wait_in_nats(nats, server, in_log(server, "&kind=discarded"))
    assert [(s, e["kind"]) for s, _, e in got] == [("gonets.discarded.out", "discarded")]


def test_a_broker_that_is_killed_and_comes_back_has_all_events_once(nats, launch_to):
    server = launch_to(nats)
    going, sent = threading.Event(), []
    sender = threading.Thread(target=send_until, args=(server, going, sent))
    sender.start()
    for _ in range(2):
        before = nats.count(STREAM)
        wait_until("events flow", lambda: nats.count(STREAM) > before + 100, WAIT)
        nats.kill()
        wait_down(server)
        nats.start()
        wait_up(server)
    going.set()
    sender.join()
    events = wait_all_ended(server)
    got = wait_in_nats(nats, server, events)
    assert sorted(e["seq"] for _, _, e in got) == [e["seq"] for e in events]


def test_a_broker_that_is_down_at_the_start_gets_what_waited(start_nats, launch_to):
    nats = start_nats()
    nats.add_stream(STREAM, SUBJECT)
    nats.kill()
    server = launch_to(nats)
    server.submit()
    wait_down(server, nats.address)
    events = wait_all_ended(server)
    nats.start()
    assert [e for _, _, e in wait_in_nats(nats, server, events)] == events
    wait_up(server)


def test_the_next_server_is_taken_when_one_is_down(nats, launch_to):
    server = launch_to(nats, servers=[text_of(free_endpoint()), nats.address])
    server.submit()
    wait_in_nats(nats, server, wait_all_ended(server))


def test_kill_9_loses_no_event_and_the_stream_has_each_once(nats, launch_to):
    server = launch_to(nats)
    sent = kill_while_events_flow(server)
    events = wait_all_ended(server)
    assert server.audit()["balanced"]
    got = wait_in_nats(nats, server, events)
    assert [e for _, _, e in got] == events
    assert {e["message_id"] for e in events if e["kind"] == "accepted"} >= set(sent)


def test_a_stream_that_is_not_there_is_told_and_taken_when_it_is_made(start_nats, launch_to):
    nats = start_nats()
    server = launch_to(nats)
    server.submit()
    wait_down(server, 'there is no stream', 'nats stream add GONETS')
    doctor = server.cli("doctor")
    assert doctor.code == 1 and "the sink out" in doctor.out, doctor
    nats.add_stream(STREAM, "other")
    wait_down(server, 'change `subject`')
    nats.update_stream(STREAM, "gonets.events")
    wait_in_nats(nats, server, wait_all_ended(server))
    wait_up(server)
    nats.remove_stream(STREAM)
    server.submit()
    wait_until("the sink is down again", lambda: sample(server, "up") == 0, WAIT, every=0.1)
    nats.add_stream(STREAM, SUBJECT)
    wait_up(server)
    wait_all_ended(server)
    wait_until("the later events", lambda: nats.count(STREAM) >= 2, WAIT, every=0.2)


def test_a_stream_that_is_full_is_told_and_gets_the_rest_later(start_nats, launch_to):
    nats = start_nats()
    nats.add_stream(STREAM, SUBJECT, max_msgs=3, discard="new")
    server = launch_to(nats)
    for _ in range(3):
        server.submit()
    events = wait_all_ended(server)
    wait_down(server, "maximum messages exceeded")
    nats.update_stream(STREAM, SUBJECT, max_msgs=-1, discard="new")
    assert sorted(e["seq"] for _, _, e in wait_in_nats(nats, server, events)) == [e["seq"] for e in events]
    wait_up(server)


def test_a_broker_that_hangs_slows_neither_mail_nor_the_end(nats, launch_to):
    server = launch_to(nats)
    server.submit()
    wait_in_nats(nats, server, wait_all_ended(server))
    nats.child.send_signal(signal.SIGSTOP)
    try:
        for _ in range(5):
            server.submit()
        wait_all_ended(server)
        server.stop()
    finally:
        nats.child.send_signal(signal.SIGCONT)
    server.start()
    events = wait_all_ended(server)
    assert [e["seq"] for _, _, e in wait_in_nats(nats, server, events)] == [e["seq"] for e in events]


@pytest.mark.parametrize("by", ["password", "token"])
def test_a_login_to_nats_is_read_from_a_file(start_nats, launch_to, tmp_path, by):
    secret = tmp_path / "secret"
    secret.write_text("hush hush\n" if by == "password" else "hush\n")
    secret.chmod(0o600)
    if by == "password":
        nats = start_nats('authorization { user: "mta", password: "hush hush" }', user="mta", **{"pass": "hush hush"})
        login = {"user": "mta", "password_file": str(secret)}
    else:
        nats = start_nats('authorization { token: "hush" }', auth_token="hush")
        login = {"token_file": str(secret)}
    nats.add_stream(STREAM, SUBJECT)
    server = launch_to(nats, **login)
    server.submit()
    wait_in_nats(nats, server, wait_all_ended(server))
    server.stop()
    secret.write_text("wrong\n")
    server.start()
    wait_down(server, "uthorization")
    assert "hush" not in server.log() and "wrong" not in server.log()


def test_a_login_to_nats_is_a_credentials_file(start_nats, launch_to, tmp_path):
    logins = Logins()
    key, claim = logins.add_user("rig")
    nats = start_nats(logins.server, jwt=claim, key=key)
    nats.add_stream(STREAM, SUBJECT)
    credentials = tmp_path / "mta.creds"
    mta = logins.add_user("mta")
    credentials.write_text(logins.credentials(*mta))
    credentials.chmod(0o600)
    server = launch_to(nats, credentials_file=str(credentials))
    server.submit()
    wait_in_nats(nats, server, wait_all_ended(server))
    server.stop()
    stranger = Logins().add_user("mta")
    credentials.write_text(logins.credentials(*stranger))
    server.start()
    wait_down(server, "uthorization")
    assert mta[0].seed not in server.log() and stranger[0].seed not in server.log()
    credentials.write_text(logins.credentials(*mta))  # read again by the next try
    server.submit()
    wait_in_nats(nats, server, wait_all_ended(server))
    wait_up(server)


def test_tls_to_nats_wants_a_certificate_of_the_authority(start_nats, launch_to):
    ours, other = Authority("ours"), Authority("other")
    mine = ours.issue("localhost")
    nats = start_nats(f'tls {{ cert_file: "{mine.certificate}", key_file: "{mine.key}", timeout: 5 }}')
    port = nats.endpoint[1]
    nats.config.write_text(nats.config.read_text().replace(nats.address, f"127.0.0.1:{port}"))
    nats.kill()
    nats.endpoint = ("127.0.0.1", port)
    nats.start()
    server = launch_to(nats, servers=[f"localhost:{port}"], tls=True, tls_ca=str(ours.certificate))
    wait_down(server, "there is no stream")  # so far it comes only behind a certificate that is verified
    for change, words in (({"tls_ca": str(other.certificate)}, ("certificate",)),
                          ({"servers": [f"127.0.0.1:{port}"]}, ("mismatch",))):
        server.stop()
        before = server.config["sink"][0]
        server.config["sink"][0] = before | change
        server.start()
        wait_down(server, *words)
        server.config["sink"][0] = before


# ---- Kafka

def test_a_topic_gets_the_events_with_those_of_a_message_in_order(kafka, launch_to):
    cluster = kafka(brokers=3)
    cluster.add_topic(TOPIC, partitions=4)
    server = launch_to(cluster)
    for _ in range(20):
        server.submit()
    events = wait_all_ended(server)
    got = wait_in_kafka(cluster, server, events)
    assert sorted(e["seq"] for *_, e in got) == [e["seq"] for e in events]
    assert {e["seq"]: e for *_, e in got} == {e["seq"]: e for e in events}
    assert all(key == e["message_id"] for _, key, _, e in got)
    assert len({partition for partition, *_ in got}) > 1
    assert len({i for _, _, i, _ in got}) == len(events)
    for queue_id in {e["message_id"] for e in events}:
        of_it = [e["kind"] for _, key, _, e in got if key == queue_id]
        assert of_it == ["accepted", "discarded"]
    wait_until("they are counted", lambda: sample(server, "events_total") == 40, WAIT, every=0.1)


def test_a_kafka_that_goes_away_and_comes_back_has_all_events_in_order(kafka, launch_to):
    cluster = kafka()
    cluster.add_topic(TOPIC)
    server = launch_to(cluster)
    going, sent = threading.Event(), []
    sender = threading.Thread(target=send_until, args=(server, going, sent))
    sender.start()
    for _ in range(2):
        before = len(cluster.records())
        wait_until("events flow", lambda: len(cluster.records()) > before + 100, WAIT, every=0.1)
        cluster.tell("down")
        wait_down(server)
        cluster.tell("up")
        wait_up(server)
    going.set()
    sender.join()
    events = wait_all_ended(server)
    got = [e["seq"] for *_, e in wait_in_kafka(cluster, server, events)]
    # What was stored without its answer getting through is sent again, by the same sequence number. A broker drops it
    # by that; the mock cluster keeps both.
    assert list(dict.fromkeys(got)) == [e["seq"] for e in events]


def test_a_kafka_that_is_down_at_the_start_gets_what_waited(kafka, launch_to):
    cluster = kafka()
    cluster.add_topic(TOPIC)
    cluster.tell("down")
    server = launch_to(cluster)
    server.submit()
    wait_down(server, cluster.servers[0].rpartition(":")[2])
    events = wait_all_ended(server)
    cluster.tell("up")
    assert [e for *_, e in wait_in_kafka(cluster, server, events)] == events
    wait_up(server)


def test_kill_9_loses_no_event_and_invents_none(kafka, launch_to):
    cluster = kafka()
    cluster.add_topic(TOPIC, partitions=2)
    server = launch_to(cluster)
    sent = kill_while_events_flow(server)
    events = wait_all_ended(server)
    got = wait_in_kafka(cluster, server, events)
    assert {e["seq"]: e for *_, e in got} == {e["seq"]: e for e in events}
    by_id = {}
    for _, _, event_id, e in got:
        assert by_id.setdefault(event_id, e) == e
    assert len(by_id) == len(events)
    assert {e["message_id"] for e in events if e["kind"] == "accepted"} >= set(sent)


def test_a_topic_that_is_not_there_is_told_and_taken_when_it_is_made(kafka, launch_to):
    cluster = kafka()
    cluster.hide_topic(TOPIC)
    server = launch_to(cluster)
    server.submit()
    wait_down(server, "there is no topic", "--create --topic gonets-events")
    doctor = server.cli("doctor")
    assert doctor.code == 1 and "the sink out" in doctor.out, doctor
    cluster.add_topic(TOPIC)
    wait_in_kafka(cluster, server, wait_all_ended(server))
    wait_up(server)


def test_what_kafka_refuses_for_now_it_is_sent_again_in_order(kafka, launch_to):
    not_enough_replicas, not_leader = 19, 6
    cluster = kafka()
    cluster.add_topic(TOPIC)
    # One event at a time: the mock minds no sequence numbers, and takes the second of two batches whose first it refused,
    # by which the client knows, as of a real broker, that the first is there, too.
    server = launch_to(cluster, kinds=["discarded"])
    cluster.tell(f"fail {not_enough_replicas} 3")
    server.submit()
    wait_in_kafka(cluster, server, discarded(server))
    cluster.tell(f"fail {not_leader} 2")
    server.submit()
    got = wait_in_kafka(cluster, server, discarded(server))
    assert [e["seq"] for *_, e in got] == [2, 4]


def test_what_kafka_refuses_for_good_is_told_and_not_passed_over(kafka, launch_to):
    message_too_large = 10
    cluster = kafka()
    cluster.add_topic(TOPIC)
    server = launch_to(cluster)
    server.submit()
    wait_in_kafka(cluster, server, wait_all_ended(server))
    cluster.tell(f"fail {message_too_large} 1")
    server.submit()
    wait_down(server, "event 3", "too large")
    wait_in_kafka(cluster, server, wait_all_ended(server))
    wait_up(server)


def test_a_kafka_that_is_slow_slows_neither_mail_nor_the_end(kafka, launch_to):
    cluster = kafka()
    cluster.add_topic(TOPIC)
    server = launch_to(cluster)
    server.submit()
    wait_in_kafka(cluster, server, wait_all_ended(server))
    cluster.tell("rtt 20000")
    for _ in range(5):
        server.submit()
    wait_all_ended(server)
    server.stop()
    cluster.tell("rtt 0")
    server.start()
    wait_in_kafka(cluster, server, wait_all_ended(server))


# ---- what both have

def test_a_configuration_that_cannot_work_is_refused(tmp_path):
    nats = {"name": "out", "kind": "nats", "servers": ["nats.test:4222"], "subject": "a", "jetstream": "A"}
    kafka = {"name": "out", "kind": "kafka", "servers": ["kafka.test:9092"], "topic": "a"}
    secret = tmp_path / "secret"
    secret.write_text("x\n")
    for whole, change, words in (
            (nats, {"servers": ["nats.test"]}, ("servers", "nats.example.com:4222")),
            (nats, {"servers": []}, ("servers",)),
            (nats, {"subject": "a.>"}, ("subject", "gonets.events")),
            (nats, {"subject": "a.x{kind}"}, ("subject",)),
            (nats, {"jetstream": "a.b"}, ("jetstream",)),
            (nats, {"topic": "a"}, ("topic", "another kind")),
            (nats, {"folder": "/a"}, ("folder", "another kind")),
            (nats, {"jetstream": None}, ("jetstream", "nothing")),
            (kafka, {"topic": None}, ("topic", "nothing")),
            (kafka, {"topic": "a b"}, ("topic",)),
            (kafka, {"user": "me"}, ("password_file", "is needed")),
            (kafka, {"mechanism": "gssapi"}, ("mechanism", "scram-sha-512")),
            (kafka, {"user": "me", "password_file": "/nowhere"}, ("password_file", "/nowhere")),
            (kafka, {"tls_ca": "/etc/hostname"}, ("tls_ca", "tls = true")),
            (nats, {"user": "me", "password_file": str(secret), "token_file": str(secret)}, ("more than one",))):
        table = {k: v for k, v in (whole | change).items() if v is not None}
        config = tmp_path / "bad.toml"
        config.write_text("[[sink]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in table.items()))
        answer = check(config)
        text = answer.stdout + answer.stderr
        assert answer.returncode != 0 and all(w in text for w in ("sink", *words)), (change, text)


def test_a_password_in_the_clear_is_warned_of(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x\n")
    secret.chmod(0o600)
    config = tmp_path / "clear.toml"
    config.write_text(f"""[[sink]]
name = "out"
kind = "kafka"
servers = ["localhost:9092", "kafka.test:9092"]
topic = "a"
user = "me"
password_file = "{secret}"
mechanism = "plain"
""")
    answer = check(config)
    assert "sink[1].tls" in answer.stdout + answer.stderr and "kafka.test:9092" in answer.stdout + answer.stderr


def check(config):
    return subprocess.run([BINARY, "check-config", "--config", config], capture_output=True, text=True, check=False)
