"""HTTPS to upstreams: what is presented to them, which sessions are resumed, which names count."""
import os
import re
import threading
import time

import pytest

import client
import ringway
import wire
from certs import NAME, server_context
from edge import tls_settings
from worlds import TlsEdge


@pytest.fixture(scope="module")
def edge(start_shared, shared_origin, pki):
    return TlsEdge(start_shared, shared_origin, pki)


@pytest.fixture(autouse=True)
def unharmed(edge):
    with edge.unharmed():
        yield


# --- what is presented --------------------------------------------------------------------------

def test_no_sni_where_the_file_says_off(edge):
    edge.get("/no-sni/")
    assert edge.origin.connections[0].sni is None


@pytest.mark.parametrize("target", ["/client/", "/client-encrypted/"])
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_client_certificate_is_presented(edge, pki, target, version):
    edge.origin.tls = server_context(edge.origin_pair, pki.root, is_optional=False, version=version)
    assert edge.get(target).status == 200
    assert edge.origin.handshaken[-1].client_subject == edge.client_pair.subject


def test_upstream_that_demands_a_certificate_gets_none_where_none_is_set(edge, pki):
    edge.origin.tls = server_context(edge.origin_pair, pki.root, is_optional=False,
                                     version="TLSv1.2")
    edge.refuses("")


def test_upstream_that_demands_a_certificate_in_tls13_makes_502(edge, pki):
    """The alert comes after the client's Finished: the request may be under way by then."""
    edge.origin.tls = server_context(edge.origin_pair, pki.root, is_optional=False,
                                     version="TLSv1.3")
    assert edge.get().status == 502


@pytest.mark.parametrize("target, version", [("/tls12/", "TLSv1.2"), ("/tls13/", "TLSv1.3")])
def test_protocols_are_those_of_the_file(edge, target, version):
    other = {"TLSv1.2": "TLSv1.3", "TLSv1.3": "TLSv1.2"}[version]
    edge.origin.tls = server_context(edge.origin_pair, version=other)
    edge.refuses("", target)
    edge.origin.forget()
    edge.get(target)
    assert edge.origin.connections[0].version == version


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


@pytest.mark.parametrize("first, second", [("TLSv1.2", "TLSv1.3"), ("TLSv1.3", "TLSv1.2")])
def test_peer_that_changes_its_version_gets_one_full_handshake(fresh, first, second):
    fresh.origin.script = one_by_one
    fresh.origin.tls = server_context(fresh.origin_pair, version=first)
    assert fresh.get().status == 200
    time.sleep(0.05)
    fresh.origin.tls = server_context(fresh.origin_pair, version=second)
    mark = fresh.ringway.mark()
    assert fresh.get().status == 200
    assert fresh.origin.handshaken[-1].version == second
    # The handshake that the old session spoilt is no error: it is made again without it.
    assert len(fresh.origin.handshaken) == 2 and not fresh.ringway.errors_since(mark)


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
                       '"$upstream_ssl_protocol $upstream_ssl_cipher'
                       ' $upstream_ssl_session_reused"; }'),
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
    wire.wait_until(lambda: key_log.exists()
                    and "CLIENT_TRAFFIC_SECRET_0" in key_log.read_text(), 3)
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
