"""TLS towards clients: certificates by name, of clients, versions, suites, sessions."""
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest

import client
import ringway
import tlswire
import wire
from certs import DAY, SERVER_AUTH, Spec, client_context
from edge import Edge
from origin import serve
from wire import chunked, pattern, request, response

RECORDED = """
location / {
    proxy_pass http://origin;
    proxy_set_header X-Verify $ssl_client_verify;
    proxy_set_header X-Subject $ssl_client_s_dn;
    proxy_set_header X-Issuer $ssl_client_i_dn;
    proxy_set_header X-Serial $ssl_client_serial;
    proxy_set_header X-Fingerprint $ssl_client_fingerprint;
    proxy_set_header X-Protocol $ssl_protocol;
    proxy_set_header X-Cipher $ssl_cipher;
    proxy_set_header X-Sni $ssl_server_name;
    proxy_set_header X-Alpn $ssl_alpn_protocol;
    proxy_set_header X-Reused $ssl_session_reused;
    proxy_set_header X-Scheme $scheme;
    proxy_set_header X-Https $https;
}
location = /canary { proxy_pass http://canary; }
"""


class TlsListeners(Edge):
    """An Edge with TLS listeners: names on one port, kinds of ssl_verify_client on others."""

    def __init__(self, start, make_origin, pki):
        self.pki = pki
        self.first, self.second = pki.leaf("www.test"), pki.leaf("second.test", "*.wild.test")
        self.client_ca = pki.authority("Client CA")
        self.below = pki.authority("Client sub CA", self.client_ca)
        self.trusted = pki.client("a client", self.client_ca, organization="Clients")
        self.stranger = pki.client("stranger", pki.other_root)
        kinds = ["off", "on", "optional", "optional_no_ca"]
        names = ["names", "tls12", "tls13", "suites", "crl", "trusted", "depth", "mixed",
                 *kinds]
        self.ports = dict(zip(names, ringway.free_ports(len(names))))
        self.revoked = pki.client("revoked", self.client_ca)
        ca = f"ssl_client_certificate {self.client_ca.cert_file};"
        crl = pki.crl(self.client_ca, self.revoked)
        blocks = [
            self.block("names", "server_name www.test;", default=" default_server"),
            self.block("names", "server_name second.test *.wild.test;", self.second),
            self.block("tls12", "ssl_protocols TLSv1.2;"),
            self.block("tls13", "ssl_protocols TLSv1.3;"),
            self.block("suites", "ssl_protocols TLSv1.2; ssl_prefer_server_ciphers on;"
                       "ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256;"),
            self.block("crl", f"{ca} ssl_verify_client on; ssl_crl {crl};"),
            self.block("trusted", "ssl_verify_client on; ssl_trusted_certificate "
                       f"{self.client_ca.cert_file}; ssl_client_certificate {pki.root.cert_file};"),
            self.block("mixed", "server_name www.test;", default=" default_server"),
            self.block("mixed", f"server_name closed.test; {ca} ssl_verify_client on;"),
            self.block("depth", f"{ca} ssl_verify_client optional; ssl_verify_depth 0;"),
            *(self.block(k, f"{ca} ssl_verify_client {k}; ssl_verify_depth 3;") for k in kinds)]
        super().__init__(start, make_origin, pki, blocks="\n".join(blocks))

    def block(self, name, body, pair=None, default=""):
        pair = pair or self.first
        return ringway.server(self.ports[name], f"""
            ssl_certificate {pair.chain_file}; ssl_certificate_key {pair.key_file};
            {body} {RECORDED}""", listen=" ssl" + default)

    def context(self, pair=None, version=None):
        return client_context(self.pki.root, pair, version)

    def get_tls(self, name, target="/", pair=None, version=None, sni="www.test", **more):
        return client.get(self.ports[name], target, tls=self.context(pair, version), sni=sni,
                          **more)

    def connect_tls(self, name, version=None, pair=None, sni="www.test", session=None,
                    context=None):
        return client.Client(self.ports[name], tls=context or self.context(pair, version), sni=sni,
                             session=session)


