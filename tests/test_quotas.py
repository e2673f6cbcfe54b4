"""Quotas are exact, also after kill -9; the client is told which one, and when it resets. Paused accounts' mail waits."""
import re
import smtplib
import threading

import pytest

from gonets_rig.net import DEADLINE, wait_until

LISTENERS = [{"kind": "submission", "trusted_networks": []}]
AUTH = {"plaintext_networks": ["127.0.0.0/8"]}


@pytest.fixture(scope="module")
def server(launch_shared, accounts_database):
    return launch_shared(accounts=accounts_database, listener=LISTENERS, auth=AUTH, route=[("*", "discard")])


def account(daemon, name, *settings):
    """Makes an account; gives its login and password."""
    daemon.cli_json("account", "add", name, "--policy", "off", *settings)
    made = daemon.cli_json("credential", "add", name)
    return made["login"], made["secret"]


def client(daemon, credential):
    smtp = smtplib.SMTP(*daemon.endpoint, timeout=DEADLINE)
    smtp.login(*credential)
    return smtp


def send(smtp, recipients=1, subject="hello"):
    """The last reply: of DATA's end, or the first refusal."""
    for command in ("MAIL FROM:<shop@example.com>", *(f"RCPT TO:<r{i}@example.net>" for i in range(recipients)), "DATA"):
        code, text = smtp.docmd(command)
        if code >= 400:
            smtp.docmd("RSET")
            return code, text.decode()
    smtp.send(f"From: shop@example.com\r\nSubject: {subject}\r\n\r\nhello\r\n.\r\n")
    code, text = smtp.getreply()
    return code, text.decode()


def used(daemon, name, measure="recipients"):
    return {q["measure"]: q["used"] for q in daemon.ask(f"/v1/accounts/{name}")["limits"]}[measure]


def test_over_a_short_quota_it_is_452_with_the_time_of_the_reset(server):
    smtp = client(server, account(server, "short", "--quota", "3 recipients/day"))
    assert send(smtp, 2)[0] == 250
    code, text = send(smtp, 2)
    assert code == 452 and text.startswith("4.2.2 ") and "3 recipients a day" in text
    assert re.search(r"resets at \d{4}-\d\d-\d\dT00:00:00Z", text)
    assert send(smtp, 1)[0] == 250
    code, text = smtp.docmd("MAIL FROM:<shop@example.com>")
    assert code == 452, "a message has at least one recipient, so MAIL says it already"
    assert used(server, "short") == 3
    assert "3 used" in server.cli("account", "show", "short").out


def test_over_the_plan_of_a_month_it_is_550_if_the_account_says_so(server):
    assert server.cli("plan", "set", "tiny", "--quota", "1/month").code == 0
    login = account(server, "monthly", "--plan", "tiny")
    smtp = client(server, login)
    assert send(smtp)[0] == 250
    assert send(smtp)[0] == 452
    assert server.cli("account", "set", "monthly", "--month-is-final", "yes").code == 0
    code, text = send(smtp)
    assert code == 550 and text.startswith("5.7.1 ") and "a month" in text
    assert server.cli("plan", "set", "tiny", "--quota", "2/month").code == 0
    assert send(smtp)[0] == 250, "a plan's change is in force at once, on open sessions too"


def test_messages_and_bytes_have_quotas_too_and_a_message_may_be_too_large(server):
    smtp = client(server, account(server, "measured", "--quota", "1 messages/hour@transactional"))
    assert send(smtp, 5)[0] == 250
    assert "1 messages an hour in stream transactional" in send(smtp)[1]
    smtp = client(server, account(server, "bytes", "--quota", "1KiB bytes/day"))
    assert send(smtp)[0] == 250
    assert send(smtp, subject="x" * 900)[0] == 452
    smtp = client(server, account(server, "small", "--message-bytes-max", "1KiB", "--recipients-max", "2"))
    code, text = smtp.docmd("MAIL FROM:<shop@example.com> SIZE=2000")
    assert code == 552 and text.startswith(b"5.3.4 ")
    assert send(smtp, 2)[0] == 250
    assert send(smtp, 3)[0] == 452


def test_two_sessions_cannot_share_the_last_one(server):
    login = account(server, "racing", "--quota", "50 recipients/day")
    codes = []

    def flood():
        smtp = client(server, login)
        for _ in range(20):
            codes.append(send(smtp)[0])
        smtp.quit()
    threads = [threading.Thread(target=flood) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert codes.count(250) == 50 and codes.count(452) == 70
    assert used(server, "racing") == 50


def test_the_count_is_exact_after_kill_9(launch):
    daemon = launch(listener=LISTENERS, auth=AUTH, route=[("*", "discard")])
    login = account(daemon, "shop", "--quota", "400 recipients/day")
    told = []

    def flood():
        try:
            smtp = client(daemon, login)
            while True:
                code = send(smtp)[0]
                if code == 452:
                    return
                told.append(code)
        except (OSError, smtplib.SMTPException):
            return  # the server is gone
    threads = [threading.Thread(target=flood) for _ in range(4)]
    for t in threads:
        t.start()
    wait_until("half of it is used", lambda: len(told) > 100)
    daemon.kill()
    for t in threads:
        t.join()
    daemon.start()
    assert len(told) <= used(daemon, "shop") == daemon.cli_json("audit")["accepted"]
    flood()
    assert used(daemon, "shop") == 400 == daemon.cli_json("audit")["accepted"]


def test_the_mail_of_a_paused_account_waits_and_goes_once_it_is_resumed(launch, sink):
    daemon = launch(listener=LISTENERS, auth=AUTH, route=[("*", sink.route)])
    smtp = client(daemon, account(daemon, "shop"))
    assert daemon.cli("account", "pause", "shop").code == 0
    code, text = send(smtp)
    assert code == 250
    queue_id = text.split()[-1]
    why = daemon.cli("why", queue_id)
    assert "account resume shop" in why.out, why
    daemon.restart()
    wait_until("the queue is in memory again", lambda: daemon.cli_json("queue", "summary")["held"] == 1)
    assert not sink.messages
    assert daemon.cli("account", "resume", "shop").code == 0
    wait_until("the message arrives", lambda: len(sink.messages) == 1)


def test_a_closed_account_can_neither_send_nor_log_in(server):
    login = account(server, "closing")
    smtp = client(server, login)
    assert send(smtp)[0] == 250
    assert server.cli("account", "close", "closing").code == 0
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError, AssertionError)):
        code, _ = send(smtp)
        assert code < 400
    with pytest.raises(smtplib.SMTPAuthenticationError):
        client(server, login)
