"""auth_request: another URI is asked whether a request may come in."""
import time

import pytest

import certs
import client
import ringway
import wire
from edge import Edge, tls_settings
from origin import serve
from wire import response

LOCATIONS = """
proxy_read_timeout 900ms;
location / { proxy_pass http://origin; }
location = /auth { internal; proxy_pass http://auth/check; proxy_set_header X-Uri $request_uri;
    proxy_set_header X-Method $request_method; }
location = /auth-tls { proxy_pass https://secure/check; TLS }
location = /auth-tries { proxy_pass http://tries; proxy_next_upstream error timeout http_503; }
location = /auth-variable { set $limit_rate 1; set $to %s; proxy_pass http://$to/check$arg_x; }
location = /auth-dead { proxy_pass http://dead; }
location = /auth-200 { return 200 "come in"; }
location = /auth-401 { return 401; }
location = /auth-403 { return 403; }
location = /auth-444 { return 444; }
location = /auth-302 { return 302 /elsewhere; }
location = /auth-gated { deny all; return 204; }
location = /auth-page { error_page 401 =200 /auth-200; return 401; }
location = /auth-named { try_files /none @named; root $ROOT; }
location @named { proxy_pass http://auth; }
location = /auth-file { root $ROOT; }
location = /auth-nobody { root $ROOT; }
location = /auth-by-method { limit_except GET { deny all; } proxy_pass http://auth; }
location = /login { return 200 "log in, $who"; }

location /in/ { auth_request /auth; auth_request_set $who $upstream_http_x_user;
    auth_request_set $auth_status $upstream_status; proxy_set_header X-User $who;
    proxy_set_header X-Auth-Status "$auth_status|$upstream_addr"; proxy_pass http://origin;
    add_header X-Who $who always; proxy_set_header X-Id $request_id;
    location /in/off/ { auth_request off; proxy_pass http://origin; }
}
location /in-tls/ { auth_request /auth-tls; proxy_pass http://origin; }
location /in-tries/ { auth_request /auth-tries; proxy_pass http://origin; }
location /in-variable/ { auth_request /auth-variable; proxy_pass http://origin; }
location /in-dead/ { auth_request /auth-dead; proxy_pass http://origin; }
location /in-200/ { auth_request /auth-200; proxy_pass http://origin; }
location /in-401/ { auth_request /auth-401; proxy_pass http://origin; }
location /in-403/ { auth_request /auth-403; proxy_pass http://origin; }
location /in-444/ { auth_request /auth-444; proxy_pass http://origin; }
location /in-302/ { auth_request /auth-302; proxy_pass http://origin; }
location /in-gated/ { auth_request /auth-gated; proxy_pass http://origin; }
location /in-page/ { auth_request /auth-page; proxy_pass http://origin; }
location /in-named/ { auth_request /auth-named; proxy_pass http://origin; }
location /in-file/ { auth_request /auth-file; proxy_pass http://origin; }
location /in-nobody/ { auth_request /auth-nobody; proxy_pass http://origin; }
location /in-by-method/ { auth_request /auth-by-method; proxy_pass http://origin; }
location /in-itself/ { auth_request /in-itself/; proxy_pass http://auth; }
location /to-login/ { auth_request /auth; auth_request_set $who $upstream_http_x_user;
    error_page 401 = /login; proxy_pass http://origin; }
location /any/ { satisfy any; deny all; auth_request /auth; proxy_pass http://origin; }
location /any-allowed/ { satisfy any; allow all; auth_request /auth-403; proxy_pass http://origin; }
location /any-basic/ { satisfy any; auth_basic b; auth_basic_user_file users;
    auth_request /auth;
    proxy_pass http://origin; }
location /held/ { auth_request /auth-401; auth_delay 250ms; proxy_pass http://origin; }
location /files/ { auth_request /auth; root $ROOT; }
location /unbuffered/ { auth_request /auth; proxy_request_buffering off; proxy_pass http://origin; }
location /again/ { auth_request /auth; proxy_pass http://dead; error_page 502 = @again; }
location @again { auth_request /auth; proxy_pass http://origin; }
"""
GROUPS = """
upstream auth { server %s max_fails=0; keepalive 4; }
upstream secure { server %s max_fails=0; keepalive 4; }
upstream tries { server 127.0.0.1:%d max_fails=0; server %s max_fails=0; }
upstream dead { server 127.0.0.1:%d max_fails=0; }
"""


