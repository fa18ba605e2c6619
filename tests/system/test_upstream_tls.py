"""HTTPS to upstreams: who is trusted, and what is no TLS."""
import time

import pytest

import certs
import tlswire
import wire
from certs import NAME, Spec, server_context
from origin import relay, serve
from wire import response
from worlds import TlsEdge


@pytest.fixture(scope="module")
def edge(start_shared, shared_origin, pki):
    return TlsEdge(start_shared, shared_origin, pki)


@pytest.fixture(autouse=True)
def unharmed(edge):
    with edge.unharmed():
        yield


# --- who is trusted -----------------------------------------------------------------------------

def test_good_upstream_is_answered_from(edge):
    assert edge.get("/x").body == b"GET /x 0"
    connection = edge.origin.connections[0]
    assert connection.version == "TLSv1.3" and connection.sni == NAME


@pytest.mark.parametrize("names", [(NAME,), ("*.origin.test",), ("API.Origin.TEST",),
                                   ("other.test", NAME), (NAME, "ip:192.0.2.1")])
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_right_names_are_accepted(edge, pki, names, version):
    edge.origin.tls = server_context(pki.leaf(*names, common_name="x"), version=version)
    assert edge.get().status == 200
    assert edge.origin.handshaken[-1].version == version


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("names, common_name", [
    pytest.param(names, cn, id=claim) for claim, names, cn in certs.wrong_names()])
def test_wrong_name_is_refused(edge, pki, names, common_name, version):
    pair = pki.make(Spec(common_name=common_name, names=names), pki.root)
    edge.origin.tls = server_context(pair, version=version)
    edge.refuses("name|match")


def test_address_needs_an_ip_san(edge, pki):
    edge.origin.tls = server_context(pki.leaf("ip:127.0.0.1"))
    assert edge.get("/ip-name/").status == 200
    edge.origin.forget()
    edge.origin.tls = server_context(pki.leaf("127.0.0.1", NAME))
    edge.refuses("name|address|127", "/ip-name/")
    edge.origin.forget()
    edge.origin.tls = server_context(pki.leaf("ip:127.0.0.2"))
    edge.refuses("name|address|127", "/ip-name/")


def test_address_is_never_sent_as_sni(edge, pki):
    edge.origin.tls = server_context(pki.leaf("ip:127.0.0.1"))
    edge.get("/ip-name/")
    assert edge.origin.connections[0].sni is None


CHAINS = ["expired", "not_yet_valid", "self_signed", "self_signed_authority", "unknown_ca",
          "unknown_ca_sends_its_root", "impostor_ca", "intermediate_missing",
          "intermediate_expired", "leaf_used_as_ca", "bad_signature",
          "intermediate_has_bad_signature", "path_too_long", "name_constraints", "no_server_auth",
          "unknown_critical"]


def test_list_of_bad_chains_is_complete(pki):
    assert set(certs.refused_chains(pki)) == set(CHAINS)


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("claim", CHAINS)
def test_bad_chain_is_refused(edge, pki, claim, version):
    make, pattern = certs.refused_chains(pki)[claim]
    edge.origin.tls = server_context(make(), version=version)
    edge.refuses(pattern)


def test_revoked_certificate_is_refused(edge):
    edge.origin.tls = server_context(edge.revoked)
    edge.refuses("revoked", "/crl/")
    edge.origin.forget()
    assert edge.get("/crl/").status == 200


def test_expired_crl_is_refused(edge):
    edge.refuses("crl", "/crl-old/")


@pytest.mark.parametrize("length", [0, 1, 2, 5, 7, 8, 9])
def test_chain_within_the_default_depth_is_accepted(edge, pki, length):
    edge.origin.tls = server_context(pki.chain(length, NAME)[0])
    assert edge.get().status == 200


def test_chain_beyond_the_default_depth_is_refused(edge, pki):
    edge.origin.tls = server_context(pki.chain(10, NAME)[0])
    edge.refuses("depth|too long|too deep|chain")


@pytest.mark.parametrize("target, length, is_good", [
    ("/depth2/", 2, True), ("/depth2/", 3, False), ("/depth0/", 0, True), ("/depth0/", 1, False)])
def test_depth_counts_intermediates(edge, pki, target, length, is_good):
    edge.origin.tls = server_context(pki.chain(length, NAME)[0])
    if is_good:
        assert edge.get(target).status == 200
    else:
        edge.refuses("depth|too long|too deep|chain", target)


