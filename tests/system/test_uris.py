"""Paths as they are normalized for locations, and written again for upstreams.

The table is what nginx makes of the same targets.
"""
import pytest

import client
import ringway
from edge import Edge
from origin import serve
from wire import response

# What follows a prefix; $uri behind "/" (a status: refused), and with merge_slashes off where that
# is another one; the target behind /uri/ for an upstream with the URI /to/, and behind /rw/ for one
# behind "rewrite ^/rw/(.*)$ /x/$1 break" (None: it leads out of the location).
TABLE = [
    ("", "/", "", "/to/", "/x/"), ("a", "/a", "", "/to/a", "/x/a"),
    ("a/", "/a/", "", "/to/a/", "/x/a/"), ("a//b", "/a/b", "/a//b", "/to/a/b", "/x/a/b"),
    ("//a", "/a", "///a", "/to/a", "/x/a"), ("./a", "/a", "", "/to/a", "/x/a"),
    ("a/.", "/a/", "", "/to/a/", "/x/a/"), ("a/..", "/", "", "/to/", "/x/"),
    ("a/../b", "/b", "", "/to/b", "/x/b"), ("../a", 400, "", None, None),
    ("a/./b", "/a/b", "", "/to/a/b", "/x/a/b"), ("...", "/...", "", "/to/...", "/x/..."),
    ("a/...", "/a/...", "", "/to/a/...", "/x/a/..."), (".a", "/.a", "", "/to/.a", "/x/.a"),
    ("..a", "/..a", "", "/to/..a", "/x/..a"), ("a..", "/a..", "", "/to/a..", "/x/a.."),
    ("%2e", "/", "", "/to/", "/x/"), ("%2e%2e", 400, "", None, None),
    ("%2e%2e/x", 400, "", None, None), (".%2e/x", 400, "", None, None),
    ("%2E./x", 400, "", None, None), ("a%2Fb", "/a/b", "", "/to/a/b", "/x/a/b"),
    ("a%2fb", "/a/b", "", "/to/a/b", "/x/a/b"), ("%2f", "/", "//", "/to/", "/x/"),
    ("%2f%2f", "/", "///", "/to/", "/x/"), ("a%2f..%2fb", "/b", "", "/to/b", "/x/b"),
    ("a%2f%2e%2e%2fb", "/b", "", "/to/b", "/x/b"), ("%00", 400, "", 400, 400),
    ("a%00b", 400, "", 400, 400), ("%25", "/%", "", "/to/%25", "/x/%25"),
    ("%2525", "/%25", "", "/to/%2525", "/x/%2525"), ("%zz", 400, "", 400, 400),
    ("%2", 400, "", 400, 400), ("%", 400, "", 400, 400), ("%%", 400, "", 400, 400),
    ("a+b", "/a+b", "", "/to/a+b", "/x/a+b"), ("a%2Bb", "/a+b", "", "/to/a+b", "/x/a+b"),
    ("a%20b", "/a b", "", "/to/a%20b", "/x/a%20b"), ("a;b", "/a;b", "", "/to/a;b", "/x/a;b"),
    ("a;b=c/d", "/a;b=c/d", "", "/to/a;b=c/d", "/x/a;b=c/d"),
    ("a:b@c", "/a:b@c", "", "/to/a:b@c", "/x/a:b@c"),
    ("a!$&'()*,b", "/a!$&'()*,b", "", "/to/a!$&'()*,b", "/x/a!$&'()*,b"),
    ('a"b', '/a"b', "", '/to/a"b', "/x/a%22b"), ("a<b>", "/a<b>", "", "/to/a<b>", "/x/a%3Cb%3E"),
    ("a[b]", "/a[b]", "", "/to/a[b]", "/x/a[b]"), ("a%5Bb%5D", "/a[b]", "", "/to/a[b]", "/x/a[b]"),
    ("a{b}", "/a{b}", "", "/to/a{b}", "/x/a%7Bb%7D"), ("a\\b", "/a\\b", "", "/to/a\\b", "/x/a%5Cb"),
    ("a^b", "/a^b", "", "/to/a^b", "/x/a%5Eb"), ("a`b", "/a`b", "", "/to/a`b", "/x/a%60b"),
    ("a~b", "/a~b", "", "/to/a~b", "/x/a~b"), ("a%22b", '/a"b', "", "/to/a%22b", "/x/a%22b"),
    ("a%3Cb", "/a<b", "", "/to/a%3Cb", "/x/a%3Cb"),
    ("a%7Fb", "/a\x7fb", "", "/to/a%7Fb", "/x/a%7Fb"),
    ("a%c3%a9", "/a\xc3\xa9", "", "/to/a%C3%A9", "/x/a%C3%A9"),
    ("a%C3%A9b", "/a\xc3\xa9b", "", "/to/a%C3%A9b", "/x/a%C3%A9b"),
    ("a%ff", "/a\xff", "", "/to/a%FF", "/x/a%FF"), ("a%0a", "/a\n", "", "/to/a%0A", "/x/a"),
    ("a%0d%0aX:y", "/a\r\nX:y", "", "/to/a%0D%0AX:y", "/rw/a%0d%0aX:y"),
    ("a%09", "/a\t", "", "/to/a%09", "/x/a%09"), ("a%01", "/a\x01", "", "/to/a%01", "/x/a%01"),
    ("a%1f", "/a\x1f", "", "/to/a%1F", "/x/a%1F"), ("a?", "/a", "", "/to/a", "/x/a"),
    ("a?b", "/a", "", "/to/a?b", "/x/a?b"), ("a?b=c&d", "/a", "", "/to/a?b=c&d", "/x/a?b=c&d"),
    ("a??", "/a", "", "/to/a??", "/x/a??"), ("a?b?c", "/a", "", "/to/a?b?c", "/x/a?b?c"),
    ("a?%zz", "/a", "", "/to/a?%zz", "/x/a?%zz"), ("a?%20", "/a", "", "/to/a?%20", "/x/a?%20"),
    ("a?a/../b", "/a", "", "/to/a?a/../b", "/x/a?a/../b"), ("?", "/", "", "/to/", "/x/"),
    ("?x", "/", "", "/to/?x", "/x/?x"), ("a%3Fb", "/a?b", "", "/to/a%3Fb", "/x/a%3Fb"),
    ("a%3F?b", "/a?", "", "/to/a%3F?b", "/x/a%3F?b"),
    ("a%23b", "/a#b", "", "/to/a%23b", "/x/a%23b"), ("%2e%2e/%2e%2e/%2e%2e", 400, "", 400, 400),
    ("x/../../y", 400, "", None, None), ("x//..//y", "/y", "/x//y", "/to/y", "/x/y"),
    ("x/%2e/y", "/x/y", "", "/to/x/y", "/x/x/y"), ("x/.//y", "/x/y", "/x//y", "/to/x/y", "/x/x/y"),
    ("x/..;/y", "/x/..;/y", "", "/to/x/..;/y", "/x/x/..;/y"),
    ("x/%2e%2e;/y", "/x/..;/y", "", "/to/x/..;/y", "/x/x/..;/y"),
    ("%252e%252e/y", "/%2e%2e/y", "", "/to/%252e%252e/y", "/x/%252e%252e/y"),
    ("a/%2e%2e%2f..", 400, "", None, None), ("a.b", "/a.b", "", "/to/a.b", "/x/a.b"),
    ("a./b", "/a./b", "", "/to/a./b", "/x/a./b"), ("a/.b", "/a/.b", "", "/to/a/.b", "/x/a/.b"),
    ("a/..b", "/a/..b", "", "/to/a/..b", "/x/a/..b"),
    ("a/b..", "/a/b..", "", "/to/a/b..", "/x/a/b.."), ("///", "/", "////", "/to/", "/x/"),
    ("a///b", "/a/b", "/a///b", "/to/a/b", "/x/a/b"),
    ("a/?/../x", "/a/", "", "/to/a/?/../x", "/x/a/?/../x"), ("%61", "/a", "", "/to/a", "/x/a"),
    ("%41%7E", "/A~", "", "/to/A~", "/x/A~"), ("%2F..%2F", 400, "/", None, None),
    ("..%2fx", 400, "", None, None), ("%2e%2fx", "/x", "", "/to/x", "/x/x"),
    ("a%2f/b", "/a/b", "/a//b", "/to/a/b", "/x/a/b"),
    ("a/%2fb", "/a/b", "/a//b", "/to/a/b", "/x/a/b"),
    ("a/%2f%2fb", "/a/b", "/a///b", "/to/a/b", "/x/a/b"), ("a%2", 400, "", 400, 400),
    ("a%2g", 400, "", 400, 400), ("~%7e", "/~~", "", "/to/~~", "/x/~~"),
    ("a%5cb", "/a\\b", "", "/to/a%5Cb", "/x/a%5Cb"), ("a&b", "/a&b", "", "/to/a&b", "/x/a&b"),
    ("a=b", "/a=b", "", "/to/a=b", "/x/a=b"), ("a,b", "/a,b", "", "/to/a,b", "/x/a,b"),
    ("a'b", "/a'b", "", "/to/a'b", "/x/a'b"),
]
BODY = """
location / { return 200 "$uri"; }
location /raw/ { proxy_pass http://origin; }
location /uri/ { proxy_pass http://origin/to/; }
location /bare { proxy_pass http://origin/to; }
location /rw/ { rewrite ^/rw/(.*)$ /x/$1 break; proxy_pass http://origin; }
location /named/ { try_files /none @named; }
location @named { proxy_pass http://origin; }
location /again/ { try_files /none /uri$uri?$args; }
location /spaced/ { rewrite ^ "/a b?c" break; proxy_pass http://origin; }
"""


