"""origin - a scripted upstream: every connection plays a script, and everything is recorded.

An Origin listens on a port of its own in a thread; each connection runs the origin's current
script in a thread. A script is a function of a Connection:

    def script(c):
        request = c.read_request()
        c.send(b"HTTP/1.1 200 OK\r\n...")
        c.close()                      # or c.reset(), c.close_cleanly(), c.stall()

When a script returns the connection is closed (over TLS: with close_notify). `serve(answer)` makes
the usual script: answers each request until the client leaves.
"""
import contextlib
import socket
import ssl
import struct
import threading
import time

import ports
import tlswire
import wire


class Connection(wire.Stream):
    """One accepted connection. Facts of its TLS session are there after the handshake."""

    def __init__(self, origin, sock, peer, number):
        super().__init__(sock)
        self.origin = origin
        self.plain = sock
        self.peer = peer
        self.number = number
        self.requests = []
        self.hello = None      # tlswire.ClientHello
        self.tls_error = None
        self.is_handshaken = False
        self.version = self.cipher = self.sni = self.client_subject = None
        self.was_resumed = None
        self.error = None      # what a script stumbled over
        self.is_done = False
        self.opened_at = time.monotonic()
        self.ended_at = None

    def start_tls(self, context):
        self._peek_hello()
        self.sock = context.wrap_socket(self.plain, server_side=True,
                                        do_handshake_on_connect=False,
                                        suppress_ragged_eofs=False)
        self.plain = self.sock  # wrapping took the descriptor away from the plain one
        self.sock.do_handshake()
        self.is_handshaken = True
        self.version, self.cipher = self.sock.version(), self.sock.cipher()[0]
        self.was_resumed = self.sock.session_reused
        self.client_subject = rfc4514(self.sock.getpeercert() or {})

    def _peek_hello(self):
        """Looks at the ClientHello without taking it."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            data = self.plain.recv(1 << 14, socket.MSG_PEEK)
            size = tlswire.client_hello_size(data)
            if not data or data[0] != tlswire.HANDSHAKE or (size and len(data) >= size):
                break
            time.sleep(0.001)
        self.hello = tlswire.parse_client_hello(data)
        self.sni = self.hello.sni if self.hello else None

    # --- verbs for scripts ------------------------------------------------------------------

    def read_request(self):
        """The next whole request; None at the end of the stream; Cut when it breaks off."""
        request = wire.read_request(self)
        if request and request.cut:
            raise wire.Cut(request.cut)
        if request:
            self.requests.append(request)
        return request

    def read_request_head(self):
        """Only the head; its body stays in the stream."""
        request = wire.read_head(self)
        self.requests.append(request)
        return request

    def send(self, *pieces, gap=0.0):
        for i, piece in enumerate(pieces):
            if gap and i:
                time.sleep(gap)
            self.sock.sendall(piece)

    def respond(self, status=200, body=b"", fields=(), **more):
        self.send(wire.response(status, body, fields, **more))

    def half_close(self):
        wire.tcp_shutdown(self.sock, socket.SHUT_WR)

    def close(self):
        """The TCP way: FIN, and over TLS no close_notify before it."""
        wire.tcp_shutdown(self.sock, socket.SHUT_WR)
        self._drop()

    def close_cleanly(self):
        """With close_notify before the FIN, and what the peer still sends is waited for."""
        with contextlib.suppress(OSError, ValueError):
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock.settimeout(1)
                self.sock = self.sock.unwrap()
        self.close()

    def reset(self):
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._drop()

    def stall(self, seconds=20.0):
        """Says nothing until the peer leaves (True) or the time is over."""
        self.sock.settimeout(seconds)
        try:
            while self.sock.recv(1 << 16):
                pass
            return True
        except socket.timeout:
            return False
        except OSError:
            return True

    def _drop(self):
        for sock in {self.sock, self.plain}:
            with contextlib.suppress(OSError):
                sock.close()


def rfc4514(certificate):
    """The subject of ssl's getpeercert(), most specific first: "CN=a,O=b"; None without one."""
    short = {"commonName": "CN", "organizationName": "O"}
    pairs = [f"{short.get(k, k)}={v}" for rdn in certificate.get("subject", ()) for k, v in rdn]
    return ",".join(reversed(pairs)) or None


