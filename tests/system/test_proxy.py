"""Requests and responses through the proxy, to plain and to TLS upstreams."""
import hashlib
import threading
import time

import pytest

import client
import ringway
import wire
from edge import Edge
from origin import play, serve
from wire import chunked, pattern, request, response

SIZES = [0, 1, 100, 16383, 16384, 16385, 32767, 32768, 32769, 65536, 131072, 131073, 3_000_000]

BODY = """
client_max_body_size 64m;
location /with-uri/ { proxy_pass $S://origin/base/; }
location /no-uri/ { proxy_pass $S://origin; }
location /exact-uri { proxy_pass $S://origin/other; }
location /headers/ {
    proxy_pass $S://origin;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Fixed "a b";
    proxy_set_header X-Both "$request_method-${server_port}!";
    proxy_set_header X-Removed "";
    proxy_set_header Accept-Encoding "";
    proxy_hide_header X-Secret;
    location /headers/inner/ { proxy_pass $S://origin; proxy_hide_header X-Other; }
    location /headers/replaced/ { proxy_pass $S://origin; proxy_set_header X-Only 1; }
}
location /version10/ { proxy_pass $S://origin; proxy_http_version 1.0; }
location /upgrade/ {
    proxy_pass $S://origin;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
}
location /long/ { proxy_pass $S://origin; proxy_read_timeout 10s; client_body_timeout 10s; }
"""


@pytest.fixture(scope="module", params=["http", "https"])
def edge(request, start_shared, shared_origin, pki):
    body = BODY.replace("$S", request.param)
    return Edge(start_shared, shared_origin, pki, is_tls=request.param == "https", body=body)


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
    answer = edge.get(fields=[("TE", "trailers")])
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
        c.send(request("/long/", "POST", fields=[("Content-Length", "10")]) + b"first")
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
    answer = edge.get(fields=[("TE", "trailers")])
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


# --- interim responses --------------------------------------------------------------------------

def test_expect_continue_gets_100_and_then_the_answer(edge):
    with edge.connect() as c:
        c.send(request("/", "POST", fields=[("Expect", "100-continue"), ("Content-Length", "3")]))
        edge.origin.script = None
        interim = wire.read_response(c)
        assert interim.status == 100
        c.send(b"abc")
        assert c.response().body == b"POST / 3"


@pytest.fixture
def continuing(edge):
    """An origin that awaits the body only after its own 100."""
    def script(c):
        head = c.read_request_head()
        if head.get("Expect"):
            c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = c.take(int(head.get("Content-Length")))
        c.respond(200, body)
    edge.origin.script = script
    return edge


def test_expect_continue_is_streamed_to_an_upstream_that_knows_it(continuing):
    with continuing.connect() as c:
        c.send(request("/", "POST", fields=[("Expect", "100-continue"), ("Content-Length", "3")]))
        assert wire.read_response(c).status == 100
        c.send(b"abc")
        answer = c.response()
        assert answer.body == b"abc" and not answer.interim


def test_expect_continue_with_the_body_at_once_is_answered(continuing):
    with continuing.connect() as c:
        c.send(request("/", "POST", fields=[("Expect", "100-continue")], body=b"abc"))
        assert c.response().body == b"abc"


def test_expect_continue_can_be_refused_by_the_upstream(edge):
    edge.origin.script = play(response(413, b"no", [("Connection", "close")]), reads=False)

    def script(c):
        c.read_request_head()
        c.respond(413, b"no", [("Connection", "close")])
    edge.origin.script = script
    with edge.connect() as c:
        c.send(request("/", "POST", fields=[("Expect", "100-continue"), ("Content-Length", "9")]))
        answer = c.response()
        assert answer.status == 413 and answer.body == b"no"


def test_unknown_expectation_is_417(edge):
    answer = edge.get(fields=[("Expect", "the-impossible")])
    assert answer.status == 417 and edge.origin.received == b""


def test_early_hints_do_not_disturb_the_final_answer(edge):
    edge.origin.script = serve(lambda r: b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
                               b"HTTP/1.1 102 Processing\r\n\r\n" + response(200, b"final"))
    with edge.connect() as c:
        for _ in range(3):
            answer = c.ask("/")
            assert answer.status == 200 and answer.body == b"final"
            assert all(i.status in (102, 103) for i in answer.interim)
    assert len(edge.origin.connections) == 1


def test_interim_answers_never_reach_http10_clients(edge):
    edge.origin.script = serve(lambda r: b"HTTP/1.1 103 Early Hints\r\n\r\n" + response(200, b"f"))
    with edge.connect() as c:
        c.send(b"GET / HTTP/1.0\r\n\r\n")
        assert wire.read_response(c).status == 200


def test_unasked_100_is_dropped(edge):
    edge.origin.script = serve(lambda r: b"HTTP/1.1 100 Continue\r\n\r\n" + response(200, b"f"))
    with edge.connect() as c:
        assert wire.read_response(ask(c)).status == 200


def ask(c):
    c.send(request("/"))
    return c


# --- upgrade ------------------------------------------------------------------------------------

