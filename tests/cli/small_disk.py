"""A small file system of its own, to be filled up or made read-only: a tmpfs in a mount namespace."""

import os
import pathlib
import subprocess


class NotPossible(Exception):
    """This machine gives no mount namespace; holds why."""


class SmallDisk:
    """A tmpfs at `point` that only programs started with `prefix` see. A context manager."""

    def __init__(self, point, size):
        self.point = pathlib.Path(point)
        self.point.mkdir(exist_ok=True)
        self.size = size

    def __enter__(self):
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        script = 'mount -t tmpfs -o size="$1" tmpfs "$2" && echo ready && exec cat'
        self.holder = subprocess.Popen(
            ["unshare", "--mount", *user, "sh", "-c", script, "sh", self.size, str(self.point)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        if self.holder.stdout.readline() != "ready\n":
            raise NotPossible(self.holder.communicate()[1].strip() or "unshare failed")
        credentials = ["--user", "--preserve-credentials"] if user else []
        self.prefix = ["nsenter", "--target", str(self.holder.pid), "--mount", *credentials, "--"]
        # The same folder as this process can reach it. Not for SQLite: it looks up what links point
        # to, and this one is a link by magic only.
        self.path = pathlib.Path(f"/proc/{self.holder.pid}/root{self.point}")
        return self

    def __exit__(self, *_):
        self.holder.communicate()

    def remount(self, options):
        subprocess.run([*self.prefix, "mount", "-o", f"remount,{options}", str(self.point)], check=True)

    def fill(self, leave_bytes=0):
        """Takes all space but `leave_bytes`; returns the file that took it."""
        filler = self.path / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                pass
        os.truncate(filler, max(0, filler.stat().st_size - leave_bytes))
        return filler