def test_permitted_name_constraint_is_accepted(edge, pki):
    above = pki.authority("Permitting CA", pki.root, permitted=("origin.test",))
    edge.origin.tls = server_context(pki.leaf(NAME, issuer=above, sends=[above]))
    assert edge.get().status == 200


def test_chain_in_disorder_with_strangers_is_accepted(edge, pki):
    leaf, (lower, upper) = pki.chain(2, NAME)
    stranger = pki.authority("Stranger CA")
    mixed = pki.make(Spec(common_name="x", names=(NAME,)), lower, sends=[stranger, upper, lower])
    edge.origin.tls = server_context(mixed)
    assert leaf and edge.get().status == 200


def test_sent_root_does_no_harm(edge, pki):
    edge.origin.tls = server_context(pki.leaf(NAME, sends=[pki.root]))
    assert edge.get().status == 200


def test_post_body_does_not_reach_an_unverified_peer(edge, pki):
    edge.origin.tls = server_context(pki.leaf("other.test"))
    answer = edge.get("/", "POST", body=b"secret" * 10000)
    assert answer.status == 502
    edge.origin.settled()
    assert edge.origin.received == b""


# --- peers that do not speak TLS as they should -------------------------------------------------

def raw(*pieces, gap=0.0, end="stall", reads=True):
    """A peer without TLS of its own: takes the ClientHello, says these bytes."""
    def script(c):
        if reads:
            c.plain.recv(1 << 14)
        c.send(*pieces, gap=gap)
        getattr(c, end)()
    return script


def fake(edge, script):
    edge.origin.tls, edge.origin.script = None, script


