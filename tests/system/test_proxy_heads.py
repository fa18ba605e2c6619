"""Heads through the proxy: interim answers, upgrades, header fields, targets."""
import threading

import pytest

import client
import ringway
import wire
from origin import play, serve
from wire import chunked, pattern, request, response
from worlds import proxying_edge


@pytest.fixture(scope="module", params=["http", "https"])
def edge(request, start_shared, shared_origin, pki):
    return proxying_edge(start_shared, shared_origin, pki, request.param)


@pytest.fixture(autouse=True)
def unharmed(edge):
    with edge.unharmed():
        yield


# --- interim responses --------------------------------------------------------------------------

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
        c.send(request("/stream/", "POST",
                       fields=[("Expect", "100-continue"), ("Content-Length", "9")]))
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
    c.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"
           b"hello ")
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
    assert not names & {"x-named", "keep-alive", "proxy-connection", "proxy-authenticate",
                        "upgrade"}


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
        c.send(request("/stream/", "POST", fields=[("Content-Length", "8000000")]) + b"x" * 100000)
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
