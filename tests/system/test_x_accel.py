"""X-Accel-Redirect and proxy_intercept_errors: connections, bodies, and hostile answers. What they
answer stands in beside_cases/takeover.py.
"""
import time

import pytest

import wire
from edge import Edge
from origin import serve
from wire import request, response

BODY = """
proxy_buffer_size 32k; proxy_buffers 4 32k;
location /up/ { proxy_pass $S://origin; }
location /own { return 200 "own"; }
location @named { proxy_pass $S://origin; }
location /errors/ { proxy_pass $S://origin; proxy_intercept_errors on; error_page 404 /own; }
location /twice/ { proxy_pass $S://two; proxy_next_upstream http_404; proxy_intercept_errors on;
                   error_page 404 =200 /own; }
location /slow/ { proxy_pass $S://origin; limit_rate 20000; }
location /shown/ { proxy_pass $S://origin; proxy_pass_header X-Accel-Limit-Rate;
                   proxy_ignore_headers X-Accel-Limit-Rate X-Accel-Redirect;
                   proxy_pass_header X-Accel-Redirect; }
location /cookie/ { proxy_pass $S://origin; proxy_cookie_path / $uri; }
"""


@pytest.fixture(scope="module", name="site")
def fixture_site(start_shared, shared_origin, pki):
    other = shared_origin(serve(lambda r: response(404, b"no")))
    site = Edge(start_shared, shared_origin, pki, body=BODY.replace("$S", "http"),
                blocks=f"upstream two {{ server {other.address}; server {other.address}; }}")
    site.other = other
    return site


@pytest.fixture(autouse=True)
def unharmed(site):
    with site.unharmed():
        yield


def leads(to="/own", body=b"", **more):
    return response(200, body, [("X-Accel-Redirect", to)], **more)


@pytest.mark.parametrize("answer", [
    leads(), leads(body=b"short"), leads(body=b"x" * 1000, framing="chunked")])
def test_the_upstream_connection_is_kept_when_the_body_is_there(site, answer):
    site.origin.script = serve(lambda r: answer)
    with site.connect() as c:
        for _ in range(3):
            assert c.ask("/up/").body == b"own"
    assert len(site.origin.connections) == 1


@pytest.mark.parametrize("answer", [
    leads(body=b"x", framing="close"), leads()[:-2] + b"Content-Length: 5\r\n\r\nabc",
    leads().replace(b"Content-Length: 0", b"Content-Length: 900000000"), leads() + b"surplus"])
def test_it_is_closed_when_more_would_have_to_be_read(site, answer):
    if answer.count(b"Content-Length") > 1:
        answer = answer.replace(b"Content-Length: 0\r\n", b"")

    def script(c):
        c.read_request()
        c.send(answer)
        c.stall(5)
    site.origin.script = script
    with site.connect() as c:
        for _ in range(2):
            assert c.ask("/up/").body == b"own"
    wire.wait_until(lambda: all(c.is_done for c in site.origin.connections), 3, "closed")
    assert len(site.origin.connections) == 2


def test_the_client_connection_goes_on_behind_a_body_that_was_taken_in(site):
    site.origin.script = serve(lambda r: leads())
    with site.connect() as c:
        for _ in range(2):
            c.send(request("/up/", "POST", body=b"x" * 50000))
            assert c.response().body == b"own"


def test_a_named_location_gets_the_body_again(site):
    count = iter(range(100))

    def answer(r):
        is_first = next(count) % 2 == 0
        return leads("@named") if is_first else response(200, r.method.encode() + r.body)
    site.origin.script = serve(answer)
    with site.connect() as c:
        for _ in range(2):
            c.send(request("/up/", "PUT", body=b"body"))
            assert c.response().body == b"PUTbody"


def test_a_circle_ends_after_ten_rounds(site):
    site.origin.script = serve(lambda r: leads("/up/again"))
    mark = site.ringway.mark()
    assert site.get("/up/").status == 500
    assert len(site.origin.requests) == 11
    site.ringway.wait_log("cycle while internally redirecting to", mark)
    site.origin.forget()
    site.origin.script = serve(lambda r: leads("@named"))
    assert site.get("/up/").status == 500
    assert len(site.origin.requests) == 11


def test_redirects_of_one_client_are_not_counted_for_the_next(site):
    count = iter(range(100))
    site.origin.script = serve(
        lambda r: leads("/up/again") if next(count) % 8 != 7 else response(200, b"found"))
    with site.connect() as c:
        for _ in range(3):
            assert c.ask("/up/").body == b"found"


