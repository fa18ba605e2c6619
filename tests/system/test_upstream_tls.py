"""HTTPS to upstreams: who is trusted, what is presented, what is resumed."""
import os
import re
import threading
import time

import pytest

import certs
import client
import ringway
import tlswire
import wire
from certs import NAME, Spec, server_context
from edge import Edge, tls_settings
from origin import relay, serve
from wire import response

BODY = """
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


class TlsEdge(Edge):
    """An Edge over TLS whose locations differ in proxy_ssl_*."""

    def __init__(self, start, make_origin, pki):
        self.client_pair = pki.client("edge client", organization="Edges")
        self.revoked = pki.leaf(NAME)
        key, password = pki.encrypted_key(self.client_pair, "open sesame")
        words = {"$CRL": pki.crl(pki.root, self.revoked),
                 "$OLD_CRL": pki.crl(pki.root, is_expired=True),
                 "$CLIENT_CRT": self.client_pair.chain_file, "$CLIENT_KEY": self.client_pair.key_file,
                 "$ENCRYPTED": key, "$PASSWORD": password}
        body = BODY
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
        assert len(lines) == 1, self.ringway.log_since(mark)
        if pattern:
            assert re.search(pattern, lines[0], re.I), lines[0]
            assert NAME in lines[0] or target.startswith("/ip-name"), lines[0]
        return taken


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
    assert edge.origin.connections[0].version == version


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


@pytest.mark.parametrize("length", [0, 1, 2, 5, 9])
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


# --- what is presented --------------------------------------------------------------------------

def test_no_sni_where_the_file_says_off(edge):
    edge.get("/no-sni/")
    assert edge.origin.connections[0].sni is None


@pytest.mark.parametrize("target", ["/client/", "/client-encrypted/"])
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_client_certificate_is_presented(edge, pki, target, version):
    edge.origin.tls = server_context(edge.origin_pair, pki.root, is_optional=False, version=version)
    assert edge.get(target).status == 200
    assert edge.origin.connections[0].client_subject == edge.client_pair.subject


def test_upstream_that_demands_a_certificate_gets_none_where_none_is_set(edge, pki):
    edge.origin.tls = server_context(edge.origin_pair, pki.root, is_optional=False, version="TLSv1.2")
    edge.refuses("")


def test_upstream_that_demands_a_certificate_in_tls13_makes_502(edge, pki):
    """The alert comes after the client's Finished: the request may be under way by then."""
    edge.origin.tls = server_context(edge.origin_pair, pki.root, is_optional=False, version="TLSv1.3")
    assert edge.get().status == 502


@pytest.mark.parametrize("target, version", [("/tls12/", "TLSv1.2"), ("/tls13/", "TLSv1.3")])
def test_protocols_are_those_of_the_file(edge, target, version):
    edge.get(target)
    assert edge.origin.connections[0].version == version
    edge.origin.forget()
    other = {"TLSv1.2": "TLSv1.3", "TLSv1.3": "TLSv1.2"}[version]
    edge.origin.tls = server_context(edge.origin_pair, version=other)
    edge.refuses("", target)


def test_suites_are_those_of_the_file(edge):
    edge.get("/one-suite/")
    connection = edge.origin.connections[0]
    assert connection.cipher == "ECDHE-ECDSA-AES256-GCM-SHA384"
    assert set(connection.hello.suites) - {0x00ff} == {0xc02c}


def test_unsafe_suites_and_versions_are_never_offered(edge):
    edge.get("/")
    hello = edge.origin.connections[0].hello
    assert set(hello.versions) == {0x0304, 0x0303}
    nulls = {0x0000, 0x0001, 0x0002, 0x003b, 0xc006, 0xc010, 0xc001, 0xc00b, 0xc0b4, 0xc0b5}
    anonymous = {0x0018, 0x001b, 0x0034, 0x003a, 0x006c, 0x006d, 0x00a6, 0x00a7, 0xc015, 0xc016,
                 0xc017, 0xc018, 0xc019}
    weak = {0x0004, 0x0005, 0x000a, 0xc011, 0xc012, 0xc007, 0xc008}  # RC4, 3DES
    assert not set(hello.suites) & (nulls | anonymous | weak)
    assert not hello.has_early_data


