"""What scripts say in the log, and what strangers put into them.

What set, if, rewrite, break and return come to stands in beside_cases/rewrite.py.
"""
import pytest

import ringway
import wire
from edge import Edge
from origin import serve

SCRIPTS = """
location /traced/ {
    rewrite_log on;
    if ($args ~ "^a=(.)") { set $found $1; }
    rewrite ^/traced/(.*)$ /plain/$1?b=$found last;
}
location /traced-redirect/ { rewrite_log on; rewrite ^ /to redirect; }
location /silent/ { rewrite ^/silent/(.*)$ /plain/$1 last; }
location /plain/ { return 200 "$uri $args"; }
location /never { return 200 "[$later]$later"; }
location /never-silent { uninitialized_variable_warn off; return 200 "[$later]"; }
location /sets { set $later 1; return 200 "$later"; }
location /loop { rewrite ^ /loop last; }
location /nothing { rewrite ^ $arg_none; }
location /runs-away { if ($arg_x ~ "^(a+)+$") { return 200 matched; } return 200 other; }
location /locked { if (-f $arg_f/x) { return 200 there; } return 200 "not there"; }
location /header/ { return 302 $uri; }
location /field/ { set $x $uri; add_header X-Uri $x; return 200 ok; }
location /to-origin/ { set $args $uri; proxy_pass http://origin; }
location /without-slash { rewrite ^/without-slash(.*)$ $1 break; proxy_pass http://origin; }
location /spaces { set $args "a b"; proxy_pass http://origin; }
location /whole/ { proxy_pass http://origin$uri$is_args$args; }
location /file { rewrite ^/file(.*)$ $1 break; root /; }
location /grows { set $x "$args$args$args$args"; set $x "$x$x$x$x"; set $x "$x$x$x$x";
                  set $x "$x$x$x$x"; set $x "$x$x$x$x"; set $x "$x$x$x$x"; return 200 $x; }
"""


@pytest.fixture(scope="module", name="site")
def fixture_site(start_shared, shared_origin, pki):
    site = Edge(start_shared, shared_origin, pki, body=SCRIPTS)
    site.origin.script = serve(lambda request: wire.response(200, request.start.encode()))
    return site


def logged(site, target, *patterns):
    mark = site.ringway.mark()
    answer = site.get(target)
    for pattern in patterns:
        assert site.ringway.wait_log(pattern, mark), pattern
    return answer


def test_rewriting_is_logged_where_it_is_wanted(start, make_origin, pki):
    site = Edge(start, make_origin, pki, body=SCRIPTS, log_level="notice")
    answer = logged(
        site, "/traced/x?a=1",
        r'\[notice\].* "\^a=\(\.\)" matches "a=1", client: 127.0.0.1, server: www.test, request',
        r'\[notice\].* "\^/traced/\(\.\*\)\$" matches "/traced/x", client',
        r'\[notice\].* rewritten data: "/plain/x", args: "b=1&a=1", client: 127')
    assert answer.body == b"/plain/x b=1&a=1"
    logged(site, "/traced/x?b", r'\[notice\].* "\^a=\(\.\)" does not match "b", client')
    logged(site, "/traced-redirect/", r'rewritten redirect: "/to", client')
    mark = site.ringway.mark()
    site.get("/silent/x")
    logged(site, "/never", r"uninitialized")
    assert "match" not in site.ringway.log_since(mark)


def test_a_variable_that_was_not_set_is_logged_once(site):
    mark = site.ringway.mark()
    answer = logged(site, "/never",
                    r'\[warn\].* using uninitialized "later" variable, client: 127.0.0.1')
    assert answer.body == b"[]"
    assert site.get("/never-silent").body == b"[]"
    assert site.get("/sets").body == b"1"
    assert site.ringway.log_since(mark).count("uninitialized") == 1


@pytest.mark.parametrize("target, status, line", [
    ("/loop", 500, r'\[error\].* rewrite or internal redirection cycle while processing "/loop"'),
    ("/nothing", 500, r"\[error\].* the rewritten URI has a zero length"),
    ("/runs-away?x=" + "a" * 60 + "b", 500, r"a regex of the configuration ran away"),
    ("/runs-away?x=aaa", 200, None),
    ("/locked?f=/etc/passwd", 200, None),
    ("/locked?f=/" + "x" * 5000, 200, None),
])
def test_what_goes_wrong_is_told(site, target, status, line):
    answer = logged(site, target, *([line] if line else []))
    assert answer.status == status


@pytest.mark.parametrize("target", ["/header/%0d%0aX-Evil:%201", "/field/%0d%0aX-Evil:%201",
                                    "/header/%00", "/field/%0aX-Evil:1"])
def test_a_decoded_line_end_is_no_field_of_an_answer(site, target):
    answer = site.get(target)
    assert not answer.get("X-Evil")
    assert site.get("/plain/x").body == b"/plain/x "


@pytest.mark.parametrize("target, line", [
    ("/to-origin/%0d%0aX-Evil:%201", "/to-origin/%0D%0AX-Evil:%201?/to-origin/%0D%0AX-Evil:%201"),
    ("/to-origin/a%20b%C3%BC", "/to-origin/a%20b%C3%BC?/to-origin/a%20b%C3%BC"),
    ("/spaces", "/spaces?a%20b"),
    ("/whole/a%20%0d%0ab%C3%BC?c", "/whole/a%20%0D%0Ab%C3%BC?c"),
])
def test_what_is_decoded_goes_upstream_escaped(site, target, line):
    assert site.get(target).body == f"GET {line} HTTP/1.1".encode()
    assert not site.origin.requests[-1].get("X-Evil")


@pytest.mark.parametrize("target", ["/without-slashx", "/without-slashhttp://other.test/"])
def test_what_is_no_target_does_not_go_upstream(site, target):
    seen = len(site.origin.requests)
    assert site.get(target).status == 500
    assert len(site.origin.requests) == seen
    assert site.get("/canary").status == 200


def test_a_path_that_leads_up_is_no_file(site):
    assert site.get("/file/etc/passwd").status == 200
    assert site.get("/file/x../etc/passwd").status == 404
    assert site.get("/fileetc/passwd").status in (400, 403, 404, 500)
    assert site.get("/file../etc/passwd").status in (400, 403, 404, 500)


def test_memory_for_values_is_bounded(site):
    assert site.get("/grows?ab").body == b"ab" * 4 ** 6
    answer = site.get("/grows?" + "x" * 8000)
    assert answer.status in (200, 503)
    assert site.get("/plain/x").status == 200


def test_wrong_scripts_name_their_line(conf_file):
    path = conf_file("events { }\nhttp { server {\nif ($uri) {\nset $uri 1;\n} } }\n")
    out = ringway.run_file(path, "-t")
    assert out.returncode == 1
    assert f'[emerg] the duplicate "uri" variable in {path}:4\n' in out.stderr
