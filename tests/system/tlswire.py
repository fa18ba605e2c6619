"""tlswire - TLS as bytes: records, ClientHellos read, and handshake messages no library sends.

Python's ssl hides what a client offered and cannot misbehave; this does both by hand.
"""
import os
import struct
from dataclasses import dataclass, field

ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23
CLOSE_NOTIFY, NO_RENEGOTIATION, USER_CANCELED = 0, 100, 90


@dataclass
class ClientHello:
    """What a client offers, as far as the tests look."""
    session_id: bytes = b""
    suites: list = field(default_factory=list)
    sni: str = None
    versions: list = field(default_factory=list)
    psk_identities: list = field(default_factory=list)  # TLS 1.3 tickets
    ticket: bytes = b""  # TLS 1.2
    alpn: list = field(default_factory=list)
    has_early_data: bool = False

    @property
    def offers_resumption(self):
        return bool(self.psk_identities or self.ticket or
                    (self.session_id and 0x0304 not in self.versions))


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        piece = self.data[self.at:self.at + size]
        assert len(piece) == size, "truncated"
        self.at += size
        return piece

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def vector(self, size):
        return self.take(self.number(size))

    def has_more(self):
        return self.at < len(self.data)


def client_hello_size(data):
    """Bytes that the first record needs, or None when its header is not there yet."""
    return 5 + int.from_bytes(data[3:5], "big") if len(data) >= 5 else None


def parse_client_hello(data):
    """The ClientHello in a first record; None when it is none."""
    if len(data) < 9 or data[0] != HANDSHAKE or data[5] != 1:
        return None
    r = Reader(Reader(data[5:]).data)
    r.take(1)
    r = Reader(r.vector(3))
    r.take(2 + 32)
    hello = ClientHello(session_id=r.vector(1))
    suites = r.vector(2)
    hello.suites = [int.from_bytes(suites[i:i + 2], "big") for i in range(0, len(suites), 2)]
    r.vector(1)
    if r.has_more():
        extensions = Reader(r.vector(2))
        while extensions.has_more():
            parse_extension(hello, extensions.number(2), extensions.vector(2))
    return hello


def parse_extension(hello, number, data):
    r = Reader(data)
    if number == 0:
        names = Reader(r.vector(2))
        names.take(1)
        hello.sni = names.vector(2).decode("latin-1")
    elif number == 16:
        names = Reader(r.vector(2))
        while names.has_more():
            hello.alpn.append(names.vector(1).decode("latin-1"))
    elif number == 35:
        hello.ticket = data
    elif number == 41:
        identities = Reader(r.vector(2))
        while identities.has_more():
            hello.psk_identities.append(identities.vector(2))
            identities.take(4)
    elif number == 42:
        hello.has_early_data = True
    elif number == 43:
        versions = r.vector(1)
        hello.versions = [int.from_bytes(versions[i:i + 2], "big")
                          for i in range(0, len(versions), 2)]


# --- what is sent -------------------------------------------------------------------------------

def record(kind, payload, version=0x0303, length=None):
    """One record; length lies about the payload's size where given."""
    size = len(payload) if length is None else length
    return struct.pack("!BHH", kind, version, size) + payload


def alert(description, is_fatal=True, version=0x0303):
    return record(ALERT, bytes([2 if is_fatal else 1, description]), version)


def handshake(kind, body, version=0x0303):
    return record(HANDSHAKE, bytes([kind]) + len(body).to_bytes(3, "big") + body, version)


def server_hello(version=0x0303, suite=0xc02b, session_id=b"", extensions=b"\xff\x01\x00\x01\x00"):
    """A ServerHello of TLS 1.2 or older; the extension is renegotiation_info."""
    body = struct.pack("!H", version) + os.urandom(32)
    body += bytes([len(session_id)]) + session_id + struct.pack("!HB", suite, 0)
    if extensions:
        body += struct.pack("!H", len(extensions)) + extensions
    return handshake(2, body, min(version, 0x0303))


def certificate(chain_der):
    """A Certificate message of TLS 1.2."""
    entries = b"".join(len(der).to_bytes(3, "big") + der for der in chain_der)
    return handshake(11, len(entries).to_bytes(3, "big") + entries)


def server_hello_done():
    return handshake(14, b"")


def client_hello(version=0x0303, suites=(0xc02b, 0xc02f), sni=None, versions=()):
    """A ClientHello of TLS 1.2 (versions () ) or of what versions lists."""
    extensions = b"\xff\x01\x00\x01\x00"  # renegotiation_info
    extensions += b"\x00\x0a\x00\x04\x00\x02\x00\x17"  # groups: P-256
    extensions += b"\x00\x0b\x00\x02\x01\x00"  # point formats
    extensions += b"\x00\x0d\x00\x06\x00\x04\x04\x03\x08\x04"  # signature algorithms
    if sni:
        name = b"\x00" + struct.pack("!H", len(sni)) + sni.encode()
        extensions += struct.pack("!HHH", 0, len(name) + 2, len(name)) + name
    if versions:
        body = b"".join(struct.pack("!H", v) for v in versions)
        extensions += struct.pack("!HHB", 43, len(body) + 1, len(body)) + body
    suite_bytes = b"".join(struct.pack("!H", s) for s in suites)
    body = struct.pack("!H", version) + os.urandom(32) + b"\x00"
    body += struct.pack("!H", len(suite_bytes)) + suite_bytes + b"\x01\x00"
    body += struct.pack("!H", len(extensions)) + extensions
    return handshake(1, body, 0x0301)


def split_records(buffer):
    """(whole records, the rest) of a byte string."""
    records = []
    at = 0
    while len(buffer) - at >= 5:
        end = at + 5 + int.from_bytes(buffer[at + 3:at + 5], "big")
        if end > len(buffer):
            break
        records.append(bytes(buffer[at:end]))
        at = end
    return records, bytes(buffer[at:])
