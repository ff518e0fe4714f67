"""A container of Azure Blob Storage that keeps versions, deleted blobs and immutability policies, in memory.

Azurite has none of these. What is refused, and in which words, is what Microsoft documents ("Blob versioning", "Soft
delete for blobs", "Version-level WORM policies for immutable blob data"; Azure Storage REST API reference). Only what
db-backup and its tests ask for is there. Signatures are checked, as Azurite does for the others.
"""

import base64
import datetime
import email.utils
import hashlib
import hmac
import threading
import time
import urllib.parse
import xml.etree.ElementTree
import xml.sax.saxutils

PAGE = 20
SIGNED = ("content-encoding", "content-language", "content-length", "content-md5", "content-type", "date", "if-modified-since",
          "if-match", "if-none-match", "if-unmodified-since", "range")


class Refused(Exception):
    """status, code, message"""


class Answer(Exception):
    """status, headers, body"""


def date_of(second):
    return email.utils.formatdate(second, usegmt=True)


def second_of(date):
    return email.utils.parsedate_to_datetime(date).timestamp()


class Blob:
    def __init__(self, name, version, content, metadata):
        self.name, self.version, self.content, self.metadata = name, version, content, metadata
        self.modified = time.time()
        self.until, self.mode, self.is_held = None, None, False

    def check_kept(self):
        if self.is_held:
            raise Refused(409, "BlobImmutableDueToLegalHold", "This operation is not permitted as the blob is immutable due to one or more legal holds.")
        if self.until and self.until > time.time():
            raise Refused(409, "BlobImmutableDueToPolicy", "This operation is not permitted as the blob is immutable due to a policy.")


