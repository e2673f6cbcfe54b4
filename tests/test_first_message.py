"""A first message by hand, by swaks and by Python's smtplib, as the mission tells it."""
import email.message
import email.policy
import smtplib

from gonets_rig.postfix import swaks
from gonets_rig.talk import Talk


def test_session_by_hand_goes_as_in_the_documents(launch, sink):
    relay = launch(route=[("*", sink.route)])
    with Talk(relay.endpoint) as telnet:
        assert telnet.greeting.raw.startswith(b"220 mx.gonets.test ")
        assert telnet.command("HELO client.test").raw == b"250 mx.gonets.test\r\n"
        assert telnet.command("MAIL FROM:<ivan@sender.test>").raw == b"250 2.1.0 Ok\r\n"
        assert telnet.command("RCPT TO:<maria@sink.test>").raw == b"250 2.1.5 Ok\r\n"
        assert telnet.command("RCPT TO:<petr@sink.test>").raw == b"250 2.1.5 Ok\r\n"
        assert telnet.command("DATA").code == 354
        reply = telnet.end_data(b"Subject: Hello\r\n\r\nHow are you?\r\n.\r\n")
        assert reply.raw.startswith(b"250 2.0.0 Ok: queued as ")
        assert telnet.command("QUIT").raw == b"221 2.0.0 Bye\r\n"
        assert telnet.closed()
    message = sink.one()
    assert message.sender == "ivan@sender.test"
    assert message.recipients == ["maria@sink.test", "petr@sink.test"]
    assert message.content.endswith(b"Subject: Hello\r\n\r\nHow are you?\r\n")


def test_queue_id_of_the_reply_is_explained_by_trace(relay):
    queue_id = relay.submit(recipients=("maria@sink.test",))
    delivered = relay.wait_event(queue_id, "delivered", "maria@sink.test")
    accepted = relay.trace(queue_id)[0]
    assert accepted["kind"] == "accepted"
    assert accepted["message_id"] == queue_id
    assert accepted["sender"] == "from@sender.test"
    assert [r["address"] for r in accepted["recipients"]] == ["maria@sink.test"]
    assert delivered["reply"]["code"] == 250
    assert delivered["reply"]["from_peer"] is True
    assert "queued as SINK" in delivered["reply"]["text"]
    assert delivered["stage"] == "end_of_data"


def test_queue_ids_are_short_unique_and_sort_by_time(relay):
    ids = [relay.submit() for _ in range(5)]
    with relay.talk(hello=True) as talk:
        ids += [talk.message(b"Subject: x\r\n\r\nx\r\n").queue_id for _ in range(20)]
    assert len(set(ids)) == 25
    assert ids == sorted(ids)
    assert all(len(i) <= 12 for i in ids)


def test_ehlo_offers_what_the_server_can_do(relay):
    with relay.talk() as talk:
        offered = talk.command("EHLO client.test").lines
    assert offered[0].split()[0] == "mx.gonets.test"
    keywords = {line.split()[0] for line in offered[1:]}
    assert keywords >= {"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN", "HELP"}
    assert "STARTTLS" not in keywords, "offered without a certificate"


def test_vrfy_help_noop_and_rset_are_answered(relay):
    with relay.talk(hello=True) as talk:
        talk.expect(252, "VRFY maria", "2.1.5")
        talk.expect(214, "HELP", "2.0.0")
        talk.expect(250, "NOOP", "2.0.0")
        talk.expect(250, "MAIL FROM:<a@sender.test>")
        talk.expect(250, "RSET", "2.0.0")
        talk.expect(503, "RCPT TO:<b@sink.test>", "5.5.1")


def test_swaks_sends_a_message(relay, sink):
    code, said = swaks(relay.endpoint, "--from", "ivan@sender.test", "--to", "maria@sink.test,petr@sink.test",
                       "--header", "Subject: By swaks", "--body", "Line one\n.\n..two")
    assert code == 0, said
    message = sink.one()
    assert message.recipients == ["maria@sink.test", "petr@sink.test"]
    assert b"Subject: By swaks\r\n" in message.content
    assert b"Line one\r\n.\r\n..two\r\n" in message.content


def test_swaks_is_answered_when_it_pipelines(relay, sink):
    code, said = swaks(relay.endpoint, "--pipeline", "--from", "ivan@sender.test", "--to", "maria@sink.test")
    assert code == 0, said
    sink.one()


def test_smtplib_sends_eight_bit_mime(relay, sink):
    message = email.message.EmailMessage(policy=email.policy.SMTP.clone(cte_type="8bit"))
    message["From"], message["To"], message["Subject"] = "ivan@sender.test", "maria@sink.test", "Привет"
    message.set_content("Здравствуйте, Мария!\n", cte="8bit")
    with smtplib.SMTP(*relay.endpoint) as client:
        client.send_message(message, mail_options=["BODY=8BITMIME"])
    got = sink.one()
    assert got.parameters()["BODY"] == "8BITMIME"
    assert "Здравствуйте, Мария!\r\n".encode() in got.content


def test_smtplib_sends_to_an_internationalized_address(relay, sink):
    message = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
    message["From"], message["To"], message["Subject"] = "ivan@sender.test", "мария@sink.test", "Привет"
    message.set_content("Здравствуйте!\n", cte="8bit")
    with smtplib.SMTP(*relay.endpoint) as client:
        client.send_message(message)
    got = sink.one()
    assert got.recipients == ["мария@sink.test"]
    assert "SMTPUTF8" in got.parameters()
    assert "Subject: Привет\r\n".encode() in got.content
