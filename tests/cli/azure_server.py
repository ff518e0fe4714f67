"""Azurite, for one test file: containers, shared access signatures, and tokens of a stand-in for Microsoft Entra ID."""

import base64
import datetime
import hashlib
import hmac
import http.server
import itertools
import json
import ssl
import threading
import time
import urllib.parse
import urllib.request

from server import Server

VERSION = "2021-12-02"
NOBODY = "http://127.0.0.1:1"


class AzureServer(Server):
    def __init__(self, folder, *options, name="azurite"):
        super().__init__(name, folder, *options)
        self.account, self.key = self.text("account"), self.text("key")
        self.secret = self.key

    def environment(self, **changes):
        return {"AZURE_STORAGE_KEY": self.key, "AZURE_POD_IDENTITY_AUTHORITY_HOST": NOBODY, **changes}

    def url(self, path, **query):
        return f"az://{path}?" + urllib.parse.urlencode({"endpoint": f"{self.endpoint}/{self.account}", **query})

    def connection_string(self):
        return (f"DefaultEndpointsProtocol=http;AccountName={self.account};AccountKey={self.key};"
                f"BlobEndpoint={self.endpoint}/{self.account};")

    def _signed(self, text):
        digest = hmac.new(base64.b64decode(self.key), text.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def make_container(self, name):
        date = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
        text = "PUT" + "\n" * 12 + (f"x-ms-date:{date}\nx-ms-version:{VERSION}\n"
                                    f"/{self.account}/{self.account}/{name}\nrestype:container")
        request = urllib.request.Request(
            f"{self.endpoint}/{self.account}/{name}?restype=container", method="PUT",
            headers={"x-ms-date": date, "x-ms-version": VERSION,
                     "Authorization": f"SharedKey {self.account}:{self._signed(text)}"})
        authority = self.folder / "ca.crt"
        context = ssl.create_default_context(cafile=authority) if authority.exists() else None
        with urllib.request.urlopen(request, context=context) as answer:
            assert answer.status == 201
        return name

    def sas(self, container, permissions, seconds=3600):
        """A service SAS of the container. Source: "Create a service SAS", version 2020-12-06 and later."""
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
        expiry = end.strftime("%Y-%m-%dT%H:%M:%SZ")
        text = "\n".join([permissions, "", expiry, f"/blob/{self.account}/{container}", "", "", "", VERSION, "c",
                          "", "", "", "", "", "", ""])
        return urllib.parse.urlencode({"sv": VERSION, "sr": "c", "sp": permissions, "se": expiry,
                                       "sig": self._signed(text)})


    def send(self, path, method="GET", body=None):
        """The answer to what needs no more than a signature of the container."""
        url = f"{self.endpoint}/{self.account}/{path}?{self.sas(path.partition('/')[0], 'rcw')}"
        request = urllib.request.Request(url, body, {"x-ms-blob-type": "BlockBlob"}, method=method)
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def get_object(self, path):
        return self.send(path)

    def put_object(self, path, content):
        self.send(path, "PUT", content)


def unsigned_token(lifetime_s):
    """A token with what Azurite looks at; it verifies no signature."""
    now = int(time.time())
    claims = {"aud": "https://storage.azure.com", "iss": "https://sts.windows.net/x/", "iat": now, "nbf": now - 60,
              "exp": now + lifetime_s}
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in [*parts, b"signature"])


class IdentityService:
    """Stands in for a machine's metadata service, and says that its tokens live for a day, whatever they do."""

    def __init__(self, lifetimes_s):
        self.tokens = []
        lifetimes = itertools.cycle(lifetimes_s)
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                assert self.path.startswith("/metadata/identity/oauth2/token?") and self.headers["Metadata"] == "true"
                service.tokens.append(unsigned_token(next(lifetimes)))
                body = json.dumps({"access_token": service.tokens[-1],
                                   "expires_on": str(int(time.time()) + 86400)}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
