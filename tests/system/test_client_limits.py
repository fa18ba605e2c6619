"""Clients that send too much, too slowly, or leave: bounded, answered, and done with."""
import threading
import time

import pytest

import wire
from wire import chunked, request
from worlds import limited_edge

FOLLOWER = b"GET /smuggled HTTP/1.1\r\nHost: www.test\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"
SIZED = 4 * 1024 * 1024


@pytest.fixture(scope="module")
def edge(start_shared, shared_origin, pki):
    return limited_edge(start_shared, shared_origin, pki)


@pytest.fixture(autouse=True)
def unharmed(edge):
    with edge.unharmed():
        yield


def head(*lines, start="POST /x HTTP/1.1", host="Host: www.test"):
    return "\r\n".join([start, *([host] if host else []), *lines]).encode("latin-1") + b"\r\n\r\n"


def first_status(c):
    """The status of the only response; the connection is closed after it, with nothing more."""
    answer = c.response("GET")
    rest = c.until_close()
    assert b"HTTP/1." not in rest, f"a second answer: {rest[:300]!r}"
    assert answer.is_whole
    return answer.status


# --- sizes --------------------------------------------------------------------------------------

def test_uri_of_the_limit_passes_and_one_byte_more_is_414(edge):
    line = len("GET  HTTP/1.1\r\n")
    ok = "/" + "u" * (8192 - line - 1)
    assert edge.get(ok).status == 200
    with edge.connect() as c:
        c.send(request(ok + "u") + FOLLOWER)
        assert first_status(c) == 414


def test_uri_of_2_mb_is_414(edge):
    assert_flood(edge, b"GET /", b"u" * 2_000_000, 414)


def test_field_of_the_limit_passes_and_beyond_is_431(edge):
    ok = "v" * (8192 - len("X-Large: \r\n"))
    assert edge.get("/", fields=[("X-Large", ok)]).status == 200
    edge.origin.forget()
    with edge.connect() as c:
        c.send(request("/", fields=[("X-Large", ok + "v")]) + FOLLOWER)
        assert first_status(c) == 431
    assert edge.origin.received == b""


def test_head_of_all_buffers_passes_and_beyond_is_431(edge):
    field = ("X-Large", "v" * 7000)
    assert edge.get("/", fields=[field] * 3).status == 200
    edge.origin.forget()
    with edge.connect() as c:
        c.send(request("/", fields=[field] * 5) + FOLLOWER)
        assert first_status(c) == 431
    assert edge.origin.received == b""


def assert_flood(edge, start, flood, statuses):
    """Sends much; the proxy must answer (or at least close) and stay small meanwhile."""
    before = edge.ringway.resident_bytes()
    with edge.connect() as c:
        sender = threading.Thread(target=c.send, args=(start, flood, b"\r\n\r\n" + FOLLOWER))
        sender.start()
        try:
            status = c.response().status
        except wire.Cut as cut:
            status = f"none, {cut}"
        c.is_closed()
        c.close()
        sender.join()
    assert status in ({statuses} if isinstance(statuses, int) else statuses)
    assert not edge.origin.requests
    assert edge.ringway.resident_bytes() - before < 24 * 1024 * 1024


def test_header_of_4_mb_is_431(edge):
    assert_flood(edge, b"GET / HTTP/1.1\r\nHost: www.test\r\nX: ", b"v" * SIZED, 431)


def test_hundred_thousand_headers_are_431(edge):
    flood = b"".join(b"X%d: y\r\n" % i for i in range(100_000))
    assert_flood(edge, b"GET / HTTP/1.1\r\nHost: www.test\r\n", flood, 431)


def test_header_name_of_4_mb_is_431(edge):
    assert_flood(edge, b"GET / HTTP/1.1\r\nHost: www.test\r\n", b"n" * SIZED, (400, 431))


def test_method_of_4_mb_is_refused(edge):
    assert_flood(edge, b"", b"G" * SIZED, (400, 414))


