"""A bucket of Google Cloud Storage that keeps generations, deleted objects and retentions, in memory.

fake-gcs-server has none of these. What is refused, and in which words, is what Google documents ("Object Retention
Lock", "Bucket Lock", "Object holds", "Object Versioning", "Soft delete"; JSON API reference) and what others measured.
Only what db-backup and its tests ask for is there.
"""

import base64
import datetime
import email.parser
import json
import re
import secrets
import threading
import time
import urllib.parse

PAGE = 20
UTC = datetime.timezone.utc


class Refused(Exception):
    """status, reason, message"""


class Answer(Exception):
    """status, body, headers"""


def text_of(second):
    return datetime.datetime.fromtimestamp(second, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def second_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def is_kept(query, resource):
    """Whether a bucket that is made so is one of these."""
    return bool(query.get("enableObjectRetention") or {"versioning", "softDeletePolicy", "retentionPolicy"} & set(resource))


def crc32c(content):
    crc = 0xFFFFFFFF
    for byte in content:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return base64.b64encode((crc ^ 0xFFFFFFFF).to_bytes(4, "big")).decode()


def _entry(value):
    for _ in range(8):
        value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value


TABLE = [_entry(value) for value in range(256)]


class Generation:
    def __init__(self, number, content, resource):
        self.content = content
        now = text_of(time.time())
        self.resource = {**resource, "generation": str(number), "size": str(len(content)), "timeCreated": now, "updated": now}

    @property
    def number(self):
        return int(self.resource["generation"])


class KeptBucket:
    def __init__(self, name, query, resource, folder):
        self.name, self.folder = name, folder
        self.resource = resource
        self.has_retention = "enableObjectRetention" in query
        self.is_versioned = resource.get("versioning", {}).get("enabled", False)
        self.keeps_deleted = int(resource.get("softDeletePolicy", {}).get("retentionDurationSeconds", 0)) > 0
        self.period = int(resource.get("retentionPolicy", {}).get("retentionPeriod", 0))
        self.live, self.noncurrent, self.deleted = {}, [], []  # By name; the others oldest first.
        self.uploads = {}
        self.last = int(time.time() * 1e6)
        self.lock = threading.RLock()

    # What may be done.

    def need(self, *permissions):
        """Those that the file allows; without one, all are."""
        file = self.folder / "permissions"
        missing = set(permissions) - set(file.read_text().split()) if file.exists() else set()
        if missing:
            raise Refused(403, "forbidden", f"the account does not have {sorted(missing)[0]} access to the Google Cloud Storage object.")

    # Retention.

    def shown(self, each):
        resource = dict(each.resource)
        if self.period and not resource.get("eventBasedHold"):
            resource["retentionExpirationTime"] = text_of(second_of(resource["timeCreated"]) + self.period)
        return resource

    def check_kept(self, each):
        shown, now = self.shown(each), time.time()
        name = f"Object '{self.name}/{shown['name']}'"
        for hold, word in (("temporaryHold", "Temporary"), ("eventBasedHold", "Event-Based")):
            if shown.get(hold):
                raise Refused(403, "forbidden", f"{name} is under active {word} hold and cannot be deleted, overwritten or archived until hold is removed.")
        ends = [second_of(end) for end in (shown.get("retentionExpirationTime"), shown.get("retention", {}).get("retainUntilTime")) if end]
        if ends and max(ends) > now:
            raise Refused(403, "retentionPolicyNotMet", f"{name} is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until {text_of(max(ends))}")

    def check_retention(self, new, old=None, overrides=False):
        if not self.has_retention:
            raise Refused(400, "invalid", "Object retention is not enabled on the bucket.")
        if not new.get("mode") or not new.get("retainUntilTime"):
            raise Refused(400, "invalid", "Both mode and retain until time are required.")
        if second_of(new["retainUntilTime"]) <= time.time():
            raise Refused(400, "invalid", "Retain until time must be in the future.")
        if not old:
            return
        is_shorter = second_of(new["retainUntilTime"]) < second_of(old["retainUntilTime"])
        if old["mode"] == "Locked" and (is_shorter or new["mode"] != "Locked"):
            raise Refused(403, "forbidden", "A locked retention can only be extended.")
        if old["mode"] == "Unlocked" and (is_shorter or new["mode"] == "Locked"):
            if not overrides:
                raise Refused(403, "forbidden", "The retention can only be shortened, removed or locked with overrideUnlockedRetention.")
            self.need("storage.objects.overrideUnlockedRetention")

    def end_locks(self):
        """As if their time had come."""
        self.period = 0
        for each in [*self.live.values(), *self.noncurrent]:
            if "retention" in each.resource:
                each.resource["retention"]["retainUntilTime"] = "2001-01-01T00:00:00Z"

    # Requests.

    def handle(self, method, path, query, headers, body):
        """Raises the answer."""
        with self.lock:
            if path.startswith("/upload/"):
                if "upload_id" in query:
                    self.part(query["upload_id"], method, headers, body)
                self.begin(query, headers, body)
            place = path.removeprefix(f"/storage/v1/b/{self.name}").removeprefix("/")
            if not place:
                self.need("storage.buckets.get")
                raise Answer(200, self.resource, {})
            if place == "o":
                self.list(query)
            self.handle_object(method, place.removeprefix("o/"), query, headers, body)

    def handle_object(self, method, place, query, headers, body):
        words = place.split("/")
        name = urllib.parse.unquote(words[0])
        if method == "POST" and words[1] == "rewriteTo":
            self.rewrite(name, urllib.parse.unquote(words[-1]), query)
        if method == "POST" and words[1] == "restore":
            self.restore(name, query)
        if method == "GET":
            self.get(name, query, headers)
        if method == "PATCH":
            self.patch(name, query, json.loads(body))
        if method == "DELETE":
            self.delete(name, query)

    def find(self, name, query):
        found = self.live.get(name)
        if "generation" in query:
            known = [found] if found else []
            known += [each for each in self.noncurrent if each.resource["name"] == name]
            found = next((each for each in known if each.resource["generation"] == query["generation"]), None)
        if not found:
            raise Refused(404, "notFound", f"No such object: {self.name}/{name}")
        return found

    def store(self, content, resource):
        """Puts it over what is there, if that may be."""
        name = resource["name"]
        old = self.live.get(name)
        if old:
            self.need("storage.objects.delete")
            if not self.is_versioned:
                self.check_kept(old)
            self.forget(old)
        self.last += 1
        self.live[name] = Generation(self.last, content, resource)
        return self.live[name]

    def forget(self, each):
        """What is there no more is kept as the bucket says."""
        name = each.resource["name"]
        now = text_of(time.time())
        if self.live.get(name) is each:
            del self.live[name]
            if self.is_versioned:
                self.noncurrent.append(each)
                each.resource["timeDeleted"] = now
                return
        else:
            self.noncurrent.remove(each)
        self.bury(each, now)

    def bury(self, each, now):
        if self.keeps_deleted:
            each.resource["softDeleteTime"] = now
            self.deleted.append(each)

    def check_absent(self, name, query):
        if query.get("ifGenerationMatch") == "0" and name in self.live:
            raise Refused(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")

    # Uploads.

    def made(self, query, resource):
        self.need("storage.objects.create")
        if "retention" in resource:
            self.need("storage.objects.setRetention")
            self.check_retention(resource["retention"])
        self.check_absent(resource["name"], query)

    def begin(self, query, headers, body):
        if query["uploadType"] == "resumable":
            resource = json.loads(body)
            self.made(query, resource)
            session = secrets.token_hex(8)
            self.uploads[session] = [query, resource, b""]
            raise Answer(200, {}, {"Location": f"http://store/upload/storage/v1/b/{self.name}/o?upload_id={session}"})
        boundary = re.search("boundary=(.*)", headers["content-type"])[1].encode()
        _, first, second, _ = body.split(b"--" + boundary, 3)
        resource = json.loads(email.parser.BytesParser().parsebytes(first.lstrip(b"\r\n")).get_payload())
        content = second.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")
        self.made(query, resource)
        if resource.get("crc32c") not in (None, crc32c(content)):
            raise Refused(400, "invalid", "Provided CRC32C doesn't match calculated CRC32C.")
        raise Answer(200, self.shown(self.store(content, resource)), {})

    def part(self, session, method, headers, body):
        if method == "DELETE":
            self.uploads.pop(session, None)
            raise Answer(499, {}, {})
        if session not in self.uploads:
            raise Refused(404, "notFound", "No such upload")
        upload = self.uploads[session]
        span, total = headers["content-range"].removeprefix("bytes ").split("/")
        if span != "*":
            assert int(span.split("-")[0]) == len(upload[2]), span
            upload[2] += body
        if total != str(len(upload[2])):
            raise Answer(308, {}, {"Range": f"bytes=0-{len(upload[2]) - 1}"} if upload[2] else {})
        self.check_absent(upload[1]["name"], upload[0])
        del self.uploads[session]
        raise Answer(200, self.shown(self.store(upload[2], {**upload[1], "crc32c": crc32c(upload[2])})), {})

    # Objects.

    def list(self, query):
        self.need("storage.objects.list")
        if query.get("softDeleted") == "true":
            if not self.keeps_deleted:
                raise Refused(400, "invalid", "Soft delete policy is required.")
            found = list(self.deleted)
        else:
            found = list(self.live.values()) + (self.noncurrent if query.get("versions") == "true" else [])
        found = [each for each in found if each.resource["name"].startswith(query.get("prefix", ""))]
        found.sort(key=lambda each: (each.resource["name"].encode(), each.number))
        start = int(query.get("pageToken", 0))
        end = start + min(PAGE, int(query.get("maxResults", PAGE)))
        page = {"kind": "storage#objects", "items": [self.shown(each) for each in found[start:end]]}
        raise Answer(200, {**page, "nextPageToken": str(end)} if end < len(found) else page, {})

    def get(self, name, query, headers):
        self.need("storage.objects.get")
        found = self.find(name, query)
        if query.get("alt") != "media":
            raise Answer(200, self.shown(found), {})
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("range", ""))
        if not span:
            raise Answer(200, found.content, {})
        content = found.content[int(span[1]) : int(span[2]) + 1]
        raise Answer(206 if content else 416, content, {})

    def delete(self, name, query):
        self.need("storage.objects.delete")
        found = self.find(name, query)
        if "generation" in query or not self.is_versioned:
            self.check_kept(found)
        if "generation" in query and self.live.get(name) is found:
            del self.live[name]
            self.bury(found, text_of(time.time()))
        else:
            self.forget(found)
        raise Answer(204, b"", {})

    def patch(self, name, query, change):
        self.need("storage.objects.update")
        found = self.find(name, query)
        if "retention" in change:
            self.need("storage.objects.setRetention")
            self.check_retention(change["retention"], found.resource.get("retention"), query.get("overrideUnlockedRetention") == "true")
        metadata = {**found.resource.get("metadata", {}), **change.pop("metadata", {})}
        found.resource["metadata"] = {key: value for key, value in metadata.items() if value is not None}
        found.resource.update(change)
        raise Answer(200, self.shown(found), {})

    def again(self, source):
        """A new object of an old one: neither holds nor retention come along."""
        dropped = {"retention", "temporaryHold", "eventBasedHold", "timeDeleted", "softDeleteTime"}
        return self.store(source.content, {key: value for key, value in source.resource.items() if key not in dropped})

    def rewrite(self, name, target, query):
        self.need("storage.objects.get", "storage.objects.create")
        source = self.find(name, {"generation": query["sourceGeneration"]})
        self.check_absent(target, query)
        if "rewriteToken" not in query:
            raise Answer(200, {"done": False, "rewriteToken": "more"}, {})
        raise Answer(200, {"done": True, "resource": self.shown(self.again(source))}, {})

    def restore(self, name, query):
        self.need("storage.objects.restore", "storage.objects.create")
        if not self.keeps_deleted:
            raise Refused(400, "invalid", "Soft delete policy is required.")
        source = next((each for each in self.deleted if each.resource["generation"] == query["generation"] and each.resource["name"] == name), None)
        if not source:
            raise Refused(404, "notFound", f"No such object: {self.name}/{name}")
        self.check_absent(name, query)
        raise Answer(200, self.shown(self.again(source)), {})
