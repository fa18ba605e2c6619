"""OCSP stapling: from a file, and fetched from a responder of the test's own."""
import contextlib
import http.server
import re
import subprocess
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

import client
import ringway
import wire
from certs import DAY, client_context, now

VERSIONS = pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
ANSWER = "location / { return 200 ok; }"
MINUTE = DAY / 1440
GOOD = "OCSP Response Status: successful"
NONE = "OCSP response: no response sent"


class Responder:
    """Answers OCSP requests; what is not plain is set by a test: ends, status, signer, hash."""

    def __init__(self, pki):
        self.pki, self.requests, self.ends = pki, [], 10 * DAY
        self.status, self.signer, self.about = ocsp.OCSPCertStatus.GOOD, None, None
        self.begins, self.algorithm, self.raw, self.code = -MINUTE, hashes.SHA1(), None, 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((self.headers["Content-Type"], body))
                answer = outer.raw if outer.raw is not None else outer.answer(body)
                self.send_response(outer.code)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", ringway.free_ports()), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/ocsp"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, body):
        asked = ocsp.load_der_ocsp_request(body)
        pair = self.about or next(p for p in self.known if
                                  p.cert.serial_number == asked.serial_number)
        return self.make(pair)

    def make(self, pair, issuer=None):
        issuer = issuer or self.pki.root
        revoked = self.status == ocsp.OCSPCertStatus.REVOKED
        signer = self.signer or issuer
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=pair.cert, issuer=issuer.cert, algorithm=self.algorithm, cert_status=self.status,
            this_update=now() + self.begins, next_update=now() + self.ends,
            revocation_time=now() - DAY if revoked else None, revocation_reason=None)
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.cert)
        if self.signer:
            builder = builder.certificates([signer.cert])
        return builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def close(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None


@pytest.fixture
def responder(pki):
    made = Responder(pki)
    made.known = []
    yield made
    made.close()


def chain_of(pki, pair):
    """The pair's certificate with its issuer behind it, where stapling finds it."""
    return pki.bundle(pair, pki.root)


def status(port, version="-tls1_3", *flags):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "www.test",
         "-status", version, *flags], input="", capture_output=True, text=True, timeout=20,
        check=False)
    return done.stdout + done.stderr


def stapling(port, pki, pair, more):
    return ringway.http(ringway.server(port, f"""ssl_certificate {chain_of(pki, pair)};
        ssl_certificate_key {pair.key_file}; ssl_stapling on; {more} {ANSWER}""", listen=" ssl"))


def start_fetching(start, pki, responder, more=""):
    """(port, running) of a server that asks the responder; waits for what the log says of it."""
    pair, port = pki.leaf("www.test"), ringway.free_ports()
    responder.known.append(pair)
    running = start(stapling(port, pki, pair, f"ssl_stapling_responder {responder.url}; {more}"),
                    workers=2)
    wire.wait_until(lambda: re.search(r"OCSP response (for|from)", running.log()), 10, "it asks")
    return port, running


# --- from a file --------------------------------------------------------------------------------

@VERSIONS
def test_response_of_a_file_is_sent_as_it_is(start, pki, responder, folder, version):
    pair, port = pki.leaf("www.test"), ringway.free_ports()
    path = folder / "staple.der"
    path.write_bytes(responder.make(pair))
    start(stapling(port, pki, pair, f"ssl_stapling_file {path};"))
    for _ in range(3):
        said = status(port, version)
        assert GOOD in said and "Cert Status: good" in said
    assert client.get(port, tls=client_context(pki.root)).body == b"ok"
    assert not responder.requests


@VERSIONS
def test_client_that_is_asked_again_for_a_key_share_gets_it_too(start, pki, responder, folder,
                                                                version):
    pair, port = pki.leaf("www.test"), ringway.free_ports()
    path = folder / "staple.der"
    path.write_bytes(responder.make(pair))
    start(stapling(port, pki, pair, f"ssl_stapling_file {path}; ssl_ecdh_curve secp384r1;"))
    assert GOOD in status(port, version, "-groups", "P-256:P-384")


def test_clients_that_do_not_ask_and_servers_without_stapling_send_none(start, pki, responder,
                                                                       folder):
    pair, ports = pki.leaf("www.test"), ringway.free_ports(2)
    path = folder / "staple.der"
    path.write_bytes(responder.make(pair))
    lines = f"""ssl_certificate {chain_of(pki, pair)}; ssl_certificate_key {pair.key_file};
        ssl_stapling_file {path}; {ANSWER}"""
    start(ringway.http(ringway.server(ports[0], "ssl_stapling off;" + lines, listen=" ssl"),
                       ringway.server(ports[1], "ssl_stapling on;" + lines, listen=" ssl")))
    assert NONE in status(ports[0]) and NONE in status(ports[0], "-tls1_2")
    assert GOOD in status(ports[1])
    assert client.get(ports[1], tls=client_context(pki.root)).body == b"ok"


