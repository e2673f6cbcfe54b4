"""The rig by itself: when these fail, the machine is to blame and not the server."""
import smtplib

from gonets_rig.daemon import parse_metrics, to_toml
from gonets_rig.knot import Forwarder, Knot, answers
from gonets_rig.net import wait_until
from gonets_rig.postfix import smtp_source
from gonets_rig.sink import cut


def test_sink_records_the_bytes_and_the_envelope(sink):
    with smtplib.SMTP(*sink.endpoint) as client:
        client.sendmail("a@b.test", ["c@d.test", "e@f.test"], b"Subject: x\r\n\r\n.dot\r\n..\r\nend")
    message = sink.one()
    assert message.raw == b"Subject: x\r\n\r\n..dot\r\n...\r\nend\r\n"
    assert message.content == b"Subject: x\r\n\r\n.dot\r\n..\r\nend\r\n"
    assert (message.sender, message.recipients) == ("a@b.test", ["c@d.test", "e@f.test"])


def test_sink_misbehaves_as_told(sink):
    sink.on("RCPT", "550 5.1.1 No", about=b"bad@", times=1).on("end", cut, times=1)
    with smtplib.SMTP(*sink.endpoint) as client:
        client.ehlo()
        client.mail("a@b.test")
        assert client.rcpt("bad@d.test")[0] == 550
        assert client.rcpt("bad@d.test")[0] == 250
        try:
            client.data(b"x\r\n")
            raise AssertionError("not cut")
        except smtplib.SMTPServerDisconnected:
            pass
    assert not sink.messages and len(sink.refused) == 1


def test_smtp_source_reaches_smtp_sink(smtp_sink):
    sink = smtp_sink()
    smtp_source(sink.endpoint, "-m", "50", "-s", "5")
    sink.wait_count(50)


def test_dovecot_takes_mail_by_lmtp_and_gives_it_back(dovecot):
    with smtplib.LMTP(*dovecot.lmtp) as client:
        refused = client.sendmail("a@b.test", ["anna@dovecot.test", "no-one@dovecot.test"], b"Subject: rig\r\n\r\nHi.\r\n")
    assert list(refused) == ["no-one@dovecot.test"]
    assert any(b"Subject: rig" in m for m in dovecot.read("anna"))


def test_postfix_delivers_into_its_maildir(postfix):
    with smtplib.SMTP(*postfix.endpoint) as client:
        refused = client.sendmail("a@b.test", ["rig@postfix.test", "no-one@postfix.test", "x@defer.postfix.test"],
                                  b"Subject: rig\r\n\r\nHi.\r\n")
    assert {address: code for address, (code, _) in refused.items()} == \
        {"no-one@postfix.test": 550, "x@defer.postfix.test": 450}
    wait_until(postfix.log, lambda: "rig@postfix.test" in postfix.recipients())


def test_knot_serves_zones_and_the_forwarder_passes_them_on():
    knot = Knot({"a.test": ["@ MX 10 mx", "mx A 127.0.0.1"]})
    forwarder = Forwarder(knot.endpoint)
    try:
        assert answers(forwarder.endpoint, "a.test")
        assert not answers(forwarder.endpoint, "broken.test")
        assert not answers(forwarder.endpoint, "x.deaf.test")
    finally:
        forwarder.stop()
        knot.stop()


def test_configuration_is_written_as_toml():
    import tomllib
    config = {"a": {"b": "x\"y", "c": True, "d": {"e": ["f", 1]}}, "g": [{"h": 1.5}, {"h": 2}]}
    assert tomllib.loads(to_toml(config)) == config


def test_metrics_are_parsed():
    page = '# HELP a_total x\n# TYPE a_total counter\na_total{b="c",d="e\\"f"} 4\na_total 1e3\n'
    assert parse_metrics(page) == {"a_total": [({"b": "c", "d": 'e\\"f'}, 4.0), ({}, 1000.0)]}
