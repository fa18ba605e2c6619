"""Where a request ends up: alias, try_files, internal, named locations, error_page."""
import os
import re

import pytest

import client
import ringway
import wire
from edge import Edge

BODY = """
root $ROOT;
location / { }
location /give { return 200 "$request_method|$uri|$args|$status"; }
location @named { return 200 "named $request_method|$uri|$args|$status"; }

# alias
location /a1/ { alias $ROOT/al/; }
location /a2 { alias $ROOT/al; }
location /a3 { alias $ROOT/al/; }
location = /a4 { alias $ROOT/a.html; }
location ~ ^/a5/(.*)$ { alias $ROOT/al/$1; }
location /a6/ { alias $ROOT/$arg_d/; }
location /a8/ { rewrite ^/a8/(.*)$ /a8/$1 break; alias $ROOT/al/; }
location /a9/ { rewrite ^/a9/(.*)$ /a1/$1 last; }
location /a7 {
    alias $ROOT/al;
    location /a7/d { return 200 "$document_root|$request_filename|$realpath_root"; }
    location /a7/e { root $ROOT/e; return 200 "$document_root|$request_filename"; }
}

# try_files
location /t404 { try_files /none =404; }
location /t204 { try_files /none =204; }
location /t444 { try_files /none =444; }
location /dir { try_files $uri $uri/ =405; }
location /t1/ { alias $ROOT/al/; try_files $uri $uri/ /a.html; }
location /t2/ { alias $ROOT/al/; try_files $uri/index.html $uri.txt =405; }
location /t3/ { alias $ROOT/al/; try_files none $uri @named; }
location ~ ^/t4/(.*)$ { alias $ROOT/al/; try_files $1 =405; }
location /t5 { try_files /none /give?$args; }
location /t6 { try_files /none /give; }
location /t7 { try_files /none /t7; }
location /t8 { try_files /none @circle; }
location @circle { try_files /none @circle; }
location /t9 { try_files /none @none; }
location /t10 { try_files /$arg_f =405; }
location /t11 { try_files /none $arg_to; }
location /t12/ { try_files /a.html =405; proxy_pass http://origin; }
location /t13/ { try_files /a.html =405; proxy_pass http://origin/; }

# internal
location /inner { internal; return 200 "inner $args"; }
location /toinner { error_page 404 =200 /inner?a=b; return 404; }
location /tryinner { try_files /none /inner; }
location /idx/ { index none.html /inner; }

# error_page
location /e { error_page 410 = /give?x=$arg_y; error_page 411 http://x.test$uri;
              error_page 412 =308 https://x.test/; error_page 413 @named; error_page 414 @none;
              error_page 415 /err/$arg_x; error_page 416 =418 there; error_page 417 =204 /a.html;
              error_page 405 403 =404 /err/404.html; error_page 301 =200 /a.html;
              error_page 404 /err/404.html;
    location /e/410 { return 410; }
    location /e/411 { return 411; }
    location /e/412 { return 412; }
    location /e/413 { return 413; }
    location /e/414 { return 414; }
    location /e/415 { return 415; }
    location /e/416 { return 416; }
    location /e/417 { return 417; }
    location /e/403 { return 403; }
    location /e/301 { return 301 /moved; }
    location /e/text { return 404 own; }
    location /e/own { error_page 403 /give; return 404; }
}
location /edir { error_page 301 =200 /a.html; alias $ROOT/dir; }
location /body { client_max_body_size 2; error_page 413 @named; }
location /rec { recursive_error_pages on; error_page 404 /rec2; return 404; }
location /rec2 { error_page 403 =200 /give; return 403; }
location /norec { error_page 404 /rec2; return 404; }
location /loop { recursive_error_pages on; error_page 404 /loop; return 404; }
location /down { error_page 502 = @up; proxy_pass http://127.0.0.1:$DEAD; }
location @up { proxy_pass http://origin; }
location /down404 { error_page 502 /none; proxy_pass http://127.0.0.1:$DEAD; }
location /quiet { log_not_found off; }
location /made204 { error_page 418 =204 /proxied; return 418; }
location /proxied { proxy_pass http://origin; }
"""
OWN_SERVERS = """
server { listen 127.0.0.1:$PORT; server_name tries.test; root $ROOT; try_files /none /a.html;
         location /q { } location /a.html { } }
server { listen 127.0.0.1:$PORT; server_name returns.test; root $ROOT; error_page 404 /a.html;
         return 404; location /a.html { } }
"""
FILES = {"index.html": "index", "a.html": "a", "dir/index.html": "dirindex", "dir/x.txt": "x",
         "al/one.txt": "one", "al/d/index.html": "aldindex", "err/404.html": "E404",
         "noindex/x": ""}


