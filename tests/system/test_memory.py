"""Bodies of any size in bounded memory, clients that read slowly or not at all.

These run with the release binary, as sanitizers change what memory means.
"""
import hashlib
import os
import threading
import time

import pytest

import client
import ringway
import wire
from certs import NAME, server_context
from edge import tls_settings
from wire import request

GIGABYTE = 1 << 30
RESIDENT_MAX = 64 * 1024 * 1024
BLOCK = 1 << 18


@pytest.fixture(scope="module")
def release():
    path = ringway.release_binary()
    if not path:
        pytest.skip("there is no release binary")
    return path


def blocks(size):
    """size bytes in blocks that all differ, cheap to make."""
    block = bytearray(os.urandom(BLOCK))
    for i in range(size // BLOCK):
        block[:8] = i.to_bytes(8, "big")
        yield bytes(block)


def digest_of(chunks):
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


@pytest.fixture(scope="module")
def large_file(folder):
    """(folder, digest) of a file of one gigabyte; gone after these tests."""
    home = folder / "large"
    home.mkdir()
    path, digest = home / "large.bin", hashlib.sha256()
    with open(path, "wb") as file:
        for block in blocks(GIGABYTE):
            digest.update(block)
            file.write(block)
    yield home, digest.hexdigest()
    path.unlink()


def proxy(port, address, pki, more=""):
    return ringway.http(
        f"upstream u {{ server {address}; keepalive 4; }}",
        ringway.server(port, "client_max_body_size 0; location / { proxy_pass https://u; }"),
        settings=tls_settings(pki) + more)


@pytest.mark.slow
def test_one_gigabyte_comes_down_in_bounded_memory(start, pki, release, large_file):
    home, wanted = large_file
    back_port, port = ringway.free_ports(2)
    pair = pki.leaf(NAME)
    start(ringway.http(ringway.server(back_port, f"""ssl_certificate {pair.chain_file};
        ssl_certificate_key {pair.key_file}; root {home};""", listen=" ssl")), path=release)
    edge = start(proxy(port, f"127.0.0.1:{back_port}", pki), path=release)
    with client.Client(port, timeout=30) as c:
        c.send(request("/large.bin"))
        head = wire.read_head(c)
        assert head.status == 200 and head.get("Content-Length") == str(GIGABYTE)
        digest = hashlib.sha256(c.rest())
        left = GIGABYTE - len(c.rest())
        buffer = memoryview(bytearray(1 << 20))
        while left and (count := c.sock.recv_into(buffer)):
            digest.update(buffer[:count])
            left -= count
    assert left == 0 and digest.hexdigest() == wanted
    assert edge.resident_bytes(is_peak=True) < RESIDENT_MAX


@pytest.mark.slow
@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("buffering", ["on", "off"])
def test_one_gigabyte_goes_up_in_bounded_memory(start, make_origin, pki, release, is_chunked,
                                                buffering):
    size = GIGABYTE // 4 if is_chunked or buffering == "on" else GIGABYTE
    seen = {}

    def sink(c):
        head = c.read_request_head()
        if is_chunked and buffering == "off":
            assert head.get("Transfer-Encoding") == "chunked"
            digest, left = hashlib.sha256(), -1
            while count := int(c.line(), 16):
                digest.update(c.take(count))
                c.line()
                del c.received[:c.used]
                c.used = 0
            c.line()
        else:
            digest, left = hashlib.sha256(c.rest()), int(head.get("Content-Length")) - len(c.rest())
            buffer = memoryview(bytearray(1 << 18))
            while left and (count := c.sock.recv_into(buffer)):
                digest.update(buffer[:count])
                left -= count
        seen["digest"] = digest.hexdigest()
        c.used = len(c.received)
        c.respond(200, b"done")
    own = make_origin(sink, tls=server_context(pki.leaf(NAME)))
    port = ringway.free_ports()
    edge = start(proxy(port, own.address, pki, "proxy_read_timeout 60s;"
                       f"proxy_request_buffering {buffering};"), path=release)
    digest = hashlib.sha256()
    framing = ("Transfer-Encoding", "chunked") if is_chunked else ("Content-Length", str(size))
    with client.Client(port, timeout=60) as c:
        c.send(request("/up", "POST", fields=[framing]))
        for block in blocks(size):
            digest.update(block)
            c.send(b"%x\r\n%s\r\n" % (len(block), block) if is_chunked else block)
        if is_chunked:
            c.send(b"0\r\n\r\n")
        assert c.response().body == b"done"
    assert seen["digest"] == digest.hexdigest()
    assert edge.resident_bytes(is_peak=True) < RESIDENT_MAX


def flood(size):
    """An origin that answers with size bytes and notes how much it got rid of."""
    sent = []

    def script(c):
        c.read_request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        block = wire.pattern(1 << 16)
        for _ in range(size // len(block)):
            c.send(block)
            sent.append(len(block))
        c.stall()
    return script, sent


def test_client_that_never_reads_is_bounded_and_cut_at_send_timeout(start, make_origin, pki,
                                                                    release):
    script, sent = flood(64 << 20)
    own, port = make_origin(script, tls=server_context(pki.leaf(NAME))), ringway.free_ports()
    edge = start(proxy(port, own.address, pki, "send_timeout 1s; proxy_read_timeout 10s;"),
                 path=release)
    client.get(port, "/warm", "HEAD")
    before = edge.resident_bytes()
    crowd = [client.Client(port, receive_buffer=4096) for _ in range(8)]
    begin = time.monotonic()
    for c in crowd:
        c.send(request("/"))
    time.sleep(0.7)
    assert edge.resident_bytes() - before < 8 * 1024 * 1024
    held = sum(sent)
    wire.wait_until(lambda: edge.descriptors() < 8 + len(crowd), 6, "they are cut")
    assert 0.8 < time.monotonic() - begin < 5
    assert held < 8 * (16 << 20)  # what waits is in kernels' socket buffers, not with us
    for c in crowd:
        c.close()


def test_slow_reader_gets_everything(start, make_origin, pki, release):
    script, _ = flood(8 << 20)
    own, port = make_origin(script, tls=server_context(pki.leaf(NAME))), ringway.free_ports()
    start(proxy(port, own.address, pki, "send_timeout 2s; proxy_read_timeout 10s;"), path=release)
    with client.Client(port, receive_buffer=65536) as c:
        c.send(request("/"))
        for _ in range(10):
            time.sleep(0.1)
            c.fill()
        assert c.response().body == wire.pattern(1 << 16) * 128


def test_upstream_that_never_reads_is_bounded(start, make_origin, pki, release):
    def script(c):
        c.read_request_head()
        time.sleep(2)
    own, port = make_origin(script, tls=server_context(pki.leaf(NAME))), ringway.free_ports()
    edge = start(proxy(port, own.address, pki, "proxy_send_timeout 1s;"), path=release)
    with client.Client(port) as c:
        c.send(request("/", "POST", fields=[("Content-Length", str(64 << 20))]))
        sender = threading.Thread(target=lambda: [c.send(b"x" * 65536) for _ in range(1024)])
        sender.start()
        time.sleep(0.7)
        assert edge.resident_bytes(is_peak=True) < RESIDENT_MAX
        assert c.response().status == 504
        c.close()
        sender.join()


def test_slow_heads_of_many_clients_do_not_delay_others(start, release):
    port = ringway.free_ports()
    edge = start(ringway.http(ringway.server(
        port, "client_header_timeout 1s; return 200 ok;")), path=release)
    crowd = [client.Client(port) for _ in range(300)]
    for c in crowd:
        c.send(b"GET / HTTP/1.1\r\nHost: ")
    for byte in b"www.t":
        for c in crowd:
            c.send(bytes([byte]))
        begin = time.monotonic()
        assert client.get(port).body == b"ok"
        assert time.monotonic() - begin < 0.5
    for c in crowd:
        assert c.is_closed(4)
    for c in crowd:
        c.close()
    wire.wait_until(lambda: edge.descriptors() < 50, 5, "the slow ones are closed")


def test_idle_connections_are_cheap(start, release):
    port = ringway.free_ports()
    edge = start(ringway.http(ringway.server(port, "return 200 ok;"))
                 .replace("1024", "4096"), path=release)
    client.get(port)
    before = edge.resident_bytes()
    crowd = [client.Client(port) for _ in range(2000)]
    for c in crowd[::10]:
        assert c.ask("/").body == b"ok"
    grown = edge.resident_bytes() - before
    assert grown < 2000 * 8192
    for c in crowd:
        c.close()