class Site(Edge):
    """An Edge with an origin that is asked, and what that is to say."""

    def __init__(self, start, make_origin, pki, folder):
        self.log = folder / "auth.log"
        self.auth = make_origin()
        self.secure = make_origin(tls=certs.server_context(pki.leaf(certs.NAME)))
        root = folder / "auth-www"
        (root / "files").mkdir(parents=True)
        (root / "files" / "x").write_text("file")
        (root / "auth-file").write_text("yes")
        dead = 1  # nobody listens there
        super().__init__(
            start, make_origin, pki, blocks=GROUPS % (self.auth.address, self.secure.address, dead,
                                                      self.auth.address, dead),
            settings="log_format own '$uri $status';",
            body=f"access_log {self.log} own;"
            + (LOCATIONS % self.auth.address).replace("$ROOT", str(root)).replace(
                "TLS", tls_settings(pki)))
        (self.ringway.folder / "users").write_text("u:{PLAIN}p\n")
        self.answers = {}
        self.auth.script = self.secure.script = serve(self.check)
        self.origin.script = serve(lambda request: response(200, b"inside: " + request.body))

    def check(self, request):
        return self.answers.get("next", response(204, framing="none", fields=[("X-User", "anna")]))

    def says(self, answer):
        self.answers["next"] = answer


@pytest.fixture(scope="module", name="shared_site")
def fixture_shared_site(start_shared, shared_origin, pki, folder):
    return Site(start_shared, shared_origin, pki, folder)


@pytest.fixture(name="site")
def fixture_site(shared_site):
    shared_site.answers.clear()
    return shared_site


def before(origin):
    return len(origin.requests)


@pytest.mark.parametrize("status, becomes", [
    (200, 200), (204, 200), (299, 200), (401, 401), (403, 403), (404, 500), (302, 500), (500, 500),
    (400, 500), (503, 500)])
def test_the_status_of_the_answer_decides(site, status, becomes):
    site.says(response(status, b"" if status == 204 else b"not for you"))
    mark = site.ringway.mark()
    count = before(site.origin)
    answer = site.get("/in/x")
    assert answer.status == becomes
    assert b"not for you" not in answer.body
    assert before(site.origin) - count == (becomes == 200)
    if becomes == 500:
        assert site.ringway.wait_log(
            rf"\[error\].* auth request unexpected status: {status}, client: 127.0.0.1", mark)


def test_it_is_asked_by_a_get_without_a_body(site):
    answer = site.get("/in/x?a=b", "POST", body=b"x" * 70000)
    assert answer.body == b"inside: " + b"x" * 70000
    asked = site.auth.requests[-1]
    assert asked.start == "GET /check HTTP/1.1"
    assert asked.get("Content-Length") is None and asked.get("Transfer-Encoding") is None
    assert (asked.get("X-Uri"), asked.get("X-Method")) == ("/in/x?a=b", "POST")
    assert asked.get("Host") == "auth"
    went = site.origin.requests[-1]
    assert went.start == "POST /in/x?a=b HTTP/1.1"
    assert went.get("Content-Length") == "70000"


@pytest.mark.parametrize("target", ["/in/x", "/unbuffered/x"])
@pytest.mark.parametrize("size", [0, 1, 5000, 300000])
def test_a_chunked_body_goes_on_behind_it(site, connect, target, size):
    c = connect(site.port)
    c.send(wire.request(target, "PUT", fields=[("Transfer-Encoding", "chunked")]),
           wire.chunked([b"y" * size] if size else []))
    assert c.response("PUT").body == b"inside: " + b"y" * size
    assert c.ask("/in/next").status == 200


def test_a_client_that_waits_for_100_gets_it_once_it_may_come(site, connect):
    c = connect(site.port)
    site.says(response(403))
    c.send(wire.request("/in/x", "POST", fields=[("Content-Length", "5"),
                                                 ("Expect", "100-continue")]))
    refused = c.response("POST")
    assert refused.status == 403 and not refused.interim
    site.says(response(200))
    c = connect(site.port)
    c.send(wire.request("/in/x", "POST", fields=[("Content-Length", "5"),
                                                 ("Expect", "100-continue")]))
    assert c.response("POST", skips_interim=False).status == 100
    c.send(b"12345")
    assert c.response("POST").body == b"inside: 12345"