@pytest.mark.parametrize("content", [b"x", b"", b"\x30\x03\x0a\x01\x06"])
def test_file_that_is_no_response_is_refused(pki, folder, content):
    pair, path = pki.leaf("www.test"), folder / "bad.der"
    path.write_bytes(content)
    conf = folder / "stapling.conf"
    conf.write_text(stapling(8443, pki, pair, f"ssl_stapling_file {path};"))
    done = ringway.run_file(conf, "-t")
    assert done.returncode
    assert re.search(r'"ssl_stapling_file" "\S+bad.der" is (empty|not an OCSP response)',
                     done.stderr)


# --- fetched ------------------------------------------------------------------------------------

@VERSIONS
def test_response_is_fetched_and_sent(start, pki, responder, version):
    port, _ = start_fetching(start, pki, responder)
    assert GOOD in status(port, version)
    assert [kind for kind, _ in responder.requests] == ["application/ocsp-request"]
    asked = ocsp.load_der_ocsp_request(responder.requests[0][1])
    assert asked.serial_number == responder.known[0].cert.serial_number
    for _ in range(5):
        assert GOOD in status(port, version)
    assert len(responder.requests) == 1


def test_responder_is_the_one_that_the_certificate_names(start, pki, responder, folder):
    root, port = pki.root, ringway.free_ports()
    pair = pki.leaf("www.test")
    named = (x509.CertificateBuilder()
             .subject_name(pair.cert.subject).issuer_name(root.cert.subject)
             .public_key(pair.key.public_key()).serial_number(x509.random_serial_number())
             .not_valid_before(now() - DAY).not_valid_after(now() + DAY)
             .add_extension(x509.AuthorityInformationAccess([
                 x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS,
                                        x509.UniformResourceIdentifier("http://x/")),
                 x509.AccessDescription(AuthorityInformationAccessOID.OCSP,
                                        x509.UniformResourceIdentifier(responder.url))]), False)
             .sign(root.key, hashes.SHA256()))
    pair.cert = named
    responder.known.append(pair)
    chain = pki.bundle(named.public_bytes(serialization.Encoding.PEM), root)
    running = start(ringway.http(ringway.server(port, f"""ssl_certificate {chain};
        ssl_certificate_key {pair.key_file}; ssl_stapling on; {ANSWER}""", listen=" ssl")))
    wire.wait_until(lambda: "OCSP response for" in running.log(), 10, "it is there")
    assert GOOD in status(port)


