"""The data path under clients and upstreams that break off, do not read, or say too much."""
import contextlib
import re
import resource
import signal
import ssl
import time

import pytest

import certs
import client
import ringway
import wire
from edge import Edge, TIMEOUTS
from origin import serve
from wire import request, response

BODY = """
large_client_header_buffers 4 8k;
location /fallback/ {
    proxy_request_buffering off;
    proxy_pass http://origin/first/;
    error_page 502 504 = @second;
}
location @second { proxy_pass http://second; }
location /large { return 200 "$request_uri$request_uri$request_uri$request_uri"; }
location /stream/ { proxy_pass http://origin; proxy_request_buffering off; }
location /gone { error_page 404 = @second; return 404; }
"""
SEND_TIMEOUT = int(re.search(r"\bsend_timeout (\d+)ms", TIMEOUTS)[1]) / 1000
SLACK = 3  # seconds that a busy host may take on top
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: www.test\r\n\r\n"


@pytest.fixture(scope="module", name="shared")
def fixture_shared(start_shared, shared_origin, pki):
    second = shared_origin(serve(
        lambda request: response(200, f"{request.method} {request.target}".encode())))
    edge = Edge(start_shared, shared_origin, pki, body=BODY,
                blocks=f"upstream second {{ server {second.address}; keepalive 8; }}",
                settings="client_max_body_size 8m; keepalive_requests 1000000;")
    edge.second = second
    return edge


@pytest.fixture(name="edge")
def fixture_edge(shared):
    yield shared
    shared.origin.forget()
    shared.second.forget()
    shared.canary_origin.forget()
    assert shared.ringway.is_running(), shared.ringway.stderr()[-6000:]


# --- answers from another place, and the body of the request ------------------------------------

