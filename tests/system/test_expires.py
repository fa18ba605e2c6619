"""Fields that are added to answers: expires, add_header, add_trailer."""
import os
import re
import time
from email.utils import parsedate_to_datetime

import pytest

import ringway
import wire
from edge import Edge
from origin import serve
from wire import response

CHANGED = 1_600_000_000
BODY = """
root $ROOT;
location /1h { expires 1h; alias $ROOT/a.txt; }
location /minus { expires -1; alias $ROOT/a.txt; }
location /0 { expires 0; alias $ROOT/a.txt; }
location /epoch { expires epoch; alias $ROOT/a.txt; }
location /max { expires max; alias $ROOT/a.txt; }
location /modified { expires modified +20y; alias $ROOT/a.txt; }
location /modified-minus { expires modified -1h; alias $ROOT/a.txt; }
location /modified-none { expires modified 1h; return 200 x; }
location /daily { expires @15h30m; alias $ROOT/a.txt; }
location /variable { expires $arg_e; alias $ROOT/a.txt; }
location /modified-variable { expires modified $arg_e; alias $ROOT/a.txt; }
location /bad { expires 1h; return 404; }
location /proxied { expires 1h; proxy_pass http://origin; }
location /proxied-modified { expires modified 1h; proxy_pass http://origin; }
location /proxied-off { expires off; proxy_pass http://origin; }
location /cache { expires 1h; add_header Cache-Control public; alias $ROOT/a.txt; }
location /outer { expires 1h;
    location /outer/in { return 200 x; }
    location /outer/off { expires off; return 200 x; } }

location /own { add_header ETag '"own"'; add_header Last-Modified x; alias $ROOT/a.txt; }
location /two { add_header ETag '"a"'; add_header ETag '"b"'; alias $ROOT/a.txt; }
location /none { add_header ETag ""; add_header Last-Modified ""; alias $ROOT/a.txt; }
location /up-own { add_header ETag '"own"'; add_header Last-Modified ""; proxy_pass http://origin; }
location /own-bad { add_header ETag '"own"'; proxy_pass http://origin; }
location /hop { add_header Content-Length 99; add_header Transfer-Encoding x;
                add_header Connection x; return 200 x; }
location /evil { add_header X-Evil "a$arg_x"; add_trailer X-Evil "a${arg_x}b"; return 200 x; }

location /typed/ { expires $by_type; add_header X-Type "$sent_http_content_type|$sent_http_x_type";
                   alias $ROOT/; }
location /typed-up/ { expires $by_type; add_header X-Up $sent_http_etag; proxy_pass http://origin; }
location /t1 { add_trailer X-T "$request_method"; alias $ROOT/big.bin; }
location /t2 { add_trailer X-T a; return 404; }
location /t3 { add_trailer X-T a always; return 404; }
location /t4 { add_trailer X-T a; add_trailer X-None ""; add_trailer X-T $upstream_status;
               proxy_pass http://origin; }
location /t5 { add_trailer X-T a; return 204; }
location /t6 { add_trailer X-T a; return 200 ""; }

location /i/ {
add_header X-Level outer;
add_header X-Server 1;
add_trailer X-Trailer outer;
location /i/on { add_header X-Level here; return 200 x; }
location /i/as-it-is { return 200 x; }
location /i/off { add_header_inherit off; add_trailer_inherit off; return 200 x; }
location /i/merge { add_header_inherit merge; add_header X-Level here;
                    add_trailer_inherit merge; add_trailer X-Trailer here; return 200 x;
    location /i/merge/in { add_header X-Level inner; return 200 x; }
    location /i/merge/same { return 200 x; } } }
"""
UPSTREAM = [("Cache-Control", "private"), ("Expires", "Thu, 01 Jan 1998 00:00:00 GMT"),
            ("ETag", '"up"'), ("Last-Modified", "Fri, 20 Nov 2026 22:46:00 GMT")]


@pytest.fixture(scope="module")
def edge(start_shared, shared_origin, pki, folder):
    root = folder / "expires"
    root.mkdir()
    (root / "a.txt").write_bytes(b"text")
    (root / "a.html").write_bytes(b"html")
    (root / "big.bin").write_bytes(wire.pattern(300_000))
    for path in root, *root.iterdir():
        path.chmod(0o755)
        os.utime(path, (CHANGED, CHANGED))
    return Edge(start_shared, shared_origin, pki, body=BODY.replace("$ROOT", str(root)),
                settings="types { text/plain txt; text/html html; application/octet-stream bin; }"
                "map $sent_http_content_type $by_type {"
                "default off; text/plain 60; ~^text/h epoch; }")


def answer_of_upstream(request):
    return response(404 if "bad" in request.target else 200,
                    b"" if "empty" in request.target else b"up", UPSTREAM,
                    framing="chunked" if "chunky" in request.target else "length")


