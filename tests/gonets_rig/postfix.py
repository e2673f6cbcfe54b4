"""Postfix: its load generators, and the whole of it as a receiver."""
import mailbox
import os
import pathlib
import pwd
import re
import shutil
import signal
import tempfile

from .net import connects, free_endpoint, says_220, text_of, wait_until
from .processes import Child, run


class SmtpSink:
    """smtp-sink: counts what comes; with `dump` it keeps each message in a file. `endpoint` is that of one that has ended."""

    def __init__(self, *options, dump=False, protocol="smtp", endpoint=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gonets-smtp-sink-"))
        self.endpoint = endpoint or free_endpoint()
        self.route = f"{protocol}://{text_of(self.endpoint)}"
        if dump:
            (self.folder / "dump").mkdir()
            shutil.chown(self.folder / "dump", "nobody")
            self.folder.chmod(0o755)
            options = ("-d", f"{self.folder}/dump/m.", *options)
        if protocol == "lmtp":
            options = ("-L", *options)
        # -c rewrites its counts at every event; unbuffered, so that they can be read while it runs.
        self.child = Child("smtp-sink", ["stdbuf", "-o0", "smtp-sink", "-c", "-u", "nobody", *options,
                                         "inet:" + text_of(self.endpoint), "1024"], self.folder, stdout_apart=True)
        self.child.wait_ready("no port", lambda: connects(self.endpoint))

    def count(self):
        found = re.findall(rb"mesg=(\d+)", self.child.out()[-4000:])
        return int(found[-1]) if found else 0

    def wait_count(self, count):
        wait_until(lambda: f"{count} messages at smtp-sink, {self.count()} came", lambda: self.count() >= count)

    def dumps(self):
        return [p.read_bytes() for p in sorted((self.folder / "dump").iterdir())]

    def stop(self):
        self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def smtp_source(endpoint, *options, deadline=120):
    """Runs smtp-source to its end; fails if it was refused anything."""
    done = run("smtp-source", *options, "inet:" + text_of(endpoint), deadline=deadline)
    assert done.returncode == 0, done.stderr.decode()


def swaks(endpoint, *options):
    done = run("swaks", "--server", endpoint[0], "--port", endpoint[1], "--timeout", "20", *options)
    return done.returncode, done.stdout.decode(errors="replace")


class Postgrey:
    """Greylists whoever asks, for `delay` seconds."""

    def __init__(self, delay):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gonets-postgrey-"))
        shutil.chown(self.folder, "postgrey")
        self.endpoint = free_endpoint()
        self.child = Child("postgrey", ["postgrey", f"--inet={text_of(self.endpoint)}", f"--dbdir={self.folder}", f"--delay={delay}",
                                        "--greylist-text=Greylisted for %s seconds", "--auto-whitelist-clients=0"], self.folder)
        self.child.wait_ready("no port", lambda: connects(self.endpoint))

    def stop(self):
        self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class PostfixReceiver:
    """Postfix with its own configuration and queue: takes mail for postfix.test, all of it into one Maildir. Addresses
    that begin with "no-" do not exist; those of defer.postfix.test are refused for now. With a certificate (pki.Certificate)
    it offers STARTTLS. `policy` is a server that it asks about each recipient (Postgrey). With `sasl` (DovecotAuth) it takes
    mail for any domain from who has logged in, over TLS, and from nobody else; with `implicit_tls` there is TLS from the first byte. `settings` are lines that end main.cf."""

    def __init__(self, certificate=None, policy=None, sasl=None, implicit_tls=False, endpoint=None, settings=()):
        self.settings = settings
        self.certificate = certificate
        self.policy = policy
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gonets-postfix-"))
        self.sasl = sasl
        self.implicit_tls = implicit_tls
        self.endpoint = endpoint or free_endpoint()
        self.route = f"{'smtps' if implicit_tls else 'smtp'}://{text_of(self.endpoint)}"
        self.maildir = self.folder / "mail" / "all"
        self._lay_out()
        # Makes the folders of the queue; its warnings are about owners under /tmp.
        made = run("postfix", "-c", self.folder / "etc", "check")
        assert made.returncode == 0, made.stderr.decode()
        # `master` itself: postfix start-fg would stay in between, and end without it.
        self.child = Child("master", ["/usr/lib/postfix/sbin/master", "-c", self.folder / "etc", "-s"], self.folder,
                           env={"MAIL_CONFIG": str(self.folder / "etc")}, death_signal="TERM")
        self.child.wait_ready("no greeting", lambda: connects(self.endpoint) if implicit_tls else says_220(self.endpoint))

    def _lay_out(self):
        self.folder.chmod(0o755)
        for name, owner in (("etc", "root"), ("spool", "root"), ("data", "postfix"), ("mail", "nobody"),
                            ("log", "postfix")):
            (self.folder / name).mkdir(mode=0o755)
            shutil.chown(self.folder / name, owner)
        nobody = pwd.getpwnam("nobody")
        (self.folder / "etc" / "main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {self.folder}/spool
data_directory = {self.folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {self.folder}/log
maillog_file = {self.folder}/log/mail.log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.test
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = {"static:all" if self.sasl else "postfix.test, defer.postfix.test"}
virtual_mailbox_base = {self.folder}/mail
virtual_mailbox_maps = regexp:{self.folder}/etc/users
virtual_uid_maps = static:{nobody.pw_uid}
virtual_gid_maps = static:{nobody.pw_gid}
virtual_minimum_uid = 1
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{ defer.postfix.test = 450 4.7.1 Come back later }} }}{f", check_policy_service inet:{text_of(self.policy)}" if self.policy else ""}
smtpd_client_connection_count_limit = 0
smtpd_recipient_limit = 1000
alias_maps =
alias_database =
in_flow_delay = 0
disable_dns_lookups = yes
smtputf8_enable = yes
bounce_queue_lifetime = 0
""" + (f"""
smtpd_tls_security_level = may
smtpd_tls_chain_files = {self.certificate.key}, {self.certificate.certificate}
smtpd_tls_received_header = yes
""" if self.certificate else "") + (f"""
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {self.sasl.socket}
smtpd_sasl_authenticated_header = yes
smtpd_tls_auth_only = yes
smtpd_client_restrictions = permit_sasl_authenticated, reject
smtpd_tls_wrappermode = {"yes" if self.implicit_tls else "no"}
""" if self.sasl else "") + "".join(line + "\n" for line in self.settings))
        (self.folder / "etc" / "users").write_text("if !/^no-/\n/./ all/\nendif\n")
        master = pathlib.Path("/usr/share/postfix/master.cf.dist").read_text()
        master = re.sub(r"^smtp +inet.*$", f"{text_of(self.endpoint)} inet n - n - - smtpd", master, flags=re.M)
        # No chroots: they would want files of the system's Postfix.
        master = re.sub(r"^(\w+\s+(?:unix|unix-dgram|fifo|pass|inet)\s+\S+\s+\S+\s+)y(\s)", r"\1n\2", master, flags=re.M)
        if "\npostlog" not in master:
            master += "postlog unix-dgram n - n - 1 postlogd\n"
        (self.folder / "etc" / "master.cf").write_text(master)

    def messages(self):
        """What was delivered, with the recipient's address in X-Original-To."""
        if not (self.maildir / "new").is_dir():
            return []
        return list(mailbox.Maildir(self.maildir, create=False))

    def seen_by(self, recipient):
        """The HELO name and the address that it noted in the Received field of the recipient's message."""
        def find():
            for message in self.messages():
                if message["X-Original-To"] == recipient:
                    return re.match(r"from (\S+) \(.*?\[(.*?)\]\)", message["Received"]).groups()
        return wait_until(f"a message to {recipient}", find)

    def recipients(self):
        return [m["X-Original-To"] for m in self.messages()]

    def log(self):
        path = self.folder / "log" / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self):
        self.child.stop(signal.SIGTERM)
        # Its children end when they notice; what they still write must not find the folder half removed.
        wait_until("Postfix's children have ended", lambda: not self._children())
        shutil.rmtree(self.folder, ignore_errors=True)

    def _children(self):
        found = []
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                try:
                    # Each runs in the queue directory.
                    if os.readlink(f"/proc/{entry.name}/cwd").startswith(str(self.folder)):
                        found.append(int(entry.name))
                except OSError:
                    pass
        return found
