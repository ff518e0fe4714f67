"""Who is told of things: an HTTP server that answers as a test wants, and remembers what it was told."""

import http.server
import json
import socket
import struct
import threading
import time


class HttpReceiver:
    """Listens on a port of its own. `answers` are taken one by one, the last one for ever: a status, a
    status with headers, "hang", "reset", or ("slow", seconds)."""

    def __init__(self, *answers):
        self.answers = list(answers) or [200]
        self.requests = []  # (path, headers, body) of each, in the order in which they came.
        self.changed = threading.Condition()
        self.released = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with receiver.changed:
                    answer = receiver.answers[0] if len(receiver.answers) == 1 else receiver.answers.pop(0)
                    receiver.requests.append((self.path, dict(self.headers), body.decode(), answer))
                    receiver.changed.notify_all()
                receiver.give(self, answer)

            do_GET = do_POST

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *arguments: None
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def give(self, handler, answer):
        if answer == "hang":
            self.released.wait(120)
            handler.close_connection = True
            return
        if answer == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
            return
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        if status == "slow":
            time.sleep(headers)
            status, headers = 200, {}
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        text = b"ok" if status < 300 else b"the receiver's own words"
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def taken(self):
        """The events of the requests that were answered with success."""
        return [json.loads(body) for _, _, body, answer in list(self.requests)
                if answer == 200 or (isinstance(answer, tuple) and answer[0] == "slow")]

    def wait(self, count, timeout=60):
        """Until so many requests have come."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, timeout), self.requests
        return self.requests

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
