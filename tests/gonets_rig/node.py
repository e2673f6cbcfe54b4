"""What tests/node/package-lock.json lists, installed once for a checkout."""
import fcntl
import pathlib
import subprocess

NODE = pathlib.Path(__file__).resolve().parents[1] / "node"


def install_node_packages():
    lock, installed = NODE / "package-lock.json", NODE / "node_modules" / ".package-lock.json"
    with lock.open() as one_at_a_time:  # several workers run the tests
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=NODE, check=True, timeout=300)