@pytest.fixture(scope="module")
def root(folder):
    path = folder / "places"
    for name, text in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    for name, _, files in os.walk(path):
        os.chmod(name, 0o755)
        for file in files:
            os.chmod(os.path.join(name, file), 0o644)
    return path


@pytest.fixture(scope="module")
def edge(start_shared, shared_origin, pki, root):
    port = ringway.free_ports()

    def fill(text):
        return (text.replace("$ROOT", str(root)).replace("$DEAD", str(ringway.free_ports()))
                .replace("$PORT", str(port)))
    made = Edge(start_shared, shared_origin, pki, body=fill(BODY), blocks=fill(OWN_SERVERS),
                settings="types { text/html html; text/plain txt; }\n")
    made.others_port = port
    return made


@pytest.fixture(autouse=True)
def unharmed(edge):
    with edge.unharmed():
        yield


def shown(answer):
    """The status, and where it leads or what it says."""
    if answer.status in (301, 302, 303, 307, 308):
        return answer.status, answer.get("Location")
    return answer.status, "page" if b"<hr>" in answer.body else answer.body.decode()


# --- alias ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("target, wanted", [
    ("/a1/one.txt", (200, "one")), ("/a1/none", (404, "page")), ("/a1/", (403, "page")),
    ("/a1/d/", (200, "aldindex")), ("/a1/d", (301, "http://www.test:PORT/a1/d/")),
    ("/a2/one.txt", (200, "one")), ("/a2", (301, "http://www.test:PORT/a2/")),
    ("/a2/d?x=y", (301, "http://www.test:PORT/a2/d/?x=y")), ("/a3one.txt", (200, "one")),
    ("/a3/one.txt", (200, "one")), ("/a4", (200, "a")), ("/a4/", (404, "page")),
    ("/a5/one.txt", (200, "one")), ("/a5/d", (301, "http://www.test:PORT/a5/d/")),
    ("/a5/d/", (200, "aldindex")), ("/a5/none", (404, "page")),
    ("/a6/one.txt?d=al", (200, "one")), ("/a6/x.txt?d=dir", (200, "x")),
    ("/a8/one.txt", (500, "page")), ("/a9/one.txt", (200, "one")),
    ("/a7/d/x", (200, "ROOT/al|ROOT/al/d/x|ROOT/al")), ("/a7/e", (200, "ROOT/e|ROOT/e/a7/e")),
])
def test_alias_stands_in_place_of_the_prefix(edge, root, target, wanted):
    def real(text):
        return text.replace("PORT", str(edge.port)).replace("ROOT", str(root))
    assert shown(edge.get(target)) == (wanted[0], real(wanted[1]))


@pytest.mark.parametrize("target", [
    "/a3../a.html", "/a3..", "/a3../", "/a2../a.html", "/a3%2e%2e/a.html", "/a3..%2fa.html",
    "/a3..//a.html"])
def test_alias_does_not_lead_out_of_its_directory(edge, target):
    assert edge.get(target).status == 404


# --- try_files ------------------------------------------------------------------------------------

@pytest.mark.parametrize("target, wanted", [
    ("/t404", (404, "page")), ("/t204", (204, "")), ("/dir", (301, "http://www.test:PORT/dir/")),
    ("/dir/", (200, "dirindex")), ("/dir?x=1", (301, "http://www.test:PORT/dir/?x=1")),
    ("/dir/x.txt", (200, "x")), ("/dir/none", (405, "page")),
    ("/t1/one.txt", (200, "one")), ("/t1/d", (301, "http://www.test:PORT/t1/d/")),
    ("/t1/d/", (200, "aldindex")), ("/t1/none", (200, "a")),
    ("/t2/one", (200, "one")), ("/t2/d", (200, "aldindex")), ("/t2/d/", (200, "aldindex")),
    ("/t2/none", (405, "page")), ("/t3/one.txt", (200, "one")),
    ("/t3/none?x=y", (200, "named GET|/t3/none|x=y|200")),
    ("/t4/one.txt", (200, "one")), ("/t4/none", (405, "page")),
    ("/t5?x=1", (200, "GET|/give|x=1|200")), ("/t6?x=1", (200, "GET|/give||200")),
    ("/t7", (500, "page")), ("/t8", (500, "page")), ("/t9", (500, "page")),
    ("/t10?f=a.html", (200, "a")), ("/t10?f=../places/a.html", (405, "page")),
    ("/t10?f=", (405, "page")), ("/t10?f=dir", (405, "page")), ("/t10?f=a.html%00", (405, "page")),
    ("/t11?to=/give", (200, "GET|/give||200")), ("/t11?to=/give?a", (200, "GET|/give|a|200")),
    ("/t11?to=@named", (200, "named GET|/t11|to=@named|200")),
])
def test_first_file_that_is_there_answers(edge, target, wanted):
    assert shown(edge.get(target)) == (wanted[0], wanted[1].replace("PORT", str(edge.port)))