@pytest.mark.parametrize("to, status", [
    ("/own", 200), ("http://evil/own", 404), ("own", 404), ("/own%00", 404), ("/%zz", 404),
    ("/own%0d%0aX-Evil:1", 200), ("//own", 404), ("@@", 500), ("/..", 404), ("/a/%2e%2e/own", 404),
    ("/a%2f..%2fown", 404), pytest.param("/" + "x" * 7000, 404, id="long-404"),
    pytest.param("/own?" + "x" * 7000, 200, id="long-200")])
def test_a_target_that_leads_nowhere_is_an_error(site, to, status):
    site.origin.script = serve(
        lambda r: leads(to) if r.target == "/up/" else response(404, b"nothing"))
    answer = site.get("/up/")
    assert answer.status == status
    assert answer.get("X-Evil") is None


def test_interim_answers_do_not_lead_anywhere(site):
    site.origin.script = serve(lambda r: b"HTTP/1.1 103 Early Hints\r\nX-Accel-Redirect: /own\r\n"
                               b"\r\n" + response(200, b"final"))
    assert site.get("/up/").body == b"final"


def test_a_kept_cookie_injects_no_field(site):
    site.origin.script = serve(lambda r: response(200, b"", [
        ("X-Accel-Redirect", "/own"), ("Set-Cookie", "a=1; Path=/x"), ("Set-Cookie", "b=2")]))
    answer = site.get("/cookie/%0d%0aX-Evil:%201")
    assert answer.body == b"own" and answer.get("X-Evil") is None
    assert answer.all("Set-Cookie") == ["b=2"]


def test_another_peer_is_tried_before_the_page_is_shown(site):
    assert site.get("/twice/").body == b"own"
    assert len(site.other.requests) == 2
    site.other.forget()


def test_an_intercepted_answer_leaves_its_connection_usable(site):
    site.origin.script = serve(lambda r: response(404, b"not here" * 100))
    with site.connect() as c:
        for _ in range(3):
            answer = c.ask("/errors/")
            assert (answer.status, answer.body) == (404, b"own")
    assert len(site.origin.connections) == 1


# --- rates and buffers --------------------------------------------------------------------------

@pytest.mark.parametrize("where, rate, least, most", [
    ("/up/", "40000", 0.35, 9), ("/up/", "0", 0, 0.5), ("/up/", "4k", 0, 0.5), ("/up/", "", 0, 0.5),
    ("/up/", "-1", 0, 0.5), ("/slow/", "0", 0, 0.5), ("/slow/", "40000", 0.35, 0.8),
    ("/shown/", "1000", 0, 0.5), ("/up/", "99999999999999999999999", 0, 0.5)])
def test_an_answer_says_how_fast_it_may_go(site, where, rate, least, most):
    site.origin.script = serve(
        lambda r: response(200, b"x" * 20000, [("X-Accel-Limit-Rate", rate)]))
    began = time.monotonic()
    answer = site.get(where)
    assert least <= time.monotonic() - began < most + 0.5
    assert len(answer.body) == 20000
    assert answer.get("X-Accel-Limit-Rate") == (rate if where == "/shown/" else None)


def test_an_answer_may_say_how_fast_another_goes(site):
    site.origin.script = serve(lambda r: response(200, b"", [
        ("X-Accel-Redirect", "/up/more"), ("X-Accel-Limit-Rate", "40000")])
                               if r.target == "/up/" else response(200, b"x" * 20000))
    began = time.monotonic()
    assert len(site.get("/up/").body) == 20000
    assert time.monotonic() - began >= 0.35


@pytest.mark.parametrize("value", ["yes", "no", "NO", "maybe", ""])
def test_an_answer_says_whether_it_is_buffered(site, value):
    site.origin.script = serve(
        lambda r: response(200, wire.pattern(300000), [("X-Accel-Buffering", value)]))
    with site.connect() as c:
        for _ in range(2):
            answer = c.ask("/up/")
            assert answer.body == wire.pattern(300000)
            assert answer.get("X-Accel-Buffering") is None


def test_what_is_ignored_can_be_shown(site):
    site.origin.script = serve(lambda r: leads("/own", b"here"))
    answer = site.get("/shown/")
    assert (answer.body, answer.get("X-Accel-Redirect")) == (b"here", "/own")
