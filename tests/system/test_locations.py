"""Server and location choice, answers made by the proxy itself, files, logs, limits."""
import json
import os
import re
import time

import pytest

import client
import ringway
import wire
from edge import Edge
from origin import serve
from wire import request, response

LOCATIONS = """
root $ROOT;
location = / { return 200 "exact root"; }
location / { return 200 "prefix / $uri"; }
location /images/ { return 200 "prefix images"; }
location ^~ /images/final/ { return 200 "final"; }
location = /images/exact { return 200 "exact"; }
location ~ \\.PNG$ { return 200 "regex case"; }
location ~* \\.(png|gif)$ { return 200 "regex $1"; }
location ~ ^/user/(?<name>[a-z]+)/(\\d+)$ { return 200 "$name-$2-$1"; }
location /nested/ {
    return 200 "outer";
    location /nested/inner/ { return 200 "inner"; }
    location ~ ^/nested/.*\\.txt$ { return 200 "inner regex"; }
}
location /codes/204 { return 204; }
location /codes/301 { return 301 /moved; }
location /codes/302 { return 302 http://other.test/$request_uri; }
location /codes/url { return https://other.test/; }
location /codes/403 { return 403; }
location /codes/404 { return 404 "own text"; }
location /codes/444 { return 444; }
location /codes/503 { return 503; }
location /variables { return 200 "$request_method|$scheme|$host|$uri|$args|$arg_a|$is_args\
|$http_x_y|$cookie_c\
|$remote_addr|$server_name|$server_port|$server_protocol|$request_uri|$query_string\
|$content_length|$status|$connection_requests"; }
location /files/ { }
location /listed/ { index first.html second.html; }
location /geo/ { index index.$arg_geo.html index.0.html /files/a.html; }
location /programs/ { index index.none index.program; }
location ~ \\.program$ { return 200 "run $request_method $uri $args"; }
location /circle/ { index /circle/; }
location /headers/ {
    add_header X-One 1;
    add_header X-Var "$request_method";
    add_header X-Always 2 always;
    add_header X-Empty "";
    location /headers/ok { return 200 ok; }
    location /headers/bad { return 404; }
    location /headers/own { add_header X-Own 3; return 200 ok; }
}
location /errors/ {
    error_page 404 /error-uri;
    error_page 403 =200 /error-uri;
    error_page 500 502 503 504 = @named;
    error_page 410 https://other.test/gone;
    location /errors/404 { return 404; }
    location /errors/403 { return 403; }
    location /errors/503 { return 503; }
    location /errors/410 { return 410; }
    location /errors/proxied { proxy_pass http://nobody; }
    location /errors/file { }
}
location = /error-uri { return 200 "error page for $uri"; }
location @named { return 207 "named"; }
location /typed { default_type text/x-own; return 200 "typed"; }
"""
SERVERS = [
    ("names.test", "default_server", "exact"), ("*.wild.test", "", "head"),
    ("tail.*", "", "tail"), (r"~^(?<who>[a-z]+)\.regex\.test$", "", "regex $who"),
    ("a.wild.test", "", "exact beats wildcard"), (".both.test", "", "both"),
    ('""', "", "no host"),
]


@pytest.fixture(scope="module")
def root(folder):
    path = folder / "www"
    for name, content in {
            "files/a.html": b"<p>a", "files/a.txt": b"text", "files/b.bin": bytes(range(256)),
            "files/empty.txt": b"", "files/big.bin": wire.pattern(3_000_000),
            "files/with space.txt": b"space", "files/.hidden": b"hidden", "files/x.unknown": b"?",
            "files/exact16k.txt": wire.pattern(16384), "files/index.html": b"index",
            "geo/index.de.html": b"de", "geo/index.0.html": b"any", "geo/sub/x": b"",
            "programs/index.program": b"source of a program",
            "listed/second.html": b"second", "listed/sub/first.html": b"first in sub",
            "files/style.css": b"css", "files/data.json": b"{}", "outside.txt": b"in root"}.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    (folder / "secret.txt").write_bytes(b"secret")
    (path / "files" / "locked.txt").write_bytes(b"locked")
    for folder_, _, names in os.walk(path):
        os.chmod(folder_, 0o755)
        for name in names:
            os.chmod(os.path.join(folder_, name), 0o644)
    return path