HTTP = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
FAKES = {
    "plain_http": raw(HTTP),
    "plain_http_unasked": raw(HTTP, reads=False),
    "plain_http_400": raw(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", end="close"),
    "tls10": raw(tlswire.server_hello(0x0301, 0xc013)),
    "tls11": raw(tlswire.server_hello(0x0302, 0xc013)),
    "ssl3": raw(tlswire.server_hello(0x0300, 0x002f)),
    "null_suite": raw(tlswire.server_hello(0x0303, 0x003b)),
    "null_ecdhe_suite": raw(tlswire.server_hello(0x0303, 0xc010)),
    "null_null_suite": raw(tlswire.server_hello(0x0303, 0x0000)),
    "anonymous_suite": raw(tlswire.server_hello(0x0303, 0xc018)),
    "anonymous_dh_suite": raw(tlswire.server_hello(0x0303, 0x0034)),
    "unoffered_suite": raw(tlswire.server_hello(0x0303, 0x000a)),
    "alert_handshake_failure": raw(tlswire.alert(40), end="close"),
    "alert_internal_error": raw(tlswire.alert(80)),
    "alert_unrecognized_name": raw(tlswire.alert(112), end="close"),
    "alert_protocol_version": raw(tlswire.alert(70)),
    "alert_close_notify": raw(tlswire.alert(0, is_fatal=False), end="close"),
    "warning_flood": raw(tlswire.alert(90, is_fatal=False) * 20_000),
    "warning_flood_then_http": raw(tlswire.alert(100, is_fatal=False) * 20_000 + HTTP),
    "oversized_record": raw(tlswire.record(22, b"\x02" * 20_000, length=0xffff)),
    "record_just_too_large": raw(tlswire.record(22, b"\x02" * (16384 + 2049))),
    "handshake_message_of_16_mb": raw(tlswire.record(22, b"\x02\xff\xff\xff" + b"\0" * 8000) * 50),
    "empty_records": raw(tlswire.record(22, b"") * 1000),
    "unknown_record_type": raw(tlswire.record(99, b"x" * 100)),
    "application_data_first": raw(tlswire.record(23, HTTP)),
    "change_cipher_specs": raw(tlswire.record(20, b"\x01") * 1000),
    "closes": raw(end="close"),
    "resets": raw(end="reset"),
    "closes_before_hello": raw(end="close", reads=False),
    "random_bytes": raw(bytes((i * 73 + 11) % 256 for i in range(4000))),
    "half_a_record": raw(b"\x16\x03\x03\x40", end="close"),
}


@pytest.mark.parametrize("claim", FAKES)
def test_peer_that_does_not_speak_tls_rightly_is_refused(edge, claim):
    fake(edge, FAKES[claim])
    # Endless warnings may also end at the deadline: the flood says nothing by itself.
    mark = edge.ringway.mark()
    answer = edge.get(fields=[("Authorization", "secret")])
    assert answer.status in ((502, 504) if "flood" in claim or "empty" in claim else (502,))
    assert b"secret" not in edge.origin.received
    edge.ringway.wait_log(edge.origin.address.replace(".", r"\."), mark, 2)
    lines = [line for line in edge.ringway.errors_since(mark) if edge.origin.address in line]
    assert len(lines) == 1, lines


def test_certificate_of_another_key_is_refused(edge, pki):
    """The peer shows a good certificate but cannot sign with its key."""
    good, other = pki.leaf(NAME), pki.leaf(NAME)
    der = [certs.x509.load_pem_x509_certificate(good.pem).public_bytes(
        certs.serialization.Encoding.DER)]
    fake(edge, raw(tlswire.server_hello(0x0303, 0xc02b) + tlswire.certificate(der)
                   + tlswire.handshake(12, bytes.fromhex("030017410 4".replace(" ", ""))
                                       + b"\x55" * 64 + b"\x04\x03\x00\x08" + b"\x30" * 8)
                   + tlswire.server_hello_done()))
    assert other
    edge.refuses("")


def test_handshake_that_stalls_is_504_at_connect_timeout(edge):
    fake(edge, raw(tlswire.record(22, b"\x02")[:3]))
    taken = edge.refuses("", status=504)
    assert 0.8 < taken < 2.5


def test_handshake_that_says_nothing_is_504_at_connect_timeout(edge):
    fake(edge, raw(end="stall"))
    assert 0.8 < edge.refuses("", status=504) < 2.5


def in_bytes(_, record):
    return [record[i:i + 1] for i in range(len(record))]


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_handshake_that_drips_ends_in_time(edge, make_origin, version):
    behind = make_origin(tls=server_context(edge.origin_pair, version=version))
    fake(edge, relay(behind.port, from_server=in_bytes, gap=0.02))
    begin = time.monotonic()
    assert edge.get().status == 504
    assert time.monotonic() - begin < 3
    assert not behind.requests


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_handshake_in_single_bytes_succeeds(edge, make_origin, version):
    behind = make_origin(tls=server_context(edge.origin_pair, version=version))
    fake(edge, relay(behind.port, from_server=in_bytes))
    assert edge.get("/x").body == b"GET /x 0"


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("at", [0, 1, 2, 3])
@pytest.mark.parametrize("plain", [HTTP, tlswire.record(23, HTTP)], ids=["bare", "in_record"])
def test_plaintext_before_finished_is_never_parsed(edge, make_origin, version, at, plain):
    behind = make_origin(tls=server_context(edge.origin_pair, version=version))

    def inject(i, record):
        return plain + record if i == at else record
    fake(edge, relay(behind.port, from_server=inject))
    answer = edge.get()
    assert answer.status == 502 and b"evil" not in answer.body
    assert not behind.requests


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_bytes_sent_in_one_packet_with_the_handshake_are_not_lost(edge, version):
    """Tickets and the first answer may share a packet with what ends the handshake."""
    edge.origin.tls = server_context(edge.origin_pair, version=version, tickets=8)
    assert edge.get("/x").body == b"GET /x 0"


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_broken_record_in_mid_body_is_a_visible_cut(edge, make_origin, version):
    behind = make_origin(serve(lambda r: response(200, wire.pattern(300_000))),
                         tls=server_context(edge.origin_pair, version=version))

    def damage(i, record):
        return record[:-1] + bytes([record[-1] ^ 1]) if i == 14 else record
    fake(edge, relay(behind.port, from_server=damage))
    answer = edge.get()
    assert answer.status == 200 and answer.cut and len(answer.body) < 300_000
    assert wire.pattern(300_000).startswith(answer.body)


@pytest.mark.parametrize("what", [
    tlswire.alert(80), tlswire.alert(0, is_fatal=False), tlswire.record(23, b"x" * 40),
    tlswire.record(22, b"x" * 40), b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["alert", "forged_close_notify", "forged_record", "forged_handshake", "plain"])
def test_forged_record_in_mid_body_is_a_visible_cut(edge, make_origin, what):
    behind = make_origin(serve(lambda r: response(200, wire.pattern(300_000))),
                         tls=server_context(edge.origin_pair))
    fake(edge, relay(behind.port, from_server=lambda i, r: what + r if i == 14 else r))
    answer = edge.get()
    assert answer.status == 200 and answer.cut
