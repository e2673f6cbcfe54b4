"""Only CRLF.CRLF ends a message, coming in and going out. A message that hides another one in it is refused, or with
newlines = "normalize" leaves as one message without a bare CR or LF."""
import pytest

from gonets_rig.talk import Talk, letter, split_received

# What some server, somewhere, has taken for the end of data.
ENDS = [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r.\n", b"\r\n.\r\r\n", b"\r\r\n.\r\r\n",
        b"\n\n.\n\n", b"\r\n\r.\r\n", b"\n\r.\r\n", b"\r\n.\n\r", b"\r\n\x00.\r\n", b"\r\n.\x00\r\n", b"\n.\x00\n",
        b"\x00\r\n.\n"]
SECOND = b"MAIL FROM:<evil@sender.test>\r\nRCPT TO:<victim@sink.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nevil\r\n.\r\n"


def names(end):
    return end.replace(b"\r", b"CR ").replace(b"\n", b"LF ").replace(b"\0", b"NUL ").decode().strip()


def smuggle(talk, end):
    """Sends a message with a second one hidden behind `end`, and the true end; gives all replies up to QUIT's."""
    talk.envelope("a@sender.test", "to@sink.test")
    talk.send(b"Subject: outer\r\n\r\nbefore" + end + SECOND.replace(b".\r\n", b"..\r\n") + b"after\r\n.\r\nQUIT\r\n")
    replies = [talk.reply()]
    while replies[-1].code != 221:
        replies.append(talk.reply())
    return replies


@pytest.fixture(scope="module")
def refusing(launch_shared):
    return launch_shared(route=[("*", "capture")])


@pytest.mark.parametrize("end", ENDS, ids=names)
def test_message_with_a_false_end_is_refused_whole(refusing, end):
    with Talk(refusing.endpoint, hello=True) as talk:
        replies = smuggle(talk, end)
    assert [r.code for r in replies] == [550, 221], replies
    assert replies[0].status == "5.6.11"
    assert not refusing.captured()


@pytest.mark.parametrize("end", ENDS, ids=names)
def test_false_end_within_chunks_is_refused_too(refusing, end):
    content = b"Subject: outer\r\n\r\nbefore" + end + SECOND
    with Talk(refusing.endpoint, hello=True) as talk:
        talk.expect(250, "MAIL FROM:<a@sender.test>")
        talk.expect(250, "RCPT TO:<to@sink.test>")
        talk.send(b"BDAT %d LAST\r\n" % len(content) + content)
        assert talk.reply().is_(550, "5.6.11")
        talk.expect(250, "NOOP")
    assert not refusing.captured()


def test_true_end_within_a_chunk_is_stuffed_on_its_way_out(relay, sink):
    content = b"Subject: outer\r\n\r\nbefore\r\n.\r\n" + SECOND
    with relay.talk(hello=True) as talk:
        talk.expect(250, "MAIL FROM:<a@sender.test>")
        talk.expect(250, "RCPT TO:<to@sink.test>")
        talk.send(b"BDAT %d LAST\r\n" % len(content) + content)
        queue_id = talk.reply().queue_id
    relay.wait_event(queue_id, "delivered")
    message = sink.one()
    assert split_received(message.content)[1] == content
    assert b"\r\n.\r\n" not in message.raw


@pytest.mark.parametrize("command", [b"NOOP\n", b"NO\x00OP\r\n", b"NOOP x\rNOOP\r\n"], ids=names)
def test_command_with_a_bare_newline_is_refused(refusing, command):
    with Talk(refusing.endpoint, hello=True) as talk:
        talk.send(command)
        reply = talk.reply()
        assert reply.is_(500, "5.5.2"), reply


@pytest.fixture
def normalizing(launch, sink):
    return launch(route=[("*", sink.route)], smtp={"newlines": "normalize"})


@pytest.mark.parametrize("end", [e for e in ENDS if b"\0" not in e], ids=names)
def test_normalized_message_leaves_as_one_with_clean_line_ends(normalizing, sink, end):
    with Talk(normalizing.endpoint, hello=True) as talk:
        replies = smuggle(talk, end)
        assert [r.code for r in replies] == [250, 221], replies
    normalizing.wait_event(replies[0].queue_id, "delivered")
    with Talk(normalizing.endpoint, hello=True) as talk:
        last = talk.message(letter(), recipients=("last@sink.test",)).queue_id
    normalizing.wait_event(last, "delivered")
    messages = sink.wait_for(2)
    assert [m.recipients for m in messages] == [["to@sink.test"], ["last@sink.test"]]
    raw = messages[0].raw
    without = raw.replace(b"\r\n", b"")
    assert b"\r" not in without and b"\n" not in without
    assert b"\r\n.\r\n" not in raw
    assert b"Subject: smuggled" in raw and raw.endswith(b"after\r\n")


def test_normalized_bare_line_feeds_become_lines(normalizing, sink):
    with Talk(normalizing.endpoint, hello=True) as talk:
        talk.envelope("a@sender.test", "to@sink.test")
        assert talk.end_data(b"Subject: x\r\n\r\none\ntwo\rthree\r\n.\r\n").is_(250)
    _, rest = split_received(sink.one().content)
    assert rest == b"Subject: x\r\n\r\none\r\ntwo\r\nthree\r\n"
