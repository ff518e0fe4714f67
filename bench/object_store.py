"""The programs that are compared on an object store: one real server that speaks S3, on this machine.

Two more ways to it lead through toxiproxy, which counts what it passes on: behind `slow`, each answer comes LATENCY_MS
later. The proxy's own work is in both, so that what differs is the latency.
"""

import pathlib
import shutil
import sys

import rivals

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/cli"))

from s3_server import S3Server  # noqa: E402
from toxiproxy import Toxiproxy  # noqa: E402

BUCKET = "bench"
LATENCY_MS = 50


class OnStore:
    """What all have in common: a place for each run below the bucket, whose files the server keeps."""

    def __init__(self, folder, server, endpoint, *more):
        super().__init__(folder, *more)
        self.server, self.endpoint = server, endpoint
        self.env |= {"AWS_ACCESS_KEY_ID": server.key, "AWS_SECRET_ACCESS_KEY": server.secret, "AWS_DEFAULT_REGION": "us-east-1"}

    def place(self, run):
        """Below the bucket."""
        return f"{self.folder.parent.name}/{run}"

    def where(self, run):
        return self.server.folder / "data" / BUCKET / self.place(run)


class DbBackupOnStore(OnStore, rivals.DbBackup):
    def reach(self, run):
        url = f"s3://{BUCKET}/{self.place(run)}?endpoint={self.endpoint}&region=us-east-1"
        return ["--repository", url, "--key-file", self.key, "--json"]


class ResticOnStore(OnStore, rivals.Restic):
    def repository(self, run):
        return f"s3:{self.endpoint}/{BUCKET}/{self.place(run)}"


class RcloneOnStore(OnStore, rivals.Rival):
    """A compressor into an upload: what a script does."""

    name = "zstd+rclone"
    deduplicates = False

    def __init__(self, *given):
        super().__init__(*given)
        self.env |= {
            "RCLONE_CONFIG_STORE_TYPE": "s3", "RCLONE_CONFIG_STORE_PROVIDER": "Other", "RCLONE_CONFIG_STORE_ENDPOINT": self.endpoint,
            "RCLONE_CONFIG_STORE_ENV_AUTH": "true", "RCLONE_CONFIG_STORE_NO_CHECK_BUCKET": "true",
            "RCLONE_CONFIG_STORE_REGION": "us-east-1",
        }

    def version(self):
        return rivals.first_line("rclone", "version")

    def backup(self, run, database):
        command = f"set -o pipefail; zstd -q -3 -T2 -c '{database}' | rclone rcat 'store:{BUCKET}/{self.place(run)}'"
        return self.measured([["bash", "-c", command]], [self.where(run)])

    def restore(self, run, target):
        command = f"set -o pipefail; rclone cat 'store:{BUCKET}/{self.place(run)}' | zstd -q -d -o '{target}'"
        return self.measured([["bash", "-c", command]], [target])


class ObjectStore:
    """The server, the ways to it and who is measured; `stop` it."""

    def __init__(self, folder, program):
        folder = pathlib.Path(folder) / "store"
        folder.mkdir()
        self.server = S3Server("versitygw", folder)
        self.server.make_bucket(BUCKET)
        self.proxy = Toxiproxy(folder)
        self.way, slow = self.proxy.way(self.server), self.proxy.way(self.server)
        slow.poison("latency", latency=LATENCY_MS)
        endpoint = self.server.endpoint
        self.subject = DbBackupOnStore(folder / "db-backup", self.server, endpoint, program)
        self.passed_on = DbBackupOnStore(folder / "passed-on", self.server, self.way.endpoint, program)
        self.delayed = DbBackupOnStore(folder / "delayed", self.server, slow.endpoint, program)
        self.rivals, self.missing = [self.subject], []
        for kind, tools in ((ResticOnStore, ("restic",)), (RcloneOnStore, ("zstd", "rclone"))):
            absent = [tool for tool in tools if shutil.which(tool) is None]
            if absent:
                self.missing.append(f"{kind.name} on an object store: {', '.join(absent)} not installed")
            else:
                self.rivals.append(kind(folder / kind.name, self.server, endpoint))

    def requests(self):
        return len(self.server.requests())

    def traffic(self):
        """Of `passed_on`, so far."""
        return self.way.traffic()

    def stop(self):
        self.proxy.stop()
        self.server.stop()
