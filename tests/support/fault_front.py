#!/usr/bin/env python3
"""A front before a server of HTTP that passes everything on unchanged, and does harm to one request.

In a test it runs in a thread of its own (`FaultFront`). As a program it only makes every request slow, for benchmarks:

usage: fault_front.py URL LATENCY_MS     prints the URL of the front, and runs until it is ended
"""

import dataclasses
import re
import select
import socket
import socketserver
import struct
import sys
import threading
import time
import urllib.parse

SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message></Error>"
)
FAILED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InternalError</Code>'
    b"<Message>We encountered an internal error. Please try again.</Message></Error>"
)

FAULTS = {
    "reset": "the connection is reset, and the server hears nothing",
    "lost_reset": "the server has done it, and the connection is reset instead of an answer",
    "lost_closed": "the server has done it, and the connection is closed in good order instead of an answer",
    "timeout": "the server has done it, and the answer never comes",
    "failed": "the server has done it, and the answer is 500",
    "slow_down": "503 SlowDown, and the server hears nothing",
    "too_many": "429 with Retry-After: 1, and the server hears nothing",
    "cut_head": "the answer ends within its head",
    "cut_body": "the answer has fewer bytes than its head says",
    "flipped_request": "one bit of the body is another on its way to the server",
    "flipped_answer": "one bit of the body is another on its way back",
}


@dataclasses.dataclass
class Message:
    """A request or an answer, byte for byte."""

    head: bytes
    body: bytes

    @property
    def first_line(self):
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def status(self):
        return self.first_line.split(" ")[1]

    def header(self, name):
        found = re.search(rb"(?im)^" + name.encode() + rb":[ \t]*([^\r]*)", self.head)
        return found and found[1].decode("latin-1").strip()

    def flipped(self):
        middle = len(self.body) // 2
        return self.head + self.body[:middle] + bytes([self.body[middle] ^ 1]) + self.body[middle + 1 :]


@dataclasses.dataclass
class Seen:
    """One request that came, and what was done to it: a fault, or nothing."""

    number: int
    line: str
    fault: str


class Gone(Exception):
    """The other side closed its connection."""


def read_head(stream):
    lines = [stream.readline()]
    while lines[-1] not in (b"\r\n", b""):
        lines.append(stream.readline())
    if lines[-1] == b"":
        raise Gone
    return b"".join(lines)


def read_exactly(stream, size):
    found = stream.read(size)
    if len(found) < size:
        raise Gone
    return found


def read_chunks(stream):
    """The body as it came, with the sizes between its parts."""
    parts = []
    while True:
        parts.append(stream.readline())
        size = int(parts[-1].split(b";")[0] or b"0", 16)
        parts.append(read_exactly(stream, size + 2))
        if size == 0:
            return b"".join(parts)


def read_message(stream, has_body=True):
    message = Message(read_head(stream), b"")
    if not has_body:
        return message
    if (message.header("transfer-encoding") or "").lower() == "chunked":
        message.body = read_chunks(stream)
    else:
        message.body = read_exactly(stream, int(message.header("content-length") or 0))
    return message


def answer_of(status, body, *headers):
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/xml", *headers, f"Content-Length: {len(body)}", "", ""]
    return Message("\r\n".join(lines).encode(), body)