def test_named_location_behind_files_keeps_the_method(edge):
    assert edge.get("/t3/none", "POST", body=b"abc").body == b"named POST|/t3/none||200"


def test_444_behind_files_closes_without_an_answer(edge):
    with edge.connect() as c:
        c.send(wire.request("/t444"))
        assert c.until_close() == b""


def test_file_that_was_found_changes_only_what_proxy_pass_builds(edge):
    edge.get("/t12/x%2fy?z")
    assert edge.origin.requests[-1].target == "/t12/x%2fy?z"
    edge.get("/t13/x?z")
    assert edge.origin.requests[-1].target == "/a.html?z"


def test_files_of_a_server_are_for_what_has_no_location(edge):
    def ask(target):
        return shown(client.get(edge.others_port, target, host="tries.test"))
    assert ask("/x") == (200, "a")
    assert ask("/") == (200, "a")
    assert ask("/q") == (404, "page")


# --- internal -------------------------------------------------------------------------------------

@pytest.mark.parametrize("target, wanted", [
    ("/inner", (404, "page")), ("/inner/x", (404, "page")), ("/toinner", (200, "inner a=b")),
    ("/tryinner", (200, "inner ")), ("/dir/../inner", (404, "page"))])
def test_internal_locations_are_reached_from_inside_alone(edge, target, wanted):
    assert shown(edge.get(target)) == wanted


# --- error_page -----------------------------------------------------------------------------------

@pytest.mark.parametrize("target, wanted", [
    ("/e/410?y=z", (200, "GET|/give|x=z|200")), ("/e/411", (302, "http://x.test/e/411")),
    ("/e/412", (308, "https://x.test/")), ("/e/413?a=b", (413, "named GET|/e/413|a=b|413")),
    ("/e/414", (500, "page")), ("/e/415?x=404.html", (415, "E404")),
    ("/e/415?x=none", (404, "page")), ("/e/416", (302, "there")), ("/e/417", (204, "")),
    ("/e/403", (404, "E404")), ("/e/301", (200, "a")), ("/e/text", (404, "own")),
    ("/e/own", (404, "page")), ("/e/none", (404, "E404")),
    ("/edir", (200, "a")), ("/rec", (200, "GET|/give||200")), ("/norec", (403, "page")),
    ("/loop", (500, "page")), ("/down404", (404, "page")),
])
def test_error_page_is_shown_as_nginx_does(edge, target, wanted):
    assert shown(edge.get(target)) == wanted


def test_error_page_for_a_redirect_tells_where_it_led(edge):
    assert edge.get("/e/301").get("Location") == f"http://www.test:{edge.port}/moved"


def test_error_page_of_a_uri_is_a_get(edge):
    assert edge.get("/e/410", "POST", body=b"abc").body == b"GET|/give|x=|200"
    assert edge.get("/e/413", "POST", body=b"abc").body == b"named POST|/e/413||413"
    assert edge.get("/e/none", "HEAD").get("Content-Length") == "4"


def test_error_page_is_whole_and_has_no_date(edge):
    answer = edge.get("/e/none", fields=[("Range", "bytes=0-1"), ("If-None-Match", "*")])
    assert shown(answer) == (404, "E404")
    assert answer.get("Last-Modified") is None and answer.get("Accept-Ranges") is None


def test_refused_body_has_a_named_page(edge):
    assert shown(edge.get("/body", "POST", body=b"abc")) == (413, "named POST|/body||413")


def test_request_goes_to_another_upstream_with_its_body(edge):
    body = wire.pattern(5000)
    answer = edge.get("/down?x=%2f", "POST", body=body)
    assert answer.status == 200
    came = edge.origin.requests[-1]
    assert (came.method, came.target) == ("POST", "/down?x=%2f")
    assert edge.origin.requests[-1].body == body