def test_unverified_peer_is_used_where_the_file_says_so_and_warned_about(edge, pki):
    edge.origin.tls = server_context(pki.leaf("other.test", issuer=pki.other_root))
    assert edge.get("/unverified/").status == 200
    assert re.search(r"\[warn\].*proxy_ssl_verify", edge.ringway.log() + edge.ringway.stderr())


# --- sessions -----------------------------------------------------------------------------------

@pytest.fixture
def fresh(start, make_origin, pki):
    """A proxy that has no sessions yet."""
    return TlsEdge(start, make_origin, pki)


def one_by_one(c):
    """Answers one request and closes, so that each request needs a connection of its own."""
    request_ = c.read_request()
    if request_:
        c.respond(200, b"once", [("Connection", "close")])


def resumed(origin):
    return [c.was_resumed for c in origin.handshaken]


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_second_handshake_is_resumed(fresh, version):
    fresh.origin.script = one_by_one
    fresh.origin.tls = server_context(fresh.origin_pair, version=version)
    for _ in range(5):
        assert fresh.get().status == 200
        time.sleep(0.05)
    assert resumed(fresh.origin) == [False, True, True, True, True]


@pytest.mark.parametrize("tickets", [1, 2, 8])
def test_tickets_of_tls13_are_used_once(fresh, tickets):
    fresh.origin.script = one_by_one
    fresh.origin.tls = server_context(fresh.origin_pair, version="TLSv1.3", tickets=tickets)
    for _ in range(8):
        assert fresh.get().status == 200
        time.sleep(0.03)
    offered = [i for c in fresh.origin.connections for i in c.hello.psk_identities]
    assert len(offered) == len(set(offered)) and len(offered) == 7
    assert all(resumed(fresh.origin)[1:])


def test_no_tickets_means_full_handshakes(fresh):
    fresh.origin.script = one_by_one
    fresh.origin.tls = server_context(fresh.origin_pair, version="TLSv1.3", tickets=0)
    for _ in range(3):
        assert fresh.get().status == 200
    assert resumed(fresh.origin) == [False] * 3
    assert not any(c.hello.offers_resumption for c in fresh.origin.connections)


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_refused_ticket_costs_one_full_handshake_and_is_dropped(fresh, version):
    fresh.origin.script = one_by_one
    fresh.origin.tls = server_context(fresh.origin_pair, version=version)
    fresh.get()
    time.sleep(0.05)
    fresh.origin.tls = server_context(fresh.origin_pair, version=version)  # other ticket keys
    for _ in range(3):
        assert fresh.get().status == 200
        time.sleep(0.05)
    assert resumed(fresh.origin) == [False, False, True, True]
    assert fresh.origin.connections[1].hello.offers_resumption


def test_sessions_are_not_reused_where_the_file_says_off(fresh):
    fresh.origin.script = one_by_one
    for _ in range(3):
        assert fresh.get("/no-reuse/").status == 200
    assert resumed(fresh.origin) == [False] * 3
    assert not any(c.hello.offers_resumption for c in fresh.origin.connections)


def test_session_of_one_identity_is_not_resumed_under_another(fresh):
    fresh.origin.script = one_by_one
    targets = ["/", "/client/", "/no-sni/", "/unverified/", "/crl/"]
    for target in targets:
        assert fresh.get(target).status == 200
        time.sleep(0.03)
    assert resumed(fresh.origin) == [False] * len(targets)
    assert not any(c.hello.offers_resumption for c in fresh.origin.connections)


