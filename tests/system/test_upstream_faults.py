"""What upstreams do wrong, and what the client sees then: 502, 504, or a cut that it can tell."""
import threading
import time

import pytest

import wire
from origin import play, serve
from wire import request, response
from worlds import FaultyEdge



@pytest.fixture(scope="module", params=["http", "https"])
def edge(request, start_shared, shared_origin, pki):
    return FaultyEdge(start_shared, shared_origin, pki, request.param == "https")


@pytest.fixture(autouse=True)
def unharmed(edge):
    with edge.unharmed():
        yield


def assert_fails(edge, status, target="/", method="GET", **more):
    """The answer is our own error page, and the log names the peer."""
    mark = edge.ringway.mark()
    answer = edge.get(target, method, **more)
    assert answer.status == status, answer
    assert answer.is_whole and b"<html" in answer.body.lower() and b"%d" % status in answer.body
    edge.ringway.wait_log(edge.origin.address.replace(".", r"\."), mark, 2)
    lines = [line for line in edge.ringway.errors_since(mark) if edge.origin.address in line]
    assert lines, edge.ringway.log_since(mark)
    return answer


def rows(*table):
    return pytest.mark.parametrize("data", [pytest.param(d, id=name) for name, d in table])


# --- before the head ----------------------------------------------------------------------------

HALF = b"HTTP/1.1 200 OK\r\nContent-Le"
BEFORE_HEAD = {
    "closes": play(end="close"),
    "closes_cleanly": play(end="close_cleanly"),
    "resets": play(end="reset"),
    "closes_in_the_head": play(HALF, end="close"),
    "closes_cleanly_in_the_head": play(HALF, end="close_cleanly"),
    "resets_in_the_head": play(HALF, end="reset"),
    "closes_after_an_interim_answer": play(b"HTTP/1.1 103 Early Hints\r\n\r\n", end="close"),
    "closes_before_the_request": play(reads=False, end="close"),
}
before_head = pytest.mark.parametrize("script", BEFORE_HEAD.values(), ids=BEFORE_HEAD.keys())


@before_head
def test_upstream_that_ends_before_the_head_is_502(edge, script):
    edge.origin.script = script
    assert_fails(edge, 502)


@before_head
def test_next_peer_answers_instead(edge, script):
    edge.origin.script = script
    answer = edge.get("/two/x")
    assert (answer.status, answer.body) == (200, b"good")
    assert [r.target for r in edge.good.requests] == ["/two/x"]


@before_head
def test_next_peer_is_not_tried_where_the_file_says_off(edge, script):
    edge.origin.script = script
    assert_fails(edge, 502, "/two-off/")
    assert not edge.good.connections


def test_post_that_was_sent_is_not_tried_again(edge):
    edge.origin.script = play(end="reset")
    assert_fails(edge, 502, "/two/", "POST", body=b"order")
    assert not edge.good.connections


def test_post_that_was_sent_is_tried_again_where_the_file_says_so(edge):
    edge.origin.script = play(end="reset")
    answer = edge.get("/two-any/", "POST", body=b"order")
    assert answer.body == b"good" and edge.good.requests[0].body == b"order"


def test_post_that_could_not_be_sent_is_tried_at_the_next_peer(edge):
    answer = edge.get("/nobody-then-good/", "POST", body=b"order")
    assert answer.body == b"good" and edge.good.requests[0].body == b"order"


def test_refused_connect_is_502(edge):
    mark = edge.ringway.mark()
    assert edge.get("/nobody/").status == 502
    edge.ringway.wait_log(r"\[error\].*refused", mark)


def test_number_of_tries_is_bounded_by_the_file(edge):
    edge.origin.script = play(end="close")
    assert_fails(edge, 502, "/two-once/")
    assert not edge.good.connections


def test_time_for_tries_is_bounded_by_the_file(edge):
    edge.origin.script = lambda c: (c.read_request(), time.sleep(0.5), c.close())
    assert_fails(edge, 502, "/two-late/")
    assert not edge.good.connections


