"""Child processes: output into a file, ended by their own pid, never left behind."""
import os
import pathlib
import signal
import subprocess

from .net import wait_until


class Child:
    """`death_signal` is what the kernel sends it should the tests themselves die."""

    def __init__(self, name, argv, folder, env=None, death_signal="KILL", stdout_apart=False):
        self.name = name
        self.log_path = pathlib.Path(folder) / f"{name}.log"
        self.out_path = pathlib.Path(folder) / f"{name}.out" if stdout_apart else self.log_path
        with open(self.log_path, "ab") as log, open(self.out_path, "ab") as out:
            self.process = subprocess.Popen(
                ["setpriv", f"--pdeathsig={death_signal}", "--", *map(str, argv)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                env=None if env is None else {**os.environ, **env},
            )

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def out(self):
        return self.out_path.read_bytes()

    def running(self):
        return self.process.poll() is None

    def wait_ready(self, what, condition):
        def check():
            if not self.running():
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log()[-4000:]}")
            return condition()
        wait_until(lambda: f"{self.name}: {what}\n{self.log()[-4000:]}", check)

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, deadline=60):
        return self.process.wait(deadline)

    def stop(self, number=signal.SIGTERM, deadline=30):
        """Its exit code. What does not end by itself is killed, and gives that signal's code."""
        if self.running():
            self.send_signal(number)
        try:
            return self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def run(*argv, deadline=60, **more):
    return subprocess.run([str(a) for a in argv], stdin=more.pop("stdin", subprocess.DEVNULL), capture_output=True,
                          timeout=deadline, **more)
