"""Certificates of servers: kinds of keys, data:, names that are refused; curves, records."""
import re
import ssl
import subprocess

import pytest

import client
import ringway
import tlswire
from certs import client_context

ANSWER = "location / { return 200 $ssl_server_name; }"


def listen(port, body, default=""):
    return ringway.server(port, body, listen=" ssl" + default)


def pair_lines(pair):
    return f"ssl_certificate {pair.chain_file}; ssl_certificate_key {pair.key_file};"


@pytest.fixture(scope="module")
def rsa(folder, pki):
    """(certificate, key) of www.test, RSA, signed by itself."""
    key, crt = folder / "server-rsa.key", folder / "server-rsa.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                    "-out", crt, "-subj", "/CN=www.test", "-addext", "subjectAltName=DNS:www.test"],
                   check=True, capture_output=True)
    return crt, key


def s_client(port, *flags, name="www.test"):
    """What openssl s_client says of a handshake."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name, *flags],
        input="", capture_output=True, text=True, timeout=20, check=False)
    return done.stdout + done.stderr


# --- several certificates -----------------------------------------------------------------------

@pytest.mark.parametrize("order", ["rsa_first", "ecdsa_first"])
def test_certificate_fits_what_the_client_can_verify(start, pki, rsa, order):
    port, pair = ringway.free_ports(), pki.leaf("www.test")
    lines = [f"ssl_certificate {rsa[0]}; ssl_certificate_key {rsa[1]};", pair_lines(pair)]
    start(ringway.http(listen(port, "".join(lines[::1 if order == "rsa_first" else -1]) + ANSWER)))
    ecdsa, pss = "ECDSA+SHA256", "rsa_pss_rsae_sha256"
    for version in "-tls1_2", "-tls1_3":
        assert "Peer signature type: RSA-PSS" in s_client(port, version, "-sigalgs", pss)
        assert "Peer signature type: ECDSA" in s_client(port, version, "-sigalgs", ecdsa)
        assert "Peer signature type: ECDSA" in s_client(port, version, "-sigalgs",
                                                        f"{pss}:{ecdsa}")
    rsa_suite = s_client(port, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
    assert "Cipher is ECDHE-RSA-AES128-GCM-SHA256" in rsa_suite


def test_certificate_and_key_stand_in_the_file_itself(start, pki):
    port, pair = ringway.free_ports(), pki.leaf("www.test")
    with open(pair.chain_file, encoding="ascii") as c, open(pair.key_file, encoding="ascii") as k:
        certificate, key = c.read(), k.read()
    start(ringway.http(listen(port, f"""ssl_certificate "data:{certificate}";
        ssl_certificate_key "data:{key}"; {ANSWER}""")))
    assert client.get(port, tls=client_context(pki.root)).body == b"www.test"


def test_key_in_the_file_is_not_told_by_messages(pki, folder):
    pair, other = pki.leaf("www.test"), pki.leaf("other.test")
    with open(other.key_file, encoding="ascii") as k:
        key = k.read()
    path = folder / "wrong-data.conf"
    path.write_text(ringway.http(listen(8443, f"""ssl_certificate {pair.chain_file};
        ssl_certificate_key "data:{key}"; {ANSWER}""")))
    done = ringway.run_file(path, "-t")
    assert done.returncode and "key does not match the certificate" in done.stderr
    assert "PRIVATE" not in done.stderr


# --- names --------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def named(start_shared, pki):
    port = ringway.free_ports()
    blocks = []
    for i, names in enumerate(["plain.test", "*.head.test", "tail.*", r"~^r\d+\.regex\.test$"]):
        pair = pki.leaf(f"n{i}.cert")
        blocks.append(listen(port, f"server_name {names}; {pair_lines(pair)} {ANSWER}"))
    blocks.append(listen(port, "server_name never.test; ssl_reject_handshake on;"))
    blocks.append(listen(port, "server_name _; ssl_reject_handshake on;", " default_server"))
    start_shared(ringway.http("\n".join(blocks)))
    return port


@pytest.mark.parametrize("sni, certificate", [
    ("plain.test", 0), ("PLAIN.test", 0), ("a.head.test", 1), ("a.b.head.test", 1),
    ("tail.example", 2), ("r12.regex.test", 3)])
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_names_of_every_kind_choose_the_certificate(named, pki, sni, certificate, version):
    context = client_context(pki.root, version=version)
    context.check_hostname = False
    with client.Client(named, tls=context, sni=sni) as c:
        assert c.sock.getpeercert()["subjectAltName"] == (("DNS", f"n{certificate}.cert"),)
        assert c.ask("/", host=sni.lower()).status == 200


@pytest.mark.parametrize("sni", ["never.test", "unknown.test", "head.test", "rx.regex.test", None])
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_rejected_handshakes_end_with_unrecognized_name(named, pki, sni, version):
    context = client_context(pki.root, version=version)
    context.check_hostname = False
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        client.Client(named, tls=context, sni=sni)


def test_rejecting_default_server_needs_certificates_of_all_others(folder):
    path = folder / "rejecting.conf"
    path.write_text(ringway.http(listen(8443, "ssl_reject_handshake on;") +
                                 listen(8443, "server_name a; return 200 x;")))
    done = ringway.run_file(path, "-t")
    assert done.returncode
    assert re.search(r'no "ssl_certificate" is defined for the "listen ... ssl" directive in '
                     r'\S+rejecting.conf:\d+', done.stderr)


# --- certificates with variables ----------------------------------------------------------------

class Chosen:
    """A server whose handshakes choose the certificate; files of names come and go."""

    def __init__(self, start, pki, folder, more="", text="$ssl_server_name"):
        self.pki, self.port = pki, ringway.free_ports()
        self.folder = folder / f"chosen-{self.port}"
        self.folder.mkdir()
        for name in "a.test", "b.test":
            self.put(name, pki.leaf(name))
        self.running = start(ringway.http(listen(self.port, f"""{more}
            ssl_certificate {self.folder}/{text}.pem;
            ssl_certificate_key {self.folder}/{text}.key;
            location / {{ return 200 "$ssl_server_name $ssl_session_reused"; }}"""),
            settings="""map $ssl_server_name $mapped {
                hostnames; *.star.test b.test; default a.test; }"""), workers=2)

    def put(self, name, pair):
        for path, suffix in (pair.chain_file, "pem"), (pair.key_file, "key"):
            with open(path, "rb") as f:
                (self.folder / f"{name}.{suffix}").write_bytes(f.read())

    def names(self, sni, version=None, session=None):
        """The name in the certificate that is shown, what is answered, and the session."""
        context = client_context(self.pki.root, version=version)
        context.check_hostname = False
        with client.Client(self.port, tls=context, sni=sni, session=session) as c:
            return (c.sock.getpeercert()["subjectAltName"][0][1],
                    c.ask("/", host=sni).body.decode())


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("cache", ["", "ssl_certificate_cache max=1;",
                                   "ssl_certificate_cache max=10 valid=1h;"])
def test_certificate_is_chosen_by_each_handshake(start, pki, folder, cache, version):
    server = Chosen(start, pki, folder, cache)
    for _ in range(4):
        for name in "a.test", "b.test":
            assert server.names(name, version) == (name, f"{name} .")


def test_map_chooses_a_certificate(start, pki, folder):
    server = Chosen(start, pki, folder, text="$mapped")
    assert server.names("x.star.test")[0] == "b.test"
    assert server.names("other.test")[0] == "a.test"


def test_new_files_count_at_once_or_when_the_cache_is_old(start, pki, folder):
    plain = Chosen(start, pki, folder)
    cached = Chosen(start, pki, folder, "ssl_certificate_cache max=9 valid=1h;")
    for server in plain, cached:
        assert server.names("a.test")[0] == "a.test"
    renewed = pki.leaf("renewed.test")
    for server in plain, cached:
        server.put("a.test", renewed)
    assert plain.names("a.test")[0] == "renewed.test"
    assert {cached.names("a.test")[0] for _ in range(6)} <= {"a.test", "renewed.test"}


@pytest.mark.parametrize("sni, reason", [
    ("unknown.test", r'"ssl_certificate" "\S+": open\(\) failed \(2: .*'),
    ("x/../b.test", "the name that was asked for holds a slash")])
def test_certificate_that_cannot_be_loaded_ends_the_handshake(start, pki, folder, sni, reason):
    server = Chosen(start, pki, folder)
    mark = server.running.mark()
    hello = tlswire.client_hello(suites=(0xc02b,), sni=sni)
    with client.Client(server.port) as c:
        c.send(hello)
        assert c.take_some()[:7] == b"\x15\x03\x03\0\2\2\x50"  # internal_error
    server.running.wait_log(rf"\[error\].* {reason} while SSL handshaking, client: 127.0.0.1", mark)
    assert server.names("b.test")[0] == "b.test"


def test_sessions_of_chosen_certificates_are_resumed(start, pki, folder):
    server = Chosen(start, pki, folder)
    context = client_context(pki.root, version="TLSv1.3")
    context.check_hostname = False
    session = None
    for body in b"a.test .", b"a.test r", b"a.test r":
        with client.Client(server.port, tls=context, sni="a.test", session=session) as c:
            assert c.ask("/").body == body
            session = c.sock.session


# --- key exchange and records -------------------------------------------------------------------

@pytest.fixture(scope="module")
def tuned(start_shared, pki, folder, rsa):
    names = ["curves", "one", "commands", "dhe", "small"]
    ports = dict(zip(names, ringway.free_ports(len(names))))
    pair = pair_lines(pki.leaf("www.test"))
    dh = folder / "dh.pem"
    subprocess.run(["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt",
                    "group:ffdhe2048", "-out", dh], check=True, capture_output=True)
    start_shared(ringway.http("\n".join([
        listen(ports["curves"], f"""{pair} ssl_ecdh_curve secp384r1:prime256v1;
            location / {{ return 200 $ssl_curve; }}"""),
        listen(ports["one"], f"""{pair} ssl_ecdh_curve X25519;
            location / {{ return 200 $ssl_curve; }}"""),
        listen(ports["commands"], f"""{pair} ssl_conf_command Groups secp521r1;
            ssl_conf_command MinProtocol TLSv1.3; ssl_conf_command Ciphersuites
            TLS_CHACHA20_POLY1305_SHA256; location / {{ return 200 "$ssl_curve $ssl_cipher"; }}"""),
        listen(ports["dhe"], f"""ssl_certificate {rsa[0]}; ssl_certificate_key {rsa[1]};
            ssl_dhparam {dh}; {ANSWER}"""),
        listen(ports["small"], f"""{pair} ssl_buffer_size 1400; root {folder};
            location / {{ }}"""),
    ])))
    return ports


@pytest.mark.parametrize("name, version, offered, chosen", [
    ("curves", "-tls1_3", "X25519:P-384:P-256", {"secp384r1"}),
    ("curves", "-tls1_2", "X25519:P-384:P-256", {"secp384r1", "prime256v1"}),
    ("curves", "-tls1_3", "P-256", {"prime256v1"}), ("curves", "-tls1_2", "P-256", {"prime256v1"}),
    ("one", "-tls1_3", "P-256:X25519", {"X25519"}), ("one", "-tls1_2", "P-256:X25519", {"X25519"})])
def test_curves_are_those_of_the_file(tuned, name, version, offered, chosen):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{tuned[name]}", version, "-quiet",
         "-ign_eof", "-groups", offered], input="GET / HTTP/1.0\r\n\r\n", capture_output=True,
        text=True, timeout=20, check=False)
    assert done.stdout.split("\n")[-1] in chosen, done.stderr


def test_client_without_a_common_curve_is_refused(tuned):
    for version in "-tls1_2", "-tls1_3":
        said = s_client(tuned["curves"], version, "-groups", "X25519")
        assert "alert" in said and "Cipher is (NONE)" in said


def test_commands_of_openssl_say_the_same_as_directives(tuned, pki):
    answer = client.get(tuned["commands"], tls=client_context(pki.root))
    assert answer.body == b"secp521r1 TLS_CHACHA20_POLY1305_SHA256"
    with pytest.raises(OSError):
        client.get(tuned["commands"], tls=client_context(pki.root, version="TLSv1.2"))


def test_dhe_suites_work_with_parameters(tuned):
    suite = "DHE-RSA-AES128-GCM-SHA256"
    said = s_client(tuned["dhe"], "-tls1_2", "-cipher", suite)
    assert f"Cipher is {suite}" in said and "Server Temp Key: DH, 2048 bits" in said


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_records_are_no_longer_than_the_buffer_size(tuned, pki, folder, version):
    (folder / "records.bin").write_bytes(bytes(100_000))
    incoming, outgoing, seen = ssl.MemoryBIO(), ssl.MemoryBIO(), b""
    tls = client_context(pki.root, version=version).wrap_bio(incoming, outgoing,
                                                             server_hostname="www.test")
    got = b""
    with client.Client(tuned["small"]) as c:
        while True:
            try:
                if tls.version() and not got:
                    tls.write(b"GET /records.bin HTTP/1.1\r\nHost: www.test\r\n\r\n")
                    got = b" "
                got += tls.read(65536) if got else b"" if tls.do_handshake() else b""
                if len(got) > 100_000:
                    break
            except ssl.SSLWantReadError:
                c.send(outgoing.read())
                more = c.take_some()
                seen += more
                incoming.write(more)
    records, _ = tlswire.split_records(seen)
    lengths = [len(r) - 5 for r in records if r[0] == 23]
    assert 1400 < max(lengths) <= 1400 + 32
    assert len(lengths) > 70