def test_status_without_content_has_none_of_an_upstream_either(edge):
    with edge.connect() as c:
        first = c.ask("/made204")
        assert (first.status, first.body, first.get("Content-Length")) == (204, b"", None)


def test_error_page_begins_in_the_server_again(edge):
    answer = client.get(edge.others_port, "/x", host="returns.test")
    assert shown(answer) == (404, "page")


BAD = [(b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400), (b"GET / HTTP/1.1\r\n\r\n", 400),
       (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\nX-A: b\r\n\r\nabc", 400),
       (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
       (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
       (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
       (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505), (b"\x00\r\n\r\n", 400)]


@pytest.mark.parametrize("data, status", BAD, ids=range(len(BAD)))
@pytest.mark.parametrize("where", ["/said", "/sent", "@named"])
def test_bad_requests_have_error_pages_but_lead_nowhere(edge, start, data, status, where):
    """Nothing of them reaches an upstream, and the connection ends."""
    port = ringway.free_ports()
    start(ringway.http(ringway.server(port, f"""
        error_page 400 414 431 501 505 {where};
        location /said {{ return 200 "$request_method|$uri|$http_x_a|$content_length"; }}
        location /sent {{ proxy_pass http://{edge.origin.address}; }}
        location @named {{ proxy_pass http://{edge.origin.address}; }}""")))
    with client.Client(port) as c:
        c.send(data + wire.request("/smuggled"))
        answer = c.response()
        assert c.is_closed() and b"smuggled" not in c.rest()
    assert answer.status == status
    if where == "/said":
        assert answer.body == b"GET|/said||"
        return
    came = edge.origin.requests[-1]
    assert (came.method, came.target) == ("GET", "/sent" if where == "/sent" else "/")
    assert came.body == b""
    assert came.get("X-A") is None and b"smuggled" not in edge.origin.received


def test_plain_request_to_a_tls_port_can_be_sent_there(start, pki):
    """error_page 497, with what the request says."""
    pair, port = pki.leaf("www.test"), ringway.free_ports()
    start(ringway.http(ringway.server(port, f"""
        ssl_certificate {pair.chain_file}; ssl_certificate_key {pair.key_file};
        error_page 497 =307 https://$host:$server_port$request_uri;
        location / {{ return 200 "secret"; }}""", listen=" ssl")))
    with client.Client(port) as c:
        c.send(wire.request("/a%20b?c", "POST", body=b"abc"))
        answer = c.response()
        assert c.is_closed()
    assert answer.status == 307
    assert answer.get("Location") == f"https://www.test:{port}/a%20b?c"


# --- what is logged -------------------------------------------------------------------------------

@pytest.mark.parametrize("target, line", [
    ("/t7", 'rewrite or internal redirection cycle while internally redirecting to "/t7", client'),
    ("/t8", "rewrite or internal redirection cycle while redirect to named location"
            ' "@circle", client'),
    ("/t9", 'could not find named location "@none", client'),
    ("/down404", "none\" failed (2: No such file or directory), client"),
])
def test_log_says_where_it_went_wrong(edge, target, line):
    edge.get(target)
    edge.ringway.wait_log(re.escape(line))


def test_missing_files_may_be_left_out_of_the_log(edge):
    edge.get("/quiet/one")
    edge.get("/loud/two")
    edge.ringway.wait_log("loud/two")
    assert "quiet/one" not in edge.ringway.log()


# --- configuration --------------------------------------------------------------------------------

@pytest.mark.parametrize("text, line", [
    ("location /a { alias /b; root /c; }",
     '"root" directive is duplicate, "alias" directive was specified earlier'),
    ("location @a { alias /b; }", 'the "alias" directive cannot be used inside the named location'),
    ("location /a { try_files a =x; }", 'invalid code "=x"'),
    ("internal;", '"internal" directive is not allowed here'),
    ("location /a { error_page 404 =x /a; }", 'invalid value "=x"'),
    ("root /a/$document_root;",
     'the $document_root variable cannot be used in the "root" directive'),
])
def test_mistakes_are_named_with_their_line(conf_file, text, line):
    path = conf_file(f"events {{}}\nhttp {{ server {{\n{text}\n}} }}\n")
    done = ringway.run_file(path, "-t")
    assert done.returncode == 1
    assert f"[emerg] {line}" in done.stderr and f"{path}:3" in done.stderr