@pytest.fixture(autouse=True)
def unharmed(edge):
    with edge.unharmed():
        edge.origin.script = serve(answer_of_upstream)
        yield


def seconds(answer):
    """How long after its Date it expires."""
    dates = [parsedate_to_datetime(answer.get(name)) for name in ("Expires", "Date")]
    return (dates[0] - dates[1]).total_seconds()


# --- expires --------------------------------------------------------------------------------------

@pytest.mark.parametrize("target, after, control", [
    ("/1h", 3600, "max-age=3600"), ("/minus", -1, "no-cache"), ("/0", 0, "max-age=0"),
    ("/modified-none", 3600, "max-age=3600"), ("/variable?e=1h", 3600, "max-age=3600"),
    ("/variable?e=-1h", -3600, "no-cache"), ("/proxied", 3600, "max-age=3600"),
    ("/outer/in", 3600, "max-age=3600"), ("/outer", None, None)])
def test_answers_expire_after_a_time(edge, target, after, control):
    answer = edge.get(target)
    if after is None:
        assert answer.get("Expires") is None
        return
    assert abs(seconds(answer) - after) <= 1
    assert answer.all("Cache-Control") == [control]
    assert len(answer.all("Expires")) == 1


@pytest.mark.parametrize("target, expires, control", [
    ("/epoch", "Thu, 01 Jan 1970 00:00:01 GMT", "no-cache"),
    ("/max", "Thu, 31 Dec 2037 23:55:55 GMT", "max-age=315360000"),
    ("/variable?e=max", "Thu, 31 Dec 2037 23:55:55 GMT", "max-age=315360000"),
    ("/modified-minus", "Sun, 13 Sep 2020 11:26:40 GMT", "no-cache"),
    ("/proxied-modified", "Fri, 20 Nov 2026 23:46:00 GMT", None)])
def test_answers_expire_at_a_time(edge, target, expires, control):
    answer = edge.get(target)
    assert answer.get("Expires") == expires
    if control:
        assert answer.get("Cache-Control") == control


def test_age_of_a_changed_file_is_counted_from_now(edge):
    answer = edge.get("/modified")
    at = parsedate_to_datetime(answer.get("Expires")).timestamp()
    assert at == CHANGED + 20 * 365 * 86400
    left = int(re.fullmatch(r"max-age=(\d+)", answer.get("Cache-Control"))[1])
    assert abs(left - (at - time.time())) <= 2


def test_time_of_day_is_the_next_one(edge):
    answer = edge.get("/daily")
    at = parsedate_to_datetime(answer.get("Expires")).timestamp()
    assert time.localtime(at)[3:6] == (15, 30, 0)
    assert 0 < at - time.time() <= 86400 + 3600


@pytest.mark.parametrize("target", [
    "/variable?e=off", "/variable?e=x", "/variable?e=@25h", "/variable", "/variable?e=1%20h",
    "/modified-variable?e=max", "/modified-variable?e=@1h", "/bad", "/outer/off",
    "/variable?e=99999999999999999999"])
def test_what_is_no_time_is_none(edge, target):
    answer = edge.get(target)
    assert answer.get("Expires") is None and answer.get("Cache-Control") is None


def test_fields_of_the_upstream_stay_where_nothing_is_said(edge):
    answer = edge.get("/proxied-off")
    assert answer.get("Expires") == UPSTREAM[1][1] and answer.get("Cache-Control") == "private"


@pytest.mark.parametrize("target, control, more", [
    ("/typed/a.txt", "max-age=60", "text/plain|"), ("/typed/a.html", "no-cache", "text/html|"),
    ("/typed/big.bin", None, "application/octet-stream|")])
def test_expiry_may_go_by_the_type(edge, target, control, more):
    answer = edge.get(target)
    assert answer.get("Cache-Control") == control and answer.get("X-Type") == more


@pytest.mark.parametrize("kind, control", [
    ("text/plain", "max-age=60"), ("text/html", "no-cache"), ("image/png", "private")])
def test_expiry_may_go_by_the_type_of_the_upstream(edge, kind, control):
    edge.origin.forget()
    edge.origin.script = serve(lambda r: response(200, b"up",
                                                  UPSTREAM + [("Content-Type", kind)]))
    answer = edge.get("/typed-up/")
    assert answer.all("Cache-Control") == [control] and answer.get("X-Up") == '"up"'
    assert len(answer.all("Content-Type")) == len(answer.all("Server")) == 1


def test_304_expires_as_well(edge):
    answer = edge.get("/1h", fields=[("If-None-Match", "*")])
    assert answer.status == 304 and answer.get("Cache-Control") == "max-age=3600"


def test_added_cache_control_stands_beside(edge):
    assert edge.get("/cache").all("Cache-Control") == ["max-age=3600", "public"]


