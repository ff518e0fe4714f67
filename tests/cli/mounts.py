"""Real file systems below a folder, by FUSE: one that does not tell `A` from `a`, and one of another host."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time

import pytest

from requirements import not_possible_here

START_S = 20
DEATH_S = 2


def need(*tools):
    """Where these programs are."""
    if not pathlib.Path("/dev/fuse").exists():
        pytest.skip("this kernel has no FUSE")
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin:/usr/lib/openssh"
    for tool in tools:
        if shutil.which(tool, path=path) is None:
            not_possible_here(f"{tool} is not installed")
    return [shutil.which(tool, path=path) for tool in tools]


def must(*words):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    if done.returncode:
        not_possible_here(f"{words[0]}: {done.stdout}{done.stderr}")


def is_mounted(point):
    """By the kernel's list: to look at the folder itself would wait for its server."""
    points = (line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines())
    return str(point) in points


def unmount(point):
    subprocess.run(["umount", "--lazy", str(point)], capture_output=True, check=False)


@contextlib.contextmanager
def without_case(folder):
    """A file system of 200 MB where names that differ in case alone are the same."""
    make, mount = need("mkntfs", "lowntfs-3g")
    image, point = folder / "image", folder / "without-case"
    point.mkdir()
    with open(image, "wb") as file:
        file.truncate(200_000_000)
    must(make, "--quiet", "--fast", "--force", image)
    must(mount, "-o", "ignore_case", image, point)
    try:
        yield point
    finally:
        unmount(point)


class OtherHost:
    """A folder that an SFTP server gives to sshfs, through the loopback; `mount` and `die` as often as needed. A context manager."""

    def __init__(self, folder):
        self.sshfs, self.server = need("sshfs", "sftp-server")
        self.shared, self.point = folder / "shared", folder / "mounted"
        for path in (self.shared, self.point):
            path.mkdir()
        self.connected = self.mounting = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.unmount()

    def mount(self):
        """Returns where; what is there is in `shared`."""
        # A port for each: an sshfs whose server died connects once more, and that connection would be taken for the next one's.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(START_S)
            port = listener.getsockname()[1]
            self.mounting = subprocess.Popen(
                [self.sshfs, "-f", "-o", f"directport={port}", f"127.0.0.1:{self.shared}", str(self.point)],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )
            connection, _ = listener.accept()
        with connection:
            self.connected = subprocess.Popen([self.server, "-e"], stdin=connection, stdout=connection, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while not is_mounted(self.point):
            if self.mounting.poll() is not None or time.monotonic() > deadline:
                not_possible_here(f"sshfs: {self.mounting.stderr.read() if self.mounting.poll() else 'mounts nothing'}")
            time.sleep(0.01)
        return self.point

    def unmount(self):
        unmount(self.point)
        self.die()

    def die(self):
        """Ends the connection in the middle of what it carries: calls on its files then fail."""
        if self.connected:
            self.connected.kill()
            self.connected.wait()
            try:
                self.mounting.wait(DEATH_S)
            except subprocess.TimeoutExpired:  # It may wait for ever for an answer, and its callers with it.
                self.mounting.kill()
                self.mounting.wait()
            self.mounting.stderr.close()
            self.connected = None
            unmount(self.point)
