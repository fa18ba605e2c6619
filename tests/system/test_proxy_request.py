"""Requests to upstreams that are not the client's own: methods, bodies and fields of the file's,
and what hostile clients make of them; trailers and early hints. The plain cases stand in
beside_cases/asked.py.
"""
import pytest

import client
import ringway
import wire
from edge import Edge
from origin import serve
from wire import chunked, request, response

BODY = """
client_max_body_size 200k;
client_body_buffer_size 16k;
location /method/ { proxy_pass $S://origin; proxy_method $arg_m; }
location /head/ { proxy_pass $S://origin; proxy_method HEAD; }
location /get/ { proxy_pass $S://origin; proxy_method GET; }
location /body/ { proxy_pass $S://origin; proxy_set_body "set"; }
location /uri-body/ { proxy_pass $S://origin; proxy_set_body $uri; proxy_set_header X-A $uri; }
location /raw-body/ { proxy_pass $S://origin; proxy_set_body $uri; }
location /body-streamed/ { proxy_pass $S://origin; proxy_set_body "set";
                           proxy_request_buffering off; }
location /no-body/ { proxy_pass $S://origin; proxy_pass_request_body off; }
location /no-body-streamed/ { proxy_pass $S://origin; proxy_pass_request_body off;
                              proxy_request_buffering off; }
location /two/ { proxy_pass $S://two; proxy_set_body "again"; proxy_request_buffering off;
                 proxy_next_upstream error http_500 non_idempotent; }
location /two-post/ { proxy_pass $S://two; proxy_method POST; proxy_next_upstream http_500; }
location /two-get/ { proxy_pass $S://two; proxy_method GET; proxy_next_upstream http_500; }
location /first/ { proxy_pass $S://origin; proxy_request_buffering off;
                   proxy_intercept_errors on; error_page 404 = @instead; }
location @instead { proxy_pass $S://good; proxy_set_body "instead"; proxy_request_buffering off; }
location /old/ { proxy_pass $S://origin; proxy_http_version 1.0; proxy_set_body "old"; }
location /trailers/ { proxy_pass $S://origin; proxy_pass_trailers on;
                      add_header X-Now "$sent_trailer_x_sum|$upstream_trailer_x_sum"; }
location /set-te/ { proxy_pass $S://origin; proxy_set_header TE trailers; }
location /hints/ { proxy_pass $S://origin; early_hints $arg_a $arg_b; proxy_hide_header X-Secret; }
location = /check { internal; proxy_pass $S://origin/check; early_hints 1;
                    proxy_pass_request_body off; proxy_set_header Content-Length ""; }
location /gated/ { auth_request /check; try_files /none @gated; }
location /gated-body/ { auth_request /check; proxy_pass $S://origin; }
location /gated-streamed/ { auth_request /check; proxy_pass $S://origin;
                            proxy_request_buffering off; }
location /gated-set/ { auth_request /check; proxy_pass $S://origin; proxy_set_body "set"; }
location @gated { return 200 "in"; }
location /unchunked/ { proxy_pass $S://origin; chunked_transfer_encoding off; }
access_log $LOG trailers;
"""
CLOSES = [("Connection", "close")]
SETTINGS = 'log_format trailers "$uri $sent_trailer_x_sum|$upstream_trailer_x_sum";\n'


@pytest.fixture(scope="module", name="site")
def fixture_site(start_shared, shared_origin, pki, folder):
    bad = shared_origin(serve(lambda r: response(500, b"bad", CLOSES), is_last=lambda r: True))
    good = shared_origin()
    log = folder / "request-trailers.log"
    blocks = (f"upstream two {{ server {bad.address} max_fails=0; "
              f"server {good.address} backup; }}\n"
              f"upstream good {{ server {good.address}; }}")
    site = Edge(start_shared, shared_origin, pki, blocks=blocks, settings=SETTINGS,
                body=BODY.replace("$S", "http").replace("$LOG", str(log)))
    site.bad, site.good, site.trailer_log = bad, good, log
    return site


