"""Certificates made on the spot by openssl: an authority, what it issues, and what nobody should trust."""
import hashlib
import pathlib
import shutil
import ssl
import tempfile

from .processes import run


def openssl(*argv):
    done = run("openssl", *argv)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Certificate:
    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def _der(self, selector):
        if selector == 0:
            return ssl.PEM_cert_to_DER_cert(pathlib.Path(self.certificate).read_text().split("-----END")[0]
                                            + "-----END CERTIFICATE-----\n")
        public = openssl("x509", "-in", self.certificate, "-noout", "-pubkey")
        self.public = pathlib.Path(str(self.certificate) + ".pub")
        self.public.write_bytes(public)
        return openssl("pkey", "-pubin", "-in", self.public, "-outform", "DER")

    def tlsa(self, usage, selector, matching):
        """The data of a TLSA record for this certificate."""
        der = self._der(selector)
        data = {0: der, 1: hashlib.sha256(der).digest(), 2: hashlib.sha512(der).digest()}[matching]
        return f"{usage} {selector} {matching} {data.hex()}"


class Authority(Certificate):
    def __init__(self, name="rig"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gonets-pki-"))
        self.folder.chmod(0o755)
        self.count = 0
        super().__init__(self.folder / "ca.pem", self.folder / "ca.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", f"/CN={name} authority", "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", self.key, "-out", self.certificate)

    def issue(self, *names, expired=False):
        """A certificate for these names, with the authority's behind it."""
        self.count += 1
        base = self.folder / f"c{self.count}"
        key, request, out = (base.with_suffix(s) for s in (".key", ".csr", ".pem"))
        extensions = base.with_suffix(".ext")
        extensions.write_text("subjectAltName=" + ",".join(f"DNS:{n}" for n in names) + "\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={names[0]}",
                "-keyout", key, "-out", request)
        when = ["-days", "-1"] if expired else ["-days", "30"]
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-set_serial", str(self.count),
                "-extfile", extensions, *when, "-out", out)
        out.write_text(out.read_text() + self.certificate.read_text())
        return Certificate(out, key)

    def self_signed(self, *names):
        self.count += 1
        base = self.folder / f"s{self.count}"
        key, out = base.with_suffix(".key"), base.with_suffix(".pem")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                f"/CN={names[0]}", "-addext", "subjectAltName=" + ",".join(f"DNS:{n}" for n in names), "-keyout", key,
                "-out", out)
        return Certificate(out, key)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)