@pytest.fixture(scope="module")
def edge(start_shared, shared_origin, pki):
    return TlsListeners(start_shared, shared_origin, pki)


@pytest.fixture(autouse=True)
def unharmed(edge):
    with edge.unharmed():
        yield


def recorded(edge):
    return edge.origin.requests[-1]


# --- the plain way ------------------------------------------------------------------------------

@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_request_over_tls_is_answered(edge, version):
    assert edge.get_tls("names", "/x", version=version).body == b"GET /x 0"
    got = recorded(edge)
    assert got.get("X-Protocol") == version and got.get("X-Scheme") == "https"
    assert got.get("X-Https") == "on" and got.get("X-Sni") == "www.test"
    assert "GCM" in got.get("X-Cipher") or "CHACHA" in got.get("X-Cipher")


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 32768, 65537, 2_000_000])
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_bodies_arrive_whole_over_tls(edge, size, version):
    body = pattern(size)
    edge.origin.script = serve(lambda r: response(200, r.body))
    with edge.connect_tls("names", version=version) as c:
        sender = threading.Thread(target=c.send, args=(
            request("/", "POST", fields=[("Transfer-Encoding", "chunked")])
            + chunked([body[i:i + 30000] for i in range(0, size, 30000)]),))
        sender.start()
        sender.join()
        answer = c.response()
    assert (answer.status, answer.body) == ((200, body) if size <= 1 << 20 else (413, answer.body))


def test_pipelined_requests_over_tls_are_answered_in_order(edge):
    with edge.connect_tls("names") as c:
        c.send(b"".join(request(f"/{i}") for i in range(200)))
        assert [c.response().body for _ in range(200)] == [b"GET /%d 0" % i for i in range(200)]


def test_request_in_single_bytes_over_tls_is_answered(edge):
    with edge.connect_tls("names") as c:
        c.drip(request("/a", "POST", body=b"abc"))
        assert c.response().body == b"POST /a 3"


def test_end_of_the_connection_is_told_with_close_notify(edge):
    with edge.connect_tls("names") as c:
        c.ask("/", fields=[("Connection", "close")])
        assert c.sock.recv(100) == b""  # without close_notify Python raises SSLEOFError


def test_client_that_leaves_without_close_notify_does_no_harm(edge):
    for _ in range(50):
        with edge.connect_tls("names") as c:
            c.ask("/")
            c.reset()


# --- names --------------------------------------------------------------------------------------

@pytest.mark.parametrize("sni, name", [
    ("www.test", "www.test"), ("second.test", "second.test"), ("a.wild.test", "second.test"),
    ("SECOND.test", "second.test"), ("unknown.test", "www.test"), (None, "www.test")])
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_certificate_is_chosen_by_name(edge, sni, name, version):
    context = edge.context(version=version)
    context.check_hostname = False
    with edge.connect_tls("names", sni=sni, context=context) as c:
        names = [v for _, v in c.sock.getpeercert()["subjectAltName"]]
        assert names[0] == name
        assert c.ask("/", host=sni.lower() if sni else "www.test").status == 200


def test_chain_is_sent_whole(edge, start, pki):
    leaf, _ = pki.chain(2, "www.test")
    port = ringway.free_ports()
    start(ringway.http(ringway.server(port, f"""ssl_certificate {leaf.chain_file};
        ssl_certificate_key {leaf.key_file}; location / {{ return 200 ok; }}""", listen=" ssl")))
    assert client.get(port, tls=client_context(pki.root)).body == b"ok"


def test_rsa_and_ecdsa_certificates_serve_side_by_side(start, pki, folder):
    key, crt = folder / "rsa.key", folder / "rsa.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                    "-out", crt, "-subj", "/CN=www.test", "-addext", "subjectAltName=DNS:www.test"],
                   check=True, capture_output=True)
    pair, port = pki.leaf("www.test"), ringway.free_ports()
    start(ringway.http(ringway.server(port, f"""
        ssl_certificate {crt}; ssl_certificate_key {key};
        ssl_certificate {pair.chain_file}; ssl_certificate_key {pair.key_file};
        location / {{ return 200 ok; }}""", listen=" ssl")))
    for suite, ca in ("ECDHE-RSA-AES128-GCM-SHA256", str(crt)), \
                     ("ECDHE-ECDSA-AES128-GCM-SHA256", pki.root.cert_file):
        context = ssl.create_default_context(cafile=ca)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suite)
        with client.Client(port, tls=context) as c:
            assert c.sock.cipher()[0] == suite