def upgraded(c):
    c.read_request_head()
    c.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello ")
    while data := c.take_some():
        c.send(data.upper())


UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "echo")]


def test_upgrade_makes_a_tunnel(edge):
    edge.origin.script = upgraded
    with edge.connect() as c:
        c.send(request("/upgrade/", fields=UPGRADE))
        answer = c.response()
        assert answer.status == 101 and answer.get("Upgrade") == "echo"
        assert c.take(6) == b"hello "
        for size in 1, 100, 20000, 300000:
            data = pattern(size)
            sender = threading.Thread(target=c.send, args=(data,))
            sender.start()
            assert c.take(size) == data.upper()
            sender.join()
    assert edge.origin.requests[0].get("Upgrade") == "echo"
    assert edge.origin.requests[0].get("Connection").lower() == "upgrade"


def test_tunnel_bytes_sent_with_the_request_are_passed_on(edge):
    edge.origin.script = upgraded
    with edge.connect() as c:
        c.send(request("/upgrade/", fields=UPGRADE) + b"early")
        assert c.response().status == 101
        assert c.take(11) == b"hello EARLY"


def test_tunnel_ends_when_the_upstream_ends(edge):
    edge.origin.script = play(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nbye",
        end="close_cleanly")
    with edge.connect() as c:
        c.send(request("/upgrade/", fields=UPGRADE))
        assert c.response().status == 101
        assert c.until_close() == b"bye"


def test_refused_upgrade_is_an_ordinary_answer(edge):
    with edge.connect() as c:
        for _ in range(2):
            answer = c.ask("/upgrade/", fields=UPGRADE)
            assert answer.status == 200 and answer.body == b"GET /upgrade/ 0"


def test_upgrade_is_not_forwarded_where_the_file_does_not_say_so(edge):
    assert edge.get("/", fields=[("Upgrade", "echo")]).status == 200
    assert edge.origin.requests[0].get("Upgrade") is None


# --- header fields ------------------------------------------------------------------------------

def test_hop_by_hop_fields_of_requests_are_removed(edge):
    edge.get("/", fields=[
        ("Keep-Alive", "5"), ("Proxy-Connection", "keep-alive"), ("TE", "gzip"),
        ("Proxy-Authenticate", "x"), ("Proxy-Authorization", "y"), ("Upgrade", "h2c"),
        ("Connection", "X-Named, x-other"), ("X-Named", "1"), ("X-Other", "2"), ("X-Stays", "3")])
    names = {n.lower() for n, _ in edge.origin.requests[0].fields}
    assert "x-stays" in names
    assert not names & {"keep-alive", "proxy-connection", "proxy-authenticate", "upgrade",
                        "proxy-authorization", "x-named", "x-other"}
    assert edge.origin.requests[0].get("TE") in (None, "trailers")


def test_hop_by_hop_fields_of_responses_are_removed(edge):
    edge.origin.script = serve(lambda r: response(200, b"x", [
        ("Connection", "X-Named"), ("X-Named", "1"), ("Keep-Alive", "timeout=9999"),
        ("Proxy-Connection", "x"), ("Proxy-Authenticate", "x"), ("Upgrade", "h2c"),
        ("X-Stays", "3")]))
    answer = edge.get()
    names = {n.lower() for n, _ in answer.fields}
    assert "x-stays" in names
    assert not names & {"x-named", "keep-alive", "proxy-connection", "proxy-authenticate", "upgrade"}


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Authorization", "Cookie",
                                  "X-Forwarded-For", "X-Fixed", "Transfer-Encoding"])
def test_connection_cannot_remove_what_must_stay(edge, name):
    answer = edge.get("/headers/a", "POST", body=b"abc", fields=[
        ("Connection", name), ("Authorization", "Basic x"), ("Cookie", "a=b")])
    assert answer.status == 200
    got = edge.origin.requests[0]
    assert got.body == b"abc" and got.get("Host") == "www.test"
    assert got.get("Authorization") == "Basic x" and got.get("Cookie") == "a=b"
    assert got.get("X-Forwarded-For") == "127.0.0.1" and got.get("X-Fixed") == "a b"


def test_set_headers_reach_the_upstream(edge):
    edge.get("/headers/a", fields=[("X-Forwarded-For", "192.0.2.1"), ("X-Removed", "no"),
                                   ("X-Fixed", "from client"), ("Accept-Encoding", "gzip")])
    got = edge.origin.requests[0]
    assert got.get("Host") == "www.test"
    assert got.get("X-Real-IP") == "127.0.0.1"
    assert got.all("X-Forwarded-For") == ["192.0.2.1, 127.0.0.1"]
    assert got.get("X-Forwarded-Proto") == "http"
    assert got.all("X-Fixed") == ["a b"]
    assert got.get("X-Both") == f"GET-{edge.port}!"
    assert got.get("X-Removed") is None and got.get("Accept-Encoding") is None


def test_host_is_the_name_in_proxy_pass_by_default(edge):
    edge.get("/")
    assert edge.origin.requests[0].all("Host") == ["origin"]