@pytest.mark.parametrize("size", [0, 100, 16_000])
def test_request_goes_on_to_another_upstream_with_its_body(edge, size):
    """It was streamed, and all of it is kept yet."""
    def script(c):
        c.read_request()
        c.reset()
    edge.origin.script = script
    body = (SMUGGLED * (size // len(SMUGGLED) + 1))[:size]
    answer = edge.get("/fallback/", "POST", body=body)
    assert (answer.status, answer.body) == (200, b"POST /fallback/")
    assert [r.body for r in edge.second.requests] == [body]


def test_body_that_is_partly_gone_is_not_sent_to_another_upstream(edge):
    def script(c):
        c.read_request()
        c.reset()
    edge.origin.script = script
    body = (SMUGGLED * 10_000)[:100_000]
    assert edge.get("/fallback/", "POST", body=body).status == 502
    assert not edge.second.received


@pytest.mark.parametrize("size", [0, 10])
@pytest.mark.parametrize("target", ["/gone", "/fallback/"])
def test_body_that_does_not_come_is_awaited_for_another_upstream(edge, target, size):
    """/fallback/ has passed on what had come of it; it goes on from its beginning."""
    def script(c):
        c.read_request_head()
        c.reset()
    edge.origin.script = script
    with edge.connect() as c:
        c.send(request(target, "POST", fields=[("Content-Length", "200000")]), b"x" * size)
        assert c.response("POST").status in (408, 504)
        c.send(SMUGGLED)
        c.is_closed(2)
        assert b"smuggled" not in c.rest()
    assert b"smuggled" not in edge.second.received


# --- a body that goes wrong once the answer is on its way ----------------------------------------

def test_connections_end_when_a_body_breaks_behind_the_head_of_its_answer(edge):
    """The upstream waits for more of the body, and what the client sends next is none of HTTP."""
    def script(c):
        c.read_request_head()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        c.line(), c.line()
        time.sleep(0.4)
        c.send(b"cd")
        c.stall(1)
    edge.origin.script = script
    with edge.connect() as c:
        c.send(request("/stream/", "POST", fields=[("Transfer-Encoding", "chunked")]),
               b"3\r\nabc\r\n")
        assert c.take(15) == b"HTTP/1.1 200 OK"
        c.send(b"zz\r\n" + request("/canary"))
        c.is_closed(2)
        assert c.received.endswith(b"abcd")
    assert len(edge.canary_origin.requests) == 0
    assert edge.get("/canary").status == 200
    time.sleep(0.1)
    edge.origin.script = edge.origin.default_script
    assert edge.get("/other").status == 200
    assert len(edge.origin.connections) == 2, "the broken one was used again"


# --- clients that do not read --------------------------------------------------------------------

def send_until_full(c, data):
    """Sends until the peer takes no more for a while; fails when it takes everything."""
    c.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        c.sock.sendall(data)


def test_pipelining_client_that_does_not_read_makes_no_spin_and_is_cut(edge):
    with edge.unharmed():
        with edge.connect(receive_buffer=4096) as c:
            send_until_full(c, request("/large" + "x" * 900) * 20000)
            before = edge.ringway.cpu_seconds()
            time.sleep(0.5)
            assert edge.ringway.cpu_seconds() - before < 0.2
            wire.wait_until(lambda: edge.ringway.descriptors() <= edge.ringway.baseline,
                            SEND_TIMEOUT + SLACK, "it is cut at send_timeout")


# --- what comes on an idle connection -------------------------------------------------------------

@pytest.mark.parametrize("surplus", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"])
def test_connection_that_ended_or_spoke_while_idle_is_not_leased_in_the_same_turn(edge, surplus):
    """Both facts are harvested in one turn: the process is stopped meanwhile."""
    edge.ringway.wait_listening()
    edge.origin.script = serve(lambda request: response(200, request.target.encode()))
    assert edge.get("/warm").body == b"/warm"
    kept = edge.origin.connections[0]
    for i in range(4):
        with edge.connect() as c:
            c.send(request("/canary"))
            c.response()
            edge.ringway.signal(signal.SIGSTOP)
            time.sleep(0.05)
            try:
                c.send(request(f"/mine/{i}", "POST", body=b"x"))
                time.sleep(0.05)
                if surplus:
                    kept.sock.sendall(surplus)
                else:
                    kept.half_close()
                time.sleep(0.05)
            finally:
                edge.ringway.signal(signal.SIGCONT)
            answer = c.response("POST")
            assert (answer.status, answer.body) == (200, f"/mine/{i}".encode())
        time.sleep(0.1)
        kept = edge.origin.connections[-1]


def test_small_files_for_a_client_that_does_not_read_leave_memory_for_others(start, folder):
    root = folder / "small-files"
    root.mkdir()
    (root / "file").write_text("x" * 10)
    port = ringway.free_ports()
    start(ringway.http(ringway.server(port, f"root {root};"),
                       settings="keepalive_requests 1000000; server_tokens off;")
          .replace("connections 1024", "connections 64"))
    clients = [client.Client(port, receive_buffer=4096) for _ in range(12)]
    for c in clients:
        send_until_full(c, request("/file", host="x") * 200_000)
    for _ in range(8):
        assert client.get(port, "/file").body == b"x" * 10
    for c in clients:
        c.sock.close()


# --- TLS ------------------------------------------------------------------------------------------

def test_bytes_behind_close_notify_are_nobodys(start, pki):
    """In one packet with it, so that they wait in the connection while its end is noted."""
    port, pair = ringway.free_ports(), pki.leaf("www.test")
    start(ringway.http(ringway.server(port, f"ssl_certificate {pair.cert_file};"
                                      f"ssl_certificate_key {pair.key_file}; return 200 good;",
                                      listen=" ssl")))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = certs.client_context(pki.root).wrap_bio(incoming, outgoing, server_hostname="www.test")
    with client.Client(port) as c:
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
                break
            c.send(outgoing.read())
            incoming.write(c.take_some())
        tls.write(request("/"))
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.unwrap()
        c.send(outgoing.read() + b"\x17\x03\x03\x00\x20" + b"x" * 20)
        assert c.is_closed(2)


# --- no descriptors -------------------------------------------------------------------------------

def test_want_of_descriptors_is_no_fault_of_the_peers(start, make_origin):
    """The answers are 503, and as soon as there are descriptors both peers are in use again."""
    port, others = ringway.free_ports(), [make_origin(), make_origin()]
    group = " ".join(f"server {o.address} max_fails=1 fail_timeout=30s;" for o in others)
    r = start(ringway.http(f"upstream o {{ {group} }}",
                           ringway.server(port, "location / { proxy_pass http://o; }")),
              user="root")
    usual, most = resource.prlimit(r.pid, resource.RLIMIT_NOFILE)
    clients = [client.Client(port) for _ in range(4)]
    for c in clients:
        assert c.ask("/first").status == 200
    resource.prlimit(r.pid, resource.RLIMIT_NOFILE, (r.descriptors() - 2, most))
    for o in others:
        o.forget()
    for c in clients:
        c.send(request("/second"))
    assert 503 in [c.response().status for c in clients]
    resource.prlimit(r.pid, resource.RLIMIT_NOFILE, (usual, most))
    for i in range(4):
        assert client.get(port, f"/third/{i}").status == 200
    assert all(o.requests for o in others)
    for c in clients:
        c.sock.close()


# --- lingering ------------------------------------------------------------------------------------

def test_lingering_ends_when_the_client_is_silent_and_when_its_time_is_over(start):
    port = ringway.free_ports()
    r = start(ringway.http(ringway.server(port, "return 200 good; client_max_body_size 1k;"),
                           settings="lingering_timeout 500ms; lingering_time 1500ms;"))
    usual = r.descriptors()

    def lasts(sends_on):
        with client.Client(port) as c:
            c.send(request("/", "POST", fields=[("Content-Length", "1000000")]))
            c.response("POST")
            began = time.monotonic()
            while r.descriptors() > usual and time.monotonic() - began < 5:
                time.sleep(0.05)
                if sends_on:
                    c.send(b"x")
            return time.monotonic() - began
    assert 0.4 <= lasts(sends_on=False) < 1.2
    assert 1.4 <= lasts(sends_on=True) < 2.5


# --- what is counted against a peer ---------------------------------------------------------------

def test_client_that_leaves_does_not_bring_a_dead_peer_back(start, make_origin):
    port, dead, good = ringway.free_ports(), make_origin(lambda c: c.stall(10)), make_origin()
    start(ringway.http(
        f"upstream o {{ server {dead.address} max_fails=1 fail_timeout=30s;"
        f" server {good.address}; }}",
        ringway.server(port, "proxy_read_timeout 600ms; location / { proxy_pass http://o; }")))
    with client.Client(port) as first, client.Client(port) as other, client.Client(port) as leaver:
        first.send(request("/first"))
        wire.wait_until(lambda: len(dead.connections) == 1, 5, "the dead peer has its request")
        assert other.ask("/other").status == 200
        time.sleep(0.3)
        leaver.send(request("/leaver"))
        wire.wait_until(lambda: len(dead.connections) == 2, 5, "it has another one")
        assert first.response().status == 200  # from the next peer: this one is out
        leaver.reset()
        time.sleep(0.2)
        for _ in range(4):
            assert client.get(port, "/").status == 200
    assert len(dead.connections) == 2


# --- slots and second tries ---------------------------------------------------------------------

def test_clients_that_only_wait_make_room_for_new_ones(start):
    port = ringway.free_ports()
    start("events { worker_connections 16; }\nhttp { access_log off; keepalive_timeout 60s;\n"
          f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 \"x\"; }} }} }}\n")
    with contextlib.ExitStack() as stack:
        for _ in range(16):
            waiting = stack.enter_context(client.Client(port))
            assert waiting.ask("/").status == 200
        begin = time.monotonic()
        for _ in range(8):
            assert stack.enter_context(client.Client(port)).ask("/").body == b"x"
        assert time.monotonic() - begin < 5


def test_own_100_is_sent_once_whatever_is_tried_again(start, make_origin):
    def script(c):
        c.read_request_head()
        c.take(3)
        c.reset()
    origins = [make_origin(script) for _ in range(3)]
    port = ringway.free_ports()
    servers = " ".join(f"server {o.address};" for o in origins)
    start("events {}\nhttp { access_log off; upstream u { " + servers + " }\n"
          f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://u;"
          " proxy_http_version 1.0; proxy_next_upstream error non_idempotent; } } }\n")
    with client.Client(port) as c:
        c.send(request("/", "POST", fields=[("Expect", "100-continue"), ("Content-Length", "3")]))
        assert wire.read_response(c).status == 100
        c.send(b"abc")
        assert wire.read_response(c).status == 502
    assert sum(len(o.requests) + len(o.connections) for o in origins) >= 3
