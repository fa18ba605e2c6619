"""wire - HTTP/1.1 as bytes: requests and responses read from a stream, strictly.

Shared by the scripted client and the scripted origin. Reading never repairs anything: what the
proxy writes must be right to the byte. A Stream wraps a socket (plain or TLS) and records all
that it received.
"""
import contextlib
import socket
import ssl
import time
from dataclasses import dataclass, field


class Cut(Exception):
    """The stream ended inside of a message. str() is "eof", "reset" or "timeout"."""


class Malformed(Exception):
    """What came is not HTTP/1.1 as it must be written."""


class Stream:
    """A socket with a buffer; everything that ever came in is in .received."""

    def __init__(self, sock):
        self.sock = sock
        self.received = bytearray()
        self.used = 0

    def fill(self):
        """One receive. Raises Cut at the end of the stream."""
        try:
            data = self.sock.recv(1 << 16)
        except (socket.timeout, ssl.SSLWantReadError) as error:
            raise Cut("timeout") from error
        except (ConnectionError, ssl.SSLError, OSError) as error:
            raise Cut("reset") from error
        if not data:
            raise Cut("eof")
        self.received += data

    def line(self):
        """Up to and without CR LF; a bare LF is Malformed."""
        while (end := self.received.find(b"\n", self.used)) < 0:
            self.fill()
        line = bytes(self.received[self.used:end])
        self.used = end + 1
        if not line.endswith(b"\r") or b"\r" in line[:-1]:
            raise Malformed(f"line ends badly: {line!r}")
        return line[:-1]

    def take(self, size):
        while len(self.received) - self.used < size:
            self.fill()
        data = bytes(self.received[self.used:self.used + size])
        self.used += size
        return data

    def take_some(self):
        """Whatever there is, at least a byte; b"" at a clean end of the stream."""
        if self.used == len(self.received):
            try:
                self.fill()
            except Cut as cut:
                if str(cut) == "eof":
                    return b""
                raise
        data = bytes(self.received[self.used:])
        self.used = len(self.received)
        return data

    def rest(self):
        """What is buffered and not used."""
        return bytes(self.received[self.used:])


@dataclass
class Message:
    """A request or a response. Field names are kept as they came; get() ignores their case."""
    start: str = ""
    fields: list = field(default_factory=list)
    body: bytes = b""
    trailers: list = field(default_factory=list)
    framing: str = "none"  # none, length, chunked, close
    cut: str = ""          # "": whole; else eof, reset or timeout
    head: bytes = b""      # the head's raw bytes

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    @property
    def status(self):
        return int(self.start.split(" ", 2)[1])

    @property
    def version(self):
        return self.start.split(" ")[0 if self.start.startswith("HTTP/") else 2]

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]

    @property
    def is_whole(self):
        return not self.cut


def read_fields(stream):
    fields = []
    while line := stream.line():
        name, colon, value = line.partition(b":")
        if not colon or not name or any(c <= 0x20 or c >= 0x7f for c in name):
            raise Malformed(f"bad field line: {line!r}")
        fields.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    return fields


def read_head(stream):
    begin = stream.used
    message = Message(start=stream.line().decode("latin-1"))
    message.fields = read_fields(stream)
    message.head = bytes(stream.received[begin:stream.used])
    return message


def read_chunked(stream, message):
    message.framing = "chunked"
    parts = []
    try:
        while True:
            line = stream.line()
            if not line or not all(c in b"0123456789abcdefABCDEF" for c in line):
                raise Malformed(f"bad chunk size: {line!r}")
            size = int(line, 16)
            if size == 0:
                break
            parts.append(stream.take(size))
            if stream.line() != b"":
                raise Malformed("chunk does not end with CR LF")
        message.trailers = read_fields(stream)
    except Cut as cut:
        message.cut = str(cut)
        parts.append(stream.rest())
    message.body = b"".join(parts)


def read_length(stream, message, length):
    message.framing = "length"
    try:
        message.body = stream.take(length)
    except Cut as cut:
        message.cut = str(cut)
        message.body = stream.rest()


def read_until_close(stream, message):
    message.framing = "close"
    parts = []
    try:
        while data := stream.take_some():
            parts.append(data)
    except Cut as cut:
        message.cut = str(cut)
    message.body = b"".join(parts)


def read_body(stream, message, may_close):
    lengths = message.all("Content-Length")
    codings = message.all("Transfer-Encoding")
    if lengths and codings:
        raise Malformed(f"two framings: {message.fields}")
    if codings:
        if codings != ["chunked"]:
            raise Malformed(f"bad Transfer-Encoding: {codings}")
        read_chunked(stream, message)
    elif lengths:
        if len(lengths) != 1 or not lengths[0].isascii() or not lengths[0].isdigit():
            raise Malformed(f"bad Content-Length: {lengths}")
        read_length(stream, message, int(lengths[0]))
    elif may_close:
        read_until_close(stream, message)


def read_request(stream):
    """The next request, or None when the stream ends cleanly before it. Raises Cut."""
    try:
        if stream.used == len(stream.received):
            stream.fill()
    except Cut as cut:
        if str(cut) == "eof":
            return None
        raise
    message = read_head(stream)
    read_body(stream, message, may_close=False)
    return message


def read_response(stream, method="GET"):
    """The next response, interim ones too. A cut within the body is noted in .cut."""
    message = read_head(stream)
    if not message.start.startswith("HTTP/1."):
        raise Malformed(f"bad status line: {message.start!r}")
    if method == "HEAD" or message.status < 200 or message.status in (204, 304):
        return message
    read_body(stream, message, may_close=True)
    return message


def request(target="/", method="GET", host="www.test", fields=(), body=None, version="HTTP/1.1"):
    """The bytes of a request; body None sends no framing, bytes send Content-Length."""
    lines = [f"{method} {target} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{n}: {v}" for n, v in fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def response(status=200, body=b"", fields=(), framing="length", reason="OK"):
    """The bytes of a response; framing: length, chunked or close."""
    lines = [f"HTTP/1.1 {status} {reason}"] + [f"{n}: {v}" for n, v in fields]
    if framing == "length":
        lines.append(f"Content-Length: {len(body)}")
    elif framing == "chunked":
        lines.append("Transfer-Encoding: chunked")
        body = chunked([body] if body else [])
    else:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(pieces, trailers=()):
    """A chunked body of these pieces."""
    out = [b"%x\r\n%s\r\n" % (len(p), p) for p in pieces]
    out.append(b"0\r\n")
    out += [f"{n}: {v}\r\n".encode("latin-1") for n, v in trailers]
    return b"".join(out) + b"\r\n"


def pattern(size, seed=1):
    """Bytes of which no two pages are alike, the same for the same seed."""
    unit = b"".join(b"%07x%c" % ((i * 2654435761 + seed) & 0xfffffff, 0x61 + i % 26)
                    for i in range(min(size // 8 + 1, 8191)))
    return (unit * (size // len(unit) + 1))[:size]


def tcp_shutdown(sock, how):
    """Shuts the TCP connection down, also below TLS, and does not mind if it is gone."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, how)  # not SSLSocket's, which forgets its session


def wait_until(condition, seconds=5.0, what=""):
    """Polls until condition() is true; fails with what."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"never came true: {what or condition}"
        time.sleep(0.01)
    return value
