"""Ways to servers whose connections can be made slow, silent or short, and are counted: toxiproxy, started by scripts/servers.sh."""

import itertools
import json
import re
import time
import typing
import urllib.parse
import urllib.request

from server import Server

SETTLED_S = 0.5
WAIT_S = 10


class Traffic(typing.NamedTuple):
    """Bytes that were passed on, with all headers: of requests, and of answers."""

    sent: int
    received: int

    def since(self, before):
        return Traffic(self.sent - before.sent, self.received - before.received)


class Way:
    """One address whose connections lead to a server; what is done to them is done to those that are open, too."""

    def __init__(self, proxy, name, endpoint):
        self.proxy, self.name = proxy, name
        behind = urllib.parse.urlsplit(endpoint)
        made = proxy.ask("POST", "/proxies", name=name, listen="127.0.0.1:0", upstream=behind.netloc)
        self.endpoint = f"{behind.scheme}://{made['listen']}"

    def poison(self, kind, stream="downstream", toxicity=1.0, **attributes):
        """Adds a toxic, and returns its name. `toxicity`: the share of connections that it befalls.

        toxiproxy 2.5.0 dies of one that is added to connections from which another was removed: then make a new way.
        """
        name = f"{kind}-{next(self.proxy.numbers)}"
        self.proxy.ask(
            "POST", f"/proxies/{self.name}/toxics",
            name=name, type=kind, stream=stream, toxicity=toxicity, attributes=attributes,
        )
        return name

    def heal(self, toxic):
        self.proxy.ask("DELETE", f"/proxies/{self.name}/toxics/{toxic}")

    def switch(self, is_on):
        """Off, it ends its connections and refuses new ones."""
        self.proxy.ask("POST", f"/proxies/{self.name}", enabled=is_on)

    def remove(self):
        self.proxy.ask("DELETE", f"/proxies/{self.name}")

    def passed_on(self):
        """So far. The connections are closed: the proxy counts each at its end."""
        counts = {"upstream": 0, "downstream": 0}
        for direction, way, count in re.findall(
            r'^toxiproxy_proxy_sent_bytes_total\{direction="(\w+)",.*?proxy="([^"]+)".*?\} (\S+)$',
            self.proxy.text_of("GET", "/metrics"), re.MULTILINE,
        ):
            if way == self.name:
                counts[direction] += int(float(count))
        return Traffic(counts["upstream"], counts["downstream"])

    def traffic(self):
        """As `passed_on`, once nothing more is counted."""
        deadline, last, since = time.monotonic() + WAIT_S, self.passed_on(), time.monotonic()
        while time.monotonic() < min(since + SETTLED_S, deadline):
            time.sleep(SETTLED_S / 10)
            now = self.passed_on()
            if now != last:
                last, since = now, time.monotonic()
        return last


class Toxiproxy(Server):
    def __init__(self, folder):
        super().__init__("toxiproxy", folder)
        self.numbers = itertools.count()

    def way(self, server):
        return Way(self, f"way-{next(self.numbers)}", server.endpoint)

    def ask(self, method, path, **document):
        text = self.text_of(method, path, **document)
        return json.loads(text) if text else None

    def text_of(self, method, path, **document):
        """Source: "HTTP API" in toxiproxy's README."""
        body = json.dumps(document).encode() if document else None
        request = urllib.request.Request(self.endpoint + path, body, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()