class KeptContainer:
    def __init__(self, account, key, name, keeps):
        self.account, self.key, self.name = account, base64.b64decode(key), name
        self.has_versions, self.has_locks, self.keeps_deleted = ("versions" in keeps, "locks" in keeps, "deleted" in keeps)
        self.current, self.previous, self.deleted = {}, [], []  # By name; the others oldest first.
        self.blocks = {}
        self.last = 0
        self.lock = threading.RLock()

    # Who asks.

    def _signed(self, text):
        return base64.b64encode(hmac.new(self.key, text.encode(), hashlib.sha256).digest()).decode()

    def check_signature(self, method, path, query, headers):
        """@return: the permissions of a shared access signature; all of them for the key."""
        if "sig" in query:
            text = "\n".join([query["sp"], "", query["se"], f"/blob/{self.account}/{self.name}", "", "", "", query["sv"], "c"] + [""] * 7)
            if not hmac.compare_digest(query["sig"], self._signed(text)):
                raise Refused(403, "AuthenticationFailed", "Signature did not match.")
            return query["sp"]
        length = headers.get("content-length", "")
        plain = [method, *("" if name == "content-length" and length == "0" else headers.get(name, "") for name in SIGNED)]
        own = [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
        resource = [f"/{self.account}{path}", *(f"{name}:{query[name]}" for name in sorted(query))]
        if headers.get("authorization") != f"SharedKey {self.account}:{self._signed(chr(10).join(plain + own + resource))}":
            raise Refused(403, "AuthenticationFailed", "Server failed to authenticate the request.")
        return "racwdxlti*"

    def need(self, letters):
        if not set(letters) & set(self.allowed):
            raise Refused(403, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission.")

    # Requests.

    def handle(self, method, path, query, headers, body):
        """Raises the answer."""
        with self.lock:
            self.allowed = self.check_signature(method, path, query, headers)
            self.is_signed_url = "sig" in query
            name = urllib.parse.unquote(path.split("/", 3)[3]) if path.count("/") > 2 else ""
            if query.get("restype") == "container":
                if query.get("comp") == "list":
                    self.list(query)
                self.need("*")
                raise Answer(200, {"x-ms-immutable-storage-with-versioning-enabled": str(self.has_locks).lower()}, b"")
            if method in ("GET", "HEAD"):
                self.get(name, query, headers)
            if method == "DELETE":
                self.delete(name, query)
            self.put(name, query, headers, body)

    def put(self, name, query, headers, body):
        comp = query.get("comp", "")
        if hashlib.md5(body).digest() != base64.b64decode(headers.get("content-md5", "")) and "content-md5" in headers:
            raise Refused(400, "Md5Mismatch", "The MD5 value specified in the request did not match with the MD5 value calculated by the server.")
        if comp == "block":
            self.need("cw")
            self.blocks[name, query["blockid"]] = body
            raise Answer(201, {}, b"")
        if comp == "metadata":
            self.set_metadata(name, headers)
        if comp == "undelete":
            self.undelete(name)
        if comp == "immutabilityPolicies":
            self.set_policy(name, headers)
        if comp == "legalhold":
            self.find(name, {}).is_held = headers["x-ms-legal-hold"] == "true"
            raise Answer(200, {}, b"")
        if "x-ms-copy-source" in headers:
            self.copy(name, headers)
        if comp == "blocklist":
            names = [each.text for each in xml.etree.ElementTree.fromstring(body)]
            body = b"".join(self.blocks[name, each] for each in names)
        self.make(name, headers, body)
        raise Answer(201, {}, b"")

    def find(self, name, query):
        found = self.current.get(name)
        if "versionid" in query:
            known = [found] if found else []
            known += [each for each in self.previous if each.name == name]
            found = next((each for each in known if each.version == query["versionid"]), None)
        if not found:
            raise Refused(404, "BlobNotFound", "The specified blob does not exist.")
        return found

    def new_version(self):
        if not self.has_versions:
            return None
        self.last += 1
        now = datetime.datetime.now(datetime.timezone.utc)
        return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{self.last:07}Z"

    def make(self, name, headers, content, metadata=None):
        self.need("cw")
        old = self.current.get(name)
        if old and headers.get("if-none-match") == "*":
            raise Refused(409, "BlobAlreadyExists", "The specified blob already exists.")
        if old:
            self.need("w")
            if not self.has_versions:
                old.check_kept()
            self.forget(old)
        given = {key.removeprefix("x-ms-meta-"): value for key, value in headers.items() if key.startswith("x-ms-meta-")}
        blob = Blob(name, self.new_version(), content, given or metadata or {})
        if "x-ms-immutability-policy-until-date" in headers:
            self.give_policy(blob, headers)
        self.current[name] = blob
        return blob

    def forget(self, blob):
        """@return: whether nothing is left of it."""
        if self.current.get(blob.name) is blob:
            del self.current[blob.name]
            if self.has_versions:
                self.previous.append(blob)
                return False
        else:
            self.previous.remove(blob)
        if self.keeps_deleted:
            self.deleted.append(blob)
        return not self.keeps_deleted

    def delete(self, name, query):
        self.need("x" if "versionid" in query else "d")
        blob = self.find(name, query)
        if "versionid" in query and self.current.get(name) is blob:
            raise Refused(403, "OperationNotAllowedOnRootBlob", "The specified operation is not allowed on root blob.")
        blob.check_kept()
        raise Answer(202, {"x-ms-delete-type-permanent": str(self.forget(blob)).lower()}, b"")

    def set_metadata(self, name, headers):
        self.need("w")
        old = self.find(name, {})
        old.check_kept()
        given = {key.removeprefix("x-ms-meta-"): value for key, value in headers.items() if key.startswith("x-ms-meta-")}
        if self.has_versions:
            self.make(name, {}, old.content)
        self.current[name].metadata = given
        raise Answer(200, {}, b"")

    def undelete(self, name):
        self.need("w")
        found = [each for each in self.deleted if each.name == name]
        if not found and name not in self.current:
            raise Refused(404, "BlobNotFound", "The specified blob does not exist.")
        self.deleted = [each for each in self.deleted if each.name != name]
        self.previous += [each for each in found if each.version]
        whole = [each for each in found if not each.version]
        if whole and name not in self.current:
            self.current[name] = whole[-1]
        raise Answer(200, {}, b"")

    def copy(self, name, headers):
        source = urllib.parse.urlsplit(headers["x-ms-copy-source"])
        query = dict(urllib.parse.parse_qsl(source.query))
        assert urllib.parse.unquote(source.path) == f"/{self.account}/{self.name}/{name}", source
        if self.is_signed_url and "sig" not in query:
            raise Refused(404, "CannotVerifyCopySource", "The specified resource does not exist.")
        self.need("r")
        old = self.find(name, {"versionid": query["versionid"]})
        self.make(name, headers, old.content, old.metadata)
        raise Answer(202, {"x-ms-copy-status": "success"}, b"")

    # Policies.

    def give_policy(self, blob, headers):
        self.need("i")
        until, mode = second_of(headers["x-ms-immutability-policy-until-date"]), headers.get("x-ms-immutability-policy-mode", "Unlocked")
        if not self.has_locks:
            raise Refused(409, "ImmutableStorageWithVersioningNotEnabled", "The stand-in's word: the container has no version-level immutability.")
        if until <= time.time():
            raise Refused(400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format.")
        if blob.mode == "Locked" and (mode != "Locked" or until < blob.until):
            raise Refused(409, "ImmutabilityPolicyLocked", "The stand-in's word: a locked policy can only be extended.")
        blob.until, blob.mode = until, mode

    def set_policy(self, name, headers):
        self.give_policy(self.find(name, {}), headers)
        raise Answer(200, {}, b"")

    def end_locks(self):
        """As if their time had come."""
        for blob in [*self.current.values(), *self.previous]:
            blob.until = blob.until and 978307200

    # Reading.

    def get(self, name, query, headers):
        self.need("r")
        blob = self.find(name, query)
        told = {"Last-Modified": date_of(blob.modified), **{f"x-ms-meta-{key}": value for key, value in blob.metadata.items()}}
        if blob.version:
            told["x-ms-version-id"] = blob.version
        if blob.until:
            told |= {"x-ms-immutability-policy-until-date": date_of(blob.until), "x-ms-immutability-policy-mode": blob.mode.lower()}
        if self.has_locks:
            told["x-ms-legal-hold"] = str(blob.is_held).lower()
        span = headers.get("x-ms-range", "")
        if not span:
            raise Answer(200, told, blob.content)
        first, last = map(int, span.removeprefix("bytes=").split("-"))
        if first >= len(blob.content):
            raise Refused(416, "InvalidRange", "The range specified is invalid for the current size of the resource.")
        raise Answer(206, told, blob.content[first : last + 1])

    def list(self, query):
        self.need("l")
        include = query.get("include", "").split(",")
        found = [(each, "current") for each in self.current.values()]
        if "versions" in include:
            found += [(each, "previous") for each in self.previous]
        if "deleted" in include:
            found += [(each, "deleted") for each in self.deleted if not each.version or "versions" in include]
        found = [each for each in found if each[0].name.startswith(query.get("prefix", ""))]
        found.sort(key=lambda each: (each[0].name, each[0].version or ""))
        start = int(query.get("marker") or 0)
        end = start + PAGE
        items = "".join(self.item(blob, kind, include) for blob, kind in found[start:end])
        marker = f"<NextMarker>{end}</NextMarker>" if end < len(found) else "<NextMarker />"
        text = f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>{items}</Blobs>{marker}</EnumerationResults>'
        raise Answer(200, {"Content-Type": "application/xml"}, text.encode())

    @staticmethod
    def item(blob, kind, include):
        text = f"<Name>{xml.sax.saxutils.escape(blob.name)}</Name>"
        if kind == "deleted":
            text += "<Deleted>true</Deleted>"
        if blob.version and "versions" in include:
            text += f"<VersionId>{blob.version}</VersionId>" + ("<IsCurrentVersion>true</IsCurrentVersion>" if kind == "current" else "")
        text += f"<Properties><Last-Modified>{date_of(blob.modified)}</Last-Modified><Content-Length>{len(blob.content)}</Content-Length></Properties>"
        if "metadata" in include:
            text += "<Metadata>" + "".join(f"<{key}>{value}</{key}>" for key, value in blob.metadata.items()) + "</Metadata>"
        return f"<Blob>{text}</Blob>"
