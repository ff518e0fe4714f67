"""What servers of the tests have in common that stand in front of another one, which they start."""

import http.client
import http.server
import os
import signal
import socket
import subprocess
import sys
import time


class FrontHandler(http.server.BaseHTTPRequestHandler):
    """One connection of a client; `behind` is one to the other server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.behind = http.client.HTTPConnection("127.0.0.1", self.server.port_behind)

    def finish(self):
        self.behind.close()
        super().finish()


class FrontServer(http.server.ThreadingHTTPServer):
    """Set `port_behind`."""

    daemon_threads = True
    request_queue_size = 128


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True



def start_behind(port, *words, **environment):
    """Starts the other server, which ends with this process's SIGTERM, and waits until it answers."""
    process = subprocess.Popen(words, env={**os.environ, **environment})

    def end(*_):
        process.kill()
        os._exit(0)

    while not answers(port):
        if process.poll() is not None:
            sys.exit(f"{words[0]} ended with {process.returncode}")
        time.sleep(0.02)
    signal.signal(signal.SIGTERM, end)
