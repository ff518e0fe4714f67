"""Stores with object lock, versions and soft delete, each with the hands of its administrator.

For S3 a real server; for Google and Azure stand-ins that keep what the servers behind them do not.
"""

import base64
import datetime
import email.utils
import hashlib
import hmac
import json
import os
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

from azure_server import VERSION, AzureServer
from gcs_server import GcsServer
from s3_server import S3Server
from stores import StoreRepository

RETENTION = "user.object-retention"


def place_of(repository):
    """Its bucket, and what its keys begin with."""
    bucket, _, prefix = repository.url.partition("://")[2].partition("?")[0].partition("/")
    return bucket, prefix + "/"


def time_of(text):
    return text and datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def answer_to(request):
    """Status, headers and body."""
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class KeptStore:
    """A server with the buckets "plain", "versioned", "lockable", and "softly", which keeps what was deleted."""

    keeping = ("versioned", "softly")
    # Whether "versioned" tells a collector what somebody else removed.
    shows_removed = True

    def repository(self, program, kind, **query):
        return StoreRepository(program, self.server, kind, **query)

    def names(self, repository):
        return sorted(self.lock_ends(repository))


class S3Kept(KeptStore):
    keeping = ("versioned",)

    def __init__(self, folder):
        self.server = S3Server("versitygw", folder)
        self.server.make_bucket("plain")
        self.server.make_kept_bucket("versioned")
        self.server.make_kept_bucket("lockable", has_locks=True)

    def names(self, repository):
        place = self.server.place(repository)
        return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())

    def lock_ends(self, repository):
        """When the lock of each object ends, by name; nothing for one without."""
        bucket, prefix = place_of(repository)
        ends = {}
        for name in self.names(repository):
            status, headers, _ = self.server.send("HEAD", f"{bucket}/{prefix}{name}")
            assert status == 200, name
            ends[name] = time_of(headers["x-amz-object-lock-retain-until-date"])
        return ends

    def end_locks(self, repository):
        """As if their time had come: the server keeps them with its files."""
        place = self.server.place(repository)
        year = datetime.datetime.now(datetime.timezone.utc).year
        for name in self.names(repository):
            if RETENTION in os.listxattr(place / name):
                text = os.getxattr(place / name, RETENTION).decode()
                os.setxattr(place / name, RETENTION, text.replace(f"{year + 1}-", "2001-").replace(f"{year}-", "2001-").encode())

    def kept(self, repository):
        """The names of all versions that are kept."""
        prefix = place_of(repository)[1]
        return sorted(key.removeprefix(prefix) for key, _, kind in self.server.versions(repository) if kind == "Version")

    def remove(self, repository, name):
        bucket, prefix = place_of(repository)
        return self.server.send("DELETE", f"{bucket}/{prefix}{name}")[0]

    def remove_for_good(self, repository, name):
        bucket, prefix = place_of(repository)
        version = next(each[1] for each in self.server.versions(repository) if each[0] == prefix + name)
        return self.server.send("DELETE", f"{bucket}/{prefix}{name}", {"versionId": version})[0]


