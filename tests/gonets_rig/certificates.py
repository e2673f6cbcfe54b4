"""Certificates for tests, made by the openssl tool: self-signed ones, with the names that the test wants."""
import datetime
import pathlib
import ssl

from .processes import run


def alternative_name(name):
    return ("IP:" if name.replace(".", "").isdigit() else "DNS:") + name


class Certificate:
    def __init__(self, folder, *names, days=30, file="mail"):
        self.names = names
        self.pem, self.key = pathlib.Path(folder) / f"{file}.pem", pathlib.Path(folder) / f"{file}.key"
        self.renew(days)

    def renew(self, days=30):
        """Another one in the same files: as a tool that renews would, in one step."""
        pem, key = self.pem.with_suffix(".new"), self.key.with_suffix(".newkey")
        made = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                   "-days", days, "-keyout", key, "-out", pem, "-subj", f"/CN={self.names[0]}",
                   "-addext", "subjectAltName=" + ",".join(map(alternative_name, self.names)))
        assert made.returncode == 0, made.stderr
        key.rename(self.key)
        pem.rename(self.pem)

    @property
    def table(self):
        """One [[certificate]]."""
        return {"certificate": str(self.pem), "key": str(self.key)}

    @property
    def sha256(self):
        """As a credential holds it."""
        shown = run("openssl", "x509", "-in", self.pem, "-noout", "-fingerprint", "-sha256").stdout.decode()
        return shown.strip().partition("=")[2].replace(":", "").lower()

    @property
    def not_after(self):
        """In seconds since 1970."""
        shown = run("openssl", "x509", "-in", self.pem, "-noout", "-enddate", "-dateopt", "iso_8601").stdout.decode()
        text = shown.strip().partition("=")[2].rstrip("Z")
        return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp()

    def context(self):
        """Of a client that trusts this one and nobody else."""
        return ssl.create_default_context(cafile=self.pem)


def trusting_anybody(version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def start_tls(talk, context=None, name=None):
    """STARTTLS on a connection that has said EHLO; what it says from then on is encrypted."""
    talk.expect(220, "STARTTLS", "2.0.0")
    talk.socket = (context or trusting_anybody()).wrap_socket(talk.socket, server_hostname=name)
    talk.buffer = b""
    return talk
