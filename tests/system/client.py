"""client - a scripted client: sends exact bytes in exact pieces and records what comes back."""
import contextlib
import socket
import struct
import time

import wire


class Client(wire.Stream):
    """One connection to 127.0.0.1:port (or address); tls: an ssl.SSLContext."""

    def __init__(self, port, tls=None, sni="www.test", session=None, timeout=8.0,
                 address="127.0.0.1", receive_buffer=None, begins=b""):
        self.plain = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        if receive_buffer:
            self.plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.plain.settimeout(timeout)
        self.plain.connect((address, port))
        self.plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.plain.sendall(begins)  # before TLS
        sock = self.plain
        if tls:
            try:
                sock = tls.wrap_socket(self.plain, server_hostname=sni, session=session,
                                       suppress_ragged_eofs=False)
            except OSError:
                self.plain.close()
                raise
            self.plain = sock  # wrapping took the descriptor away from the plain one
        super().__init__(sock)

    def send(self, *pieces, gap=0.0):
        """Sends the pieces; false when the peer has closed already."""
        try:
            for i, piece in enumerate(pieces):
                if gap and i:
                    time.sleep(gap)
                self.sock.sendall(piece)
        except OSError:  # closed by the peer, or by another thread of the test
            return False
        return True

    def drip(self, data, gap=0.0003):
        """Byte by byte."""
        return self.send(*(data[i:i + 1] for i in range(len(data))), gap=gap)

    def response(self, method="GET", skips_interim=True):
        """The next response; .interim lists the 1xx before it."""
        interim = []
        while True:
            message = wire.read_response(self, method)
            if not skips_interim or message.status >= 200 or message.status == 101:
                message.interim = interim
                return message
            interim.append(message)

    def ask(self, target="/", method="GET", **more):
        """Sends a request and reads its response."""
        self.send(wire.request(target, method, **more))
        return self.response(method)

    def is_closed(self, seconds=5.0):
        """True when the peer ends the connection in time; bytes before that are recorded."""
        self.sock.settimeout(seconds)
        try:
            while True:
                self.fill()
        except wire.Cut as cut:
            return str(cut) != "timeout"

    def stays_open(self, seconds=0.2):
        """True when nothing comes and nothing ends for so long."""
        before = len(self.received)
        return not self.is_closed(seconds) and len(self.received) == before

    def until_close(self, seconds=8.0):
        """All bytes not used yet, to the end of the stream; fails when there is no end."""
        assert self.is_closed(seconds), f"still open after {seconds} s: {self.rest()[-200:]!r}"
        data = self.rest()
        self.used = len(self.received)
        return data

    def half_close(self):
        wire.tcp_shutdown(self.sock, socket.SHUT_WR)

    def reset(self):
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        for sock in {self.sock, self.plain}:
            with contextlib.suppress(OSError):
                sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def get(port, target="/", method="GET", tls=None, sni="www.test", **more):
    """One request on a connection of its own, with Connection: close."""
    fields = [*more.pop("fields", ()), ("Connection", "close")]
    with Client(port, tls=tls, sni=sni) as connection:
        return connection.ask(target, method, fields=fields, **more)