class Site(Edge):
    """An Edge with the locations above, servers by name, and logs."""

    def __init__(self, start, make_origin, pki, root, folder):
        self.names_port, self.default_port, self.log_port = ringway.free_ports(3)
        self.logs = folder / "site-logs"
        self.logs.mkdir()
        servers = [f"""server {{ listen 127.0.0.1:{self.names_port} {default};
            server_name {name}; location / {{ return 200 "{text}"; }} }}"""
                   for name, default, text in SERVERS]
        servers.append(f"""server {{ listen 127.0.0.1:{self.default_port};
            location / {{ return 200 "first is default"; }} }}
            server {{ listen 127.0.0.1:{self.default_port}; server_name other.test;
            location / {{ return 200 "other"; }} }}""")
        servers.append(f"""
            log_format own '$remote_addr "$request" $status $body_bytes_sent "$http_x_log"'
                           ' $upstream_status $upstream_addr $request_length';
            log_format json escape=json '{{"request":"$request","x":"$http_x_log"}}';
            log_format plain escape=none '$http_x_log';
            upstream nobody {{ server 127.0.0.1:{ringway.free_ports()}; }}
            server {{ listen 127.0.0.1:{self.log_port};
              access_log {self.logs}/combined.log;
              location /own {{ access_log {self.logs}/own.log own; proxy_pass http://origin; }}
              location /json {{ access_log {self.logs}/json.log json; return 200 ok; }}
              location /plain {{ access_log {self.logs}/plain.log plain; return 200 ok; }}
              location /two {{ access_log {self.logs}/two-a.log own;
                               access_log {self.logs}/two-b.log combined; return 200 ok; }}
              location /off {{ access_log off; return 200 ok; }}
              location /if {{ access_log {self.logs}/if.log combined if=$arg_log; return 200 ok; }}
              location / {{ return 200 "hello"; }} }}""")
        types = "types { text/html html; text/css css; text/plain txt; application/json json; }\n"
        super().__init__(start, make_origin, pki, body=LOCATIONS.replace("$ROOT", str(root)),
                         blocks="\n".join(servers), settings=types)

    def ask(self, port, host, target="/"):
        return client.get(port, target, host=host).body.decode()

    def log_of(self, name, lines=1):
        path = self.logs / name
        wire.wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") >= lines, 5,
                        f"{name} has {lines} lines")
        return path.read_text("utf-8", "backslashreplace").splitlines()


@pytest.fixture(scope="module")
def edge(start_shared, shared_origin, pki, root, folder):
    return Site(start_shared, shared_origin, pki, root, folder)


@pytest.fixture(autouse=True)
def unharmed(edge):
    with edge.unharmed():
        yield


# --- locations ----------------------------------------------------------------------------------

@pytest.mark.parametrize("target, wanted", [
    ("/", "exact root"), ("/other", "prefix / /other"), ("/images/x", "prefix images"),
    ("/images/x.png", "regex png"), ("/images/X.PNG", "regex case"), ("/x.GIF", "regex GIF"),
    ("/images/final/x.png", "final"), ("/images/exact", "exact"),
    ("/images/exact?x.png", "exact"), ("/user/bob/17", "bob-17-bob"),
    ("/user/bob/x", "prefix / /user/bob/x"),
    ("/nested/", "outer"), ("/nested/inner/x", "inner"), ("/nested/a.txt", "inner regex"),
    ("/nested/a.png", "regex png"), ("/%69mages/x", "prefix images"),
    ("/a/../images/x", "prefix images"), ("//images///x", "prefix images"),
    ("/./images/./x", "prefix images"), ("/images%2Fx", "prefix images"),
])
def test_location_is_chosen_as_nginx_does(edge, target, wanted):
    assert edge.get(target).body.decode() == wanted


@pytest.mark.parametrize("host, wanted", [
    ("names.test", "exact"), ("NAMES.test", "exact"), ("names.test:99", "exact"),
    ("names.test.", "exact"), ("x.wild.test", "head"), ("x.y.wild.test", "head"),
    ("wild.test", "exact"), ("a.wild.test", "exact beats wildcard"), ("tail.example", "tail"),
    ("bob.regex.test", "regex bob"), ("bob7.regex.test", "exact"), ("both.test", "both"),
    ("sub.both.test", "both"), ("nobody.example", "exact"),
])
def test_server_is_chosen_by_name(edge, host, wanted):
    assert edge.ask(edge.names_port, host) == wanted


