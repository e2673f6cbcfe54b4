"""Smarthosts with a login: Postfix, whose passwords Dovecot checks, over TLS."""
import json
import pathlib
import re

import pytest

from gonets_rig.daemon import BINARY

from gonets_rig.dovecot import DovecotAuth
from gonets_rig.knot import Knot
from gonets_rig.net import free_port, private_host, text_of, wait_until
from gonets_rig.pki import Authority
from gonets_rig.postfix import PostfixReceiver
from gonets_rig.processes import run

ANNA, BORIS = "anna@provider.test", "boris@provider.test"
HOST, OTHER_HOST = private_host(), private_host()
LOGINS = {ANNA: "tram-kettle, 9=", BORIS: "lamp-onion-4", "vera@provider.test": "самовар"}


@pytest.fixture(scope="module")
def authority():
    made = Authority()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def provider(authority):
    """What starts Postfix as a submission server that offers these mechanisms."""
    made = []

    def start(mechanisms="plain login scram-sha-256", names=("smtp.provider.test",), **more):
        sasl = DovecotAuth(LOGINS, mechanisms)
        made.append(sasl)
        made.append(PostfixReceiver(certificate=authority.issue(*names), sasl=sasl, **more))
        return made[-1]
    yield start
    for each in reversed(made):
        each.stop()


@pytest.fixture(scope="module")
def all_mechanisms(provider):
    return provider()


@pytest.fixture(scope="module")
def knot():
    """Where smtp.provider.test is, and what it is not."""
    server = Knot({"provider.test": [f"smtp A {HOST}", f"other A {OTHER_HOST}"]})
    yield server
    server.stop()


@pytest.fixture
def send_by(launch, authority):
    """A server whose mail goes by this route; without `to` or `tls` to the Postfix given, by its address."""
    def make(postfix, *more_routes, config=None, **route):
        table = {"domain": "*", "to": postfix.route, "tls": "required"} | route
        delivery = {"tls_ca_file": str(authority.certificate)}
        return launch(route=[*more_routes, table], delivery=delivery, **config or {})
    return make


def send(daemon, user="a"):
    return daemon.submit(recipients=(f"{user}@postfix.test",), sender="")


def delivered(daemon, user="a"):
    return daemon.wait_event(send(daemon, user), "delivered")


def deferred(daemon, user="a"):
    return daemon.wait_event(send(daemon, user), "deferred")


def sasl_lines(postfix, method=None, name=None):
    return [line for line in postfix.log().splitlines() if "sasl_username=" in line
            and (method is None or f"sasl_method={method}" in line) and (name is None or f"sasl_username={name}" in line)]


def wait_sasl(postfix, method, name):
    wait_until(lambda: f"a login of {name} by {method}: {postfix.log()[-3000:]}",
               lambda: sasl_lines(postfix, method, name))


@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-256"])
def test_logs_in_by_each_mechanism(provider, send_by, mechanism):
    postfix = provider(mechanism)
    event = delivered(send_by(postfix, login=ANNA, password=LOGINS[ANNA]))
    assert event["route"] == f"{postfix.route} as {ANNA};tls=required"
    wait_sasl(postfix, mechanism.upper(), ANNA)


def test_prefers_scram_but_for_what_it_is_not_for(all_mechanisms, send_by):
    delivered(send_by(all_mechanisms, login=BORIS, password=LOGINS[BORIS]))
    wait_sasl(all_mechanisms, "SCRAM-SHA-256", BORIS)
    delivered(send_by(all_mechanisms, login="vera@provider.test", password=LOGINS["vera@provider.test"]))
    wait_until("a login by PLAIN", lambda: sasl_lines(all_mechanisms, "PLAIN"))


@pytest.mark.parametrize("mechanism", ["plain", "scram-sha-256"])
def test_mail_waits_for_the_right_password_and_nothing_tells_the_wrong_one(provider, send_by, mechanism):
    postfix = provider(mechanism)
    server = send_by(postfix, login=ANNA, password="not-the-password", config={"stream": {"transactional": {"retry": ["1s"]}}})
    queue_id = send(server)
    event = server.wait_event(queue_id, "deferred")
    assert event["stage"] == "auth"
    assert event["reply"]["code"] == 451
    assert f"cannot log in as {ANNA}" in event["reply"]["text"] and "535" in event["reply"]["text"]
    for command in ("why", "trace"):
        wait_until(f"{command} tells of the login", lambda: f"cannot log in as {ANNA}" in server.cli(command, queue_id).out)
    assert not postfix.recipients()
    # A reload brings the right one, also to a site that is there already.
    server.config["route"][-1]["password"] = LOGINS[ANNA]
    server.reload()
    server.wait_event(queue_id, "delivered")
    assert [e for e in server.trace(queue_id) if e["kind"] == "bounced"] == []
    assert "not-the-password" not in server.log() and LOGINS[ANNA] not in server.log()


def test_password_comes_from_a_file_beside_the_configuration(all_mechanisms, send_by, tmp_path):
    (tmp_path / "anna.password").write_text(LOGINS[ANNA] + "\n")
    delivered(send_by(all_mechanisms, login=ANNA, password_file=str(tmp_path / "anna.password")))


def test_server_without_auth_gets_no_mail(launch, make_sink, authority):
    sink = make_sink(tls=authority.issue("smtp.provider.test").server_context())
    server = launch(route=[{"domain": "*", "to": sink.route, "tls": "required", "login": ANNA, "password": "x"}])
    event = deferred(server)
    assert event["stage"] == "auth" and "offers none of" in event["reply"]["text"]
    assert not sink.messages


