"""worlds - the larger set-ups that more than one test file uses."""
import re
import socket
import time

import certs
import ports
import ringway
from certs import NAME
from edge import Edge
from origin import serve
from wire import response

# Requests and responses as they should be.
PROXY_BODY = """
client_max_body_size 64m;
location /with-uri/ { proxy_pass $S://origin/base/; }
location /no-uri/ { proxy_pass $S://origin; }
location /exact-uri { proxy_pass $S://origin/other; }
location /headers/ {
    proxy_pass $S://origin;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Fixed "a b";
    proxy_set_header X-Both "$request_method-${server_port}!";
    proxy_set_header X-Removed "";
    proxy_set_header Accept-Encoding "";
    proxy_hide_header X-Secret;
    location /headers/inner/ { proxy_pass $S://origin; proxy_hide_header X-Other; }
    location /headers/replaced/ { proxy_pass $S://origin; proxy_set_header X-Only 1; }
}
location /version10/ { proxy_pass $S://origin; proxy_http_version 1.0; }
location /upgrade/ {
    proxy_pass $S://origin;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
}
location /stream/ { proxy_pass $S://origin; proxy_request_buffering off; }
location /trailers/ { proxy_pass $S://origin; proxy_pass_trailers on; }
location /long/ { proxy_pass $S://origin; proxy_read_timeout 10s; client_body_timeout 10s; }
"""

# Small limits for clients.
LIMITS_BODY = """
client_header_buffer_size 1k;
large_client_header_buffers 4 8k;
client_max_body_size 64k;
location /return { return 200 "own answer"; }
"""

# Peers that fail, with others beside them.
GROUPS = """
upstream two {{ server {bad} max_fails=0; server {good} backup; }}
upstream nobody {{ server 127.0.0.1:{closed} max_fails=0; }}
upstream nobody_then_good {{ server 127.0.0.1:{closed} max_fails=0; server {good} backup; }}
upstream stuck {{ server 127.0.0.1:{stuck} max_fails=0; }}
upstream stuck_then_good {{ server 127.0.0.1:{stuck} max_fails=0; server {good} backup; }}
"""
FAULTS_BODY = """
location /two/ { proxy_pass $S://two; }
location /two-off/ { proxy_pass $S://two; proxy_next_upstream off; }
location /two-invalid/ { proxy_pass $S://two; proxy_next_upstream error invalid_header; }
location /two-http/ { proxy_pass $S://two; proxy_next_upstream http_500 http_502 http_503 http_504
                      http_403 http_404 http_429; }
location /two-any/ { proxy_pass $S://two; proxy_next_upstream error timeout non_idempotent; }
location /two-once/ { proxy_pass $S://two; proxy_next_upstream_tries 1; }
location /two-late/ { proxy_pass $S://two; proxy_next_upstream_timeout 300ms; }
location /nobody/ { proxy_pass $S://nobody; }
location /nobody-then-good/ { proxy_pass $S://nobody_then_good; }
location /stuck/ { proxy_pass $S://stuck; }
location /stuck-then-good/ { proxy_pass $S://stuck_then_good; }
location /stream/ { proxy_pass $S://origin; proxy_request_buffering off; }
location /long/ { proxy_pass $S://origin; proxy_read_timeout 10s; }
location /upgrade/ {
    proxy_pass $S://origin;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
}
"""

# One way to speak TLS to the origin per location.
TLS_BODY = """
location /default-name/ { proxy_pass https://origin; proxy_ssl_verify_depth 2; }
location /depth2/ { proxy_pass https://origin; proxy_ssl_verify_depth 2; }
location /depth0/ { proxy_pass https://origin; proxy_ssl_verify_depth 0; }
location /crl/ { proxy_pass https://origin; proxy_ssl_crl $CRL; }
location /crl-old/ { proxy_pass https://origin; proxy_ssl_crl $OLD_CRL; }
location /ip-name/ { proxy_pass https://origin; proxy_ssl_name 127.0.0.1; }
location /no-sni/ { proxy_pass https://origin; proxy_ssl_server_name off; }
location /no-reuse/ { proxy_pass https://origin; proxy_ssl_session_reuse off; }
location /unverified/ { proxy_pass https://origin; proxy_ssl_verify off; }
location /tls12/ { proxy_pass https://origin; proxy_ssl_protocols TLSv1.2; }
location /tls13/ { proxy_pass https://origin; proxy_ssl_protocols TLSv1.3; }
location /one-suite/ { proxy_pass https://origin; proxy_ssl_protocols TLSv1.2;
                       proxy_ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384; }
location /client/ { proxy_pass https://origin; proxy_ssl_certificate $CLIENT_CRT;
                    proxy_ssl_certificate_key $CLIENT_KEY; }
location /client-encrypted/ { proxy_pass https://origin; proxy_ssl_certificate $CLIENT_CRT;
                    proxy_ssl_certificate_key $ENCRYPTED; proxy_ssl_password_file $PASSWORD; }
location /close/ { proxy_pass https://origin; proxy_set_header Connection close; }
"""


