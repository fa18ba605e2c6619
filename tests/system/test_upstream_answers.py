"""Answers that upstreams must not give: too much, broken, endless; and upstreams that die."""
import threading
import time

import pytest

import client
import ringway
import wire
from origin import Origin, play, serve, then
from wire import chunked, request, response
from worlds import FaultyEdge

OPEN = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"


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
    answer = edge.try_get("/long/")
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
    pytest.param(play(with_field(b"X: " + b"v" * 300_000), end="stall"), is_502,
                 id="300_kb_header"),
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
    pytest.param(play(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5000 + response(200, b"x"),
                      end="stall"),
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
