"""A port that a server may take; as a command: prints one."""

import random
import socket

# Below the ports that Linux gives to outgoing connections (net.ipv4.ip_local_port_range): with one of
# those, any client could have it before the server binds to it, even the one that asks whether the
# server answers, which then talks to itself.
FIRST, LAST = 10_000, 32_000


def free_port():
    choose = random.SystemRandom()
    while True:
        with socket.socket() as unused:
            port = choose.randint(FIRST, LAST)
            try:
                unused.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


if __name__ == "__main__":
    print(free_port())