def test_nested_location_inherits_set_headers_but_own_ones_replace_them(edge):
    edge.get("/headers/inner/")
    edge.get("/headers/replaced/")
    inner, replaced = edge.origin.requests
    assert inner.get("X-Fixed") == "a b"
    assert replaced.get("X-Fixed") is None and replaced.get("X-Only") == "1"


def test_hidden_headers_do_not_reach_the_client(edge):
    edge.origin.script = serve(lambda r: response(
        200, b"", [("X-Secret", "s"), ("X-Other", "o"), ("X-Accel-Expires", "5"), ("X-Pad", "p")]))
    outer, inner = edge.get("/headers/a"), edge.get("/headers/inner/")
    assert outer.get("X-Secret") is None and outer.get("X-Other") == "o"
    assert inner.get("X-Secret") == "s" and inner.get("X-Other") is None
    assert outer.get("X-Accel-Expires") is None and outer.get("X-Pad") is None


def test_fields_with_underscores_are_dropped(edge):
    edge.get("/", fields=[("X_Under", "1"), ("X-Dash", "2")])
    assert edge.origin.requests[0].get("X_Under") is None
    assert edge.origin.requests[0].get("X-Dash") == "2"


def test_odd_but_right_values_pass_unchanged(edge):
    values = ["", "a\tb", 'q="x,y"; z', "caf\xe9", "x" * 7000]
    edge.get("/", fields=[(f"X-V{i}", v) for i, v in enumerate(values)])
    assert [edge.origin.requests[0].get(f"X-V{i}") for i in range(5)] == values


def test_absolute_target_is_written_in_origin_form(edge):
    with edge.connect() as c:
        c.send(b"GET http://www.test/abs?x=1 HTTP/1.1\r\nHost: www.test\r\n\r\n")
        assert c.response().body == b"GET /abs?x=1 0"


def test_absolute_target_rewrites_host(edge):
    with edge.connect() as c:
        c.send(b"GET http://www.test/headers/a HTTP/1.1\r\nHost: WWW.test\r\n\r\n")
        assert c.response().status == 200
    assert edge.origin.requests[0].get("Host").lower() == "www.test"


# --- proxy_pass ---------------------------------------------------------------------------------

@pytest.mark.parametrize("target, wanted", [
    ("/no-uri/a/b?c=d", "/no-uri/a/b?c=d"),
    ("/no-uri/a%20b%2Fc", "/no-uri/a%20b%2Fc"),
    ("/no-uri/a/../b", "/no-uri/a/../b"),
    ("/with-uri/", "/base/"),
    ("/with-uri/a/b?c=d", "/base/a/b?c=d"),
    ("/with-uri/a%20b", "/base/a%20b"),
    ("/with-uri/a/../b", "/base/b"),
    ("/with-uri//a", "/base/a"),
    ("/exact-uri", "/other"),
    ("/exact-uri/x?y", "/other/x?y"),
])
def test_uri_is_passed_as_nginx_does(edge, target, wanted):
    assert edge.get(target).status == 200
    assert edge.origin.requests[0].target == wanted


def test_http10_towards_the_upstream(edge):
    assert edge.get("/version10/").status == 200
    got = edge.origin.requests[0]
    assert got.version == "HTTP/1.0"
    assert got.get("Connection") == "close"


def test_chunked_request_reaches_an_http10_upstream_with_a_length_or_is_refused(edge):
    with edge.connect() as c:
        c.send(request("/version10/", "POST", fields=[("Transfer-Encoding", "chunked")])
               + chunked([b"abc"]))
        status = c.response().status
    got = edge.origin.requests
    assert status == 411 or (status == 200 and got[0].get("Content-Length") == "3")
    assert not got or got[0].get("Transfer-Encoding") is None


def test_early_final_answer_reaches_a_client_that_still_sends(edge):
    def script(c):
        c.read_request_head()
        c.respond(413, b"too much", [("Connection", "close")])
        c.stall(2)
    edge.origin.script = script
    with edge.connect() as c:
        c.send(request("/", "POST", fields=[("Content-Length", "8000000")]) + b"x" * 100000)
        answer = c.response()
        assert answer.status == 413 and answer.body == b"too much"


def test_client_that_leaves_ends_the_upstream_exchange(edge):
    gone = threading.Event()

    def script(c):
        c.read_request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        if c.stall(5):
            gone.set()
    edge.origin.script = script
    with edge.connect() as c:
        c.send(request("/long/"))
        wire.read_head(c)
        c.reset()
    assert gone.wait(5)


def test_upstream_sockets_do_not_outlive_idle_limits(edge, start, make_origin):
    own = make_origin()
    port = ringway.free_ports()
    start(ringway.http(
        f"upstream u {{ server {own.address}; keepalive 2; keepalive_requests 3;"
        " keepalive_timeout 300ms; }",
        ringway.server(port, "location / { proxy_pass http://u; proxy_http_version 1.1;"
                       ' proxy_set_header Connection ""; }')))
    for _ in range(6):
        client.get(port)
    assert len(own.connections) == 2  # three requests on each
    client.get(port)
    wire.wait_until(lambda: all(c.is_done for c in own.connections), 3, "idle one is closed")
