"""A real SMTP server in the test's own process, with a certificate of its own."""

import email
import email.policy
import socket
import ssl
import subprocess
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, SMTP

USER, PASSWORD = "backup", "correct horse battery staple"


class MailServer:
    """Wants STARTTLS and a password unless told otherwise. `answers` are taken one by one at the end of each
    mail, the last one for ever."""

    def __init__(self, folder, *answers, starttls=True, auth=True):
        self.answers = list(answers) or ["250 OK"]
        self.tries, self.mails, self.logins = 0, [], []
        self.certificate = folder / "mail.crt"
        self.key = folder / "mail.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.key,
                        "-out", self.certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        server = self

        class Handler:
            async def handle_DATA(self, smtp, session, envelope):
                server.tries += 1
                answer = server.answers[0] if len(server.answers) == 1 else server.answers.pop(0)
                if answer.startswith("2"):
                    server.mails.append((envelope, email.message_from_bytes(envelope.content,
                                                                            policy=email.policy.default)))
                return answer

        def authenticate(smtp, session, envelope, mechanism, data):
            server.logins.append((data.login.decode(), session.ssl is not None))
            return AuthResult(handled=False, success=(data.login.decode(), data.password.decode()) == (USER, PASSWORD))

        class Server(Controller):
            def factory(self):
                return SMTP(self.handler, hostname="mx.test", tls_context=context if starttls else None,
                            require_starttls=starttls, authenticator=authenticate, auth_required=auth and starttls,
                            auth_require_tls=starttls)

        self.controller = Server(Handler(), hostname="127.0.0.1", port=free_port())
        self.controller.start()
        self.host = f"localhost:{self.controller.port}"

    def config(self, folder, password=PASSWORD, **keys):
        """A section of `notifications`."""
        file = folder / "mail.password"
        file.write_text(password + "\n")
        file.chmod(0o600)
        return {"type": "email", "smtp": self.host, "user": USER, "password_file": str(file),
                "from": "backup@shop.example", "to": ["ops@shop.example", "boss@shop.example"], **keys}

    def stop(self):
        self.controller.stop()


class SilentServer:
    """Takes connections, and says nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"localhost:{self.socket.getsockname()[1]}"
        self.connected = threading.Event()
        self.connections = []
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            try:
                self.connections.append(self.socket.accept()[0])
            except OSError:
                return
            self.connected.set()

    def stop(self):
        self.socket.close()
        for each in self.connections:
            each.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]