@pytest.mark.parametrize("status", [500, 502, 503, 504, 403, 404, 429])
def test_statuses_that_the_file_lists_go_to_the_next_peer(edge, status):
    edge.origin.script = serve(lambda r: response(status, b"bad"))
    assert edge.get("/two-http/").body == b"good"
    answer = edge.get("/two/")
    assert answer.status == status and answer.body == b"bad"


def test_invalid_head_goes_to_the_next_peer_where_the_file_says_so(edge):
    edge.origin.script = play(b"HTTP/9.9 200 OK\r\n\r\n", end="close")
    assert edge.get("/two-invalid/").body == b"good"
    assert edge.get("/two/").status == 502


# --- connections that went stale ----------------------------------------------------------------

def stale_after_one(end):
    """Answers one request, takes a second one and ends without an answer."""
    def script(c):
        if c.number == 0:
            c.read_request()
            c.respond(200, b"first")
            c.read_request()
            getattr(c, end)()
        else:
            serve()(c)
    return script


@pytest.mark.parametrize("end", ["close", "close_cleanly", "reset"])
def test_stale_connection_is_replaced_for_an_idempotent_request(edge, end):
    edge.origin.script = stale_after_one(end)
    assert edge.get("/1").body == b"first"
    assert edge.get("/2").body == b"GET /2 0"
    assert [r.target for r in edge.origin.requests] == ["/1", "/2", "/2"]


def test_stale_connection_is_not_replaced_for_a_post(edge):
    edge.origin.script = stale_after_one("reset")
    assert edge.get("/1").body == b"first"
    assert_fails(edge, 502, "/2", "POST", body=b"order")
    assert len(edge.origin.connections) == 1


@pytest.mark.parametrize("end", ["close", "close_cleanly", "reset"])
def test_idle_connection_that_the_upstream_ended_is_not_used(edge, end):
    edge.origin.script = play(response(200, b"x"), end=end)
    for i in range(5):
        assert edge.get("/", "POST", body=b"order").body == b"x"
        time.sleep(0.15)


# --- time ---------------------------------------------------------------------------------------

def assert_timed(edge, status, low, high, target="/", names_peer=True):
    begin = time.monotonic()
    if names_peer:
        assert_fails(edge, status, target)
    else:
        assert edge.get(target).status == status
    assert low < time.monotonic() - begin < high


def test_upstream_that_never_answers_is_504(edge):
    edge.origin.script = lambda c: (c.read_request(), c.stall())
    assert_timed(edge, 504, 0.8, 2.5)


def test_upstream_that_stalls_in_the_head_is_504(edge):
    edge.origin.script = play(HALF, end="stall")
    assert_timed(edge, 504, 0.8, 2.5)


def test_upstream_that_stalls_goes_to_the_next_peer(edge):
    edge.origin.script = lambda c: (c.read_request(), c.stall())
    assert edge.get("/two/").body == b"good"


def test_connect_that_hangs_is_504(edge):
    assert_timed(edge, 504, 0.8, 2.5, "/stuck/", names_peer=False)


def test_connect_that_hangs_goes_to_the_next_peer(edge):
    assert edge.get("/stuck-then-good/", "POST", body=b"x").body == b"good"


def test_upstream_that_does_not_read_is_504(edge):
    edge.origin.script = lambda c: time.sleep(2.5)
    with edge.connect() as c:
        c.send(request("/", "POST", fields=[("Content-Length", "1000000")]))
        sender = threading.Thread(target=c.send, args=(b"x" * 1_000_000,))
        sender.start()
        assert c.response().status == 504
        c.close()
        sender.join()


