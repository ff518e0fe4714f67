#!/usr/bin/env python3
"""What Google Cloud Storage has and fake-gcs-server lacks: a token service, and a look at who asks.

usage: gcs_front.py FOLDER PORT PROGRAM

Listens on PORT of the loopback, with TLS where FOLDER has server.crt and server.key, and passes
what it accepts on to PROGRAM (fake-gcs-server), which it starts and ends. In FOLDER:

credentials.json  written: the key file of a service account whose token service is POST /token
secret            read: a token that is always accepted
token_life.json   read at each new token: {"told_s": 3600, "uses": 5}, what the client hears of its
                  life, and after how many requests it ends nevertheless, so that no test waits
lose_puts         read and counted down at each part of a resumable upload: the connection ends after so many of
                  them were stored, and no answer comes
denied            read at each request: HTTP methods that this account may not use, as a text
permissions       read at each request to a bucket that keeps things: all that this account may do there
log               one line per request, on stderr

Buckets that are made with versions, soft delete or a retention are kept here (gcs_kept_bucket.py), and
POST /end-locks/BUCKET ends the time of all retentions of one.
"""

import base64
import http.client
import json
import pathlib
import secrets
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

import gcs_kept_bucket
from free_port import free_port
from front import FrontHandler, FrontServer, start_behind

EMAIL = "backup@tests.iam.gserviceaccount.example"
SCOPES = ("https://www.googleapis.com/auth/devstorage.read_write", "https://www.googleapis.com/auth/devstorage.full_control")
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Google's own words, by which clients tell one refusal from another.
BAD_TIME = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)
PERMISSIONS = {
    "GET": "storage.objects.get", "POST": "storage.objects.create", "PUT": "storage.objects.create",
    "DELETE": "storage.objects.delete", "PATCH": "storage.objects.update",
}


class Refused(Exception):
    pass


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class TokenService:
    """Gives tokens for what the account's key signed."""

    def __init__(self, folder, url):
        self.folder, self.url = folder, url
        self.lock = threading.Lock()
        self.uses = {}
        self.owners = set()
        key = folder / "account.key"
        self.public_key = folder / "account.pub"
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
        openssl("pkey", "-in", key, "-pubout", "-out", self.public_key)
        self.credentials = {
            "type": "service_account", "project_id": "tests", "private_key_id": secrets.token_hex(20),
            "private_key": key.read_text(), "client_email": EMAIL, "token_uri": url,
        }
        (folder / "credentials.json").write_text(json.dumps(self.credentials, indent=2))

    def give(self, form):
        fields = urllib.parse.parse_qs(form)
        if fields.get("grant_type") != [GRANT]:
            raise Refused("unsupported_grant_type", "Invalid grant_type")
        scope = self.check(fields.get("assertion", [""])[0])
        life = {"told_s": 3600, "uses": sys.maxsize}
        if (self.folder / "token_life.json").exists():
            life = json.loads((self.folder / "token_life.json").read_text())
        token = "ya29." + secrets.token_urlsafe(40)
        with self.lock:
            self.uses[token] = life["uses"]
            if scope == SCOPES[1]:
                self.owners.add(token)
        return {"access_token": token, "expires_in": life["told_s"], "token_type": "Bearer"}

    def check(self, assertion):
        try:
            head, body, signature = assertion.split(".")
            header, claims = json.loads(decoded(head)), json.loads(decoded(body))
        except ValueError:
            raise Refused("invalid_grant", "Bad Request") from None
        if header != {"alg": "RS256", "typ": "JWT", "kid": self.credentials["private_key_id"]}:
            raise Refused("invalid_grant", "Invalid JWT header")
        if claims["iss"] != EMAIL:
            raise Refused("invalid_grant", "Invalid grant: account not found")
        if claims["aud"] != self.url or claims["scope"] not in SCOPES:
            raise Refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        if not claims["iat"] - 300 <= time.time() < claims["exp"] <= claims["iat"] + 3600:
            raise Refused("invalid_grant", BAD_TIME)
        file = self.folder / f"signature-{secrets.token_hex(8)}"
        file.write_bytes(decoded(signature))
        try:
            openssl("dgst", "-sha256", "-verify", self.public_key, "-signature", file, text=f"{head}.{body}")
        except subprocess.CalledProcessError:
            raise Refused("invalid_grant", "Invalid JWT Signature.") from None
        finally:
            file.unlink()
        return claims["scope"]

    def may_change(self, header):
        """Whether it is good for metadata and retentions of objects."""
        token = header.removeprefix("Bearer ")
        return token in self.owners or token == (self.folder / "secret").read_text()

    def accepts(self, header):
        token = header.removeprefix("Bearer ")
        with self.lock:
            self.uses[token] = self.uses.get(token, 0) - 1
            return self.uses[token] >= 0 or token == (self.folder / "secret").read_text()


def openssl(*words, text=""):
    subprocess.run(["openssl", *map(str, words)], input=text.encode(), check=True, capture_output=True)


def error_document(status, reason, message):
    return json.dumps({"error": {
        "code": status, "message": message,
        "errors": [{"message": message, "domain": "global", "reason": reason}],
    }}).encode()