class Origin:
    """A scripted server on 127.0.0.1 (or another address). tls: an ssl.SSLContext or None.

    script and tls may be exchanged at any time; they count for connections accepted from then on.
    """

    def __init__(self, script=None, tls=None, address="127.0.0.1", backlog=512):
        self.script = script or serve()
        self.default_script = self.script
        self.tls = self.default_tls = tls
        self.connections = []
        self.is_open = True
        self.lock = threading.Lock()
        self.listener, self.port = ports.listen(address, backlog)
        self.address = f"{address}:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, peer = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(20)
            with self.lock:
                connection = Connection(self, sock, peer, len(self.connections))
                self.connections.append(connection)
            threading.Thread(target=self._play, args=(connection, self.script, self.tls),
                             daemon=True).start()

    def _play(self, connection, script, context):
        try:
            if context:
                connection.start_tls(context)
            script(connection)
        except (OSError, wire.Cut) as error:  # SSLError is an OSError
            connection.error = error
            if context and not connection.is_handshaken:
                connection.tls_error = error
        except Exception as error:  # pylint: disable=broad-except # shown by errors()
            connection.error = error
        finally:
            connection.ended_at = time.monotonic()
            if connection.error:
                connection.close()
            else:
                connection.close_cleanly()
            connection.is_done = True

    # --- what happened ----------------------------------------------------------------------

    @property
    def requests(self):
        """All requests, in the order of connections."""
        return [r for c in list(self.connections) for r in c.requests]

    @property
    def received(self):
        """All request bytes (decrypted where there is TLS), connection after connection."""
        return b"".join(bytes(c.received) for c in list(self.connections))

    @property
    def handshaken(self):
        return [c for c in list(self.connections) if c.is_handshaken]

    def settled(self, seconds=5.0):
        """Waits until every connection's script has ended."""
        wire.wait_until(lambda: all(c.is_done for c in list(self.connections)), seconds,
                        "origin's connections end")
        return self

    # --- between tests ----------------------------------------------------------------------

    def forget(self):
        """Closes all connections, forgets the records, goes back to the first script."""
        with self.lock:
            old, self.connections = self.connections, []
        self.script, self.tls = self.default_script, self.default_tls
        for connection in old:
            wire.tcp_shutdown(connection.plain, socket.SHUT_RDWR)
            wire.tcp_shutdown(connection.sock, socket.SHUT_RDWR)
        return self

    def close(self):
        self.stop_listening()
        self.forget()

    def stop_listening(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# --- scripts ------------------------------------------------------------------------------------

def serve(answer=None, is_last=None):
    """Answers every request of a connection.

    answer(request) gives the bytes of the response (default: 200 with a word on the request);
    is_last(request) tells whether the connection is closed after it.
    """
    def script(connection):
        while request := connection.read_request():
            connection.send(answer(request) if answer else echo(request))
            if is_last and is_last(request):
                break
    return script


def echo(request):
    """A plain answer by which a test knows its request again."""
    body = f"{request.method} {request.target} {len(request.body)}".encode()
    if request.method == "HEAD":
        head = wire.response(200, body)
        return head[:-len(body)]
    return wire.response(200, body)


def play(*pieces, reads=True, gap=0.0, end="close"):
    """One request is read, these bytes are sent, then: close, close_cleanly, reset or stall."""
    def script(connection):
        if reads:
            connection.read_request()
        connection.send(*pieces, gap=gap)
        if end == "reset":
            time.sleep(0.05)  # let the bytes arrive: a reset overtakes what waits
        getattr(connection, end)()
    return script


def then(*scripts):
    """The n-th connection plays the n-th script; the last one for all that follow."""
    def script(connection):
        scripts[min(connection.number, len(scripts) - 1)](connection)
    return script


def relay(port, from_server=None, from_client=None, gap=0.0):
    """Passes a connection on to a server on 127.0.0.1:port, TLS record by TLS record.

    from_server(i, record) and from_client(i, record) return what to send instead: bytes, or a list
    of pieces (gap seconds apart), or None to cut the connection there.
    """
    def script(connection):
        with socket.create_connection(("127.0.0.1", port), 5) as server:
            # Nagle would hold back the second of two small pieces.
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.settimeout(20)
            up = threading.Thread(target=pump, daemon=True,
                                  args=(connection.plain, server, from_client, connection))
            up.start()
            pump(server, connection.plain, from_server, gap=gap)
            wire.tcp_shutdown(connection.plain, socket.SHUT_RDWR)
            up.join(5)
    return script


def pump(source, sink, change, record_into=None, gap=0.0):
    """One direction of a relay, until either side ends."""
    buffer, number = b"", 0
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            if record_into is not None:
                record_into.received += data
            records, buffer = tlswire.split_records(buffer + data)
            for record in records:
                changed = change(number, record) if change else record
                number += 1
                if changed is None:
                    return
                for piece in changed if isinstance(changed, list) else [changed]:
                    sink.sendall(piece)
                    time.sleep(gap)
        sink.shutdown(socket.SHUT_WR)


def one_answer_each(data):
    """The same bytes for every request of a connection."""
    return serve(lambda request: data)