def test_stall_within_a_body_is_a_visible_cut_at_the_time(edge):
    edge.origin.script = play(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", end="stall")
    begin = time.monotonic()
    answer = edge.get()
    assert answer.body == b"hello" and answer.cut in ("eof", "reset")
    assert 0.8 < time.monotonic() - begin < 2.5


def test_read_timeout_counts_from_the_last_progress(edge):
    def script(c):
        c.read_request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", *[b"x"] * 6, gap=0.4)
    edge.origin.script = script
    answer = edge.get()
    assert answer.is_whole and answer.body == b"x" * 6


# --- within the body ----------------------------------------------------------------------------

SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 60
OPEN = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
CUTS = [
    ("length_short", SHORT),
    ("length_without_a_byte", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"),
    ("chunks_without_last", OPEN),
    ("chunk_cut_in_data", OPEN + b"5\r\nhel"),
    ("chunk_cut_in_size", OPEN + b"5"),
    ("chunk_cut_after_data", OPEN + b"5\r\nhello"),
    ("last_chunk_cut", OPEN + b"0\r\n"),
    ("last_chunk_cut_in_trailers", OPEN + b"0\r\nX-T: y\r\n"),
]


@pytest.mark.parametrize("end", ["close", "close_cleanly", "reset"])
@pytest.mark.parametrize("data", [pytest.param(d, id=n) for n, d in CUTS])
def test_early_end_of_a_body_is_a_visible_cut(edge, data, end):
    edge.origin.script = play(data, end=end)
    answer = edge.try_get()
    if answer.status == 200:
        assert answer.cut in ("eof", "reset") and answer.framing in ("length", "chunked")
    else:
        assert answer.status == 502 or answer.cut == "reset"


@rows(
    ("not_hex", b"g\r\nhello\r\n0\r\n\r\n"),
    ("largest", b"ffffffffffffffff\r\nhello"),
    ("overflowing", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("negative", b"-5\r\nhello\r\n0\r\n\r\n"),
    ("prefixed", b"0x5\r\nhello\r\n0\r\n\r\n"),
    ("signed", b"+5\r\nhello\r\n0\r\n\r\n"),
    ("empty", b"\r\nhello\r\n0\r\n\r\n"),
    ("bare_lf_after_size", b"5\nhello\r\n0\r\n\r\n"),
    ("bare_lf_after_data", b"5\r\nhello\n0\r\n\r\n"),
    ("data_too_long", b"5\r\nhello!\r\n0\r\n\r\n"),
    ("bare_lf_at_the_end", b"5\r\nhello\r\n0\r\n\n"),
    ("trailer_without_colon", b"5\r\nhello\r\n0\r\nwords\r\n\r\n"),
    ("trailer_with_nul", b"5\r\nhello\r\n0\r\nX: \0\r\n\r\n"),
    ("trailer_folded", b"5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n"),
)
def test_broken_chunk_is_a_visible_cut(edge, data):
    edge.origin.script = play(OPEN, data, gap=0.03, end="stall")
    answer = edge.try_get()
    assert answer.status == 502 or answer.cut in ("eof", "reset")
    wire.wait_until(lambda: edge.origin.connections[0].is_done, 3, "upstream connection is closed")


def test_close_delimited_body_that_is_reset_is_a_visible_cut(edge):
    edge.origin.script = play(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000, end="reset")
    with edge.connect() as c:
        c.send(request("/"))
        answer = c.response()
    assert answer.framing == "chunked" and answer.cut or answer.cut == "reset"


def test_close_delimited_body_without_close_notify_is_a_visible_cut(edge):
    if not edge.is_tls:
        pytest.skip("needs TLS")
    edge.origin.script = play(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000, end="close")
    with edge.connect() as c:
        c.send(request("/"))
        answer = c.response()
    assert answer.framing == "chunked" and answer.cut or answer.cut == "reset"


def test_close_delimited_cut_is_a_reset_for_a_client_of_http10(edge):
    edge.origin.script = play(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000, end="reset")
    with edge.connect() as c:
        c.send(b"GET / HTTP/1.0\r\n\r\n")
        assert c.response().cut == "reset"


def test_satisfied_length_without_close_notify_is_a_good_answer(edge):
    edge.origin.script = play(response(200, b"all of it"), end="close")
    for i in range(1, 4):
        answer = edge.get()
        assert answer.is_whole and answer.body == b"all of it"
        assert len(edge.origin.connections) == i