def test_variables_are_of_the_answer(site):
    answer = site.get("/in/x")
    assert answer.get("X-Who") == "anna"
    went = site.origin.requests[-1]
    assert went.get("X-User") == "anna"
    # $upstream_addr is of the request itself, which was not tried yet.
    assert went.get("X-Auth-Status") == "204|"
    site.says(response(403, fields=[("X-User", "nobody")]))
    assert site.get("/in/x").get("X-Who") == "nobody"
    site.says(response(200))
    assert site.get("/in/x").get("X-Who") is None


def test_head_asks_by_get(site):
    answer = site.get("/in/x", "HEAD")
    assert answer.status == 200
    assert site.auth.requests[-1].start.startswith("GET ")
    assert site.origin.requests[-1].start.startswith("HEAD ")


def test_challenges_of_the_answer_are_passed_on(site):
    site.says(response(401, b"asked", fields=[("WWW-Authenticate", "Bearer"),
                                              ("WWW-Authenticate", 'Basic realm="a"'),
                                              ("X-Other", "1")]))
    answer = site.get("/in/x")
    assert answer.status == 401
    assert answer.all("WWW-Authenticate") == ["Bearer", 'Basic realm="a"']
    assert answer.get("X-Other") is None


@pytest.mark.parametrize("target, status", [
    ("/in/off/x", 200), ("/in-200/x", 200), ("/in-401/x", 401), ("/in-403/x", 403),
    ("/in-444/x", 500), ("/in-302/x", 500), ("/in-gated/x", 200), ("/in-page/x", 401),
    ("/in-named/x", 200), ("/in-file/x", 200), ("/in-nobody/x", 500), ("/in-itself/x", 204),
    ("/in-tls/x", 200), ("/in-tries/x", 200), ("/in-dead/x", 500), ("/in-variable/x", 200),
    ("/in-by-method/x", 200),
    ("/any/x", 200), ("/any-allowed/x", 200), ("/any-basic/x", 200), ("/files/x", 200),
])
def test_whatever_answers_decides(site, target, status):
    count = before(site.origin)
    assert site.get(target).status == status
    if status == 200 and target != "/files/x":
        assert before(site.origin) == count + 1
    assert site.get(target, "POST", body=b"abc").status == (405 if target == "/files/x" else status)


@pytest.mark.parametrize("target, auth, status, challenge", [
    ("/any/x", 401, 401, "X"), ("/any/x", 403, 403, None), ("/any/x", 500, 500, None),
    ("/any-basic/x", 403, 401, 'Basic realm="b"'), ("/any-basic/x", 200, 200, None),
])
def test_one_of_several_is_enough(site, target, auth, status, challenge):
    site.says(response(auth, b"", fields=[("WWW-Authenticate", "X")] if auth == 401 else []))
    answer = site.get(target)
    assert (answer.status, answer.get("WWW-Authenticate")) == (status, challenge)


def test_an_error_page_shows_what_the_answer_said(site):
    site.says(response(401, fields=[("X-User", "stranger")]))
    answer = site.get("/to-login/x", "POST", body=b"abc")
    assert (answer.status, answer.body) == (200, b"log in, stranger")


def test_a_refusal_is_held_back(site):
    began = time.monotonic()
    assert site.get("/held/x").status == 401
    assert time.monotonic() - began > 0.2


def test_what_answers_after_a_failure_is_asked_for_again(site):
    count = before(site.auth)
    answer = site.get("/again/x", "POST", body=b"body")
    assert (answer.status, answer.body) == (200, b"inside: body")
    assert before(site.auth) == count + 2


@pytest.mark.parametrize("body, framing, is_kept", [
    (b"", "length", True), (b"x" * 60000, "length", True), (b"x" * 60000, "chunked", True),
    (b"x" * 70000, "length", False), (b"x" * 70000, "chunked", False)])
def test_the_connection_serves_on_where_the_body_was_read(site, body, framing, is_kept):
    site.says(response(200, body, framing=framing))
    assert site.get("/in/x").status == 200
    first = site.auth.connections[-1]
    assert site.get("/in/x").status == 200
    assert (site.auth.connections[-1] is first) == is_kept


def test_a_body_that_breaks_off_counts_for_nothing(site):
    def script(c):
        c.read_request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        c.close()
    site.auth.script = script
    try:
        wire.wait_until(lambda: site.get("/in/x").status == 200)
        assert site.get("/in/x").status == 200
    finally:
        site.auth.script = serve(site.check)


