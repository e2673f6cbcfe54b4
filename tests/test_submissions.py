"""Submission over implicit TLS (RFC 8314), with a certificate that the test makes."""
import smtplib
import socket
import ssl

import pytest

from gonets_rig.processes import run
from gonets_rig.talk import letter


@pytest.fixture
def certificate(tmp_path):
    key, pem = tmp_path / "key.pem", tmp_path / "cert.pem"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", key, "-out", pem, "-subj", "/CN=gonets.test", "-addext", "subjectAltName=DNS:gonets.test")
    return key, pem


@pytest.fixture
def secured(launch, certificate):
    key, pem = certificate
    return launch(listener=[{}, {"kind": "submissions", "tls_certificate": str(pem), "tls_key": str(key)}],
                  route=[("*", "capture")])


def verified(pem):
    context = ssl.create_default_context(cafile=pem)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def test_a_verified_client_submits_a_message_and_the_trace_says_that_it_was_encrypted(secured, certificate):
    host, port = secured.endpoints[1]
    with socket.create_connection((host, port)) as plain, \
            verified(certificate[1]).wrap_socket(plain, server_hostname="gonets.test") as wrapped:
        client = smtplib.SMTP(local_hostname="client.test")
        client.sock, client.file = wrapped, None
        assert client.getreply()[0] == 220
        client.sendmail("a@source.test", ["b@sink.test"], letter())
        client.quit()
    captured = secured.wait_captured()
    shown = secured.cli("capture", "show", captured[0]["id"]).out
    assert "with ESMTPS id" in shown
    assert "TLSv1.3" in shown


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_protocol_versions_are_refused(secured):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(secured.endpoints[1]) as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(plain)


def test_a_plain_client_gets_no_greeting(secured):
    with socket.create_connection(secured.endpoints[1], timeout=30) as plain:
        plain.sendall(b"EHLO plain.test\r\n")
        answer = plain.recv(1000)
    assert b"220" not in answer