def hang_up_hard(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Handler(socketserver.StreamRequestHandler):
    """One connection of a client, and one to the server behind."""

    disable_nagle_algorithm = True
    rbufsize = 1 << 20

    def setup(self):
        super().setup()
        self.behind = None

    def finish(self):
        self.hang_up_behind()
        super().finish()

    def handle(self):
        try:
            while True:
                request = read_message(self.rfile)
                if not self.treat(request, self.server.front.next_fault(request)):
                    return
        except (Gone, OSError):
            return

    def treat(self, request, fault):
        """@return: whether the connection stays open."""
        time.sleep(self.server.front.latency_s)
        if fault == "reset":
            hang_up_hard(self.connection)
            return False
        if fault == "slow_down":
            return self.send(answer_of("503 Slow Down", SLOW_DOWN))
        if fault == "too_many":
            return self.send(answer_of("429 Too Many Requests", b"", "Retry-After: 1"))
        answer = self.forward(request, request.flipped() if fault == "flipped_request" else request.head + request.body)
        if fault == "failed":
            return self.send(answer_of("500 Internal Server Error", b"" if self.is_head(request) else FAILED))
        if fault == "flipped_answer" and answer.status in ("200", "206") and answer.body:
            self.wfile.write(answer.flipped())
            return True
        if fault in ("", "flipped_request", "flipped_answer"):
            return self.send(answer)
        self.lose(answer, fault)
        return False

    def lose(self, answer, fault):
        if fault == "lost_reset":
            hang_up_hard(self.connection)
        elif fault == "timeout":
            select.select([self.connection], [], [], self.server.front.silence_s)
        elif fault == "cut_head":
            self.wfile.write(answer.head[: answer.head.index(b"\r\n") + 2])
        elif fault == "cut_body":
            self.wfile.write(answer.head + answer.body[: len(answer.body) // 2])

    def send(self, message):
        self.wfile.write(message.head + message.body)
        return True

    @staticmethod
    def is_head(request):
        return request.head.startswith(b"HEAD ")

    def forward(self, request, raw):
        """Once more over a new connection when the server had closed the old one meanwhile."""
        is_fresh = self.behind is None
        try:
            if is_fresh:
                self.behind = socket.create_connection(self.server.front.place_behind)
                self.behind.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.stream_behind = self.behind.makefile("rb")
            self.behind.sendall(raw)
            answer = read_message(self.stream_behind, not self.is_head(request))
        except (Gone, OSError):
            self.hang_up_behind()
            if is_fresh:
                raise Gone from None
            return self.forward(request, raw)
        if (answer.header("connection") or "").lower() == "close":
            self.hang_up_behind()
        return answer

    def hang_up_behind(self):
        if self.behind is not None:
            self.stream_behind.close()
            self.behind.close()
            self.behind = None


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request, client_address):
        self.front.broken.append(sys.exc_info()[1])


class FaultFront:
    """Listens on a free port of the loopback; `endpoint` is its URL. `stop` it.

    A fault that a request does not allow, such as a flipped body where there is none, becomes "reset".
    """

    def __init__(self, url, latency_s=0.0):
        parts = urllib.parse.urlsplit(url)
        self.place_behind = (parts.hostname, parts.port)
        self.latency_s = latency_s
        self.silence_s = 600
        self.broken = []
        self.lock = threading.Lock()
        self.begin()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.front = self
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def begin(self, number=0, fault=""):
        """Counts anew, from 1; request `number` gets the fault, 0: none does."""
        assert fault == "" or fault in FAULTS, fault
        with self.lock:
            self.seen = []
            self.number, self.fault = number, fault

    def next_fault(self, request):
        with self.lock:
            number = len(self.seen) + 1
            fault = self.fault if number == self.number else ""
            if not self.is_possible(fault, request):
                fault = "reset"
            self.seen.append(Seen(number, request.first_line, fault))
            return fault

    @staticmethod
    def is_possible(fault, request):
        is_get = request.first_line.startswith("GET ")
        is_listing = "list-type=" in request.first_line
        return {
            "flipped_request": request.body != b"",
            "flipped_answer": is_get and not is_listing,  # Of listings nobody but TLS has a checksum.
            "cut_body": is_get,
        }.get(fault, True)

    def log(self):
        with self.lock:
            return "\n".join(f"{each.number:4} {each.line} {each.fault and '<- ' + each.fault}" for each in self.seen)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def main(url, latency_ms):
    front = FaultFront(url, float(latency_ms) / 1000)
    print(front.endpoint, flush=True)
    try:
        front.thread.join()
    except KeyboardInterrupt:
        front.stop()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