def test_request_without_host_goes_to_the_empty_name(edge):
    with client.Client(edge.names_port) as c:
        c.send(b"GET / HTTP/1.0\r\n\r\n")
        assert c.response().body == b"no host"


def test_first_server_is_the_default(edge):
    assert edge.ask(edge.default_port, "unknown.test") == "first is default"
    assert edge.ask(edge.default_port, "other.test") == "other"


# --- return, add_header, error_page ---------------------------------------------------------------

@pytest.mark.parametrize("code", [403, 404, 503])
def test_return_makes_a_page_like_nginx(edge, code):
    answer = edge.get(f"/codes/{code}")
    assert answer.status == code
    if code == 404:
        assert answer.body == b"own text"
    else:
        assert answer.get("Content-Type") == "text/html"
        assert b"<html>" in answer.body and b"ringway" in answer.body


def test_return_of_redirects(edge):
    moved = edge.get("/codes/301")
    assert moved.status == 301 and moved.get("Location") == f"http://www.test:{edge.port}/moved"
    assert edge.get("/codes/302").get("Location") == "http://other.test//codes/302"
    url = edge.get("/codes/url")
    assert url.status == 302 and url.get("Location") == "https://other.test/"


def test_return_204_has_no_body(edge):
    with edge.connect() as c:
        assert c.ask("/codes/204").get("Content-Length") is None
        assert c.ask("/").body == b"exact root"


def test_return_444_closes_without_an_answer(edge):
    with edge.connect() as c:
        c.send(request("/codes/444"))
        assert c.until_close() == b""


def test_variables_have_their_values(edge):
    with edge.connect() as c:
        c.ask("/")
        answer = c.ask("/variables/%41?a=1&b=2", "POST", body=b"xyz",
                       fields=[("X-Y", "field"), ("Cookie", "b=1; c=cookie")])
    assert answer.body.decode().split("|") == [
        "POST", "http", "www.test", "/variables/A", "a=1&b=2", "1", "?", "field", "cookie",
        "127.0.0.1", "www.test", str(edge.port), "HTTP/1.1", "/variables/%41?a=1&b=2", "a=1&b=2",
        "3", "200", "2"]


def test_value_from_the_client_never_breaks_a_header(edge, start):
    port = ringway.free_ports()
    start(ringway.http(ringway.server(port, """
        location / { add_header X-Uri $uri; add_header X-Arg $arg_a; return 200 ok; }
        location /to { return 302 http://a.test$uri; }""")))
    for target in "/x%0d%0aX-Evil:%201", "/?a=%0d%0aX-Evil:%201", "/to/%0d%0aX-Evil:%201":
        answer = client.get(port, target)
        assert answer.get("X-Evil") is None


def test_added_headers_depend_on_the_status(edge):
    ok, bad = edge.get("/headers/ok"), edge.get("/headers/bad")
    assert (ok.get("X-One"), ok.get("X-Var"), ok.get("X-Always")) == ("1", "GET", "2")
    assert (bad.get("X-One"), bad.get("X-Always")) == (None, "2")
    assert ok.get("X-Empty") is None
    own = edge.get("/headers/own")
    assert own.get("X-Own") == "3" and own.get("X-One") is None


def test_error_pages(edge):
    answer = edge.get("/errors/404")
    assert answer.status == 404 and answer.body == b"error page for /error-uri"
    answer = edge.get("/errors/403")
    assert answer.status == 200 and answer.body == b"error page for /error-uri"
    answer = edge.get("/errors/503")
    assert answer.status == 207 and answer.body == b"named"
    assert edge.get("/errors/proxied").status == 207
    answer = edge.get("/errors/410")
    assert answer.status == 302 and answer.get("Location") == "https://other.test/gone"
    assert edge.get("/errors/file/none").status == 404


def test_head_of_an_own_answer_has_its_length(edge):
    answer = edge.get("/", "HEAD")
    assert answer.get("Content-Length") == str(len("exact root"))


def test_default_type_is_that_of_the_location(edge):
    assert edge.get("/typed").get("Content-Type") == "text/x-own"


def test_server_tokens_tell_the_version_only_where_they_are_on(edge, start):
    on, off = ringway.free_ports(2)
    start(ringway.http(ringway.server(on, "server_tokens on; return 404;"),
                       ringway.server(off, "server_tokens off; return 404;")))
    answer = client.get(on)
    assert re.fullmatch(r"ringway/\d+\.\d+\.\d+", answer.get("Server"))
    answer = client.get(off)
    assert answer.get("Server") == "ringway" and b"ringway/" not in answer.body