def test_encrypted_key_is_read_with_a_password_file(start, pki):
    pair, port = pki.leaf("www.test"), ringway.free_ports()
    key, password = pki.encrypted_key(pair, "sesame")
    start(ringway.http(ringway.server(port, f"""ssl_certificate {pair.chain_file};
        ssl_certificate_key {key}; ssl_password_file {password};
        location / {{ return 200 ok; }}""", listen=" ssl")))
    assert client.get(port, tls=client_context(pki.root)).body == b"ok"


# --- client certificates ------------------------------------------------------------------------

VERSIONS = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


@VERSIONS
@pytest.mark.parametrize("name", ["on", "optional", "optional_no_ca"])
def test_trusted_client_is_known_by_its_certificate(edge, name, version):
    assert edge.get_tls(name, pair=edge.trusted, version=version).status == 200
    got = recorded(edge)
    assert got.get("X-Verify") == "SUCCESS"
    assert got.get("X-Subject") == "CN=a client,O=Clients" == edge.trusted.subject
    assert got.get("X-Issuer") == edge.client_ca.subject
    assert int(got.get("X-Serial"), 16) == edge.trusted.cert.serial_number
    assert re.fullmatch("[0-9a-f]{40}", got.get("X-Fingerprint"))


@VERSIONS
@pytest.mark.parametrize("name", ["off", "optional", "optional_no_ca"])
def test_client_without_certificate_is_let_in_as_none(edge, name, version):
    assert edge.get_tls(name, version=version).status == 200
    got = recorded(edge)
    assert got.get("X-Verify") == "NONE"
    assert got.get("X-Subject") is None and got.get("X-Serial") is None


@VERSIONS
def test_client_without_certificate_is_400_where_one_is_required(edge, version):
    answer = edge.get_tls("on", version=version)
    assert answer.status == 400 and b"No required SSL certificate was sent" in answer.body
    assert not edge.origin.requests


@VERSIONS
@pytest.mark.parametrize("name", ["on", "optional"])
def test_client_of_another_ca_is_400(edge, name, version):
    answer = edge.get_tls(name, pair=edge.stranger, version=version)
    assert answer.status == 400 and b"The SSL certificate error" in answer.body
    assert not edge.origin.requests


@VERSIONS
def test_client_of_another_ca_is_told_apart_by_optional_no_ca(edge, version):
    assert edge.get_tls("optional_no_ca", pair=edge.stranger, version=version).status == 200
    assert recorded(edge).get("X-Verify").startswith("FAILED:")


@VERSIONS
@pytest.mark.parametrize("defect", ["expired", "not_yet_valid", "no_client_auth", "self_signed",
                                    "revoked"])
def test_bad_client_certificate_is_400(edge, pki, defect, version):
    pair = {
        "expired": lambda: pki.client("x", edge.client_ca, not_before=-9 * DAY, not_after=-DAY),
        "not_yet_valid": lambda: pki.client("x", edge.client_ca, not_before=DAY),
        "no_client_auth": lambda: pki.client("x", edge.client_ca, usages=(SERVER_AUTH,)),
        "self_signed": lambda: pki.make(Spec(common_name="x")),
        "revoked": lambda: edge.revoked,
    }[defect]()
    answer = edge.get_tls("crl", pair=pair, version=version)
    assert answer.status == 400
    assert not edge.origin.requests


def test_client_certificate_is_not_asked_for_where_it_is_off(edge):
    edge.get_tls("off", pair=edge.trusted)
    assert recorded(edge).get("X-Verify") == "NONE"