@pytest.fixture(autouse=True)
def unharmed(site):
    for origin in site.bad, site.good:
        origin.forget()
    site.good.script = serve(
        lambda r: response(200, f"{r.method} {r.target} {len(r.body)}".encode(), CLOSES),
        is_last=lambda r: True)
    with site.unharmed():
        yield


# --- methods ------------------------------------------------------------------------------------

@pytest.mark.parametrize("method, status", [
    ("GET", 200), ("PROPFIND", 200), ("x", 200), ("CONNECT", 500), ("GET%20/evil", 500),
    ("A/B", 500), ("POST", 200)])
def test_a_method_of_a_variable_is_one_token_and_never_connect(site, method, status):
    assert site.get(f"/method/?m={method}").status == status
    assert len(site.origin.requests) == (1 if status == 200 else 0)


def test_connections_go_on_when_the_upstream_is_asked_by_head(site):
    site.origin.script = serve(lambda r: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    with site.connect() as c:
        for _ in range(3):
            answer = c.ask("/head/")
            assert (answer.status, answer.body) == (200, b"")
            assert answer.get("Content-Length") == "0"
        c.send(request("/head/", "HEAD"))
        assert c.response("HEAD").get("Content-Length") == "9"
    assert len(site.origin.connections) == 1


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_client_that_asks_by_head_gets_no_body_of_a_get(site, framing):
    site.origin.script = serve(lambda r: response(200, b"body", framing=framing),
                               is_last=lambda r: framing == "close")
    with site.connect() as c:
        for _ in range(2):
            c.send(request("/get/", "HEAD"))
            answer = c.response("HEAD")
            assert answer.status == 200
            assert answer.get("Content-Length") == ("4" if framing == "length" else None)
            assert answer.get("Transfer-Encoding") is None
    assert [r.method for r in site.origin.requests] == ["GET", "GET"]
    assert len(site.origin.connections) == (2 if framing == "close" else 1)


def test_what_is_sent_decides_on_another_try(site):
    assert site.get("/two-post/").status == 500 and not site.good.requests
    with site.connect() as c:
        c.send(request("/two-get/", "POST", body=b"x"))
        assert c.response().body == b"GET /two-get/ 1"


# --- bodies -------------------------------------------------------------------------------------

@pytest.mark.parametrize("where", ["/body/", "/body-streamed/"])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_the_requests_own_body_never_reaches_the_upstream(site, where, is_chunked):
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" * 500
    with site.connect() as c:
        for _ in range(3):
            if is_chunked:
                c.send(request(where, "POST", fields=[("Transfer-Encoding", "chunked")])
                       + chunked([smuggled[:100], smuggled]))
            else:
                c.send(request(where, "POST", body=smuggled))
            assert c.response().status == 200
    got = site.origin.requests
    assert [(r.target, r.body, r.get("Content-Length"), r.get("Transfer-Encoding"))
            for r in got] == [(where, b"set", "3", None)] * 3
    assert b"smuggled" not in site.origin.received


@pytest.mark.parametrize("where", ["/no-body/", "/no-body-streamed/"])
@pytest.mark.parametrize("framing", [
    [("Content-Length", "3")], [("Transfer-Encoding", "chunked")]])
def test_without_a_body_goes_no_framing(site, where, framing):
    body = b"abc" if framing[0][0] == "Content-Length" else chunked([b"abc"])
    with site.connect() as c:
        for _ in range(2):
            c.send(request(where, "POST", fields=framing) + body)
            assert c.response().status == 200
    for got in site.origin.requests:
        assert got.get("Content-Length") is None and got.get("Transfer-Encoding") is None
    assert len(site.origin.connections) == 1


@pytest.mark.parametrize("where", ["/body/", "/body-streamed/", "/no-body/", "/no-body-streamed/"])
def test_a_client_that_waits_is_invited_here(site, where):
    with site.connect() as c:
        c.send(request(where, "POST", fields=[("Expect", "100-continue"), ("Content-Length", "3")]))
        assert wire.read_response(c).status == 100
        c.send(b"abc")
        assert c.response().status == 200
    assert site.origin.requests[0].get("Expect") is None


@pytest.mark.parametrize("where", ["/body-streamed/", "/no-body-streamed/", "/body/"])
def test_a_body_that_is_dropped_has_its_limits(site, where):
    with site.connect() as c:
        c.send(request(where, "POST", fields=[("Content-Length", "300000")]) + b"x" * 1000)
        assert c.response().status == 413
    with site.connect() as c:
        c.send(request(where, "POST", fields=[("Transfer-Encoding", "chunked")]) + b"zz\r\n")
        assert c.response().status in (200, 400)
        assert c.is_closed()


def test_the_answer_does_not_wait_for_a_body_that_is_dropped(site):
    with site.connect() as c:
        c.send(request("/body-streamed/", "POST", fields=[("Content-Length", "50000")]) + b"x")
        assert c.response().body == b"POST /body-streamed/ 3"
        assert c.is_closed()
    with site.connect() as c:
        c.send(request("/body-streamed/", "POST", fields=[("Content-Length", "5")]) + b"xxxxx"
               + request("/next"))
        assert c.response().status == 200
        assert c.response().body == b"GET /next 0"


def test_a_set_body_is_sent_again_to_the_next_peer(site):
    with site.connect() as c:
        for _ in range(2):
            c.send(request("/two/", "POST", body=b"x" * 100000))
            assert c.response().body == b"POST /two/ 5"
    assert [r.body for r in site.good.requests] == [b"again"] * 2


def test_a_body_that_was_under_way_ends_where_another_takes_its_place(site):
    def script(c):
        c.read_request_head()
        c.take(5)
        c.respond(404, b"")
        c.stall(1)
    site.origin.script = script
    with site.connect() as c:
        c.send(request("/first/", "POST", fields=[("Content-Length", "2005")]) + b"first")
        assert c.response().body == b"POST /first/ 7"
        c.send(b"x" * 2000)
    assert site.good.requests[0].body == b"instead"
    assert b"xx" not in site.origin.received + site.good.received


@pytest.mark.parametrize("where, body", [
    ("/gated-body/", b"y" * 40000), ("/gated-streamed/", b"y" * 40000), ("/gated-set/", b"set")])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_check_without_the_body_leaves_it_to_the_request(site, where, body, is_chunked):
    own = b"y" * 40000
    with site.connect() as c:
        for _ in range(2):
            if is_chunked:
                c.send(request(where, "POST", fields=[("Transfer-Encoding", "chunked")])
                       + chunked([own[:7], own[7:]]))
            else:
                c.send(request(where, "POST", body=own))
            assert c.response().status == 200
    got = [(r.target, r.body) for r in site.origin.requests]
    assert got == [("/check", b""), (where, body)] * 2


@pytest.mark.parametrize("text", ["a%0d%0a%0d%0aGET%20/evil", "%0d%0a0%0d%0a%0d%0a"])
def test_bytes_of_a_set_body_are_only_content(site, text):
    with site.connect() as c:
        for _ in range(2):
            c.send(request("/raw-body/" + text, "POST", fields=[("Transfer-Encoding", "chunked")])
                   + chunked([b"abc"]))
            assert c.response().status == 200
    for got in site.origin.requests:
        assert got.target == "/raw-body/" + text
        assert got.get("Content-Length") == str(len(got.body))
    assert len(site.origin.requests) == 2
    assert site.get("/uri-body/" + text).status == 500  # in a field they are refused


def test_a_chunked_request_can_go_to_http10_with_a_set_body(site):
    with site.connect() as c:
        c.send(request("/old/", "POST", fields=[("Transfer-Encoding", "chunked")])
               + chunked([b"abc"]))
        assert c.response().body == b"POST /old/ 3"
    assert site.origin.requests[0].get("Content-Length") == "3"


# --- trailers, hints, framing of answers --------------------------------------------------------

def with_trailers(_):
    return response(200, b"", framing="chunked")[:-5] + chunked([b"body"], [("X-Sum", "abc")])


@pytest.mark.parametrize("where, accepts, sees, asks", [
    ("/trailers/", True, True, True), ("/trailers/", False, False, False),
    ("/", True, False, False), ("/set-te/", False, False, True), ("/set-te/", True, False, True)])
def test_trailers_pass_where_the_file_and_the_client_say_so(site, where, accepts, sees, asks):
    site.origin.script = serve(with_trailers)
    answer = site.get(where, fields=[("TE", "trailers")] if accepts else [])
    assert answer.body == b"body"
    assert answer.trailers == ([("X-Sum", "abc")] if sees else [])
    assert site.origin.requests[0].get("TE") == ("trailers" if asks else None)
    wire.wait_until(lambda: site.trailer_log.read_text().splitlines()[-1:] ==
                    [f"{where} {'abc' if sees else '-'}|abc"], 3, "the log line")


@pytest.mark.parametrize("query, passes", [
    ("", False), ("?a=0", False), ("?a=0&b=0", False), ("?a=1", True), ("?b=x", True),
    ("?a=0&b=00", True)])
def test_early_hints_pass_where_a_condition_holds(site, query, passes):
    site.origin.script = serve(lambda r: b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n"
                               b"X-Secret: s\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
                               + response(200, b"final"))
    with site.connect() as c:
        for _ in range(2):
            c.send(request("/hints/" + query))
            first = wire.read_response(c)
            if passes:
                assert (first.status, first.get("Link")) == (103, "</a.css>")
                assert first.get("X-Secret") is None and first.get("Content-Length") is None
                first = wire.read_response(c)
            assert (first.status, first.body) == (200, b"final")


def test_early_hints_of_a_subrequest_stay_here(site):
    site.origin.script = serve(lambda r: b"HTTP/1.1 103 Early Hints\r\n\r\n" + response(204))
    with site.connect() as c:
        c.send(request("/gated/"))
        assert wire.read_response(c).status == 200
    assert [r.target for r in site.origin.requests] == ["/check"]


def test_early_hints_never_reach_http10(site):
    site.origin.script = serve(lambda r: b"HTTP/1.1 103 Early Hints\r\n\r\n" + response(200, b"f"))
    with site.connect() as c:
        c.send(b"GET /hints/?a=1 HTTP/1.0\r\n\r\n")
        assert wire.read_response(c).status == 200


def test_without_chunks_the_connection_ends_the_answer(site):
    site.origin.script = serve(lambda r: response(200, b"body", framing="chunked"))
    with site.connect() as c:
        c.send(request("/unchunked/"))
        head = c.until_close()
    assert head.endswith(b"\r\n\r\nbody")
    assert b"\r\nConnection: close\r\n" in head and b"Transfer-Encoding" not in head


# --- proxy_allow_upstream -------------------------------------------------------------------------

def test_an_upstream_that_is_not_allowed_gets_no_connection(start, make_origin):
    own, port = make_origin(), ringway.free_ports()
    edge = start(ringway.http(ringway.server(port, f"""
        location /all {{ proxy_pass http://{own.address}; proxy_allow_upstream $arg_a $arg_b;
                         proxy_allow_upstream 1; }}
        location /by {{ proxy_pass http://{own.address}; proxy_allow_upstream $known; }}
        error_page 403 =418 @no; location @no {{ return 418 "$upstream_last_addr"; }}"""),
        settings=f"map $upstream_last_addr $known {{ volatile; {own.address} 1; }}"))
    for target, status in {"/all?a=1&b=2": 200, "/all?a=1": 418, "/all?a=0&b=1": 418,
                           "/by": 200}.items():
        before = len(own.requests)
        assert client.get(port, target).status == status, target
        assert len(own.requests) - before == (status == 200), target
    assert client.get(port, "/all").body.decode() == own.address
    edge.wait_log(f'access to upstream "{own.address}" is not allowed')


def test_an_upstream_that_is_not_allowed_has_not_failed(start, make_origin):
    own, port = make_origin(), ringway.free_ports()
    start(ringway.http(f"upstream u {{ server {own.address} max_fails=1 fail_timeout=60s; }}",
                       ringway.server(port, """location / { proxy_pass http://u;
                                                proxy_allow_upstream $arg_a; }""")))
    assert client.get(port, "/").status == 403
    assert client.get(port, "/?a=1").status == 200
