"""tls13 - a client of TLS 1.3 that sends each record by hand (RFC 8446), so that it can misbehave.

It speaks X25519 and TLS_AES_128_GCM_SHA256 and believes any certificate. What the caller does not
ask for is not sent: hello(), read_flight(), finish() are the steps of an honest client.
"""
import hashlib
import hmac
import os
import socket
import struct
import time
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import wire
from tlswire import ALERT, APPLICATION_DATA, HANDSHAKE, Reader, alert, record, split_records

CHANGE_CIPHER_SPEC = 20
CLIENT_HELLO, SERVER_HELLO, TICKET, END_OF_EARLY_DATA = 1, 2, 4, 5
ENCRYPTED_EXTENSIONS, FINISHED, KEY_UPDATE = 8, 20, 24
SUITE, X25519 = 0x1301, 29
EARLY_DATA = 42
BINDERS_BYTES = 2 + 1 + 32
RETRY_RANDOM = hashlib.sha256(b"HelloRetryRequest").digest()


def extract(salt, secret):
    return hmac.digest(salt, secret, "sha256")


def expand(secret, label, context, size):
    label = b"tls13 " + label
    info = struct.pack("!HB", size, len(label)) + label + bytes([len(context)]) + context
    return hmac.digest(secret, info + b"\x01", "sha256")[:size]


def derive(secret, label, messages=b""):
    return expand(secret, label, hashlib.sha256(messages).digest(), 32)


