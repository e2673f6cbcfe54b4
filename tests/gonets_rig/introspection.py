"""An OAuth authorization server's introspection end point (RFC 7662), over HTTP on loopback."""
import base64
import urllib.parse

from .form_server import FormServer


class Introspection(FormServer):
    """`tokens`: what is said of each; of any other, that it is not active. `asked` has every token, in order."""

    client = ("gonets", "s3cret & more")

    def __init__(self):
        self.tokens, self.asked, self.broken = {}, [], False
        super().__init__("/introspect", self.answer)

    def answer(self, form, headers):
        user, _, secret = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
        if (urllib.parse.unquote(user), urllib.parse.unquote(secret)) != self.client:
            return 401, {}
        if self.broken:
            return 500, {}
        self.asked.append(form["token"])
        return 200, self.tokens.get(form["token"], {"active": False})
