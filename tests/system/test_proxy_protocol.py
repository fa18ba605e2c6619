"""listen ... proxy_protocol: whose connection it is, told before its first byte."""
import re
import socket
import ssl
import struct
import time

import pytest

import certs
import client
import ringway
import wire
from edge import TIMEOUTS
from origin import serve
from wire import request

V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 50000 8080\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
VARIABLES = ("$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|"
             "$proxy_protocol_server_port|$proxy_protocol_tlv_authority|"
             "$proxy_protocol_tlv_ssl_cn|$proxy_protocol_tlv_ssl_verify|$proxy_protocol_tlv_0xea|"
             "$remote_addr")


def v2(family, addresses, tlvs=b"", command=0x21):
    body = addresses + tlvs
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(body)) + body


def tlv(number, value):
    return bytes([number]) + struct.pack("!H", len(value)) + value


IP4 = v2(0x11, bytes([192, 0, 2, 3, 192, 0, 2, 4]) + struct.pack("!HH", 1234, 443))
IP6 = v2(0x21, socket.inet_pton(socket.AF_INET6, "2001:db8::1")
         + socket.inet_pton(socket.AF_INET6, "2001:db8::2") + struct.pack("!HH", 1, 65535))
TLVS = v2(0x11, bytes([192, 0, 2, 3, 192, 0, 2, 4]) + struct.pack("!HH", 1234, 443),
          tlv(0x04, bytes(300)) + tlv(0x02, b"web.test") + tlv(0xEA, b"vpc")
          + tlv(0x20, b"\x01" + struct.pack("!I", 18) + tlv(0x22, b"me")))
NOTHING = "||||||||127.0.0.1"
RIGHT = {
    "v1": (V1, "192.0.2.1|50000|192.0.2.2|8080|||||127.0.0.1"),
    "v1-ip6": (b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "2001:db8::1|1|::1|2|||||127.0.0.1"),
    "v1-unknown": (b"PROXY UNKNOWN\r\n", NOTHING),
    "v1-unknown-more": (b"PROXY UNKNOWN a b c d\r\n", NOTHING),
    "v2": (IP4, "192.0.2.3|1234|192.0.2.4|443|||||127.0.0.1"),
    "v2-ip6": (IP6, "2001:db8::1|1|2001:db8::2|65535|||||127.0.0.1"),
    "v2-local": (v2(0x00, b"", command=0x20), NOTHING),
    "v2-unix": (v2(0x31, bytes(216)), NOTHING),
    "v2-tlvs": (TLVS, "192.0.2.3|1234|192.0.2.4|443|web.test|me|18|vpc|127.0.0.1"),
}
BROKEN = {
    "none": request("/"),
    "line": b"PROXY TCP4 192.0.2.1 192.0.2.2 50000\r\n",
    "no-end": b"PROXY TCP4 " + b"1" * 200,
    "bare-lf": b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
    "version": v2(0x11, bytes(12), command=0x31),
    "short": v2(0x11, bytes(11)),
    "long": v2(0x11, bytes(4081)),
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
}


@pytest.fixture(scope="module", name="edge")
def fixture_edge(start_shared, shared_origin, pki):
    pair = pki.leaf(certs.NAME)
    own = shared_origin(serve())
    ports = ringway.free_ports(3)
    answer = f'location / {{ return 200 "{VARIABLES}"; }}'
    edge = start_shared(ringway.http(
        ringway.server(ports[0], answer + f"location /up {{ proxy_pass http://{own.address};"
                       "proxy_set_header X-Real $proxy_protocol_addr; }",
                       listen=" proxy_protocol"),
        ringway.server(ports[1], f"ssl_certificate {pair.chain_file};"
                       f"ssl_certificate_key {pair.key_file}; {answer}",
                       listen=" proxy_protocol ssl"),
        ringway.server(ports[2], answer), settings=TIMEOUTS))
    edge.plain, edge.tls, edge.usual, edge.origin = *ports, own
    return edge