def message(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def vector(data, size=2):
    return len(data).to_bytes(size, "big") + data


def extension(kind, body):
    return struct.pack("!H", kind) + vector(body)


class Key:
    """One direction's record key; counts its records."""

    def __init__(self, secret):
        self.secret, self.count = secret, 0
        self.aead = AESGCM(expand(secret, b"key", b"", 16))
        self.iv = int.from_bytes(expand(secret, b"iv", b"", 12), "big")

    def _nonce(self):
        self.count += 1
        return (self.iv ^ (self.count - 1)).to_bytes(12, "big")

    def seal(self, kind, payload, padding=0):
        """A record."""
        inner = payload + bytes([kind]) + bytes(padding)
        header = struct.pack("!BHH", APPLICATION_DATA, 0x0303, len(inner) + 16)
        return header + self.aead.encrypt(self._nonce(), inner, header)

    def data(self, *pieces):
        return b"".join(self.seal(APPLICATION_DATA, piece) for piece in pieces)

    def open(self, sealed):
        """(kind, payload) of a record."""
        inner = self.aead.decrypt(self._nonce(), sealed[5:], sealed[:5]).rstrip(b"\0")
        return inner[-1], inner[:-1]


@dataclass
class Session:
    """A ticket, and what it is good for."""
    ticket: bytes
    psk: bytes
    age_add: int
    early_bytes_max: int
    came: float

    def age_ms(self):
        return int((time.time() - self.came) * 1000)


class Client(wire.Stream):
    """A connection. Data that comes is in .received, as with a plain one."""

    def __init__(self, port, timeout=6.0):
        sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock)
        self.share = x25519.X25519PrivateKey.generate()
        self.random, self.session_id = os.urandom(32), os.urandom(32)
        self.transcript, self.raw = b"", b""
        self.early = self.reading = self.writing = None
        self.is_resumed = self.is_early = self.is_retried = False
        self.alert, self.sessions = None, []
        self.early_secret = self.master = self.application = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    # --- ClientHello ---

    def _extensions(self, sni, alpn, early, has_share):
        key = self.share.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        out = extension(43, vector(b"\x03\x04", 1)) + extension(45, vector(b"\x01", 1))
        out += extension(10, vector(struct.pack("!H", X25519)))
        out += extension(13, vector(bytes.fromhex("040308040403050308050401")))
        out += extension(51, vector(struct.pack("!H", X25519) + vector(key) if has_share else b""))
        if sni:
            out += extension(0, vector(b"\0" + vector(sni.encode())))
        if alpn:
            out += extension(16, vector(vector(alpn.encode(), 1)))
        return out + (extension(EARLY_DATA, b"") if early else b"")

    def hello(self, sessions=(), early=False, sni="www.test", alpn=None, age_ms=None,
              has_share=True):
        """The record of a ClientHello; the keys for early data are those of the first session."""
        extensions = self._extensions(sni, alpn, early, has_share)
        identities = b"".join(
            vector(s.ticket) + struct.pack(
                "!I", ((s.age_ms() if age_ms is None else age_ms) + s.age_add) & 0xffffffff)
            for s in sessions)
        binders = len(sessions) * 33
        psk = vector(identities) + vector(bytes(binders))
        if sessions:
            extensions += extension(41, psk)
        body = b"\x03\x03" + self.random + vector(self.session_id, 1)
        body += vector(struct.pack("!H", SUITE)) + b"\x01\x00" + vector(extensions)
        hello = message(CLIENT_HELLO, body)
        self.early_secret = extract(bytes(32), sessions[0].psk if sessions else bytes(32))
        if sessions:
            cut = hello[:-binders - 2]
            hello = cut + vector(b"".join(vector(self._binder(s, cut), 1) for s in sessions))
        self.transcript += hello
        self.early = Key(derive(self.early_secret, b"c e traffic", self.transcript))
        return record(HANDSHAKE, hello, 0x0303 if self.is_retried else 0x0301)

    def _binder(self, session, cut):
        key = derive(extract(bytes(32), session.psk), b"res binder")
        digest = hashlib.sha256(self.transcript + cut).digest()
        return hmac.digest(expand(key, b"finished", b"", 32), digest, "sha256")

    # --- the server's flight ---

    def read_record(self):
        """The next record as it came."""
        while True:
            records, _ = split_records(self.raw)
            if records:
                self.raw = self.raw[len(records[0]):]
                return records[0]
            try:
                data = self.sock.recv(1 << 16)
            except socket.timeout as error:
                raise wire.Cut("timeout") from error
            except OSError as error:
                raise wire.Cut("reset") from error
            if not data:
                raise wire.Cut("eof")
            self.raw += data

    def read_flight(self):
        """Up to the server's Finished, or to its HelloRetryRequest; or raises Cut."""
        came, kind = b"", None
        while kind != FINISHED:
            sealed = self.read_record()
            if sealed[0] == CHANGE_CIPHER_SPEC:
                continue
            kind, payload = sealed[0], sealed[5:]
            if kind == APPLICATION_DATA:
                kind, payload = self.reading.open(sealed)
            if kind == ALERT:
                self.alert = payload[1]
                raise wire.Cut("alert")
            assert kind == HANDSHAKE
            came += payload
            while len(came) >= 4 and len(came) >= 4 + int.from_bytes(came[1:4], "big"):
                size = 4 + int.from_bytes(came[1:4], "big")
                kind = came[0]
                if self._take(kind, came[:size]):
                    return
                came = came[size:]
        self.application = self._traffic(self.master, b" ap traffic")
        self.reading = Key(self.application[1])

    def _take(self, kind, whole):
        """True for a HelloRetryRequest."""
        if kind == SERVER_HELLO and whole[6:38] == RETRY_RANDOM:
            self.is_retried = True
            digest = hashlib.sha256(self.transcript).digest()
            self.transcript = message(254, digest) + whole
            return True
        self.transcript += whole
        if kind == SERVER_HELLO:
            self._agree(whole[4:])
        elif kind == ENCRYPTED_EXTENSIONS:
            self.is_early = EARLY_DATA in dict(extensions_of(whole[4:]))
        return False

    def _agree(self, body):
        r = Reader(body[34:])
        r.vector(1)
        r.take(3)
        found = dict(extensions_of(r.data[r.at:]))
        self.is_resumed = 41 in found
        if not self.is_resumed:
            self.early_secret = extract(bytes(32), bytes(32))
        peer = x25519.X25519PublicKey.from_public_bytes(found[51][4:])
        secret = extract(derive(self.early_secret, b"derived"), self.share.exchange(peer))
        self.master = extract(derive(secret, b"derived"), bytes(32))
        ours, theirs = self._traffic(secret, b" hs traffic")
        self.writing, self.reading = Key(ours), Key(theirs)

    def _traffic(self, secret, label):
        return (derive(secret, b"c" + label, self.transcript),
                derive(secret, b"s" + label, self.transcript))

    # --- our end of the handshake ---

    def end_of_early_data(self):
        """A record under the early key."""
        end = message(END_OF_EARLY_DATA, b"")
        self.transcript += end
        return self.early.seal(HANDSHAKE, end)

    def finished_message(self):
        digest = hashlib.sha256(self.transcript).digest()
        key = expand(self.writing.secret, b"finished", b"", 32)
        finished = message(FINISHED, hmac.digest(key, digest, "sha256"))
        self.transcript += finished
        return finished

    def finished(self):
        """A record; what comes behind it is sealed with the application's key."""
        sealed = self.writing.seal(HANDSHAKE, self.finished_message())
        self.writing = Key(self.application[0])
        return sealed

    def finish(self, *data):
        """Ends the handshake, and sends the data."""
        end = self.end_of_early_data() if self.is_early else b""
        self.send(end + self.finished(), self.writing.data(*data))

    def send(self, *pieces):
        """False when the peer has closed."""
        try:
            for piece in pieces:
                self.sock.sendall(piece)
        except OSError:
            return False
        return True

    # --- data ---

    def fill(self):
        """The next record of data; tickets are kept on the way."""
        while True:
            try:
                kind, payload = self.reading.open(self.read_record())
            except InvalidTag as error:
                raise wire.Malformed("a record under another key") from error
            if kind == APPLICATION_DATA:
                self.received += payload
                return
            if kind == ALERT:
                self.alert = payload[1]
                raise wire.Cut("eof" if self.alert == 0 else "alert")
            self._keep(payload)

    def _keep(self, payload):
        r = Reader(payload)
        while r.has_more() and r.number(1) == TICKET:
            body = Reader(r.vector(3))
            body.take(4)
            age_add, nonce, ticket = body.number(4), body.vector(1), body.vector(2)
            limit = dict(extensions_of(body.data[body.at:])).get(EARLY_DATA, bytes(4))
            secret = derive(self.master, b"res master", self.transcript)
            self.sessions.append(Session(ticket, expand(secret, b"resumption", nonce, 32), age_add,
                                         int.from_bytes(limit, "big"), time.time()))

    def response(self, method="GET"):
        return wire.read_response(self, method)

    def ask(self, request, method="GET"):
        self.send(self.writing.data(request))
        return self.response(method)

    def alert_of_end(self):
        """Reads to the end: the alert that came, or how the stream ended."""
        try:
            while True:
                self.fill()
        except wire.Cut as cut:
            return self.alert if self.alert is not None else str(cut)

    def send_alert(self, description):
        plain = alert(description)
        self.send(self.writing.seal(ALERT, plain[5:]) if self.writing else plain)


def extensions_of(data):
    """(type, body) of each; data begins with their length."""
    r = Reader(Reader(data).vector(2))
    while r.has_more():
        yield r.number(2), r.vector(2)


def resumable(port, request, **more):
    """A session of a full handshake, in which the request was answered."""
    with Client(port) as c:
        c.send(c.hello(**more))
        c.read_flight()
        c.finish(request)
        assert c.response().status == 200
        return c.sessions[-1]