def proxying_edge(start, make_origin, pki, scheme):
    """An Edge with locations for all that a test of proxying needs; scheme: http or https."""
    return Edge(start, make_origin, pki, is_tls=scheme == "https",
                body=PROXY_BODY.replace("$S", scheme))


def limited_edge(start, make_origin, pki):
    """An Edge with small limits on heads and bodies."""
    return Edge(start, make_origin, pki, body=LIMITS_BODY)


class FaultyEdge(Edge):
    """An Edge with more groups: `bad` is the origin, `good` its well-behaved backup."""

    def __init__(self, start, make_origin, pki, is_tls):
        scheme = "https" if is_tls else "http"
        self.good = make_origin(serve(lambda r: response(200, b"good")))
        self.stuck, stuck_port = full_listener()
        origin_for_address = make_origin()
        # The first origin that Edge makes is the one whose address stands in the groups.
        super().__init__(start, lambda *a, **k: make_origin(*a, **k) if a else origin_for_address,
                         pki, is_tls=is_tls, body=FAULTS_BODY.replace("$S", scheme),
                         settings="proxy_buffer_size 32k; proxy_buffers 8 32k;",
                         blocks=GROUPS.format(bad=origin_for_address.address,
                                              good=self.good.address, closed=ringway.free_ports(),
                                              stuck=stuck_port))
        if is_tls:
            context = certs.server_context(self.origin_pair)
            for o in self.origin, self.good:
                o.tls = o.default_tls = context

    def unharmed(self):
        return self.ringway.stays_unharmed(self.canary,
                                           [self.origin, self.canary_origin, self.good])


def full_listener():
    """A socket that listens and whose queue is full: connects to it hang."""
    sock, port = ports.listen(backlog=0)
    fillers = []
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
        fillers.append(filler)
    time.sleep(0.1)
    return (sock, fillers), port


class TlsEdge(Edge):
    """An Edge over TLS whose locations differ in proxy_ssl_*."""

    def __init__(self, start, make_origin, pki):
        self.client_pair = pki.client("edge client", organization="Edges")
        self.revoked = pki.leaf(NAME)
        key, password = pki.encrypted_key(self.client_pair, "open sesame")
        words = {"$CRL": pki.crl(pki.root, self.revoked),
                 "$OLD_CRL": pki.crl(pki.root, is_expired=True),
                 "$CLIENT_CRT": self.client_pair.chain_file,
                 "$CLIENT_KEY": self.client_pair.key_file,
                 "$ENCRYPTED": key, "$PASSWORD": password}
        body = TLS_BODY
        for word, value in words.items():
            body = body.replace(word, value)
        super().__init__(start, make_origin, pki, is_tls=True, body=body)

    def refuses(self, pattern, target="/", status=502, sees_tcp=True):
        """One request fails; the log has one line with peer, name and reason; nothing was sent."""
        mark = self.ringway.mark()
        begin = time.monotonic()
        answer = self.get(target, fields=[("Authorization", "secret")])
        taken = time.monotonic() - begin
        assert answer.status == status, answer
        self.origin.settled()
        for connection in self.origin.connections:
            if connection.tls_error or connection.is_handshaken:
                assert not connection.received, "request bytes reached an unverified peer"
        if sees_tcp:
            assert self.origin.connections
        self.ringway.wait_log(self.origin.address.replace(".", r"\."), mark, 2)
        lines = [line for line in self.ringway.errors_since(mark) if self.origin.address in line]
        # A peer that turned bad may be asked twice: with a ticket of better days, then without.
        hello = self.origin.connections[0].hello if self.origin.connections else None
        is_twice = hello and hello.offers_resumption and len(self.origin.connections) == 2
        assert len(lines) == (2 if is_twice else 1), self.ringway.log_since(mark)
        if pattern:
            assert re.search(pattern, lines[-1], re.I), lines[-1]
            assert NAME in lines[-1] or target.startswith("/ip-name"), lines[-1]
        return taken
