"""Ways to a server of an object store through one toxiproxy, which delays what it passes on, and counts it."""

import json
import re
import subprocess
import sys
import time
import typing
import urllib.request

from stores import StoreServer

SETTLED_S = 0.2
WAIT_S = 10


class Traffic(typing.NamedTuple):
    """Bytes that were passed on, with all headers: of requests, and of answers."""

    sent: int
    received: int

    def since(self, before):
        return Traffic(self.sent - before.sent, self.received - before.received)


class Proxy:
    """Start `way`s through it; `stop` it."""

    def __init__(self, folder):
        self.server = StoreServer("toxiproxy", folder)

    def way(self, name, server, delay_ms=0):
        """The address whose connections lead to `server`; each answer comes so much later."""
        port = subprocess.run(
            [sys.executable, "-c", "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()
        self.ask("/proxies", name=name, listen=f"127.0.0.1:{port}", upstream=server.endpoint.removeprefix("http://"))
        if delay_ms:
            self.ask(f"/proxies/{name}/toxics", type="latency", stream="downstream", attributes={"latency": delay_ms})
        return f"http://127.0.0.1:{port}"

    def ask(self, path, **document):
        body = json.dumps(document).encode() if document else None
        with urllib.request.urlopen(urllib.request.Request(self.server.endpoint + path, body)) as answer:
            return answer.read().decode()

    def passed_on(self, name):
        """So far, on the way of that name. The connections are closed: the proxy counts each at its end."""
        counts = {"upstream": 0, "downstream": 0}
        for direction, way, count in re.findall(
            r'^toxiproxy_proxy_sent_bytes_total\{direction="(\w+)",.*?proxy="(\w+)".*?\} (\S+)$', self.ask("/metrics"), re.MULTILINE
        ):
            if way == name:
                counts[direction] += int(float(count))
        return Traffic(counts["upstream"], counts["downstream"])

    def traffic(self, name):
        """As `passed_on`, once nothing more is counted."""
        deadline, last, since = time.monotonic() + WAIT_S, self.passed_on(name), time.monotonic()
        while time.monotonic() < min(since + SETTLED_S, deadline):
            time.sleep(SETTLED_S / 10)
            now = self.passed_on(name)
            if now != last:
                last, since = now, time.monotonic()
        return last

    def stop(self):
        self.server.stop()
