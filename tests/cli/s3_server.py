"""A real server that speaks S3, for one test file."""

import urllib.parse

from stores import StoreServer


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