def test_a_body_that_does_not_come_is_not_waited_for_long(site):
    def script(c):
        c.read_request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        c.stall(5)
    site.auth.script = script
    try:
        began = time.monotonic()
        assert site.get("/in-named/x").status == 200
        assert time.monotonic() - began < 4
    finally:
        site.auth.script = serve(site.check)


@pytest.mark.parametrize("end", ["close", "reset", "stall", "garbage", "upgrade"])
def test_what_goes_wrong_with_it_is_an_error_of_ours(site, end):
    def script(c):
        c.read_request()
        if end == "garbage":
            c.send(b"what?\r\n\r\n")
        elif end == "upgrade":
            c.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                   b"Connection: upgrade\r\n\r\n")
        elif end == "stall":
            c.stall(5)
        elif end == "reset":
            c.reset()
        c.close()
    site.auth.script = script
    count = before(site.origin)
    mark = site.ringway.mark()
    try:
        assert site.get("/in-named/x").status == 500
        assert before(site.origin) == count
        assert site.ringway.wait_log("auth request unexpected status: 50[24]", mark)
    finally:
        site.auth.script = serve(site.check)


def test_a_client_that_leaves_meanwhile_is_noticed(site, connect):
    gone = []

    def script(c):
        c.read_request()
        gone.append(c.stall(0.8))
    site.auth.script = script
    mark = site.ringway.mark()
    count, asked = before(site.origin), before(site.auth)
    try:
        c = connect(site.port)
        c.send(wire.request("/in-named/gone"))
        wire.wait_until(lambda: before(site.auth) > asked)
        c.reset()
        assert site.ringway.wait_log("client prematurely closed connection", mark)
        wire.wait_until(lambda: gone == [True])
        assert before(site.origin) == count
        # The request itself is logged, not what was asked.
        wire.wait_until(lambda: "/in-named/gone 499" in site.log.read_text())
    finally:
        site.auth.script = serve(site.check)


def test_pipelined_requests_are_asked_for_one_by_one(site, connect):
    c = connect(site.port)
    c.send(*[wire.request(f"/in/{i}", "POST", body=b"%d" % i) for i in range(5)])
    assert [c.response("POST").body for _ in range(5)] == [b"inside: %d" % i for i in range(5)]


def test_a_streamed_body_outlives_a_subrequest_that_passes_none(start, make_origin):
    busy = make_origin(serve(lambda r: response(503, b"busy")))
    origin = make_origin(serve(lambda r: response(body=r.body)))
    port = ringway.free_ports()
    start(ringway.http(ringway.server(port, f"""
        location /in {{ proxy_request_buffering off; proxy_intercept_errors on;
            error_page 503 = @again; proxy_pass http://127.0.0.1:{busy.port}; }}
        location @again {{ auth_request /auth; proxy_pass http://127.0.0.1:{origin.port}; }}
        location = /auth {{ proxy_pass_request_body off; proxy_set_header Content-Length "";
            proxy_pass http://127.0.0.1:{origin.port}; }}""")))
    for _ in range(3):
        got = client.get(port, "/in", "POST", body=b"streamed")
        assert (got.status, got.body) == (200, b"streamed")


def test_subrequests_are_logged_where_that_is_said(start, make_origin, tmp_path):
    port = ringway.free_ports()
    log = tmp_path / "own.log"
    start(ringway.http(ringway.server(port, """
        location = /auth { log_subrequest on; return 204; }
        location = /quiet { return 204; }
        location /x { auth_request /auth; root /nowhere; }
        location /y { auth_request /quiet; root /nowhere; }
        access_log %s own;""" % log), settings="log_format own '$uri $status';"))
    client.get(port, "/x")
    client.get(port, "/y")
    wire.wait_until(lambda: log.exists() and log.read_text().count("\n") == 3)
    assert log.read_text().split("\n")[:3] == ["/auth 204", "/x 404", "/y 404"]


@pytest.mark.parametrize("text, message", [
    ("auth_request_set x y;", 'invalid variable name "x"'),
    ("auth_request_set $x $nothing;", 'unknown "nothing" variable'),
    ("auth_request_set $host x;", 'the duplicate "host" variable'),
    ("auth_request off; auth_request /x;", '"auth_request" directive is duplicate'),
])
def test_mistakes_are_told_with_file_and_line(conf_file, text, message):
    path = conf_file("events { }\nhttp { server {\nlocation / {\n" + text + "\n} } }\n")
    done = ringway.run_file(path, "-t")
    assert done.returncode == 1
    assert f"[emerg] {message} in {path}:4" in done.stderr