def test_chain_of_a_client_is_followed(edge, pki):
    pair = pki.client("below", edge.below, organization="Clients")
    full = pki.bundle(pair, edge.below)
    pair.chain_file = full
    assert edge.get_tls("on", pair=pair).status == 200
    assert edge.get_tls("depth", pair=pair).status == 400
    assert edge.get_tls("depth", pair=edge.trusted).status == 200


def test_trusted_certificates_are_trusted_without_being_named(edge):
    assert edge.get_tls("trusted", pair=edge.trusted).status == 200
    assert recorded(edge).get("X-Verify") == "SUCCESS"


@VERSIONS
def test_certificate_demanded_by_name_cannot_be_avoided_with_another_name(edge, version):
    """SNI of a server that asks for none, Host of one that demands a certificate."""
    answer = edge.get_tls("mixed", sni="www.test", host="closed.test", version=version)
    assert answer.status in (400, 403, 421)
    assert not edge.origin.requests
    assert edge.get_tls("mixed", sni="www.test", host="www.test", version=version).status == 200


def test_log_says_why_a_client_certificate_was_refused(edge):
    mark = edge.ringway.mark()
    edge.get_tls("on", pair=edge.stranger)
    edge.ringway.wait_log(r"client SSL certificate|certificate.*(verify|client)", mark)


# --- versions and suites ------------------------------------------------------------------------

def test_versions_are_those_of_the_file(edge):
    for name, good, bad in ("tls12", "TLSv1.2", "TLSv1.3"), ("tls13", "TLSv1.3", "TLSv1.2"):
        assert edge.get_tls(name, version=good).status == 200
        with pytest.raises(OSError):
            edge.get_tls(name, version=bad)


def hello_answer(edge, hello, name="names"):
    with client.Client(edge.ports[name]) as c:
        c.send(hello)
        c.is_closed(2)
        return bytes(c.received)


@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302])
def test_old_versions_are_refused(edge, version):
    data = hello_answer(edge, tlswire.client_hello(version, suites=(0xc009, 0xc013, 0x002f)))
    records, _ = tlswire.split_records(data)
    assert not records or records[0][0] == tlswire.ALERT


@pytest.mark.parametrize("suites", [(0x003b,), (0xc006, 0xc010), (0xc018,), (0x0034,), (0x0005,)],
                         ids=["null", "null_ecdhe", "anonymous", "anonymous_dh", "rc4"])
def test_unsafe_suites_are_refused(edge, suites):
    records, _ = tlswire.split_records(hello_answer(edge, tlswire.client_hello(suites=suites)))
    assert not records or records[0][0] == tlswire.ALERT


