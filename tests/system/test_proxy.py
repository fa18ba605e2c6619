"""Requests and responses through the proxy, to plain and to TLS upstreams."""
import hashlib
import threading
import time

import pytest

from origin import serve
from wire import chunked, pattern, request, response
from worlds import proxying_edge

SIZES = [0, 1, 100, 16383, 16384, 16385, 32767, 32768, 32769, 65536, 131072, 131073, 3_000_000]



@pytest.fixture(scope="module", params=["http", "https"])
def edge(request, start_shared, shared_origin, pki):
    return proxying_edge(start_shared, shared_origin, pki, request.param)


@pytest.fixture(autouse=True)
def unharmed(edge):
    with edge.unharmed():
        yield


# --- the plain way ------------------------------------------------------------------------------

def test_get_is_answered_with_what_the_upstream_said(edge):
    edge.origin.script = serve(lambda r: response(
        200, b"hello", [("Content-Type", "text/x-test"), ("X-One", "1"), ("X-One", "2")]))
    answer = edge.get("/path?a=b&c")
    assert answer.status == 200 and answer.body == b"hello"
    assert answer.get("Content-Type") == "text/x-test"
    assert answer.all("X-One") == ["1", "2"]
    assert answer.get("Content-Length") == "5"
    assert [r.start for r in edge.origin.requests] == ["GET /path?a=b&c HTTP/1.1"]


