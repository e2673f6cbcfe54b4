"""Keys and claims of NATS' decentralized logins, as `nsc` would make them: an operator, an account, a user's credentials."""
import base64
import json
import time

import nacl.signing

# The first letters of what people see: O, A, U; SU of a user's seed.
OPERATOR, ACCOUNT, USER, SEED = 14 << 3, 0, 20 << 3, 18 << 3
UNLIMITED = -1


def crc16(data):
    """CRC-16/XMODEM."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xffff
    return crc


def base32(data):
    return base64.b32encode(data + crc16(data).to_bytes(2, "little")).decode().rstrip("=")


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    def __init__(self, kind):
        self.kind = kind
        self.secret = nacl.signing.SigningKey.generate()
        self.name = base32(bytes([kind]) + self.secret.verify_key.encode())

    @property
    def seed(self):
        return base32(bytes([SEED | self.kind >> 5, (self.kind & 31) << 3]) + self.secret.encode())

    def claim(self, about, name, **nats):
        """A token in which this key says so of the key `about`."""
        header = {"typ": "JWT", "alg": "ed25519-nkey"}
        body = {"jti": name, "iat": int(time.time()), "iss": self.name, "name": name, "sub": about.name,
                "nats": nats | {"version": 2}}
        text = ".".join(base64url(json.dumps(part).encode()) for part in (header, body))
        return f"{text}.{base64url(self.sign(text.encode()))}"

    def sign(self, data):
        return self.secret.sign(data).signature


class Logins:
    """An operator with one account that may use JetStream. `server` is text for the server's configuration."""

    def __init__(self):
        self.operator, self.system, self.account = Key(OPERATOR), Key(ACCOUNT), Key(ACCOUNT)
        every = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf", "mem_storage", "disk_storage",
                               "streams", "consumer"), UNLIMITED) | {"wildcards": True}
        here = {"type": "account", "default_permissions": {"pub": {}, "sub": {}}}
        accounts = {self.system: self.operator.claim(self.system, "SYS", **here, limits={
                        k: v for k, v in every.items() if k not in ("mem_storage", "disk_storage", "streams", "consumer")}),
                    self.account: self.operator.claim(self.account, "MAIL", **here, limits=every)}
        preload = "\n".join(f"  {key.name}: {claim}" for key, claim in accounts.items())
        self.server = f"""operator: {self.operator.claim(self.operator, "OP", type="operator", system_account=self.system.name)}
system_account: {self.system.name}
resolver: MEMORY
resolver_preload: {{
{preload}
}}"""

    def add_user(self, name):
        """Its key, and its claim."""
        key = Key(USER)
        return key, self.account.claim(key, name, type="user", pub={}, sub={}, subs=UNLIMITED, data=UNLIMITED,
                                       payload=UNLIMITED)

    @staticmethod
    def credentials(key, claim):
        """A .creds file."""
        return f"""-----BEGIN NATS USER JWT-----
{claim}
------END NATS USER JWT------

************************* IMPORTANT *************************
-----BEGIN USER NKEY SEED-----
{key.seed}
------END USER NKEY SEED------
"""