def test_server_without_tls_gets_no_password(launch, make_sink):
    sink = make_sink()
    server = launch(route=[{"domain": "*", "to": sink.route, "tls": "required", "login": ANNA, "password": "x"}])
    assert deferred(server)["stage"] == "tls"
    assert not [c for c in sink.commands() if c.startswith("AUTH")]


@pytest.mark.parametrize("implicit", [False, True])
def test_certificate_is_verified_unless_it_is_said_otherwise(launch, provider, knot, authority, implicit):
    """By default the host's name must be in it, and that of a recipient's domain is not enough."""
    good = provider(implicit_tls=implicit, endpoint=(HOST, free_port(HOST)))
    bad = provider(names=("postfix.test",), implicit_tls=implicit, endpoint=(OTHER_HOST, free_port(OTHER_HOST)))
    scheme = "smtps" if implicit else "smtp"
    server = launch(dns={"servers": [text_of(knot.endpoint)], "timeout": "2s"},
                    delivery={"tls_ca_file": str(authority.certificate), "ipv6": False},
                    route=[{"domain": "*", "to": f"{scheme}://other.provider.test:{bad.endpoint[1]}",
                            "login": ANNA, "password": LOGINS[ANNA]}])
    queue_id = send(server)
    event = server.wait_event(queue_id, "deferred")
    assert event["stage"] == "tls" and "certificate" in event["reply"]["text"], event
    assert not sasl_lines(bad)
    server.config["route"][-1]["to"] = f"{scheme}://smtp.provider.test:{good.endpoint[1]}"
    server.reload()
    assert server.wait_event(queue_id, "delivered")["tls"]["verified_by"] == "pkix"
    wait_sasl(good, "SCRAM-SHA-256", ANNA)


def test_two_logins_share_the_mail(all_mechanisms, send_by):
    """Each domain keeps to one of them; both have a site of their own."""
    server = send_by(all_mechanisms, login=[{"name": name, "password": LOGINS[name]} for name in (ANNA, BORIS)])
    routes = {}
    for domain in 2 * [f"d{i}.elsewhere.test" for i in range(12)]:
        route = server.wait_event(server.submit(recipients=(f"a@{domain}",), sender=""), "delivered")["route"]
        assert routes.setdefault(domain, route) == route
    assert set(routes.values()) == {f"{all_mechanisms.route} as {name};tls=required" for name in (ANNA, BORIS)}


def test_preset_gives_what_the_route_does_not_say(all_mechanisms, send_by):
    server = send_by(all_mechanisms, preset="yandex", login=ANNA, password=LOGINS[ANNA], limits={"messages_a_day": 3})
    assert delivered(server)["route"] == f"{all_mechanisms.route} as {ANNA};tls=required"


def test_a_login_is_not_used_beyond_its_limit_however_often_the_server_dies(all_mechanisms, send_by):
    server = send_by(all_mechanisms, login=BORIS, password=LOGINS[BORIS], limits={"messages_a_day": 9})
    before = len(sasl_lines(all_mechanisms, name=BORIS))

    def sent():
        return len(sasl_lines(all_mechanisms, name=BORIS)) - before
    for round in range(1, 4):
        for i in range(4):
            send(server, f"r{round}x{i}")
        wait_until("some of the mail", lambda: sent() >= 2 * round)
        server.kill()
        server.start()
    send(server, "last")
    # One of the nine is left to mail that is more urgent than this, and each death may have cost one that was counted.
    wait_until("what the limit allows", lambda: sent() >= 9 - 1 - 3)
    # Which of them are left is open: the last may go before those that are still being loaded.
    wait_until("the limit in the way of the rest", lambda: any(
        "9 messages a day for site" in server.cli("why", row["message_id"]).out for row in server.queue()))
    assert sent() <= 9
    assert len(server.queue()) >= 12 + 1 - 9


def test_examples_of_the_documentation_are_good(tmp_path):
    text = (pathlib.Path(__file__).parent.parent / "docs" / "smarthosts.md").read_text()
    examples = re.findall(r"```toml\n(.*?)```", text, re.S)
    assert len(examples) >= 3
    config = tmp_path / "gonets.toml"
    for example in examples:
        for name in re.findall(r'(?:password|secret|token)_file = "(.*?)"', example):
            (tmp_path / name).write_text("a password\n")
            (tmp_path / name).chmod(0o600)
        config.write_text(f'[server]\nhostname = "mx.gonets.test"\n[spool]\npath = "{tmp_path}/spool"\n' + example)
        checked = run(BINARY, "check-config", "--config", config)
        said = (checked.stdout + checked.stderr).decode()
        assert checked.returncode == 0 and "route" not in said and "a password" not in said, said


def test_a_password_file_that_is_missing_is_told(tmp_path):
    config = tmp_path / "gonets.toml"
    config.write_text('[[route]]\ndomain = "*"\npreset = "gmail"\nlogin = "you@gmail.com"\npassword_file = "none"\n')
    checked = run(BINARY, "check-config", "--config", config)
    assert checked.returncode != 0
    assert f"route.password_file ({tmp_path}/none): found No such file or directory" in (checked.stdout + checked.stderr).decode()


def test_presets_are_listed():
    listed = run(BINARY, "rules", "presets", "--json")
    presets = {p["name"]: p for p in json.loads(listed.stdout)["presets"]}
    assert presets["mail.ru"] == {"name": "mail.ru", "title": "Mail.ru", "to": "smtps://smtp.mail.ru:465", "takes_tokens": True,
                                  "limits": {"connections": 1, "messages_a_minute": 1, "recipients_a_transaction": 1}}
    assert {"mail.ru", "yandex", "gmail", "rambler", "ukr.net", "meta.ua"} <= set(presets)
