"""A real server that speaks S3, for one test file: started by scripts/servers.sh."""

import pathlib
import secrets
import subprocess
import urllib.parse

from program import Repository

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts/servers.sh"


class S3Server:
    def __init__(self, name, folder, *options):
        self.folder = pathlib.Path(folder) / name
        subprocess.run([SCRIPT, "start", name, self.folder, *map(str, options)], check=True)
        self.endpoint = self._text("endpoint")
        self.key, self.secret = self._text("key"), self._text("secret")

    def _text(self, name):
        return (self.folder / name).read_text().strip()

    def stop(self):
        subprocess.run([SCRIPT, "stop", self.folder], check=True)

    def environment(self, **changes):
        return {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret, **changes}

    def url(self, path, **query):
        return f"s3://{path}?" + urllib.parse.urlencode({"endpoint": self.endpoint, "region": "us-east-1", **query})

    def make_bucket(self, name):
        (self.folder / "data" / name).mkdir(exist_ok=True)
        return name

    def requests(self):
        """The lines of the log that tell of a request."""
        return [line for line in (self.folder / "log").read_text().splitlines() if "| vgw |" in line]


class S3Repository(Repository):
    """A repository below a bucket."""

    def __init__(self, program, server, bucket, encryption="keyfile", **query):
        super().__init__(program, program.folder / "remote", "none")
        self.server = server
        self.encryption = encryption
        self.url = server.url(f"{bucket}/{secrets.token_hex(4)}/r", **query)
        self.words = ["--repository", self.url]
        if encryption == "keyfile":
            key = program.folder / "remote.key"
            key.write_text(secrets.token_hex(32) + "\n")
            key.chmod(0o600)
            self.words += ["--key-file", str(key)]
        self.env = server.environment()
