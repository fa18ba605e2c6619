"""Who may come: addresses, passwords, satisfy, limit_except."""
import pytest

import ringway
import wire
from edge import Edge
from origin import serve

RULES = """
root $ROOT;
location /allowed/ { allow 127.0.0.1; deny all; }
location /denied/ { deny 127.0.0.0/8; allow all; }
location /other/ { deny 192.0.2.0/24; deny unix:; deny ::/0; }
location /first/ { allow 127.0.0.0/31; deny 127.0.0.1; }
location /outer/ { deny all;
    location /outer/inherits/ { }
    location /outer/own/ { allow 127.0.0.1; }
}
location /returned/ { deny all; return 200 "not behind the gate"; }
location /page/ { deny all; error_page 403 /page-of-it.html; }
location = /page-of-it.html { }
location /shut-page/ { deny all; error_page 403 /shut-page/x.html; }
location /to-name/ { deny all; error_page 403 = @shut; }
location @shut { deny all; }
location /except/ { limit_except GET { deny all; } }
location /read-only/ { limit_except GET { deny all; } proxy_pass http://origin/base/; }
location /elsewhere/ { limit_except PUT { proxy_pass http://canary; } proxy_pass http://origin; }
location /not-returned/ { limit_except GET { deny all; } return 200 "returned"; }
"""


@pytest.fixture(scope="module", name="site")
def fixture_site(start_shared, shared_origin, pki, folder):
    root = folder / "access-www"
    for name in ("allowed", "denied", "other", "first", "outer/inherits", "outer/own", "except",
                 "shut-page"):
        (root / name).mkdir(parents=True)
        (root / name / "x.html").write_text(name)
    (root / "page-of-it.html").write_text("sorry")
    site = Edge(start_shared, shared_origin, pki, body=RULES.replace("$ROOT", str(root)))
    site.origin.script = serve(lambda request: wire.response(200, request.start.encode()))
    return site


@pytest.mark.parametrize("target, status", [
    ("/allowed/x.html", 200), ("/denied/x.html", 403), ("/other/x.html", 200),
    ("/first/x.html", 200), ("/outer/inherits/x.html", 403), ("/outer/own/x.html", 200),
    ("/returned/x", 200), ("/to-name/x", 403), ("/shut-page/x.html", 403),
])
def test_the_first_rule_that_fits_decides(site, target, status):
    assert site.get(target).status == status


def test_what_is_forbidden_is_told_as_nginx_does(site):
    mark = site.ringway.mark()
    site.get("/denied/x.html")
    assert site.ringway.wait_log(
        r"\[error\].* access forbidden by rule, client: 127.0.0.1, server: www.test, "
        r'request: "GET /denied/x.html HTTP/1.1", host: "', mark)


def test_a_refusal_has_its_error_page(site):
    answer = site.get("/page/x")
    assert (answer.status, answer.body) == (403, b"sorry")


@pytest.mark.parametrize("method, target, status, body", [
    ("GET", "/except/x.html", 200, b"except"), ("HEAD", "/except/x.html", 200, b""),
    ("POST", "/except/x.html", 403, None), ("FOO", "/except/x.html", 403, None),
    ("GET", "/read-only/x", 200, b"GET /base/x HTTP/1.1"), ("DELETE", "/read-only/x", 403, None),
    ("PUT", "/elsewhere/x", 200, b"PUT /elsewhere/x HTTP/1.1"),
    ("GET", "/elsewhere/x", 200, b"canary /elsewhere/x"),
    ("GET", "/not-returned/x", 200, b"returned"), ("PUT", "/not-returned/x", 403, None),
])
def test_limit_except_is_for_all_other_methods(site, method, target, status, body):
    answer = site.get(target, method)
    assert answer.status == status
    assert body is None or answer.body == body


def test_a_body_that_is_refused_leaves_the_connection_usable(site, connect):
    c = connect(site.port)
    c.send(wire.request("/denied/x.html", "POST", body=b"x" * 5000))
    assert c.response("POST").status == 403
    assert c.ask("/allowed/x.html").status == 200


@pytest.mark.parametrize("text, message", [
    ("deny 10.0.0.0/33;", 'invalid parameter "10.0.0.0/33"'),
    ("limit_except BREW { }", 'invalid method "BREW"'),
    ("satisfy some;", 'invalid value "some"'),
])
def test_mistakes_are_told_with_file_and_line(conf_file, text, message):
    path = conf_file("events { }\nhttp { server {\nlocation / {\n" + text + "\n} } }\n")
    done = ringway.run_file(path, "-t")
    assert done.returncode == 1
    assert f"[emerg] {message} in {path}:4" in done.stderr


def test_rules_hold_for_ipv6_clients(start, connect):
    port = ringway.free_ports()
    start(ringway.http(f"server {{ listen [::1]:{port}; location /a {{ deny ::1; }} "
                       "location /b { deny 127.0.0.1; deny 2001:db8::/32; error_page 404 = /c; }"
                       'location /c { return 200 "c"; } }'), listens=[port])
    assert connect(port, address="::1").ask("/a").status == 403
    assert connect(port, address="::1").ask("/b").body == b"c"
