"""A real server that speaks S3, for one test file."""

import contextlib
import pathlib
import shutil
import tempfile
import urllib.parse

from stores import StoreServer

BUCKET = "backups"


class S3Server(StoreServer):
    def __init__(self, name, folder, *options):
        super().__init__(name, folder, *options)
        self.key, self.secret = self.text("key"), self.text("secret")

    def environment(self, **changes):
        return {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret, **changes}

    def url(self, path, **query):
        return f"s3://{path}?" + urllib.parse.urlencode({"endpoint": self.endpoint, "region": "us-east-1", **query})

    def make_bucket(self, name):
        (self.folder / "data" / name).mkdir(exist_ok=True)
        return name

    def requests(self):
        """The lines of the log that tell of a request."""
        return [line for line in self.text("log").splitlines() if "| vgw |" in line]

    def place(self, repository):
        """The folder in which versitygw keeps the objects of a repository as files."""
        return self.folder / "data" / repository.url.removeprefix("s3://").partition("?")[0]


@contextlib.contextmanager
def running_versitygw():
    """A server with a bucket, in a folder of its own."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="db-backup-test-servers-"))
    server = S3Server("versitygw", folder)
    try:
        server.make_bucket(BUCKET)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