def test_blank_lines_of_4_mb_are_refused(edge):
    assert_flood(edge, b"", b"\r\n" * (SIZED // 2), 400)


def test_a_blank_line_before_a_request_is_ignored(edge):
    with edge.connect() as c:
        c.send(b"\r\n" + request("/a") + b"\r\n" + request("/b"))
        assert c.response().body == b"GET /a 0"
        assert c.response().body == b"GET /b 0"


def test_chunk_extension_of_4_mb_is_refused(edge):
    assert_flood(edge, head(CHUNKED) + b"5;", b"e" * SIZED, 400)


def test_chunk_extensions_of_4_mb_in_many_chunks_are_refused(edge):
    flood = (b"1;" + b"e" * 1000 + b"\r\nx\r\n") * 4000
    assert_flood(edge, head(CHUNKED), flood, (400, 413))


def test_trailers_of_4_mb_are_refused(edge):
    flood = b"".join(b"X-%d: %s\r\n" % (i, b"v" * 100) for i in range(40_000))
    assert_flood(edge, head(CHUNKED) + b"0\r\n", flood, (400, 431))


def test_one_trailer_of_4_mb_is_refused(edge):
    assert_flood(edge, head(CHUNKED) + b"0\r\nX: ", b"v" * SIZED, (400, 431))


def test_body_of_the_limit_passes_and_one_byte_more_is_413(edge):
    assert edge.get("/", "POST", body=b"b" * 65536).status == 200
    edge.origin.forget()
    with edge.connect() as c:
        c.send(request("/", "POST", body=b"b" * 65537))
        answer = c.response()
        assert answer.status == 413
    assert edge.origin.received == b""


def test_announced_body_over_the_limit_is_413_before_it_is_sent(edge):
    with edge.connect() as c:
        c.send(request("/", "POST", fields=[("Content-Length", "65537"),
                                            ("Expect", "100-continue")]))
        assert wire.read_response(c).status == 413
    assert edge.origin.received == b""


def test_chunked_body_over_the_limit_is_413(edge):
    with edge.connect() as c:
        c.send(head(CHUNKED) + chunked([b"b" * 16384] * 5))
        assert c.response().status == 413
    assert not edge.origin.requests


# --- bodies that nobody reads -------------------------------------------------------------------

@pytest.mark.parametrize("target", ["/return", "/canary"])
@pytest.mark.parametrize("size", [0, 3000, 200_000])
def test_unread_body_is_never_parsed_as_a_request(edge, target, size):
    body = FOLLOWER + b"x" * (size - len(FOLLOWER) if size > len(FOLLOWER) else 0)
    with edge.connect() as c:
        c.send(request(target, "POST", body=body) + FOLLOWER.replace(b"smuggled", b"return"))
        assert c.response().status in (200, 413)
        # Either the connection goes on behind the body or it is closed: nothing in between.
        try:
            second = c.response()
            assert second.body == b"own answer"
        except wire.Cut:
            pass
    assert b"smuggled" not in edge.origin.received


@pytest.mark.parametrize("body", [b"5\r\nhello", b"5\r\nhel", b"5", b"5\r\nhello\r\n0\r\n"])
def test_client_that_leaves_within_a_chunked_body_makes_no_whole_request(edge, body):
    with edge.connect() as c:
        c.send(head(CHUNKED) + body)
        c.half_close()
        c.is_closed(3)
    wire.wait_until(lambda: all(c.is_done for c in edge.origin.connections), 3)
    assert not edge.origin.requests


def test_client_that_leaves_within_a_body_makes_no_whole_request(edge):
    with edge.connect() as c:
        c.send(head("Content-Length: 100") + b"x" * 99)
        c.half_close()
        c.is_closed(3)
    wire.wait_until(lambda: all(c.is_done for c in edge.origin.connections), 3)
    assert not edge.origin.requests


# --- time ---------------------------------------------------------------------------------------

def test_slow_head_is_408_at_the_deadline_however_it_drips(edge):
    begin = time.monotonic()
    with edge.connect() as c:
        done = threading.Event()

        def drip():
            for byte in b"GET / HTTP/1.1\r\nHost: www.test\r\nX-Slow: " + b"s" * 200:
                if done.wait(0.1) or not c.send(bytes([byte])):
                    return
        dripper = threading.Thread(target=drip)
        dripper.start()
        try:
            status = c.response().status
        except wire.Cut as cut:
            status = str(cut)
        taken = time.monotonic() - begin
        done.set()
        dripper.join()
    assert status in (408, "eof", "reset")
    assert 1.3 < taken < 3.5
    assert edge.origin.received == b""


def test_silent_client_is_closed_at_the_deadline(edge):
    begin = time.monotonic()
    with edge.connect() as c:
        c.until_close(6)
    assert 1.3 < time.monotonic() - begin < 3.5


@pytest.mark.parametrize("body", [b"", b"x" * 10])
def test_slow_body_is_408_at_the_deadline(edge, body):
    begin = time.monotonic()
    with edge.connect() as c:
        c.send(head("Content-Length: 1000") + body)
        assert c.response().status == 408
        assert c.is_closed()
    assert 1.3 < time.monotonic() - begin < 3.5
    assert not edge.origin.requests


# --- clients that leave badly -------------------------------------------------------------------

def test_thousand_resets_right_after_connect_do_no_harm(edge):
    for _ in range(1000):
        edge.connect().reset()


def test_resets_before_the_answer_do_no_harm(edge):
    for _ in range(300):
        with edge.connect() as c:
            c.send(request("/"))
            c.reset()
    # The origin's threads may need a while for what came all at once.
    wire.wait_until(lambda: edge.get().status == 200, 5, "the origin has caught up")


def test_resets_in_mid_answer_do_no_harm(edge):
    edge.origin.script = big_answers
    for _ in range(50):
        with edge.connect() as c:
            c.send(request("/"))
            c.take(1000)
            c.reset()


def big_answers(c):
    while c.read_request():
        c.respond(200, wire.pattern(400_000))


def test_resets_in_mid_request_do_no_harm(edge):
    for _ in range(200):
        with edge.connect() as c:
            c.send(head("Content-Length: 1000") + b"x" * 10)
            c.reset()