class Handler(FrontHandler):
    def answer(self, status, body, headers=(("Content-Type", "application/json"),)):
        self.log_request(status)
        head = f"HTTP/1.1 {status} {http.client.responses.get(status, 'Answer')}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers)
        head += f"Content-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def handle_request(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/token":
            try:
                return self.answer(200, json.dumps(self.server.tokens.give(body.decode())).encode())
            except Refused as refused:
                error, description = refused.args
                document = {"error": error, "error_description": description}
                return self.answer(400, json.dumps(document).encode())
        if not self.server.tokens.accepts(self.headers.get("Authorization", "")):
            return self.answer(401, error_document(401, "authError", "Invalid Credentials"))
        if (self.command == "PATCH" or "/restore?" in self.path) and not self.server.tokens.may_change(self.headers.get("Authorization", "")):
            return self.answer(403, error_document(403, "forbidden", "Provided scope(s) are not authorized"))
        denied = self.server.tokens.folder / "denied"
        if denied.exists() and self.command in denied.read_text():
            message = f"{EMAIL} does not have {PERMISSIONS[self.command]} access to the Google Cloud Storage object."
            return self.answer(403, error_document(403, "forbidden", message))
        try:
            self.ask_kept_bucket(body)
        except gcs_kept_bucket.Answer as answer:
            status, content, headers = answer.args
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            return self.answer(status, content, [("Content-Type", "application/json"), *headers.items()])
        except gcs_kept_bucket.Refused as refused:
            return self.answer(refused.args[0], error_document(*refused.args))
        return self.forward(body)

    def ask_kept_bucket(self, body):
        """Raises the answer if it is about one of those that are kept here."""
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        buckets = self.server.buckets
        if parts.path.startswith("/end-locks/"):
            buckets[parts.path.removeprefix("/end-locks/")].end_locks()
            raise gcs_kept_bucket.Answer(204, b"", {})
        if self.command == "POST" and parts.path == "/storage/v1/b":
            resource = json.loads(body)
            name = resource["name"]
            if name not in buckets and not gcs_kept_bucket.is_kept(query, resource):
                return
            if name in buckets:
                raise gcs_kept_bucket.Refused(409, "conflict", "Your previous request to create the named bucket succeeded and you already own it.")
            buckets[name] = gcs_kept_bucket.KeptBucket(name, query, resource, self.server.tokens.folder)
            raise gcs_kept_bucket.Answer(200, resource, {})
        words = parts.path.removeprefix("/upload").split("/")
        bucket = buckets.get(urllib.parse.unquote(words[4])) if len(words) > 4 else None
        if bucket:
            headers = {name.lower(): value for name, value in self.headers.items()}
            bucket.handle(self.command, parts.path, query, headers, body)
            raise gcs_kept_bucket.Refused(400, "invalid", "the stand-in does not know this")

    def resumable(self, body):
        """A part of an upload, or a question about it, which fake-gcs-server answers by ending it."""
        session = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["upload_id"][0]
        uploads, lock = self.server.uploads, self.server.lock
        if self.command == "DELETE":
            uploads.pop(session, None)
            return self.answer(499, b"", ())
        span, total = self.headers["Content-Range"].removeprefix("bytes ").split("/")
        with lock:
            upload = uploads.setdefault(session, {"stored": 0, "answer": None})
        if upload["answer"]:
            return self.answer(*upload["answer"])
        if span == "*" and total != str(upload["stored"]):
            return self.answer_stored(upload)
        status, content, headers = self.ask_behind(body)
        if status in (200, 201):
            upload["answer"] = (status, content, headers)
        elif status == 308:
            upload["stored"] += len(body)
        if span != "*" and self.server.loses_answer():
            self.close_connection = True
            return None
        return self.answer_stored(upload) if status == 308 else self.answer(status, content, headers)

    def answer_stored(self, upload):
        stored = upload["stored"]
        return self.answer(308, b"", [("Range", f"bytes=0-{stored - 1}")] if stored else [])

    def forward(self, body):
        if "upload_id=" in self.path:
            return self.resumable(body)
        return self.answer(*self.ask_behind(body))

    def ask_behind(self, body):
        headers = {
            name: value for name, value in self.headers.items()
            if name.lower() not in ("authorization", "host", "connection", "expect", "content-length")
        }
        self.behind.request(self.command, self.path, body, headers)
        response = self.behind.getresponse()
        content = response.read()
        kept = [
            (name, value) for name, value in response.getheaders()
            if name.lower() not in ("content-length", "transfer-encoding", "connection")
        ]
        return response.status, content, kept

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request


class Front(FrontServer):
    def __init__(self, *words):
        super().__init__(*words)
        self.uploads = {}  # By session: what is stored, and the answer to the last part.
        self.lock = threading.Lock()
        self.buckets = {}  # Those that keep things, by name.

    def loses_answer(self):
        file = self.tokens.folder / "lose_puts"
        with self.lock:
            left = int(file.read_text()) if file.exists() else 0
            if left:
                file.write_text(str(left - 1))
            return left > 0


def main(folder, port, program):
    folder = pathlib.Path(folder)
    has_tls = (folder / "server.crt").exists()
    port_behind = free_port()
    place = f"127.0.0.1:{port_behind}"
    start_behind(
        port_behind, program, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port_behind), "-backend", "memory",
        "-public-host", place, "-external-url", f"http://{place}", "-log-level", "error",
    )
    tokens = TokenService(folder, f"{'https' if has_tls else 'http'}://127.0.0.1:{port}/token")
    front = Front(("127.0.0.1", int(port)), Handler)
    front.tokens, front.port_behind = tokens, port_behind
    if has_tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        front.socket = context.wrap_socket(front.socket, server_side=True)
    front.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