@pytest.fixture(scope="module")
def edge(start_shared, shared_origin, pki):
    port = ringway.free_ports()
    made = Edge(start_shared, shared_origin, pki, body=BODY, blocks=f"""
        server {{ listen 127.0.0.1:{port}; merge_slashes off;
                  location / {{ return 200 "$uri"; }} }}""")
    made.unmerged_port = port
    return made


@pytest.fixture(autouse=True)
def unharmed(edge):
    with edge.unharmed():
        edge.origin.script = serve(lambda r: response(200, r.target.encode("latin-1")))
        yield


def answer_to(port, target):
    """What it says, or its status; on a connection of its own, as a refusal ends it."""
    answer = client.get(port, target)
    return answer.body.decode("latin-1") if answer.status == 200 else answer.status


def compare(ask, wanted):
    """All that differs at once."""
    rows = [(tail, ask(tail), want) for tail, want in wanted]
    assert not [row for row in rows if row[1] != row[2]]


def test_paths_are_normalized_as_nginx_does(edge):
    compare(lambda tail: answer_to(edge.port, "/" + tail), [(row[0], row[1]) for row in TABLE])


def test_slashes_stay_where_they_are_not_merged(edge):
    compare(lambda tail: answer_to(edge.unmerged_port, "/" + tail),
            [(row[0], row[2] or row[1]) for row in TABLE])


