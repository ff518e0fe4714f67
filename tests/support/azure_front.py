#!/usr/bin/env python3
"""What Azure Blob Storage has and Azurite lacks: containers that keep things (azure_kept_container.py).

usage: azure_front.py FOLDER PORT PROGRAM

Listens on PORT of the loopback, and passes on to PROGRAM (azurite-blob), which it starts and ends, what is about other
containers. FOLDER/account and FOLDER/key say who may ask, FOLDER/data is Azurite's. For tests:

PUT /keep/CONTAINER?versions=yes&locks=yes&deleted=yes   makes one that keeps these, as Azure's resource manager would
PUT /end-locks/CONTAINER                                 ends the time of all policies in it
"""

import http.client
import pathlib
import sys
import urllib.parse

import azure_kept_container
from free_port import free_port
from front import FrontHandler, FrontServer, start_behind


class Handler(FrontHandler):
    def answer(self, status, headers, body):
        self.log_request(status)
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Answer')}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if not any(name.lower() == "content-length" for name, _ in headers):
            lines.append(f"Content-Length: {len(body)}")
        lines += ["", ""]
        self.wfile.write("\r\n".join(lines).encode() + (b"" if self.command == "HEAD" else body))

    def handle_request(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        words = parts.path.split("/")
        containers = self.server.containers
        if words[1] == "keep":
            containers.setdefault(words[2], azure_kept_container.KeptContainer(*self.server.account, words[2], query))
            return self.answer(201, (), b"")
        if words[1] == "end-locks":
            containers[words[2]].end_locks()
            return self.answer(200, (), b"")
        container = containers.get(words[2]) if len(words) > 2 else None
        if not container:
            return self.answer(*self.ask_behind(body))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            container.handle(self.command, parts.path, query, headers, body)
        except azure_kept_container.Answer as answer:
            status, told, content = answer.args
            return self.answer(status, list(told.items()), content)
        except azure_kept_container.Refused as refused:
            status, code, message = refused.args
            document = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
            return self.answer(status, [("x-ms-error-code", code), ("Content-Type", "application/xml")], document.encode())
        return None

    def ask_behind(self, body):
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "expect", "host")}
        self.behind.request(self.command, self.path, body, headers)
        response = self.behind.getresponse()
        content = response.read()
        dropped = ("transfer-encoding", "connection") + (() if self.command == "HEAD" else ("content-length",))
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in dropped]
        return response.status, kept, content

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_request


def main(folder, port, program):
    folder = pathlib.Path(folder)
    account = ((folder / "account").read_text(), (folder / "key").read_text())
    port_behind = free_port()
    start_behind(
        port_behind, program, "--silent", "--disableTelemetry", "--blobHost", "127.0.0.1", "--blobPort", str(port_behind),
        "--location", folder / "data", AZURITE_ACCOUNTS=":".join(account),
    )
    front = FrontServer(("127.0.0.1", int(port)), Handler)
    front.account, front.port_behind = account, port_behind
    front.containers = {}  # Those that are kept here, by name.
    front.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
