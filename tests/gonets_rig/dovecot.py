"""Dovecot: takes mail by LMTP, gives it back by IMAP."""
import imaplib
import pathlib
import pwd
import shutil
import tempfile
import urllib.parse

from .net import connects, free_endpoint, private_host, text_of
from .processes import Child

PASSWORD = "tram-kettle-9"
USERS = ("anna", "boris", "vera")


class Dovecot:
    """USERS have mailboxes, whatever the domain; others do not exist."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gonets-dovecot-"))
        self.folder.chmod(0o755)
        self.lmtp, self.imap = free_endpoint(), free_endpoint()
        self.route = f"lmtp://{text_of(self.lmtp)}"
        self.lmtp_socket = self.folder / "run" / "lmtp"
        self.socket_route = f"lmtp:{self.lmtp_socket}"
        for name in ("mail", "run", "state"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "mail", "nobody", "nogroup")
        (self.folder / "dovecot.conf").write_text(f"""
protocols = imap lmtp
listen = {private_host()}
base_dir = {self.folder}/run
state_dir = {self.folder}/state
log_path = {self.folder}/dovecot-log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
default_login_user = dovenull
default_internal_user = dovecot
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
mail_fsync = never
postmaster_address = postmaster@dovecot.test
hostname = dovecot.test
auth_username_chars =
protocol lmtp {{
  auth_username_format = %Ln
}}
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = passwd-file
  args = username_format=%Ln {self.folder}/users
}}
service lmtp {{
  inet_listener lmtp {{
    address = {self.lmtp[0]}
    port = {self.lmtp[1]}
  }}
  unix_listener lmtp {{
    mode = 0666
  }}
}}
service imap-login {{
  inet_listener imap {{
    address = {self.imap[0]}
    port = {self.imap[1]}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
""")
        nobody = pwd.getpwnam("nobody")
        (self.folder / "users").write_text("".join(
            f"{user}::{nobody.pw_uid}:{nobody.pw_gid}::{self.folder}/mail/{user}::\n" for user in USERS))
        self.child = Child("dovecot", ["dovecot", "-F", "-c", self.folder / "dovecot.conf"], self.folder,
                           death_signal="TERM")
        self.child.wait_ready("no ports", lambda: connects(self.lmtp) and connects(self.imap))

    def log(self):
        path = self.folder / "dovecot-log"
        return path.read_text(errors="replace") if path.exists() else ""

    def read(self, user):
        """All messages of a user, byte for byte, by IMAP."""
        imap = imaplib.IMAP4(*self.imap, timeout=30)
        try:
            imap.login(user, PASSWORD)
            imap.select("INBOX", readonly=True)
            numbers = imap.search(None, "ALL")[1][0].split()
            return [imap.fetch(n, "(BODY.PEEK[])")[1][0][1] for n in numbers]
        finally:
            imap.logout()

    def stop(self):
        self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class DovecotAuth:
    """Dovecot as what checks passwords for Postfix: `logins` is a dict of names and passwords. With `introspection`
    (Introspection) it takes access tokens as well."""

    def __init__(self, logins, mechanisms="plain login scram-sha-256", introspection=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gonets-dovecot-auth-"))
        self.folder.chmod(0o755)
        self.socket = self.folder / "run" / "sasl"
        for name in ("run", "state"):
            (self.folder / name).mkdir()
        tokens = ""
        if introspection:
            client, secret = map(urllib.parse.quote, introspection.client)
            url = introspection.url.replace("//", f"//{client}:{secret}@")
            (self.folder / "oauth2.conf").write_text(f"""
introspection_mode = post
introspection_url = {url}
username_attribute = username
active_attribute = active
active_value = true
""")
            tokens = f"""
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {self.folder}/oauth2.conf
}}
"""
        (self.folder / "users").write_text("".join(f"{name}:{{PLAIN}}{password}\n" for name, password in logins.items()))
        (self.folder / "dovecot.conf").write_text(f"""
protocols =
base_dir = {self.folder}/run
state_dir = {self.folder}/state
log_path = {self.folder}/dovecot-log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
default_login_user = dovenull
default_internal_user = dovecot
{tokens}
passdb {{
  driver = passwd-file
  args = {self.folder}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  unix_listener {self.socket} {{
    mode = 0666
  }}
}}
""")
        self.child = Child("dovecot", ["dovecot", "-F", "-c", self.folder / "dovecot.conf"], self.folder,
                           death_signal="TERM")
        self.child.wait_ready("no socket", lambda: self.socket.is_socket())

    def stop(self):
        self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