def test_server_and_date_are_the_proxys_own(edge):
    edge.origin.script = serve(lambda r: response(
        200, b"", [("Server", "hidden/9"), ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")]))
    answer = edge.get()
    assert answer.all("Server") and answer.get("Server").startswith("ringway")
    assert len(answer.all("Date")) == 1
    assert answer.get("Date").endswith("GMT") and "1970" not in answer.get("Date")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"])
def test_methods_are_passed_on(edge, method):
    answer = edge.get("/m", method, body=b"xyz" if method in ("POST", "PUT", "PATCH") else None)
    assert answer.status == 200
    assert edge.origin.requests[0].method == method


def test_unknown_method_token_is_passed_on(edge):
    assert edge.get("/m", "X-UNHEARD.OF").status == 200
    assert edge.origin.requests[0].method == "X-UNHEARD.OF"


def test_head_has_the_length_and_no_body(edge):
    with edge.connect() as c:
        answer = c.ask("/", "HEAD")
        assert answer.status == 200 and answer.get("Content-Length") == "8"
        assert c.ask("/next").body == b"GET /next 0"  # nothing stood between


@pytest.mark.parametrize("status", [204, 304])
def test_status_without_body_is_passed_on(edge, status):
    edge.origin.script = serve(lambda r: b"HTTP/1.1 %d X\r\nETag: \"a\"\r\n\r\n" % status)
    with edge.connect() as c:
        for _ in range(2):
            answer = c.ask("/")
            assert answer.status == status and answer.get("ETag") == '"a"'
            assert answer.get("Transfer-Encoding") is None


@pytest.mark.parametrize("status", [201, 302, 404, 418, 500, 503, 599, 600, 999])
def test_status_codes_pass_with_their_bodies(edge, status):
    edge.origin.script = serve(lambda r: response(status, b"the upstream's own"))
    answer = edge.get()
    assert answer.status == status and answer.body == b"the upstream's own"


def test_http10_client_is_answered_and_closed(edge):
    with edge.connect() as c:
        c.send(b"GET /old HTTP/1.0\r\nHost: www.test\r\n\r\n")
        answer = c.response()
        assert answer.status == 200 and answer.body == b"GET /old 0"
        assert c.is_closed()


def test_http10_client_gets_a_chunked_body_without_chunks(edge):
    edge.origin.script = serve(lambda r: response(200, b"abc" * 1000, framing="chunked"))
    with edge.connect() as c:
        c.send(b"GET / HTTP/1.0\r\n\r\n")
        answer = c.response()
        assert answer.get("Transfer-Encoding") is None
        assert answer.body == b"abc" * 1000 and answer.is_whole


# --- bodies -------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", SIZES)
def test_response_body_by_length_arrives_whole(edge, size):
    body = pattern(size)
    edge.origin.script = serve(lambda r: response(200, body))
    answer = edge.get()
    assert answer.is_whole and answer.framing == "length" and answer.body == body


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("piece", [7, 16384, 40000])
def test_response_body_in_chunks_arrives_whole(edge, size, piece):
    if size // piece > 20000:
        piece = 997
    body = pattern(size)
    pieces = [body[i:i + piece] for i in range(0, size, piece)]
    edge.origin.script = serve(lambda r: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                               + chunked(pieces))
    answer = edge.get()
    assert answer.is_whole and answer.framing == "chunked" and answer.body == body


@pytest.mark.parametrize("size", SIZES)
def test_response_body_until_close_arrives_whole(edge, size):
    body = pattern(size)

    def script(c):
        c.read_request()
        c.send(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        c.close_cleanly()  # over TLS: with close_notify
    edge.origin.script = script
    answer = edge.get()
    assert answer.is_whole and answer.body == body


@pytest.mark.parametrize("size", SIZES)
def test_request_body_by_length_arrives_whole(edge, size):
    body = pattern(size)
    answer = edge.get("/up", "POST", body=body)
    assert answer.body == b"POST /up %d" % size
    assert edge.origin.requests[0].body == body
    assert edge.origin.requests[0].get("Content-Length") == str(size)


@pytest.mark.parametrize("size", SIZES)
def test_request_body_in_chunks_arrives_whole(edge, size):
    body = pattern(size)
    pieces = [body[i:i + 9000] for i in range(0, size, 9000)]
    with edge.connect() as c:
        c.send(request("/up", "POST", fields=[("Transfer-Encoding", "chunked")]) + chunked(pieces))
        assert c.response().body == b"POST /up %d" % size
        assert c.ask("/next").status == 200
    assert edge.origin.requests[0].body == body


def test_bodies_pass_both_ways_at_once(edge):
    size = 3_000_000

    def script(c):
        head = c.read_request_head()
        left = int(head.get("Content-Length"))
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
        while left:
            data = c.take_some()
            left -= len(data)
            c.send(data)
    edge.origin.script = script
    body = pattern(size)
    with edge.connect() as c:
        sender = threading.Thread(target=c.send, args=(request("/", "POST", body=body),))
        sender.start()
        answer = c.response()
        sender.join()
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(body).digest()


def test_body_in_dribbles_arrives_whole(edge):
    body = pattern(300)
    edge.origin.script = serve(lambda r: response(200, r.body))
    with edge.connect() as c:
        c.drip(request("/", "PUT", body=body))
        assert c.response().body == body


def test_response_in_dribbles_arrives_whole(edge):
    whole = (b"HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n"
             + chunked([pattern(100), b"x", pattern(33)], [("X-T", "1")]))

    def script(c):
        c.read_request()
        c.send(*(whole[i:i + 1] for i in range(len(whole))), gap=0.0005)
    edge.origin.script = script
    answer = edge.get("/trailers/", fields=[("TE", "trailers")])
    assert answer.body == pattern(100) + b"x" + pattern(33)


def test_first_bytes_of_a_body_do_not_wait_for_the_last(edge):
    release = threading.Event()

    def script(c):
        c.read_request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        release.wait(5)
        c.send(b"-last")
        c.stall()
    edge.origin.script = script
    with edge.connect() as c:
        c.send(request("/long/"))
        while not c.received.endswith(b"first"):
            c.fill()
        release.set()
        assert c.response().body == b"first-last"


def test_request_body_is_streamed(edge):
    seen = threading.Event()

    def script(c):
        c.read_request_head()
        assert c.take(5) == b"first"
        seen.set()
        assert c.take(5) == b"-last"
        c.respond(200, b"done")
    edge.origin.script = script
    with edge.connect() as c:
        c.send(request("/stream/", "POST", fields=[("Content-Length", "10")]) + b"first")
        assert seen.wait(5)
        c.send(b"-last")
        assert c.response().body == b"done"


# --- trailers -----------------------------------------------------------------------------------

def trailers_answer(_):
    return (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked([b"body"], [
        ("X-Checksum", "abc"), ("Content-Length", "99"), ("Transfer-Encoding", "chunked"),
        ("Host", "evil.test"), ("Authorization", "x"), ("Set-Cookie", "a=b")]))


def test_response_trailers_reach_a_client_that_accepts_them(edge):
    edge.origin.script = serve(trailers_answer)
    answer = edge.get("/trailers/", fields=[("TE", "trailers")])
    assert answer.body == b"body" and answer.trailers == [("X-Checksum", "abc")]


def test_forbidden_trailers_are_never_passed_on(edge):
    edge.origin.script = serve(trailers_answer)
    answer = edge.get()
    names = {n.lower() for n, _ in answer.trailers}
    assert names <= {"x-checksum"}


def test_request_trailers_do_not_break_the_request(edge):
    with edge.connect() as c:
        c.send(request("/t", "POST", fields=[("Transfer-Encoding", "chunked")])
               + chunked([b"abc"], [("X-Sum", "1"), ("Host", "evil.test"), ("Content-Length", "7"),
                                    ("Authorization", "evil")]))
        assert c.response().body == b"POST /t 3"
    names = {n.lower() for n, _ in edge.origin.requests[0].trailers}
    assert names <= {"x-sum"}
    assert "evil" not in edge.origin.requests[0].head.decode()


# --- persistence --------------------------------------------------------------------------------

def test_client_connection_is_kept(edge):
    with edge.connect() as c:
        for i in range(20):
            assert c.ask(f"/{i}").body == b"GET /%d 0" % i


def test_upstream_connection_is_reused(edge):
    for i in range(10):
        assert edge.get(f"/{i}").status == 200
    assert len(edge.origin.connections) == 1
    assert len(edge.origin.requests) == 10


def test_upstream_connection_is_reused_after_every_clean_framing(edge):
    answers = iter([response(200, b"x"), response(200, b"x" * 50000, framing="chunked"),
                    response(200, b""), b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 304 No\r\n\r\n",
                    response(500, b"x"), response(200, b"", framing="chunked")])
    edge.origin.script = serve(lambda r: next(answers))
    for _ in range(7):
        edge.get("/", "POST", body=b"q")
    assert len(edge.origin.connections) == 1


def test_upstream_that_says_close_is_not_reused(edge):
    edge.origin.script = serve(lambda r: response(200, b"x", [("Connection", "close")]))
    for _ in range(3):
        assert edge.get().body == b"x"
    assert len(edge.origin.connections) == 3


def test_upstream_of_http10_is_not_reused_unless_it_keeps_alive(edge):
    edge.origin.script = serve(lambda r: b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx")
    for _ in range(2):
        assert edge.get().body == b"x"
    assert len(edge.origin.connections) == 2


def test_connection_close_of_the_client_does_not_reach_the_upstream(edge):
    edge.get()
    assert "close" not in (edge.origin.requests[0].get("Connection") or "")


def test_client_that_says_close_is_closed_after_the_answer(edge):
    with edge.connect() as c:
        answer = c.ask("/", fields=[("Connection", "close")])
        assert answer.get("Connection") == "close"
        assert c.until_close() == b""


def test_what_follows_connection_close_is_ignored(edge):
    with edge.connect() as c:
        c.send(request("/1", fields=[("Connection", "close")]) + request("/2"))
        assert c.response().body == b"GET /1 0"
        assert c.until_close() == b""
    assert [r.target for r in edge.origin.requests] == ["/1"]


def test_pipelined_requests_are_answered_in_order(edge):
    with edge.connect() as c:
        c.send(b"".join(request(f"/{i}") for i in range(200)))
        assert [c.response().body for _ in range(200)] == [b"GET /%d 0" % i for i in range(200)]


def test_pipelined_requests_with_bodies_are_answered_in_order(edge):
    wires = []
    for i in range(30):
        if i % 3 == 0:
            wires.append(request(f"/{i}", "POST", body=b"GET /evil HTTP/1.1\r\n\r\n"))
        elif i % 3 == 1:
            wires.append(request(f"/{i}", "POST", fields=[("Transfer-Encoding", "chunked")])
                         + chunked([b"ab", b"c" * i]))
        else:
            wires.append(request(f"/{i}", "HEAD"))
    with edge.connect() as c:
        c.send(b"".join(wires))
        answers = [c.response("HEAD" if i % 3 == 2 else "POST") for i in range(30)]
    assert all(a.status == 200 for a in answers)
    assert [r.target for r in edge.origin.requests] == [f"/{i}" for i in range(30)]


def test_pipelined_requests_cut_anywhere_are_answered_in_order(edge):
    data = b"".join(request(f"/{i}", "POST", body=b"x" * i) for i in range(8))
    for cut in range(1, len(data), 23):
        with edge.connect() as c:
            c.send(data[:cut], data[cut:], gap=0.002)
            assert [c.response().body for _ in range(8)] == \
                [b"POST /%d %d" % (i, i) for i in range(8)]


def test_half_closed_client_is_answered(edge):
    edge.origin.script = serve(lambda r: time.sleep(0.2) or response(200, b"late"))
    with edge.connect() as c:
        c.send(request("/"))
        c.half_close()
        assert c.response().body == b"late"
        assert c.is_closed()


def test_many_clients_at_once_get_their_own_answers(edge):
    wrong = []

    def work(n):
        with edge.connect() as c:
            for i in range(20):
                if c.ask(f"/{n}/{i}").body != b"GET /%d/%d 0" % (n, i):
                    wrong.append((n, i))
    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong and len(edge.origin.requests) == 240
