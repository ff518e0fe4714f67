"""fake-gcs-server behind a front that gives and checks tokens, for one test file."""

import json
import ssl
import sys
import urllib.parse
import urllib.request

from server import Server


class GcsServer(Server):
    def __init__(self, folder, *options):
        super().__init__("gcs", folder, *options)
        self.secret = self.text("secret")
        self.credentials = self.folder / "credentials.json"

    def environment(self, **changes):
        return {"GOOGLE_APPLICATION_CREDENTIALS": str(self.credentials), "NO_GCE_CHECK": "true", **changes}

    def url(self, path, **query):
        return f"gs://{path}?" + urllib.parse.urlencode({"endpoint": self.endpoint, **query})

    def make_bucket(self, name):
        request = urllib.request.Request(
            f"{self.endpoint}/storage/v1/b?project=tests", json.dumps({"name": name}).encode(),
            {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"},
        )
        trusted = None
        if (self.folder / "ca.crt").exists():
            trusted = ssl.create_default_context(cafile=self.folder / "ca.crt")
        urllib.request.urlopen(request, context=trusted).close()
        return name

    def send(self, path, body=None):
        """What is at this path, or the answer to a post of `body`."""
        request = urllib.request.Request(self.endpoint + path, body, {"Authorization": f"Bearer {self.secret}"})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def get_object(self, path):
        bucket, _, name = path.partition("/")
        return self.send(f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}?alt=media")

    def put_object(self, path, content):
        bucket, _, name = path.partition("/")
        query = urllib.parse.urlencode({"uploadType": "media", "name": name})
        self.send(f"/upload/storage/v1/b/{bucket}/o?{query}", content)

    def give_tokens(self, told_s=3600, uses=sys.maxsize):
        """What clients hear of the life of tokens from now on, and how many requests these are good for."""
        (self.folder / "token_life.json").write_text(json.dumps({"told_s": told_s, "uses": uses}))

    def deny(self, methods):
        (self.folder / "denied").write_text(methods)

    def requests(self):
        """The lines of the log that tell of a request, such as '"GET /storage/v1/b/x/o HTTP/1.1" 200'."""
        return [line for line in self.text("log").splitlines() if " HTTP/1.1\" " in line]