def refused(responder, pki):
    """What makes an answer one that is not sent, and what the log says of it."""
    def old():
        responder.begins, responder.ends = -2 * DAY, -DAY

    def early():
        responder.begins = DAY

    def revoked():
        responder.status = ocsp.OCSPCertStatus.REVOKED

    def unknown():
        responder.status = ocsp.OCSPCertStatus.UNKNOWN

    def other():
        responder.about = pki.leaf("other.test")

    def stranger():
        responder.signer = pki.other_root

    def appointed_for_something_else():
        responder.signer = pki.leaf("ocsp.test")

    def noise():
        responder.raw = b"noise"

    def busy():
        responder.raw = ocsp.OCSPResponseBuilder.build_unsuccessful(
            ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(serialization.Encoding.DER)

    def flood():
        responder.raw = b"x" * 20000

    def not_found():
        responder.code = 404
    return {
        "old": (old, "has expired"), "early": (early, "not yet valid"),
        "revoked": (revoked, "revoked"), "unknown": (unknown, "unknown to the responder"),
        "other": (other, "not about the certificate"), "stranger": (stranger, "not signed by"),
        "appointed_for_something_else": (appointed_for_something_else, "not signed by"),
        "noise": (noise, "cannot be read"), "busy": (busy, "error 3"),
        "flood": (flood, "longer than"), "not_found": (not_found, "404|HTTP"),
    }


@pytest.mark.parametrize("case", refused(None, None))
def test_bad_answers_are_not_sent_and_the_log_says_why(start, pki, responder, case):
    spoil, reason = refused(responder, pki)[case]
    spoil()
    port, running = start_fetching(start, pki, responder)
    assert re.search(rf"\[warn\].*no OCSP response from \"{responder.url}\" for certificate "
                     rf"\"\S+\": .*({reason}).*; asked again in 30 s", running.log())
    for version in "-tls1_2", "-tls1_3":
        assert NONE in status(port, version)


def test_appointed_responder_is_believed(start, pki, responder):
    responder.signer = pki.leaf("ocsp.test", usages=(ExtendedKeyUsageOID.OCSP_SIGNING,))
    port, _ = start_fetching(start, pki, responder)
    assert GOOD in status(port)


def test_names_by_sha256_are_understood(start, pki, responder):
    responder.algorithm = hashes.SHA256()
    port, _ = start_fetching(start, pki, responder)
    assert GOOD in status(port, "-tls1_2") and GOOD in status(port)


@pytest.mark.parametrize("ca, answer", [("root", GOOD), ("other_root", NONE)])
def test_verified_stapling_needs_a_trusted_root(start, pki, responder, ca, answer):
    trusted = getattr(pki, ca).cert_file
    port, _ = start_fetching(start, pki, responder,
                             f"ssl_stapling_verify on; ssl_trusted_certificate {trusted};")
    assert answer in status(port)


def test_response_is_no_longer_sent_when_its_time_is_over(start, pki, responder):
    responder.ends = DAY / 86400 * 4
    port, _ = start_fetching(start, pki, responder)
    assert GOOD in status(port)
    time.sleep(4.2)
    for version in "-tls1_2", "-tls1_3":
        assert NONE in status(port, version)


def test_responder_that_is_not_there_is_a_warning(start, pki, responder):
    responder.close()
    port, running = start_fetching(start, pki, responder)
    assert re.search(r"\[warn\].*connect", running.log())
    assert NONE in status(port)


def test_stop_and_reload_do_not_wait_for_a_slow_responder(start, pki, responder):
    release = threading.Event()
    responder.answer = lambda body: release.wait(20) and b""
    pair, port = pki.leaf("www.test"), ringway.free_ports()
    running = start(stapling(port, pki, pair, f"ssl_stapling_responder {responder.url};"))
    wire.wait_until(lambda: responder.requests, 5, "it asks")
    begin = time.monotonic()
    running.reload()
    assert running.term() == 0
    assert time.monotonic() - begin < 6
    release.set()


def test_reload_keeps_what_was_fetched_for_the_same_certificate(start, pki, responder):
    port, running = start_fetching(start, pki, responder)
    asks = f"ssl_stapling_responder {responder.url};"
    responder.close()
    for more in "", "ssl_session_timeout 1h;":
        running.reload(stapling(port, pki, responder.known[0], asks + more))
        for version in "-tls1_2", "-tls1_3":
            assert GOOD in status(port, version)
    running.reload(stapling(port, pki, pki.leaf("www.test"), asks))
    assert NONE in status(port)


def test_reload_keeps_no_answer_that_the_new_file_would_refuse(start, pki, responder):
    port, running = start_fetching(start, pki, responder)
    asks = f"ssl_stapling_responder {responder.url};"
    trusted = f"ssl_stapling_verify on; ssl_trusted_certificate {pki.root.cert_file};"
    stranger = f"""ssl_stapling_verify on;
        ssl_trusted_certificate {pki.other_root.cert_file};"""
    responder.close()
    running.reload(stapling(port, pki, responder.known[0], asks + trusted))
    assert GOOD in status(port)
    running.reload(stapling(port, pki, responder.known[0], asks + stranger))
    assert NONE in status(port)


@pytest.mark.parametrize("certificate, more, warning", [
    ("chain_file", "", "issuer certificate not found"),
    ("bundle", "", "no OCSP responder URL in the certificate"),
    ("bundle", "ssl_stapling_responder https://127.0.0.1/;", "invalid URL prefix")])
def test_what_cannot_be_asked_is_a_warning(pki, folder, certificate, more, warning):
    pair, conf = pki.leaf("www.test"), folder / "stapling.conf"
    path = chain_of(pki, pair) if certificate == "bundle" else pair.chain_file
    conf.write_text(ringway.http(ringway.server(8443, f"""ssl_certificate {path};
        ssl_certificate_key {pair.key_file}; ssl_stapling on; {more} {ANSWER}""", listen=" ssl")))
    done = ringway.run_file(conf, "-t")
    assert done.returncode == 0
    assert re.search(rf'\[warn\] "ssl_stapling" ignored, {warning}.* in \S+:\d+', done.stderr)