# --- files --------------------------------------------------------------------------------------

@pytest.mark.parametrize("target, kind", [
    ("/files/a.html", "text/html"), ("/files/a.txt", "text/plain"),
    ("/files/style.css", "text/css"),
    ("/files/data.json", "application/json"), ("/files/x.unknown", "text/plain"),
    ("/files/b.bin", "text/plain"), ("/files/empty.txt", "text/plain")])
def test_files_are_served_with_their_types(edge, root, target, kind):
    answer = edge.get(target)
    assert answer.status == 200 and answer.body == (root / target[1:]).read_bytes()
    assert answer.get("Content-Type") == kind
    assert answer.get("Last-Modified").endswith("GMT")
    assert answer.get("Content-Length") == str(len(answer.body))


@pytest.mark.parametrize("name", ["big.bin", "exact16k.txt"])
def test_large_files_are_served_whole(edge, root, name):
    assert edge.get(f"/files/{name}").body == (root / "files" / name).read_bytes()


def test_file_names_are_decoded(edge):
    assert edge.get("/files/with%20space.txt").body == b"space"


def test_index_is_served_for_a_folder(edge):
    assert edge.get("/files/").body == b"index"
    assert edge.get("/listed/").body == b"second"
    assert edge.get("/listed/sub/").body == b"first in sub"


@pytest.mark.parametrize("target, body", [
    ("/geo/?geo=de", b"de"), ("/geo/?geo=fr", b"any"), ("/geo/", b"any"),
    ("/geo/?geo=/../../files/a", b"any"), ("/geo/sub/", b"<p>a")])
def test_index_is_named_by_variables_and_by_another_uri(edge, target, body):
    assert edge.get(target).body == body


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_index_is_answered_by_its_own_location(edge, method):
    answer = edge.get("/programs/?a=b", method)
    assert (answer.status, answer.body) == (200, b"run %s /programs/index.program a=b"
                                            % method.encode())


def test_index_of_a_folder_that_is_not_there_is_a_404(edge):
    assert edge.get("/geo/none/").status == 404


def test_index_files_in_a_circle_are_an_error(edge):
    assert edge.get("/circle/").status == 500


def test_folder_without_slash_is_redirected(edge):
    answer = edge.get("/listed/sub?x=y")
    assert answer.status == 301
    assert answer.get("Location") == f"http://www.test:{edge.port}/listed/sub/?x=y"


@pytest.mark.parametrize("target, status", [
    ("/files/none.txt", 404), ("/files/none/none.txt", 404), ("/files/a.txt/", 404),
    ("/files/a.txt/x", 404), ("/files/../../secret.txt", 400),
    ("/files/%2e%2e/%2e%2e/secret.txt", 400),
    ("/files/..%2f..%2fsecret.txt", 400), ("/files/" + "x" * 300, 404), ("/files/a.txt%00", 400)])
def test_what_is_no_file_is_refused(edge, target, status):
    answer = edge.get(target)
    assert answer.status == status and b"secret" not in answer.body


def test_files_take_only_get_and_head(edge):
    assert edge.get("/files/a.txt", "POST", body=b"x").status == 405
    answer = edge.get("/files/a.txt", "HEAD")
    assert answer.status == 200 and answer.get("Content-Length") == "4"


def test_unreadable_file_is_403(edge, root, start):
    port = ringway.free_ports()
    (root / "files" / "locked.txt").chmod(0)
    start(ringway.http(ringway.server(port, f"root {root};")), user="nobody nogroup")
    try:
        assert client.get(port, "/files/locked.txt").status == 403
        assert client.get(port, "/files/a.txt").body == b"text"
    finally:
        (root / "files" / "locked.txt").chmod(0o644)


# --- logs ---------------------------------------------------------------------------------------

def test_combined_log_is_the_default(edge):
    client.get(edge.log_port, "/x?y", fields=[
        ("Referer", "http://r.test/"), ("User-Agent", "a\"b")])
    line = edge.log_of("combined.log")[-1]
    assert re.fullmatch(
        r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
        r'"GET /x\?y HTTP/1\.1" 200 5 '
        r'"http://r\.test/" "a\\x22b"', line)


