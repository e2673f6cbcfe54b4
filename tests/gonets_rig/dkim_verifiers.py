"""Independent readers and writers of DKIM signatures: dkimpy, OpenDKIM, and npm's mailauth. Each takes many messages at
once, and TXT records as a dict of names without the trailing dot."""
import ctypes
import json
import pathlib

import dkim

from .node import NODE, install_node_packages
from .processes import run


def dkimpy_verifies(message, records):
    """Of each signature of `message`, whether it is good."""
    def txt(name, timeout=5):
        return records.get(name.decode().rstrip(".").lower(), "").encode() or None
    found = dkim.DKIM(message)
    count = sum(1 for name, _ in found.headers if name.lower() == b"dkim-signature")
    return [_dkimpy_says(message, i, txt) for i in range(count)]


def _dkimpy_says(message, number, txt):
    try:
        return bool(dkim.DKIM(message).verify(idx=number, dnsfunc=txt))
    except dkim.ValidationError:
        return False


def write_all(folder, messages):
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    paths = []
    for i, message in enumerate(messages):
        paths.append(folder / f"{i}.eml")
        paths[-1].write_bytes(message)
    return paths


def mailauth(folder, **job):
    install_node_packages()
    path = pathlib.Path(folder) / "job.json"
    path.write_text(json.dumps(job))
    done = run("node", NODE / "dkim.mjs", path)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def mailauth_verifies(folder, messages, records):
    """Of each message a list with "pass" or the reason for each signature."""
    paths = write_all(folder, messages)
    return mailauth(folder, verify=[str(p) for p in paths], records=records)


class OpenDkim:
    """libopendkim itself, which sees each byte. (`opendkim -t` gives it the header as a milter does, without the blanks
    that simple form keeps; opendkim-testmsg refuses headers that are not ASCII.) It takes keys from a file."""
    SET, FLAG_PASSED, BODY_HASH_MATCHES = 1, 4, 0
    OPTION_QUERY_METHOD, OPTION_QUERY_INFO, QUERY_FILE = 6, 7, 1
    FORMS = {"simple": 0, "relaxed": 1}
    ALGORITHMS = {1: "rsa-sha256", 2: "ed25519-sha256"}

    def __init__(self, folder, records):
        pointer, text, number, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
        self.lib = ctypes.CDLL("libopendkim.so.11")
        for name, result, arguments in [
                ("dkim_init", pointer, [pointer] * 2), ("dkim_options", number, [pointer, number, number, pointer, size]),
                ("dkim_verify", pointer, [pointer, text, pointer, pointer]),
                ("dkim_sign", pointer, [pointer, text, pointer, text, text, text, number, number, number, size, pointer]),
                ("dkim_getsighdr_d", number, [pointer, size, pointer, pointer]),
                ("dkim_chunk", number, [pointer, text, size]), ("dkim_eom", number, [pointer, pointer]),
                ("dkim_getsiglist", number, [pointer] * 3), ("dkim_sig_getflags", ctypes.c_uint, [pointer]),
                ("dkim_sig_getbh", number, [pointer]), ("dkim_sig_getsignalg", number, [pointer] * 2),
                ("dkim_free", number, [pointer])]:
            function = getattr(self.lib, name)
            function.restype, function.argtypes = result, arguments
        self.handle = self.lib.dkim_init(None, None)
        keys = pathlib.Path(folder) / "opendkim-keys"
        keys.write_text("".join(f"{name} {value}\n" for name, value in records.items()))
        method, path = number(self.QUERY_FILE), ctypes.create_string_buffer(str(keys).encode())
        self._ok(self.lib.dkim_options(self.handle, self.SET, self.OPTION_QUERY_METHOD, ctypes.byref(method), 4))
        self._ok(self.lib.dkim_options(self.handle, self.SET, self.OPTION_QUERY_INFO, path, len(path)))

    @staticmethod
    def _ok(status):
        assert status == 0, f"libopendkim: status {status}"

    def _read(self, one, message):
        # As a mail server hands it on: the last line ended, the end of the header said. Neither changes a canonical form.
        if not message.endswith(b"\r\n"):
            message += b"\r\n"
        if b"\r\n\r\n" not in message:
            message += b"\r\n"
        self._ok(self.lib.dkim_chunk(one, message, len(message)))
        self._ok(self.lib.dkim_chunk(one, None, 0))

    def verify(self, message):
        """Of each signature ("rsa-sha256", whether it is good)."""
        status = ctypes.c_int()
        one = self.lib.dkim_verify(self.handle, b"test", None, ctypes.byref(status))
        assert one, status
        try:
            self._read(one, message)
            self.lib.dkim_eom(one, None)
            return self._results(one)
        finally:
            self.lib.dkim_free(one)

    def _results(self, one):
        found = ctypes.POINTER(ctypes.c_void_p)()
        count = ctypes.c_int()
        self._ok(self.lib.dkim_getsiglist(one, ctypes.byref(found), ctypes.byref(count)))
        results = []
        for signature in found[:count.value]:
            algorithm = ctypes.c_int()
            self.lib.dkim_sig_getsignalg(signature, ctypes.byref(algorithm))
            good = (self.lib.dkim_sig_getflags(signature) & self.FLAG_PASSED != 0
                    and self.lib.dkim_sig_getbh(signature) == self.BODY_HASH_MATCHES)
            results.append((self.ALGORITHMS.get(algorithm.value, "?"), good))
        return results

    def sign(self, message, domain, selector, pem, form):
        """The message with an RSA signature in front."""
        status, length = ctypes.c_int(), ctypes.c_size_t()
        field = ctypes.c_char_p()
        head, body = (self.FORMS[part] for part in form.split("/"))
        one = self.lib.dkim_sign(self.handle, b"test", None, pem, selector.encode(), domain.encode(), head, body, 1,
                                 ctypes.c_size_t(-1), ctypes.byref(status))
        assert one, status
        try:
            self._read(one, message)
            self._ok(self.lib.dkim_eom(one, ctypes.byref(status)))
            self._ok(self.lib.dkim_getsighdr_d(one, 16, ctypes.byref(field), ctypes.byref(length)))
            text = field.value[:length.value].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            return b"DKIM-Signature: " + text + b"\r\n" + message
        finally:
            self.lib.dkim_free(one)