# --- add_header -----------------------------------------------------------------------------------

@pytest.mark.parametrize("target, etags, dates", [
    ("/own", ['"own"'], ["x"]), ("/two", ['"b"'], ["Sun, 13 Sep 2020 12:26:40 GMT"]),
    ("/none", [], []), ("/up-own", ['"own"'], []), ("/own-bad", ['"up"'], [UPSTREAM[3][1]])])
def test_validators_are_replaced(edge, target, etags, dates):
    answer = edge.get(target)
    assert answer.all("ETag") == etags and answer.all("Last-Modified") == dates


def test_fields_of_the_hop_are_not_for_configuration(edge):
    answer = edge.get("/hop")
    assert answer.all("Content-Length") == ["1"] and answer.get("Transfer-Encoding") is None
    assert answer.all("Connection") == ["close"]


@pytest.mark.parametrize("target, levels, server, trailers", [
    ("/i/on", ["here"], [], ["outer"]), ("/i/as-it-is", ["outer"], ["1"], ["outer"]),
    ("/i/off", [], [], []), ("/i/merge", ["here", "outer"], ["1"], ["here", "outer"]),
    ("/i/merge/in", ["inner", "here", "outer"], ["1"], ["here", "outer"]),
    ("/i/merge/same", ["here", "outer"], ["1"], ["here", "outer"])])
def test_fields_are_inherited_as_a_whole_or_as_is_said(edge, target, levels, server, trailers):
    answer = edge.get(target)
    assert answer.all("X-Level") == levels and answer.all("X-Server") == server
    assert [value for _, value in answer.trailers] == trailers


def test_value_from_the_client_never_breaks_a_line(edge):
    answer = edge.get("/evil?x=%0d%0aX-Bad:1")
    assert answer.get("X-Evil") == "a%0d%0aX-Bad:1"
    assert answer.trailers == [("X-Evil", "a%0d%0aX-Bad:1b")]


# --- add_trailer ----------------------------------------------------------------------------------

def test_trailer_is_behind_a_file(edge):
    answer = edge.get("/t1")
    assert answer.body == wire.pattern(300_000) and answer.trailers == [("X-T", "GET")]
    assert answer.get("Content-Length") is None
    part = edge.get("/t1", fields=[("Range", "bytes=5-70000")])
    assert part.status == 206 and part.body == wire.pattern(300_000)[5:70001]
    assert part.trailers == [("X-T", "GET")]


def test_trailer_wants_http_1_1_and_content(edge):
    assert edge.get("/t1", "HEAD").get("Content-Length") == "300000"
    with edge.connect() as c:
        c.send(wire.request("/t1", version="HTTP/1.0"))
        assert c.response().get("Content-Length") == "300000"
        assert c.until_close() == b""
    with edge.connect() as c:
        assert c.ask("/t5").status == 204
        assert c.ask("/t6").trailers == [("X-T", "a")]
        assert c.ask("/t6").body == b""


def test_trailer_depends_on_the_status(edge):
    bad, always = edge.get("/t2"), edge.get("/t3")
    assert bad.get("Content-Length") is not None and bad.trailers == []
    assert always.status == 404 and always.trailers == [("X-T", "a")]


def test_trailer_is_behind_an_upstream_answer(edge):
    answer = edge.get("/t4")
    assert answer.body == b"up" and answer.trailers == [("X-T", "a"), ("X-T", "200")]
    chunky, empty = edge.get("/t4?chunky"), edge.get("/t4?empty")
    assert chunky.body == b"up" and chunky.trailers == [("X-T", "a"), ("X-T", "200")]
    assert empty.body == b"" and empty.trailers == [("X-T", "a"), ("X-T", "200")]


# --- configuration --------------------------------------------------------------------------------

@pytest.mark.parametrize("text, line", [
    ("expires x;", '"expires" directive invalid value'),
    ("expires 1ms;", '"expires" directive invalid value'),
    ("expires often 1h;", '"expires" directive invalid value'),
    ("expires modified max;", '"expires" directive invalid value'),
    ("expires modified @1h;",
     '"expires" directive daily time cannot be used with "modified" parameter'),
    ("expires @25h;", '"expires" directive daily time value must be less than 24 hours'),
    ("expires 1h; expires 2h;", '"expires" directive is duplicate'),
    ("add_trailer a b c;", 'invalid parameter "c"'),
    ("add_trailer Content-Length 1;", '"Content-Length" cannot be a trailer'),
    ("add_header_inherit x;", 'invalid value "x"')])
def test_mistakes_are_named_with_their_line(conf_file, text, line):
    path = conf_file(f"events {{}}\nhttp {{ server {{\n{text}\n}} }}\n")
    done = ringway.run_file(path, "-t")
    assert done.returncode == 1
    assert f"[emerg] {line}" in done.stderr and f"{path}:3" in done.stderr
