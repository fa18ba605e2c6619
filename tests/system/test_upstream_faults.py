"""What upstreams do wrong, and what the client sees then: 502, 504, or a cut that it can tell."""
import socket
import threading
import time

import pytest

import certs
import client
import ports
import ringway
import wire
from edge import Edge
from origin import Origin, play, serve, then
from wire import chunked, request, response

GROUPS = """
upstream two {{ server {bad} max_fails=0; server {good} backup; }}
upstream nobody {{ server 127.0.0.1:{closed} max_fails=0; }}
upstream nobody_then_good {{ server 127.0.0.1:{closed} max_fails=0; server {good} backup; }}
upstream stuck {{ server 127.0.0.1:{stuck} max_fails=0; }}
upstream stuck_then_good {{ server 127.0.0.1:{stuck} max_fails=0; server {good} backup; }}
"""
BODY = """
location /two/ { proxy_pass $S://two; }
location /two-off/ { proxy_pass $S://two; proxy_next_upstream off; }
location /two-invalid/ { proxy_pass $S://two; proxy_next_upstream error invalid_header; }
location /two-http/ { proxy_pass $S://two; proxy_next_upstream http_500 http_502 http_503 http_504
                      http_403 http_404 http_429; }
location /two-any/ { proxy_pass $S://two; proxy_next_upstream error timeout non_idempotent; }
location /two-once/ { proxy_pass $S://two; proxy_next_upstream_tries 1; }
location /two-late/ { proxy_pass $S://two; proxy_next_upstream_timeout 300ms; }
location /nobody/ { proxy_pass $S://nobody; }
location /nobody-then-good/ { proxy_pass $S://nobody_then_good; }
location /stuck/ { proxy_pass $S://stuck; }
location /stuck-then-good/ { proxy_pass $S://stuck_then_good; }
location /long/ { proxy_pass $S://origin; proxy_read_timeout 10s; }
location /upgrade/ {
    proxy_pass $S://origin;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
}
"""


class FaultyEdge(Edge):
    """An Edge with more groups: `bad` is the origin, `good` its well-behaved backup."""

    def __init__(self, start, make_origin, pki, is_tls):
        scheme = "https" if is_tls else "http"
        self.good = make_origin(serve(lambda r: response(200, b"good")))
        self.stuck, stuck_port = full_listener()
        origin_for_address = make_origin()
        super().__init__(start, lambda *a, **k: origin_for_address if not a else make_origin(*a, **k),
                         pki, is_tls=is_tls, body=BODY.replace("$S", scheme),
                         blocks=GROUPS.format(bad=origin_for_address.address,
                                              good=self.good.address, closed=ringway.free_ports(),
                                              stuck=stuck_port))
        if is_tls:
            context = certs.server_context(self.origin_pair)
            for o in self.origin, self.good:
                o.tls = o.default_tls = context

    def unharmed(self):
        return self.ringway.stays_unharmed(self.canary,
                                           [self.origin, self.canary_origin, self.good])


def full_listener():
    """A socket that listens and whose queue is full: connects to it hang."""
    sock, port = ports.listen(backlog=0)
    fillers = []
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
        fillers.append(filler)
    time.sleep(0.1)
    return (sock, fillers), port


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
    ("length_short", SHORT, ""),
    ("length_without_a_byte", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", ""),
    ("chunks_without_last", OPEN, ""),
    ("chunk_cut_in_data", OPEN + b"5\r\nhel", ""),
    ("chunk_cut_in_size", OPEN + b"5", ""),
    ("chunk_cut_after_data", OPEN + b"5\r\nhello", ""),
    ("last_chunk_cut", OPEN + b"0\r\n", ""),
    ("last_chunk_cut_in_trailers", OPEN + b"0\r\nX-T: y\r\n", ""),
]


@pytest.mark.parametrize("end", ["close", "close_cleanly", "reset"])
@pytest.mark.parametrize("data", [pytest.param(d, id=n) for n, d, _ in CUTS])
def test_early_end_of_a_body_is_a_visible_cut(edge, data, end):
    edge.origin.script = play(data, end=end)
    with edge.connect() as c:
        c.send(request("/"))
        answer = c.response()
        assert answer.status in (200, 502)
        if answer.status == 200:
            assert answer.cut in ("eof", "reset")
            assert answer.framing in ("length", "chunked")
            assert not c.received.endswith(b"0\r\n\r\n")


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
    answer = edge.get()
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


