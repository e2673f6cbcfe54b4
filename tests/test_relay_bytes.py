"""What goes in comes out, byte for byte; only trace is added."""
import email
import email.utils
import random
import re

import pytest

from gonets_rig.net import free_endpoint, text_of
from gonets_rig.talk import Talk, letter, split_received

HEADER = b"From: <a@sender.test>\r\nSubject: bytes\r\n\r\n"


def random_body(rng):
    """Lines that hurt: of dots, empty, long, of eight bits, with tabs and spaces at the end."""
    makers = (
        lambda: b"." * rng.randrange(1, 6),
        lambda: b".." + rng.randbytes(3).hex().encode(),
        lambda: b"",
        lambda: bytes(rng.choice(b"abc. \t") for _ in range(rng.randrange(1, 998))),
        lambda: bytes(rng.choice([c for c in range(1, 256) if c not in b"\r\n"]) for _ in range(rng.randrange(1, 300))),
        lambda: b"x" * rng.choice((998, 999, 4095, 4096, 4097, 16000)),
        lambda: b"trailing \t ",
    )
    return b"".join(rng.choice(makers)() + b"\r\n" for _ in range(rng.randrange(0, 60)))


@pytest.mark.parametrize("seed", range(12))
def test_random_content_arrives_unchanged(relay, sink, seed):
    rng = random.Random(seed)
    contents = [HEADER + random_body(rng) for _ in range(20)]
    with relay.talk(hello=True) as talk:
        for n, content in enumerate(contents):
            reply = talk.message(content, recipients=(f"n{n}@sink.test",))
            assert reply.is_(250), reply
    got = {m.recipients[0]: m.content for m in sink.wait_for(len(contents))}
    for n, content in enumerate(contents):
        received, rest = split_received(got[f"n{n}@sink.test"])
        assert rest == content, f"message {n} of seed {seed}"


def test_only_one_received_field_is_added_and_it_tells_the_way(relay, sink):
    queue_id = relay.submit(letter())
    received, rest = split_received(sink.one().content)
    assert rest == letter()
    flat = re.sub(rb"\r\n[ \t]+", b" ", received).decode()
    assert "from client.test" in flat and "[127.0.0.1]" in flat
    assert "by mx.gonets.test" in flat
    assert f"id {queue_id}" in flat
    assert "with ESMTP" in flat
    assert "for <to@sink.test>" in flat
    assert email.utils.parsedate_to_datetime(flat.rsplit(";", 1)[1].strip())
    assert max(map(len, received.split(b"\r\n"))) <= 998


def test_received_names_no_recipient_when_there_are_several(relay, sink):
    relay.submit(recipients=("one@sink.test", "two@sink.test"))
    received, _ = split_received(sink.one().content)
    assert b"one@" not in received and b"two@" not in received


def test_world_listener_adds_neither_date_nor_message_id(relay, sink):
    relay.submit(b"Subject: bare\r\n\r\nx\r\n")
    _, rest = split_received(sink.one().content)
    assert rest == b"Subject: bare\r\n\r\nx\r\n"


@pytest.mark.parametrize("content", [b"\r\nbody only\r\n", b"Subject: no body\r\n", b"Subject: empty body\r\n\r\n",
                                     b"no header at all\r\n", b".\r\n", b"...\r\n.\r\n..\r\n"])
def test_odd_messages_arrive_unchanged(relay, sink, content):
    with relay.talk(hello=True) as talk:
        assert talk.message(content).is_(250)
    _, rest = split_received(sink.one().content)
    # A message without a header's end gets no other bytes than the Received field.
    assert rest in (content, b"\r\n" + content)


def bdat(talk, *chunks):
    talk.expect(250, "MAIL FROM:<a@sender.test>")
    talk.expect(250, "RCPT TO:<to@sink.test>")
    for n, chunk in enumerate(chunks):
        last = b" LAST" if n == len(chunks) - 1 else b""
        talk.send(b"BDAT %d%s\r\n" % (len(chunk), last) + chunk)
        reply = talk.reply()
        assert reply.is_(250, "2.0.0"), reply
    return reply


def test_chunks_of_bdat_arrive_as_one_message(relay, sink):
    rng = random.Random(7)
    content = HEADER + random_body(rng) + b".\r\n.\r\nnot the end\r\n"
    cuts = sorted(rng.sample(range(len(content)), 4))
    chunks = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)])]
    with relay.talk(hello=True) as talk:
        bdat(talk, *chunks)
    _, rest = split_received(sink.one().content)
    assert rest == content


def test_bdat_may_end_without_a_line_end(relay, sink):
    with relay.talk(hello=True) as talk:
        bdat(talk, HEADER + b"no line end", b"")
    _, rest = split_received(sink.one().content)
    # SMTP's DATA can only carry whole lines.
    assert rest == HEADER + b"no line end\r\n"


def test_pipelined_bdat_and_data_share_a_connection(relay, sink):
    content = letter()
    with relay.talk(hello=True) as talk:
        talk.send(b"MAIL FROM:<a@sender.test>\r\nRCPT TO:<one@sink.test>\r\nBDAT %d LAST\r\n" % len(content) + content +
                  b"MAIL FROM:<a@sender.test>\r\nRCPT TO:<two@sink.test>\r\nDATA\r\n")
        assert [talk.reply().code for _ in range(6)] == [250, 250, 250, 250, 250, 354]
        assert talk.end_data(content + b".\r\n").is_(250)
    assert {m.recipients[0]: split_received(m.content)[1] for m in sink.wait_for(2)} == \
        {"one@sink.test": content, "two@sink.test": content}


@pytest.fixture
def submission(launch, sink):
    return launch(route=[("*", sink.route)],
                  listener=[{}, {"kind": "submission", "address": text_of(free_endpoint())}])


def submit(daemon, content):
    with Talk(daemon.endpoints[1], hello=True) as talk:
        reply = talk.message(content)
        assert reply.is_(250), reply
        return reply.queue_id


def test_submission_adds_date_and_message_id_where_they_lack(submission, sink):
    submit(submission, b"From: <a@sender.test>\r\nSubject: bare\r\n\r\nbody\r\n")
    content = sink.one().content
    message = email.message_from_bytes(content)
    assert email.utils.parsedate_to_datetime(message["Date"])
    assert re.fullmatch(r"<[^<>@\s]+@mx\.gonets\.test>", message["Message-ID"])
    assert len(message.get_all("Date")) == len(message.get_all("Message-ID")) == 1
    assert content.endswith(b"From: <a@sender.test>\r\nSubject: bare\r\n\r\nbody\r\n")


def test_submission_leaves_alone_what_is_there(submission, sink):
    submit(submission, letter())
    _, rest = split_received(sink.one().content)
    assert rest == letter()


def test_submission_gives_each_message_an_id_of_its_own(submission, sink):
    for _ in range(3):
        submit(submission, b"Subject: bare\r\n\r\nbody\r\n")
    ids = {email.message_from_bytes(m.content)["Message-ID"] for m in sink.wait_for(3)}
    assert len(ids) == 3