def test_unverified_session_never_opens_the_way_for_a_verified_one(fresh, pki):
    fresh.origin.script = one_by_one
    bad = server_context(pki.leaf("other.test", issuer=pki.other_root))
    fresh.origin.tls = bad
    assert fresh.get("/unverified/").status == 200
    time.sleep(0.05)
    fresh.origin.connections.clear()
    fresh.refuses("", "/")


def test_pooled_connection_is_not_shared_between_identities(fresh):
    for target in "/", "/client/", "/no-sni/", "/unverified/":
        assert fresh.get(target).status == 200
    assert len(fresh.origin.connections) == 4
    for target in "/", "/client/", "/no-sni/", "/unverified/":
        assert fresh.get(target).status == 200
    assert len(fresh.origin.connections) == 4


def test_resumed_handshake_is_logged_and_known_as_variables(start, make_origin, pki):
    own = make_origin(one_by_one, tls=server_context(pki.leaf(NAME)))
    port = ringway.free_ports()
    start(ringway.http(
        f"upstream u {{ server {own.address}; }}",
        ringway.server(port, "location / { proxy_pass https://u; add_header X-Tls "
                       '"$upstream_ssl_protocol $upstream_ssl_cipher $upstream_ssl_session_reused"; }'),
        settings=tls_settings(pki)))
    first = client.get(port).get("X-Tls").split(" ")
    time.sleep(0.05)
    second = client.get(port).get("X-Tls").split(" ")
    assert first[0] == second[0] == "TLSv1.3" and first[1].startswith("TLS_")
    assert [first[2], second[2]] == [".", "r"]


@pytest.mark.parametrize("what", ["ca", "name", "client", "crl", "nothing"])
def test_reload_with_other_settings_resumes_no_session(start, make_origin, pki, what):
    pair = pki.leaf(NAME, "second.origin.test")
    own = make_origin(one_by_one, tls=server_context(pair))
    port = ringway.free_ports()
    ca_file = pki.bundle(pki.root)
    identity = pki.client("first")

    def configuration(name=NAME, more=""):
        return ringway.http(
            f"upstream u {{ server {own.address}; }}",
            ringway.server(port, f"""location / {{ proxy_pass https://u;
                proxy_ssl_trusted_certificate {ca_file}; proxy_ssl_name {name}; {more} }}"""))

    def keys(pair_):
        return (f"proxy_ssl_certificate {pair_.chain_file};"
                f" proxy_ssl_certificate_key {pair_.key_file};")
    edge_ = start(configuration(more=keys(identity)))
    for _ in range(2):
        assert client.get(port).status == 200
        time.sleep(0.05)
    assert resumed(own) == [False, True]
    if what == "ca":  # the same file, other content
        with open(ca_file, "ab") as file:
            file.write(pki.other_root.pem)
        edge_.reload()
    elif what == "name":
        edge_.reload(configuration("second.origin.test", keys(identity)))
    elif what == "client":
        edge_.reload(configuration(more=keys(pki.client("second"))))
    elif what == "crl":
        edge_.reload(configuration(
            more=keys(identity) + f"proxy_ssl_crl {pki.crl(pki.root)};"))
    else:
        edge_.reload()
    assert client.get(port).status == 200
    assert own.handshaken[-1].was_resumed == (what == "nothing")
    assert own.connections[-1].hello.offers_resumption == (what == "nothing")


def test_reload_with_a_ca_that_does_not_know_the_peer_refuses_it(start, make_origin, pki):
    own = make_origin(tls=server_context(pki.leaf(NAME)))
    port = ringway.free_ports()
    ca_file = pki.bundle(pki.root)
    edge_ = start(ringway.http(
        f"upstream u {{ server {own.address}; }}",
        ringway.server(port, f"""location / {{ proxy_pass https://u; proxy_ssl_name {NAME};
            proxy_ssl_trusted_certificate {ca_file}; }}""")))
    assert client.get(port).status == 200
    with open(ca_file, "wb") as file:
        file.write(pki.other_root.pem)
    edge_.reload()
    own.connections[0].requests.clear()
    assert client.get(port).status == 502  # neither resumed nor over the idle connection
    assert not own.requests


