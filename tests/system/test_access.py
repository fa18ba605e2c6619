"""Who may come: addresses, passwords, satisfy, limit_except."""
import base64
import time

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
location /if-denied/ { deny all; if ($arg_x) { add_header X-If 1; } proxy_pass http://origin; }
location /if-allowed/ { allow all; if ($arg_x) { add_header X-If 1; } proxy_pass http://origin; }
location /tried/ { deny all; try_files $uri /allowed/x.html; }
location /to-denied/ { try_files $uri /denied/x.html; }
location /rewritten/ { rewrite ^/rewritten/(.*)$ /denied/$1 last; }
location /broken/ { rewrite ^/broken/(.*)$ /allowed/$1 break; deny all; }
location /sent/ { proxy_pass http://origin; }
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
    site.origin.script = serve(lambda request: wire.response(
        200, request.start.encode(),
        [("X-Accel-Redirect", "/denied/x.html")] if "/sent/" in request.start else []))
    return site


@pytest.mark.parametrize("target, status", [
    ("/allowed/x.html", 200), ("/denied/x.html", 403), ("/other/x.html", 200),
    ("/first/x.html", 200), ("/outer/inherits/x.html", 403), ("/outer/own/x.html", 200),
    ("/if-denied/x", 403), ("/if-denied/x?x=1", 403), ("/if-allowed/x", 200),
    ("/if-allowed/x?x=1", 200), ("/tried/x", 403), ("/to-denied/x", 403),
    ("/rewritten/x.html", 403), ("/broken/x.html", 403), ("/sent/x", 403),
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


def test_a_server_without_locations_has_its_rules(start, connect):
    port = ringway.free_ports()
    start(ringway.http(ringway.server(port, "deny 127.0.0.1; root /nowhere;")))
    assert connect(port).ask("/").status == 403


def test_rules_hold_for_ipv6_clients(start, connect):
    port = ringway.free_ports()
    start(ringway.http(f"server {{ listen [::1]:{port}; location /a {{ deny ::1; }} "
                       "location /b { deny 127.0.0.1; deny 2001:db8::/32; error_page 404 = /c; }"
                       'location /c { return 200 "c"; } }'), listens=[port])
    assert connect(port, address="::1").ask("/a").status == 403
    assert connect(port, address="::1").ask("/b").body == b"c"


# --- passwords --------------------------------------------------------------------------------

PASSWORDS = r"""
location / { return 200 "$remote_user"; }
location /own/ { auth_basic "own realm $uri"; auth_basic_user_file users; INSIDE }
location /off/ { auth_basic off; auth_basic_user_file users; INSIDE }
location /by-name/ { auth_basic $arg_realm; auth_basic_user_file $arg_file; INSIDE }
location /without-file/ { auth_basic x; INSIDE }
location /any/ { satisfy any; deny 127.0.0.1; auth_basic any; auth_basic_user_file users; INSIDE }
location /any-allowed/ { satisfy any; allow 127.0.0.1; deny all; auth_basic any;
    auth_basic_user_file users; INSIDE }
location /all-denied/ { deny all; auth_basic all; auth_basic_user_file users; INSIDE }
location /any-denied/ { satisfy any; deny all; auth_basic off; INSIDE }
location /any-broken/ { satisfy any; deny all; auth_basic x; auth_basic_user_file absent; INSIDE }
location /page/ { auth_basic page; auth_basic_user_file users; error_page 401 /sorry/x; INSIDE }
location /delayed/ { auth_basic x; auth_basic_user_file users; auth_delay 300ms; INSIDE }
location /writing/ { limit_except GET { auth_basic writers; auth_basic_user_file users; }
    root $ROOT; }
"""
USERS = """# users
plain:{PLAIN}secret:a comment
sha:{SHA}MXmmXv8lI7veU8mbKZtxnBCjUjU=
apr:$apr1$saltsalt$M2b95Jota4AKoI/tH3eyJ/
bcrypt:$2y$04$abcdefghijklmnopqrstuu2Vo3TWutZSHUfluiaHt5gekKPzGepHC
des:abpWIu4f4hFp2\r
plain:{PLAIN}second
#hash:{PLAIN}hash
:{PLAIN}nobody
last:{PLAIN}line"""


def basic(user, password):
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return [("Authorization", f"Basic {pair}")]


@pytest.fixture(scope="module", name="guarded")
def fixture_guarded(start_shared, shared_origin, pki, folder):
    root = folder / "guarded-www"
    inside = f"root {root};"
    for name in ("own", "off", "by-name", "without-file", "any", "any-allowed", "all-denied",
                 "any-denied", "any-broken", "page", "delayed", "writing", "sorry"):
        (root / name).mkdir(parents=True)
        (root / name / "x").write_text("inside")
    (root / "sorry" / "x").write_text("sorry")
    site = Edge(start_shared, shared_origin, pki,
                body=PASSWORDS.replace("INSIDE", inside).replace("$ROOT", str(root))
                + f"location /sorry/ {{ {inside} }}")
    (site.ringway.folder / "users").write_text(USERS)
    return site


@pytest.mark.parametrize("user, password, status", [
    ("plain", "secret", 200), ("sha", "correct", 200), ("apr", "correct", 200),
    ("bcrypt", "correct", 200), ("bcrypt", "correct", 200), ("des", "correct", 200),
    ("last", "line", 200), ("plain", "second", 401), ("plain", "", 401), ("apr", "Correct", 401),
    ("bcrypt", "correcT", 401), ("#hash", "hash", 401), ("", "nobody", 401),
    ("plai", "secret", 401), ("plain:", "secret", 401),
    pytest.param("x" * 3000, "y" * 3000, 401, id="long"),
])
def test_a_user_of_the_file_gets_in(guarded, user, password, status):
    assert guarded.get("/own/x", fields=basic(user, password)).status == status


def test_many_who_come_at_once_have_their_turn(guarded, connect):
    clients = [connect(guarded.port) for _ in range(40)]
    for i, c in enumerate(clients):
        c.send(wire.request("/own/x", fields=basic("bcrypt", "correct" if i % 2 else f"wrong {i}")))
    assert [c.response().status for c in clients] == [401, 200] * 20


@pytest.mark.parametrize("field", [
    None, "Basic", "Basic ", "Basic !!!", "Basic cGxhaW4=", "Bearer cGxhaW46c2VjcmV0",
    "Basic cGxhaW46c2VjcmV0=x y", "basic:", "Basic AAAA"])
def test_whoever_gives_no_name_is_asked(guarded, field):
    mark = guarded.ringway.mark()
    answer = guarded.get("/own/x", fields=[("Authorization", field)] if field else [])
    if field and field.startswith("Basic cGxhaW46c2"):  # what is behind the padding is nothing
        assert answer.status == 200
        return
    assert answer.status == 401
    assert answer.get("WWW-Authenticate") == 'Basic realm="own realm /own/x"'
    assert guarded.ringway.wait_log(
        r"\[info\].* no user/password was provided for basic authentication, client", mark)


def test_the_scheme_has_no_case(guarded):
    field = ("Authorization", basic("plain", "secret")[0][1].replace("Basic", "bASIC"))
    assert guarded.get("/own/x", fields=[field]).status == 200


@pytest.mark.parametrize("user, line", [
    ("plain", r'\[error\].* user "plain": password mismatch, client: 127.0.0.1'),
    ("no\"body\x01", r'\[error\].* user "no\\x22body\\x01" was not found in ".*/users", client'),
])
def test_why_somebody_is_refused_is_logged(guarded, user, line):
    mark = guarded.ringway.mark()
    assert guarded.get("/own/x", fields=basic(user, "wrong")).status == 401
    assert guarded.ringway.wait_log(line, mark)


@pytest.mark.parametrize("target, status, realm", [
    ("/off/x", 200, None), ("/without-file/x", 200, None),
    ("/by-name/x?file=users&realm=off", 200, None),
    ("/by-name/x?file=users&realm=other", 401, "other"), ("/by-name/x?file=users", 401, ""),
    ("/any/x", 401, "any"), ("/any-allowed/x", 200, None), ("/all-denied/x", 403, None),
    ("/any-denied/x", 403, None), ("/any-broken/x", 401, "x"),
])
def test_without_a_password(guarded, target, status, realm):
    answer = guarded.get(target)
    assert answer.status == status
    assert answer.get("WWW-Authenticate") == (None if realm is None else f'Basic realm="{realm}"')


@pytest.mark.parametrize("target, status", [
    ("/any/x", 200), ("/all-denied/x", 403), ("/any-denied/x", 403), ("/page/x", 200),
    ("/any-broken/x", 403), ("/by-name/x?realm=a&file=users", 200),
    ("/by-name/x?realm=a&file=absent", 403), ("/by-name/x?realm=a&file=/proc/self", 500),
    ("/by-name/x?realm=a&file=/dev/null", 500), ("/by-name/x?realm=a&file=", 500),
])
def test_with_a_password(guarded, target, status):
    assert guarded.get(target, fields=basic("plain", "secret")).status == status


def test_a_realm_that_may_not_stand_in_a_field_is_an_error(guarded):
    assert guarded.get("/own/%01").status == 500


def test_the_error_page_of_a_refusal_keeps_the_challenge(guarded):
    answer = guarded.get("/page/x")
    assert (answer.status, answer.body) == (401, b"sorry")
    assert answer.get("WWW-Authenticate") == 'Basic realm="page"'


def test_limit_except_asks_for_a_password(guarded):
    assert guarded.get("/writing/x").status == 200
    assert guarded.get("/writing/x", "PUT").get("WWW-Authenticate") == 'Basic realm="writers"'
    assert guarded.get("/writing/x", "PUT", fields=basic("plain", "secret")).status == 405


def test_remote_user_is_the_name(guarded):
    assert guarded.get("/", fields=basic("somebody", "x:y")).body == b"somebody"


def test_a_refusal_is_held_back(guarded, connect):
    began = time.monotonic()
    assert guarded.get("/delayed/x").status == 401
    assert 0.25 < time.monotonic() - began < 2
    began = time.monotonic()
    assert guarded.get("/delayed/x", fields=basic("plain", "secret")).status == 200
    assert time.monotonic() - began < 0.25
    mark = guarded.ringway.mark()
    c = connect(guarded.port)
    c.send(wire.request("/delayed/x"))
    guarded.ringway.wait_log(r"\[info\].* delaying unauthorized request", mark)
    c.reset()
    guarded.ringway.wait_log(r"\[info\].* client prematurely closed connection", mark)


def test_a_changed_file_counts_after_a_second(guarded):
    path = guarded.ringway.folder / "users-that-change"
    target = "/by-name/x?realm=a&file=users-that-change"
    path.write_text("a:{PLAIN}1\n")
    assert guarded.get(target, fields=basic("a", "1")).status == 200
    path.write_text("b:{PLAIN}2\n")
    wire.wait_until(lambda: guarded.get(target, fields=basic("b", "2")).status == 200, 3)
    assert guarded.get(target, fields=basic("a", "1")).status == 401
    path.unlink()
    wire.wait_until(lambda: guarded.get(target, fields=basic("b", "2")).status == 403, 3)


def test_more_files_than_are_kept_are_read_again(guarded):
    for i in range(80):
        (guarded.ringway.folder / f"users-{i}").write_text(f"u:{{PLAIN}}{i}\n")
    for _ in range(2):
        for i in range(80):
            target = f"/by-name/x?realm=a&file=users-{i}"
            assert guarded.get(target, fields=basic("u", i)).status == 200


def test_a_file_that_is_too_large_is_an_error(guarded):
    path = guarded.ringway.folder / "users-large"
    path.write_bytes(b"a:{PLAIN}1\n" + b"#" * (16 * 1024 * 1024 - 11))
    target = "/by-name/x?realm=a&file=users-large"
    assert guarded.get(target, fields=basic("a", "1")).status == 200
    path.write_bytes(b"a:{PLAIN}1\n" + b"#" * (16 * 1024 * 1024 - 10))
    wire.wait_until(lambda: guarded.get(target, fields=basic("a", "1")).status == 500, 3)