def test_suites_are_those_of_the_file_in_its_order(edge):
    context = edge.context(version="TLSv1.2")
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
    with edge.connect_tls("suites", context=context) as c:
        assert c.sock.cipher()[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    context.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
    with pytest.raises(OSError):
        edge.connect_tls("suites", context=context)


def test_http11_is_chosen_by_alpn(edge):
    context = edge.context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with edge.connect_tls("names", context=context) as c:
        assert c.sock.selected_alpn_protocol() == "http/1.1"
        assert c.ask("/").status == 200
    assert recorded(edge).get("X-Alpn") == "http/1.1"
    assert edge.get_tls("names", "/").status == 200
    assert recorded(edge).get("X-Alpn") is None


# --- sessions -----------------------------------------------------------------------------------

def resume(edge, name, context, session):
    """One request; (was it resumed, session for the next one)."""
    with edge.connect_tls(name, context=context, session=session) as c:
        assert c.ask("/").status == 200  # tickets of TLS 1.3 come before the answer
        return c.sock.session_reused, c.sock.session


@VERSIONS
@pytest.mark.parametrize("name, has_certificate", [("names", False), ("on", True)])
def test_client_sessions_are_resumed(edge, name, has_certificate, version):
    context = edge.context(edge.trusted if has_certificate else None, version)
    was_resumed, session = resume(edge, name, context, None)
    assert not was_resumed
    was_resumed, _ = resume(edge, name, context, session)
    assert was_resumed
    got = recorded(edge)
    assert got.get("X-Reused") == "r"
    if has_certificate:  # the resumed session still knows who it is
        assert got.get("X-Verify") == "SUCCESS" and got.get("X-Subject") == edge.trusted.subject


@VERSIONS
def test_session_of_one_listener_is_not_resumed_where_certificates_are_required(edge, version):
    context = edge.context(version=version)
    _, session = resume(edge, "optional", context, None)
    with edge.connect_tls("on", context=context, session=session) as c:
        assert c.ask("/").status == 400


# --- clients that do not speak TLS --------------------------------------------------------------

def test_plain_http_to_the_tls_port_is_400_in_clear(edge):
    for data in request("/"), b"GET / HTTP/1.0\r\n\r\n", request("/", "POST", body=b"x" * 100):
        answer = None
        with client.Client(edge.ports["names"]) as c:
            c.send(data)
            answer = c.response()
            assert c.is_closed()
        assert answer.status == 400
        assert b"The plain HTTP request was sent to HTTPS port" in answer.body
    assert not edge.origin.requests


@pytest.mark.parametrize("data", [
    b"\x16\x03\x01\xff\xff" + b"x" * 100, bytes((i * 31 + 7) % 256 for i in range(3000)),
    tlswire.alert(40), tlswire.alert(90, False) * 20000, tlswire.record(23, b"x" * 50),
    tlswire.record(22, b"\x01\xff\xff\xff" + b"\0" * 16000) * 100, b"SSH-2.0-x\r\n", b"\0" * 100,
    tlswire.record(22, b"") * 5000, tlswire.record(20, b"\1") * 5000,
    b"\x80\x2e\x01\x00\x02" + b"\0" * 41],
    ids=["long_record", "noise", "alert", "warning_flood", "data_first", "huge_hello", "ssh",
         "zeros", "empty_records", "change_cipher_specs", "sslv2"])
def test_garbage_on_the_tls_port_is_survived(edge, data):
    before = edge.ringway.resident_bytes()
    with client.Client(edge.ports["names"]) as c:
        c.send(data)
        assert c.is_closed(6)
    assert edge.ringway.resident_bytes() - before < 24 * 1024 * 1024
    assert edge.get_tls("names").status == 200


def test_garbage_after_the_handshake_ends_the_connection(edge):
    with edge.connect_tls("names") as c:
        assert c.ask("/").status == 200
        socket.socket.send(c.sock, b"GET /evil HTTP/1.1\r\nHost: www.test\r\n\r\n")
        assert c.is_closed()
    assert len(edge.origin.requests) == 1


def test_slow_handshake_ends_at_the_deadline(edge):
    hello = tlswire.client_hello(suites=(0xc02b,))
    begin = time.monotonic()
    with client.Client(edge.ports["names"]) as c:
        while c.send(hello[:1]):
            hello = hello[1:]
            time.sleep(0.1)
            assert time.monotonic() - begin < 6, "still open"
    assert time.monotonic() - begin > 1.2


def test_silent_client_of_a_tls_port_is_closed_at_the_deadline(edge):
    begin = time.monotonic()
    with client.Client(edge.ports["names"]) as c:
        assert c.is_closed(6)
    assert 1.2 < time.monotonic() - begin < 4


def test_handshake_in_single_bytes_succeeds(edge):
    context = edge.context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="www.test")
    with client.Client(edge.ports["names"]) as c:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                c.drip(outgoing.read(), gap=0.0005)
                incoming.write(c.take_some())
        tls.write(request("/x"))
        c.drip(outgoing.read(), gap=0.0005)
        text = b""
        while b"GET /x 0" not in text:
            try:
                text += tls.read(4096)
            except ssl.SSLWantReadError:
                incoming.write(c.take_some())


def test_resets_during_handshakes_do_no_harm(edge):
    hello = tlswire.client_hello(suites=(0xc02b,))
    for cut in range(1, len(hello), 3):
        c = client.Client(edge.ports["names"])
        c.send(hello[:cut])
        c.reset()
    for _ in range(50):
        c = client.Client(edge.ports["names"])
        c.send(hello)
        wire.Stream.fill(c)
        c.reset()