class GcsKept(KeptStore):
    def __init__(self, folder):
        self.server = GcsServer(folder)
        soft = {"softDeletePolicy": {"retentionDurationSeconds": "604800"}}
        for name, query, resource in (
            ("plain", "", {"versioning": {"enabled": False}}), ("versioned", "", {"versioning": {"enabled": True}}), ("softly", "", soft),
            ("lockable", "&enableObjectRetention=true", {"versioning": {"enabled": True}, **soft}),
        ):
            status = self.send("POST", f"/storage/v1/b?project=tests{query}", {"name": name, **resource})[0]
            assert status == 200

    def send(self, method, path, document=None):
        headers = {"Authorization": f"Bearer {self.server.secret}", "Content-Type": "application/json"}
        body = json.dumps(document).encode() if document else None
        return answer_to(urllib.request.Request(self.server.endpoint + path, body, headers, method=method))

    def listed(self, repository, query=""):
        """Resources of objects, by their names in the repository."""
        bucket, prefix = place_of(repository)
        found, token = [], ""
        while True:
            path = f"/storage/v1/b/{bucket}/o?prefix={urllib.parse.quote(prefix, safe='')}{query}{token}"
            page = json.loads(self.send("GET", path)[2])
            found += [(each["name"].removeprefix(prefix), each) for each in page.get("items", [])]
            if "nextPageToken" not in page:
                return found
            token = f"&pageToken={page['nextPageToken']}"

    def lock_ends(self, repository):
        return {name: time_of(each.get("retention", {}).get("retainUntilTime")) for name, each in self.listed(repository)}

    def end_locks(self, repository):
        assert self.send("POST", f"/end-locks/{place_of(repository)[0]}")[0] == 204

    def kept(self, repository):
        return sorted(name for name, _ in self.listed(repository, "&versions=true"))

    def object(self, repository, name):
        bucket, prefix = place_of(repository)
        return f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(prefix + name, safe='')}"

    def remove(self, repository, name):
        return self.send("DELETE", self.object(repository, name))[0]

    def remove_for_good(self, repository, name):
        generation = dict(self.listed(repository))[name]["generation"]
        return self.send("DELETE", f"{self.object(repository, name)}?generation={generation}")[0]


class AzureKept(KeptStore):
    shows_removed = False

    def __init__(self, folder):
        self.server = AzureServer(folder, name="azure")
        self.server.make_container("plain")
        for name, keeps in (("versioned", "versions=y"), ("softly", "deleted=y"), ("lockable", "versions=y&locks=y&deleted=y")):
            assert answer_to(urllib.request.Request(f"{self.server.endpoint}/keep/{name}?{keeps}", method="PUT"))[0] == 201

    def send(self, method, path, query=None):
        query = query or {}
        account = self.server.account
        date = email.utils.formatdate(usegmt=True)
        path = f"/{account}/{path}"
        text = "\n".join([method, *[""] * 11, f"x-ms-date:{date}", f"x-ms-version:{VERSION}", f"/{account}{path}",
                          *(f"{name}:{query[name]}" for name in sorted(query))])
        digest = hmac.new(base64.b64decode(self.server.key), text.encode(), hashlib.sha256).digest()
        headers = {"x-ms-date": date, "x-ms-version": VERSION,
                   "Authorization": f"SharedKey {account}:{base64.b64encode(digest).decode()}"}
        url = f"{self.server.endpoint}{path}?{urllib.parse.urlencode(query)}"
        return answer_to(urllib.request.Request(url, headers=headers, method=method))

    def listed(self, repository, include=""):
        """Elements of blobs, by their names in the repository."""
        container, prefix = place_of(repository)
        found, query = [], {"restype": "container", "comp": "list", "prefix": prefix}
        if include:
            query["include"] = include
        while True:
            page = xml.etree.ElementTree.fromstring(self.send("GET", container, query)[2])
            found += [(each.findtext("Name").removeprefix(prefix), each) for each in page.iter("Blob")]
            query["marker"] = page.findtext("NextMarker")
            if not query["marker"]:
                return found

    def lock_ends(self, repository):
        container, prefix = place_of(repository)
        ends = {}
        for name, _ in self.listed(repository):
            end = self.send("HEAD", f"{container}/{prefix}{name}")[1]["x-ms-immutability-policy-until-date"]
            ends[name] = end and email.utils.parsedate_to_datetime(end)
        return ends

    def end_locks(self, repository):
        url = f"{self.server.endpoint}/end-locks/{place_of(repository)[0]}"
        assert answer_to(urllib.request.Request(url, method="PUT"))[0] == 200

    def kept(self, repository):
        return sorted(name for name, _ in self.listed(repository, "versions"))

    def remove(self, repository, name):
        container, prefix = place_of(repository)
        return self.send("DELETE", f"{container}/{prefix}{name}")[0]

    remove_for_good = remove


STORES = {"versitygw": S3Kept, "gcs": GcsKept, "azure": AzureKept}