# --- too many bytes -----------------------------------------------------------------------------

EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
WHOLE = {
    "length": response(200, b"right"),
    "chunked": response(200, b"right", framing="chunked"),
    "no_content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not_modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n",
    "empty": response(200, b""),
}


def once_evil(*pieces, gap=0.0):
    """The first connection sends these pieces, all others are good."""
    return then(play(*pieces, gap=gap, end="stall"), serve(lambda r: response(200, b"fresh")))


@pytest.mark.parametrize("surplus", [EVIL, b"\r\n", b"x", b"0\r\n\r\n", b"\0" * 50000])
@pytest.mark.parametrize("whole", WHOLE.values(), ids=WHOLE.keys())
def test_bytes_behind_an_answer_reach_no_client(edge, whole, surplus):
    edge.origin.script = once_evil(whole + surplus)
    with edge.connect() as c:
        first = c.ask("/1")
        assert first.is_whole and first.body in (b"right", b"")
        second = c.ask("/2")
        assert second.status == 200 and second.body == b"fresh"
        assert c.stays_open(0.05)
        assert b"evil" not in c.received


def test_answer_that_nobody_asked_for_reaches_no_client(edge):
    edge.origin.script = once_evil(response(200, b"right"), EVIL, gap=0.1)
    with edge.connect() as c:
        assert c.ask("/1").body == b"right"
        time.sleep(0.25)
        assert c.ask("/2", "POST", body=b"x").body == b"fresh"


def test_answer_before_the_request_reaches_no_client(edge):
    edge.origin.script = then(play(EVIL, reads=False, end="stall"),
                              serve(lambda r: response(200, b"fresh")))
    with edge.connect() as c:
        first = c.ask("/1")
        assert first.status in (200, 502)  # it may count as the answer to the first one
        assert c.ask("/2").body != b"evil"


@pytest.mark.parametrize("body", [b"evil" * 10, b"evil" * 20000])
def test_body_of_an_answer_to_head_reaches_no_client(edge, body):
    edge.origin.script = once_evil(response(200, body))
    with edge.connect() as c:
        assert c.ask("/1", "HEAD").status == 200
        assert c.ask("/2").body == b"fresh"
        assert b"evil" not in c.received


# --- heads that are none ------------------------------------------------------------------------

def with_field(line, body=b"hello"):
    return b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n" + body


def with_status(line):
    return line + b"\r\nContent-Length: 5\r\n\r\nhello"


