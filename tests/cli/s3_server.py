"""A real server that speaks S3, for one test file."""

import contextlib
import datetime
import hashlib
import hmac
import json
import pathlib
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

from server import Server

BUCKET = "backups"


class S3Server(Server):
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

    def make_kept_bucket(self, name, has_locks=False):
        """One that keeps versions."""
        self.send("PUT", name, {}, {"x-amz-bucket-object-lock-enabled": "true"} if has_locks else {})
        self.send("PUT", name, {"versioning": ""}, {}, b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
        return name

    def allow(self, user, bucket, of_bucket, of_objects):
        """Makes a user, who may do that in one bucket and nothing else: its environment."""
        account = f"<Account><Access>{user}</Access><Secret>secret-of-{user}</Secret><Role>user</Role></Account>"
        assert self.send("PATCH", "create-user", body=account.encode())[0] in (201, 409)
        statements = [
            {"Effect": "Allow", "Principal": {"AWS": [user]}, "Action": actions, "Resource": [f"arn:aws:s3:::{place}"]}
            for actions, place in ((of_bucket, bucket), (of_objects, f"{bucket}/*"))
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        assert self.send("PUT", bucket, {"policy": ""}, {}, policy.encode())[0] in (200, 204)
        return {"AWS_ACCESS_KEY_ID": user, "AWS_SECRET_ACCESS_KEY": f"secret-of-{user}"}

    def send(self, method, path, query=None, headers=None, body=b""):
        """A request of the administrator: status, headers and body of the answer."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{now[:8]}/us-east-1/s3/aws4_request"
        digest = hashlib.sha256(body).hexdigest()
        text = urllib.parse.urlencode(sorted((query or {}).items()), quote_via=urllib.parse.quote, safe="")
        host = self.endpoint.partition("://")[2]
        signed = {**(headers or {}), "host": host, "x-amz-content-sha256": digest, "x-amz-date": now}
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        request = f"{method}\n/{path}\n{text}\n{lines}\n{names}\n{digest}"
        to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = b"AWS4" + self.secret.encode()
        for part in scope.split("/") + [to_sign]:
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signed["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders={names}, Signature={key.hex()}")
        asked = urllib.request.Request(f"{self.endpoint}/{path}?{text}", body or None, signed, method=method)
        try:
            with urllib.request.urlopen(asked) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def get_object(self, path):
        status, _, body = self.send("GET", path)
        assert status == 200, body
        return body

    def put_object(self, path, content):
        status, _, body = self.send("PUT", path, body=content)
        assert status == 200, body

    def versions(self, repository):
        """Key, id and kind ("Version", "DeleteMarker") of all that is kept of a repository."""
        bucket, _, prefix = repository.url.removeprefix("s3://").partition("?")[0].partition("/")
        status, _, body = self.send("GET", bucket, {"versions": "", "prefix": prefix + "/"})
        assert status == 200, body
        spaces = {"s3": "http://s3.amazonaws.com/doc/2006-03-01/"}
        found = []
        for kind in ("Version", "DeleteMarker"):
            for each in xml.etree.ElementTree.fromstring(body).iterfind(f"s3:{kind}", spaces):
                found.append((each.findtext("s3:Key", None, spaces), each.findtext("s3:VersionId", None, spaces), kind))
        return found

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
