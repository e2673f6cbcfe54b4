"""A host that is busy is passed over: another MX of the site takes the mail in the same attempt."""
import socket

import pytest

from conftest import factory_of
from gonets_rig.knot import Knot
from gonets_rig.net import free_port, private_host, text_of, wait_until
from gonets_rig.postfix import PostfixReceiver

FIRST, SECOND = private_host(), private_host()
BUSY = "452 4.3.1 Insufficient system resources"
# More than any disk has: Postfix says so at MAIL.
NO_SPACE = ("queue_minfree = 1000000000000000",)


def refuses(step, about=None):
    """Settings of a Postfix that is busy at this step; for one recipient alone at RCPT."""
    if step == "mail":
        return NO_SPACE
    if step == "rcpt":
        return (f"smtpd_recipient_restrictions = check_recipient_access inline:{{ {{ {about}@postfix.test = {BUSY} }} }}",)
    return (f"smtpd_{step}_restrictions = check_client_access static:{{{BUSY}}}",)


@pytest.fixture(scope="module")
def port():
    """One that is free at both hosts, as all MX hosts of the world share theirs."""
    while True:
        number = free_port(FIRST)
        try:
            with socket.socket() as s:
                s.bind((SECOND, number))
            return number
        except OSError:
            continue


@pytest.fixture(scope="module")
def knot():
    server = Knot({"postfix.test": ["@ MX 10 first", "@ MX 20 second", f"first A {FIRST}", f"second A {SECOND}"]})
    yield server
    server.stop()


@pytest.fixture
def receiver(port):
    yield from factory_of(lambda host, *settings: PostfixReceiver(endpoint=(host, port), settings=settings),
                          PostfixReceiver.stop)


@pytest.fixture
def start(launch, knot, port):
    def make(**config):
        return launch(dns={"servers": [text_of(knot.endpoint)], "timeout": "2s"},
                      delivery={"port": port, "ipv6": False, "allow_loopback_mx": True},
                      stream={"transactional": {"retry": ["1h"]}}, **config)
    return make


@pytest.mark.parametrize("step", ["mail", "data", "end_of_data"])
def test_the_next_host_takes_what_the_first_is_too_busy_for(start, receiver, step):
    receiver(FIRST, *refuses(step))
    second = receiver(SECOND)
    daemon = start()
    queue_id = daemon.submit(recipients=["a@postfix.test", "b@postfix.test"])
    ends = daemon.wait_ends(queue_id, "a@postfix.test", "b@postfix.test")
    assert {(e["kind"], e["attempts"], e["remote_host"]) for e in ends.values()} == {("delivered", 1, "second.postfix.test")}
    assert not daemon.events_of(queue_id, kind="deferred")
    wait_until("both are there", lambda: sorted(second.recipients()) == ["a@postfix.test", "b@postfix.test"])
    assert daemon.audit()["balanced"]


def test_only_those_go_on_whom_the_first_host_had_no_room_for(start, receiver):
    first, second = receiver(FIRST, *refuses("rcpt", about="b")), receiver(SECOND)
    daemon = start()
    everybody = ["a@postfix.test", "b@postfix.test", "no-one@postfix.test"]
    ends = daemon.wait_ends(daemon.submit(recipients=everybody), *everybody)
    assert {a[:2]: (e["kind"], e["remote_host"][:6]) for a, e in ends.items()} == {
        "a@": ("delivered", "first."), "b@": ("delivered", "second"), "no": ("bounced", "first.")}
    wait_until("each is where it belongs", lambda: (first.recipients(), second.recipients()) ==
               (["a@postfix.test"], ["b@postfix.test"]))
    assert daemon.audit()["balanced"]


def test_what_the_first_host_said_is_told_when_no_other_takes_it(start, receiver):
    receiver(FIRST, *refuses("mail"))
    daemon = start()
    queue_id = daemon.submit(recipients=["a@postfix.test"])
    event = daemon.wait_event(queue_id, "deferred")
    assert event["reply"]["code"] == 452 and event["remote_host"] == "first.postfix.test" and event["stage"] == "mail"
    assert "busy" in event["reason"]
    assert daemon.queue()[0]["state"] == "deferred"


def test_much_mail_gets_through_beside_a_busy_host(start, receiver):
    receiver(FIRST, *refuses("mail"))
    second = receiver(SECOND)
    daemon = start()
    ids = [daemon.submit(recipients=[f"r{n}@postfix.test"]) for n in range(50)]
    wait_until("all are there", lambda: len(second.messages()) == 50, deadline=120)
    wait_until("all are settled", lambda: all(daemon.ends(i) for i in ids), deadline=60)
    assert daemon.audit()["balanced"] and not any(daemon.events_of(i, kind="deferred") for i in ids)


def test_a_dry_run_passes_nobody_over(start, receiver):
    receiver(FIRST, *refuses("mail"))
    second = receiver(SECOND)
    daemon = start(shaping={"dry_run": True})
    daemon.wait_event(daemon.submit(recipients=["a@postfix.test"]), "deferred")
    assert not second.recipients()
