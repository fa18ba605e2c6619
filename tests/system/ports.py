"""ports - listening ports below the ephemeral range, so that no outgoing connection takes them.

Each pytest-xdist worker draws from a range of its own; every port is tried before it is given out.
"""
import itertools
import os
import socket

FIRST, COUNT = 21000, 1400


def worker_number():
    return int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", "0"))) or 0)


def sequence():
    base = FIRST + worker_number() % 8 * COUNT
    start = os.getpid() * 37 % COUNT
    for i in itertools.count():
        yield base + (start + i) % COUNT


_next = sequence()


def listen(address="127.0.0.1", backlog=512):
    """(listening socket, port)."""
    while True:
        port = next(_next)
        sock = socket.socket()
        try:
            sock.bind((address, port))
            sock.listen(backlog)
            return sock, port
        except OSError:
            sock.close()


def free(count=1):
    """A port that nobody listens on, or a list of them."""
    found = []
    while len(found) < count:
        sock, port = listen("0.0.0.0")
        sock.close()
        found.append(port)
    return found[0] if count == 1 else found