@pytest.mark.parametrize("workers", [1, 2])
def test_cold_burst_of_connects_is_answered(start, make_origin, pki, workers):
    own = make_origin(lambda c: (c.read_request(), time.sleep(0.02), c.respond(200, b"once")),
                      tls=server_context(pki.leaf(NAME)))
    port = ringway.free_ports()
    start(ringway.http(f"upstream u {{ server {own.address}; }}",
                       ringway.server(port, "location / { proxy_pass https://u; }"),
                       settings=tls_settings(pki, more="proxy_read_timeout 10s;")), workers=workers)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(client.get(port).body))
               for _ in range(60)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == [b"once"] * 60
    offered = [i for c in own.connections if c.hello for i in c.hello.psk_identities]
    assert len(offered) == len(set(offered))


def test_key_log_is_written_where_the_file_says_so(start, make_origin, pki, folder):
    own = make_origin(tls=server_context(pki.leaf(NAME)))
    port = ringway.free_ports()
    key_log = folder / "keys.log"
    start(ringway.http(f"upstream u {{ server {own.address}; }}", ringway.server(
        port, f"location / {{ proxy_pass https://u; proxy_ssl_key_log {key_log}; }}"),
        settings=tls_settings(pki)))
    assert client.get(port).status == 200
    wire.wait_until(lambda: key_log.exists() and "CLIENT_TRAFFIC_SECRET_0" in key_log.read_text(), 3)
    assert os.stat(key_log).st_mode & 0o077 == 0


# --- names without proxy_ssl_name ---------------------------------------------------------------

@pytest.mark.parametrize("names, is_good", [(("group.test",), True), (("ip:127.0.0.1",), True),
                                            (("other.test",), False), (("127.0.0.1",), False)])
def test_host_of_server_line_or_of_proxy_pass_must_be_in_the_certificate(
        start, make_origin, pki, names, is_good):
    own = make_origin(tls=server_context(pki.leaf(*names, common_name="x")))
    port = ringway.free_ports()
    edge_ = start(ringway.http(
        f"upstream group.test {{ server {own.address}; }}",
        ringway.server(port, "location / { proxy_pass https://group.test; }"),
        settings=tls_settings(pki, name="")))
    answer = client.get(port)
    assert answer.status == (200 if is_good else 502)
    assert own.connections[0].sni == "group.test"  # the server line has an address only
    if not is_good:
        assert "group.test" in edge_.log() and not own.requests


def test_address_in_proxy_pass_needs_an_ip_san(start, make_origin, pki):
    own = make_origin(tls=server_context(pki.leaf("ip:127.0.0.1")))
    port = ringway.free_ports()
    start(ringway.http(ringway.server(port, f"location / {{ proxy_pass https://{own.address}; }}"),
                       settings=tls_settings(pki, name="")))
    assert client.get(port).status == 200
    assert own.connections[0].sni is None
    own.forget()
    own.tls = server_context(pki.leaf("localhost"))
    assert client.get(port, fields=[("X", "y")]).status == 502
    assert not own.requests


def test_name_may_hold_variables(start, make_origin, pki):
    own = make_origin(tls=server_context(pki.leaf("a.test")))
    port = ringway.free_ports()
    start(ringway.http(f"upstream u {{ server {own.address}; }}", ringway.server(
        port, "location / { proxy_pass https://u; proxy_ssl_name $arg_name; }"),
        settings=tls_settings(pki, name="")))
    assert client.get(port, "/?name=a.test").status == 200
    assert client.get(port, "/?name=b.test").status == 502
    assert client.get(port, "/?name=a.test").status == 200
    assert [c.sni for c in own.connections[:2]] == ["a.test", "b.test"]
