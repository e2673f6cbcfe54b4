"""An OAuth authorization server: a token end point (RFC 6749) on loopback whose tokens are known to an Introspection."""
from .form_server import FormServer
from .introspection import Introspection


class TokenServer(FormServer):
    """Gives tokens for `login` by a refresh token, or by the client's own credentials. `requests` has every form that came."""

    client = ("gonets-app", "app secret & more")

    def __init__(self, login):
        self.login = login
        self.introspection = Introspection()
        self.refresh_token = "refresh-0"  # the one that is good
        self.rotates = False  # whether each answer brings another
        self.lives_for = 3600
        self.trouble = None  # status and body in place of a token
        self.requests, self.given = [], []
        super().__init__("/token", self.take)

    def take(self, form, _):
        self.requests.append(form)
        return self.trouble or self.answer(form)

    def answer(self, form):
        if (form.get("client_id"), form.get("client_secret")) != self.client:
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "refresh_token" and form["refresh_token"] != self.refresh_token:
            return 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
        answer = {"access_token": self.make_token(), "token_type": "Bearer", "expires_in": self.lives_for}
        if self.rotates:
            self.refresh_token = answer["refresh_token"] = f"refresh-{len(self.given)}"
        return 200, answer

    def make_token(self):
        token = f"token-{len(self.given)}-of-{id(self):x}"
        self.given.append(token)
        self.introspection.tokens[token] = {"active": True, "username": self.login}
        return token

    def revoke_tokens(self):
        self.introspection.tokens.clear()

    def stop(self):
        super().stop()
        self.introspection.stop()