def test_own_format_has_upstream_variables(edge):
    edge.origin.script = serve(lambda r: response(404, b"seven77"))
    client.get(edge.log_port, "/own", fields=[("X-Log", "\xe9\tx")])
    line = edge.log_of("own.log")[-1]
    assert line.startswith('127.0.0.1 "GET /own HTTP/1.1" 404 7 "\\xE9\\x09x" 404 '
                           f"{edge.origin.address} ")


def test_json_and_plain_escapes(edge):
    client.get(edge.log_port, "/json", fields=[("X-Log", 'q"\\\tx')])
    assert json.loads(edge.log_of("json.log")[-1])["x"] == 'q"\\\tx'
    client.get(edge.log_port, "/plain", fields=[("X-Log", 'q"\\x')])
    assert edge.log_of("plain.log")[-1] == 'q"\\x'


def test_several_logs_none_and_conditional_ones(edge):
    client.get(edge.log_port, "/two")
    assert edge.log_of("two-a.log") and edge.log_of("two-b.log")
    client.get(edge.log_port, "/off")
    for target in "/if", "/if?log=", "/if?log=0", "/if?log=1":
        client.get(edge.log_port, target)
    assert [line.split('"')[1] for line in edge.log_of("if.log")] == ["GET /if?log=1 HTTP/1.1"]
    assert "/off" not in (edge.logs / "combined.log").read_text()


def test_refused_requests_are_logged_too(edge):
    with client.Client(edge.log_port) as c:
        c.send(b"GET /bad path HTTP/1.1\r\n\r\n")
        assert c.response().status == 400
    wire.wait_until(lambda: '" 400 ' in (edge.logs / "combined.log").read_text(), 3)


def test_record_of_a_client_that_left_at_once_has_its_address(edge):
    before = len(edge.log_of("own.log"))
    for _ in range(50):
        with client.Client(edge.log_port) as c:
            c.send(request("/own"))
            c.reset()
    time.sleep(0.3)
    lines = edge.log_of("own.log", before + 1)[before:]
    nameless = [line for line in lines if not line.startswith("127.0.0.1 ")]
    assert not nameless, f"{len(nameless)} of {len(lines)}: {nameless[0]}"


def test_log_files_are_opened_again_at_usr1(edge):
    old = edge.logs / "combined.log"
    client.get(edge.log_port, "/before")
    edge.log_of("combined.log")
    old.rename(edge.logs / "rotated.log")
    mark = edge.ringway.mark()
    edge.ringway.signal(10)
    edge.ringway.wait_log("open|reopen", mark)
    wire.wait_until(lambda: client.get(edge.log_port, "/after") and old.exists()
                    and "/after" in old.read_text(), 5, "new log is written")


# --- limits and time ------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def limited(start_shared):
    port = ringway.free_ports()
    start_shared(ringway.http(ringway.server(port, """
        keepalive_requests 3; keepalive_timeout 700ms 9s; client_header_timeout 700ms;
        client_body_timeout 700ms; client_max_body_size 1000;
        location / { return 200 "$connection_requests"; }
        location /unlimited { client_max_body_size 0; return 200 ok; }
        location /no-keepalive { keepalive_timeout 0; return 200 ok; }""")))
    return port


def test_keepalive_requests_end_the_connection(limited):
    with client.Client(limited) as c:
        answers = [c.ask("/") for _ in range(3)]
        assert [a.body for a in answers] == [b"1", b"2", b"3"]
        assert answers[2].get("Connection") == "close"
        assert c.until_close() == b""


def test_keepalive_timeout_ends_an_idle_connection(limited):
    with client.Client(limited) as c:
        assert c.ask("/").get("Keep-Alive") == "timeout=9"
        begin = time.monotonic()
        assert c.until_close() == b""
        assert 0.5 < time.monotonic() - begin < 2


def test_keepalive_timeout_of_zero_closes_at_once(limited):
    with client.Client(limited) as c:
        assert c.ask("/no-keepalive").get("Connection") == "close"
        assert c.until_close() == b""


@pytest.mark.parametrize("size, status", [(999, 200), (1000, 200), (1001, 413)])
def test_body_size_limit_holds_to_the_byte(limited, size, status):
    assert client.get(limited, "/", "POST", body=b"x" * size).status == status
    assert client.get(limited, "/unlimited", "POST", body=b"x" * size).status == 200


def test_head_that_stalls_is_408(limited):
    with client.Client(limited) as c:
        c.send(b"GET / HT")
        assert c.response().status == 408
        assert c.is_closed()