@pytest.fixture(autouse=True)
def unharmed(edge):
    def canary():
        with client.Client(edge.plain) as c:
            c.send(V1 + request("/", fields=[("Connection", "close")]))
            assert c.response().status == 200
    with edge.stays_unharmed(canary, [edge.origin]):
        yield


@pytest.mark.parametrize("name", RIGHT)
def test_header_tells_whose_connection_it_is(edge, name):
    header, told = RIGHT[name]
    with client.Client(edge.plain) as c:
        c.send(header + request("/"))
        assert c.response().body.decode() == told
        c.send(request("/"))
        assert c.response().body.decode() == told


@pytest.mark.parametrize("name", RIGHT)
def test_header_may_come_in_pieces(edge, name):
    header, told = RIGHT[name]
    with client.Client(edge.plain) as c:
        c.drip(header + request("/"))
        assert c.response().body.decode() == told


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("is_dripped", [False, True])
def test_header_comes_before_tls(edge, pki, name, is_dripped):
    header, told = RIGHT[name]
    with socket.create_connection(("127.0.0.1", edge.tls), timeout=8) as plain:
        for i in range(0, len(header), 7 if is_dripped else len(header)):
            plain.sendall(header[i:i + 7] if is_dripped else header)
            time.sleep(0.002 if is_dripped else 0)
        context = ssl.create_default_context(cafile=pki.root.cert_file)
        with context.wrap_socket(plain, server_hostname=certs.NAME) as tls:
            tls.sendall(request("/", host=certs.NAME))
            assert wire.read_response(wire.Stream(tls)).body.decode() == told


@pytest.mark.parametrize("port", ["plain", "tls"])
@pytest.mark.parametrize("name", BROKEN)
def test_broken_header_closes_the_connection(edge, port, name):
    mark = edge.mark()
    with client.Client(getattr(edge, port)) as c:
        c.send(BROKEN[name])
        assert c.is_closed(3)
        assert c.rest() == b""
    line = edge.wait_log(r"broken header: \".*", mark)[0]
    assert re.search(r'" while reading PROXY protocol, client: 127.0.0.1, server: 127.0.0.1:\d+$',
                     line)


@pytest.mark.parametrize("sent", [b"", V1[:-1], IP4[:-1], b"P", b"\r"])
def test_header_that_does_not_come_ends_in_time(edge, sent):
    began = time.monotonic()
    with client.Client(edge.plain) as c:
        c.send(sent)
        assert c.is_closed(4)
        assert c.rest() == b""
    assert 1.2 < time.monotonic() - began < 3


@pytest.mark.parametrize("sent", [b"", V1[:-1], V1, IP4[:-1]])
@pytest.mark.parametrize("end", ["close", "half_close", "reset"])
def test_client_that_leaves_before_or_behind_its_header_is_forgotten(edge, sent, end):
    with client.Client(edge.plain) as c:
        c.send(sent)
        time.sleep(0.05)
        getattr(c, end)()


def test_header_goes_on_as_a_field(edge):
    with client.Client(edge.plain) as c:
        c.send(V1 + request("/up"))
        assert c.response().status == 200
    assert edge.origin.requests[0].get("X-Real") == "192.0.2.1"


def test_other_listeners_take_no_header(edge):
    assert client.get(edge.usual).body.decode() == NOTHING
    with client.Client(edge.usual) as c:
        c.send(V1 + request("/"))
        assert c.response().status == 400


def test_one_listen_says_it_for_an_address(start):
    port = ringway.free_ports()
    edge = start(ringway.http(
        ringway.server(port, 'return 200 "$proxy_protocol_addr";', listen=" proxy_protocol"),
        ringway.server(port, 'server_name other.test; return 200 "$proxy_protocol_addr";')))
    with client.Client(port) as c:
        c.send(V1 + request("/", host="other.test"))
        assert c.response().body == b"192.0.2.1"
    assert "protocol options redefined for 127.0.0.1" in edge.log() + edge.stderr()