def test_uri_of_proxy_pass_takes_the_place_of_the_prefix(edge):
    compare(lambda tail: answer_to(edge.port, "/uri/" + tail),
            [(row[0], row[3]) for row in TABLE if row[3]])


def test_rewritten_path_is_escaped(edge):
    compare(lambda tail: answer_to(edge.port, "/rw/" + tail),
            [(row[0], row[4]) for row in TABLE if row[4]])


@pytest.mark.parametrize("prefix", ["/raw/", "/named/"])
def test_target_goes_on_as_it_came_without_a_uri(edge, prefix):
    compare(lambda tail: answer_to(edge.port, prefix + tail),
            [(row[0], prefix + row[0] if row[3] != 400 else 400) for row in TABLE if row[3]])


@pytest.mark.parametrize("target, wanted", [
    ("/bare", "/to"), ("/barefoot", "/tofoot"), ("/bare/a%20b?c", "/to/a%20b?c"),
    ("/bare%2fa", "/to/a"), ("/%62are/a", "/to/a"), ("/x/../bare", "/to"),
    ("/again/a%25b?c=%25", "/to/again/a%25b?c=%25"), ("/again/a%3fb", "/to/again/a?b?"),
    ("/again/a%2525b", "/to/again/a%2525b"), ("/again/a<b", "/to/again/a%3Cb"),
    ("/spaced/x?y", "/a%20b?c&y")])
def test_target_is_built_of_what_is_there_by_then(edge, target, wanted):
    assert answer_to(edge.port, target) == wanted


@pytest.mark.parametrize("target", ["/a#b", "/#", "a", "/\xe9", "/a?\xe9", "/uri/\xc3\xa9"])
def test_what_is_no_target_is_refused(edge, target):
    assert answer_to(edge.port, target) == 400