@rows(
    ("length_repeated_different", with_field(b"Content-Length: 5\r\nContent-Length: 4")),
    ("length_repeated_equal", with_field(b"Content-Length: 5\r\nContent-Length: 5")),
    ("length_list", with_field(b"Content-Length: 5, 5")),
    ("length_negative", with_field(b"Content-Length: -5")),
    ("length_plus", with_field(b"Content-Length: +5")),
    ("length_empty", with_field(b"Content-Length:")),
    ("length_hex", with_field(b"Content-Length: 0x5")),
    ("length_overflows", with_field(b"Content-Length: 99999999999999999999")),
    ("length_wraps", with_field(b"Content-Length: 18446744073709551621")),
    ("length_and_coding", with_field(b"Content-Length: 5\r\nTransfer-Encoding: chunked",
                                     chunked([b"hello"]))),
    ("coding_and_length", with_field(b"Transfer-Encoding: chunked\r\nContent-Length: 5",
                                     chunked([b"hello"]))),
    ("coding_unknown", with_field(b"Transfer-Encoding: foo")),
    ("coding_gzip", with_field(b"Transfer-Encoding: gzip")),
    ("coding_gzip_chunked", with_field(b"Transfer-Encoding: gzip, chunked", chunked([b"hello"]))),
    ("coding_chunked_not_last", with_field(b"Transfer-Encoding: chunked, identity",
                                           chunked([b"hello"]))),
    ("coding_twice", with_field(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                                chunked([b"hello"]))),
    ("coding_in_http10", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     + chunked([b"hello"])),
    ("status_099", with_status(b"HTTP/1.1 099 X")),
    ("status_1000", with_status(b"HTTP/1.1 1000 X")),
    ("status_two_digits", with_status(b"HTTP/1.1 20 X")),
    ("status_negative", with_status(b"HTTP/1.1 -200 X")),
    ("status_word", with_status(b"HTTP/1.1 abc X")),
    ("status_missing", with_status(b"HTTP/1.1")),
    ("status_after_two_spaces", with_status(b"HTTP/1.1  200 OK")),
    ("status_glued", with_status(b"HTTP/1.1 200OK")),
    ("version_0_9", with_status(b"HTTP/0.9 200 OK")),
    ("version_2_0", with_status(b"HTTP/2.0 200 OK")),
    ("version_9_9", with_status(b"HTTP/9.9 200 OK")),
    ("version_lower_case", with_status(b"http/1.1 200 OK")),
    ("version_without_minor", with_status(b"HTTP/1 200 OK")),
    ("other_protocol", with_status(b"ICY 200 OK")),
    ("http09_body", b"<html>no head at all</html>\r\n"),
    ("random_bytes", bytes((i * 89 + 7) % 256 for i in range(500))),
    ("zeros", b"\0" * 500),
    ("nul_in_value", with_field(b"X: a\0b\r\nContent-Length: 5")),
    ("bare_cr_in_value", with_field(b"X: a\rb\r\nContent-Length: 5")),
    ("control_in_value", with_field(b"X: a\x01b\r\nContent-Length: 5")),
    ("bare_lf", with_field(b"X: a\nContent-Length: 5")),
    ("bare_lf_everywhere", b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
    ("cr_cr_lf", with_field(b"X: a\r\r\nContent-Length: 5")),
    ("fold", with_field(b"X: a\r\n b\r\nContent-Length: 5")),
    ("fold_of_length", with_field(b"Content-Length:\r\n 5")),
    ("no_colon", with_field(b"just words\r\nContent-Length: 5")),
    ("space_before_colon", with_field(b"X : a\r\nContent-Length: 5")),
    ("space_before_colon_of_length", with_field(b"Content-Length : 5")),
    ("space_in_name", with_field(b"X Y: a\r\nContent-Length: 5")),
    ("empty_name", with_field(b": a\r\nContent-Length: 5")),
    ("nul_in_status_line", with_status(b"HTTP/1.1 200 O\0K")),
    ("switches_unasked", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
     b"Connection: upgrade\r\n\r\nevil"),
)
def test_head_that_breaks_the_rules_is_502(edge, data):
    edge.origin.script = play(data, end="stall")
    assert_fails(edge, 502)


def test_101_without_upgrade_field_is_502(edge):
    edge.origin.script = play(b"HTTP/1.1 101 Switching Protocols\r\n\r\nevil", end="stall")
    answer = edge.get("/upgrade/", fields=[])
    assert answer.status == 502


def test_tunnel_to_a_client_that_did_not_ask_is_502(edge):
    edge.origin.script = play(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                              b"Connection: upgrade\r\n\r\nevil", end="stall")
    with edge.connect() as c:
        c.send(request("/upgrade/"))
        assert c.response().status == 502


# --- bombs --------------------------------------------------------------------------------------

def endless(start, unit, most=40_000_000):
    """Sends start and then unit, again and again, until the proxy closes."""
    def script(c):
        c.read_request()
        c.send(start)
        block = unit * (65536 // len(unit) + 1)
        for _ in range(most // len(block)):
            c.send(block)
        c.stall()
    return script


def assert_bounded(edge, is_right):
    """Runs one request; memory stays within bounds and the answer is one of those allowed."""
    before = edge.ringway.resident_bytes()
    answer = edge.get("/long/")
    assert is_right(answer), answer.start
    assert edge.ringway.resident_bytes() - before < 24 * 1024 * 1024
    wire.wait_until(lambda: all(c.is_done or c.error for c in edge.origin.connections), 5,
                    "upstream connection is closed")


def is_502(answer):
    return answer.status == 502


def is_502_or_cut(answer):
    return answer.status == 502 or bool(answer.cut)


OK_HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("script, is_right", [
    pytest.param(play(with_field(b"X: " + b"v" * 300_000), end="stall"), is_502, id="300_kb_header"),
    pytest.param(play(with_field(b"\r\n".join(b"X%d: y" % i for i in range(20000))), end="stall"),
                 is_502, id="20000_headers"),
    pytest.param(endless(OK_HEAD, b"X: y\r\n"), is_502, id="endless_headers"),
    pytest.param(endless(OK_HEAD + b"X: ", b"v"), is_502, id="endless_value"),
    pytest.param(endless(OK_HEAD, b"n"), is_502, id="endless_name"),
    pytest.param(endless(b"HTTP/1.1 200 ", b"r"), is_502, id="endless_reason"),
    pytest.param(endless(b"", b"\r\n"), is_502, id="endless_blank_lines"),
    pytest.param(endless(OPEN + b"0\r\n", b"X: y\r\n"), is_502_or_cut, id="trailer_bomb"),
    pytest.param(endless(OPEN + b"0\r\nX: ", b"v"), is_502_or_cut, id="endless_trailer"),
    pytest.param(endless(OPEN + b"5;", b"e"), is_502_or_cut, id="endless_extension"),
    pytest.param(play(OPEN + b"5;" + b"e" * 200_000 + b"\r\nhello\r\n0\r\n\r\n", end="stall"),
                 lambda a: a.cut or a.status == 502 or a.body == b"hellohello",
                 id="200_kb_extension"),
    pytest.param(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), is_502, id="endless_100"),
    pytest.param(endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"), is_502,
                 id="endless_103"),
    pytest.param(play(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5000 + response(200, b"x"), end="stall"),
                 lambda a: a.status == 502 or a.body == b"x", id="5000_interim_answers"),
])
def test_bomb_is_bounded(edge, script, is_right):
    edge.origin.script = script
    assert_bounded(edge, is_right)


def test_twenty_thousand_one_byte_chunks_arrive(edge):
    body = wire.pattern(20_000)
    edge.origin.script = serve(lambda r: OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
                               + chunked([body[i:i + 1] for i in range(len(body))]))
    answer = edge.get()
    assert answer.is_whole and answer.body == body


def test_header_of_the_size_that_fits_passes(edge):
    edge.origin.script = serve(lambda r: response(200, b"x", [("X-Large", "v" * 3500)] * 8))
    answer = edge.get()
    assert answer.status == 200 and len(answer.all("X-Large")) == 8


# --- death under load ---------------------------------------------------------------------------

def test_upstream_killed_under_load_gives_only_gateway_errors(edge, start, pki):
    if edge.is_tls:
        pytest.skip("once is enough")
    back_port, front_port = ringway.free_ports(2)
    back = start(ringway.http(ringway.server(back_port, 'location / { return 200 "alive"; }')))
    start(ringway.http(
        f"upstream u {{ server 127.0.0.1:{back_port} max_fails=1 fail_timeout=1s; keepalive 8; }}",
        ringway.server(front_port, "location / { proxy_pass http://u;"
                       " proxy_connect_timeout 900ms; proxy_read_timeout 900ms; }")))
    seen, stop = [], threading.Event()

    def load():
        while not stop.is_set():
            try:
                answer = client.get(front_port)
                seen.append((answer.status, answer.body if answer.status == 200 else b"",
                             answer.cut))
            except (OSError, wire.Cut) as error:
                seen.append((str(error), b"", ""))
    threads = [threading.Thread(target=load) for _ in range(4)]
    for t in threads:
        t.start()
    time.sleep(0.3)
    back.kill()
    time.sleep(0.5)
    back.start()
    time.sleep(1.5)
    stop.set()
    for t in threads:
        t.join(10)
        assert not t.is_alive()
    assert {s for s, _, _ in seen} <= {200, 502, 503, 504} and 200 in {s for s, _, _ in seen}
    assert all(body == b"alive" for s, body, _ in seen if s == 200)
    assert client.get(front_port).status == 200


def test_upstream_process_that_comes_back_is_used_again(edge, start):
    if edge.is_tls:
        pytest.skip("once is enough")
    port = ringway.free_ports()
    own = Origin()
    start(ringway.http(
        f"upstream u {{ server {own.address} max_fails=1 fail_timeout=1s; }}",
        ringway.server(port, "location / { proxy_pass http://u; proxy_connect_timeout 500ms; }")))
    own.script = own.default_script = play(end="close")
    assert client.get(port).status == 502
    own.script = own.default_script = serve()
    time.sleep(1.2)
    assert client.get(port).status == 200
    own.close()

