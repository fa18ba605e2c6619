"""proxy_request_buffering: bodies that are taken in first, in memory or in a file."""
import os
import re
import subprocess
import time
from contextlib import contextmanager

import pytest

import client
import ringway
import wire
from edge import Edge
from origin import serve
from wire import chunked, pattern, request, response

CHUNKED = ("Transfer-Encoding", "chunked")
LARGE = 3_000_000  # bytes: much more than memory is given
BODY = """
client_max_body_size 8m;
client_body_buffer_size 16k;
client_body_temp_path {folder}/spool;
location /small-limit/ {{ client_max_body_size 64k; proxy_pass http://origin; }}
location /streamed/ {{ proxy_request_buffering off; proxy_pass http://origin;
    location /streamed/inner/ {{ proxy_pass http://origin; }} }}
location /two/ {{ proxy_pass http://two; }}
location /kept/ {{ client_body_in_file_only on; client_body_temp_path {folder}/kept 1 2;
    proxy_pass http://origin; proxy_set_header X-File $request_body_file; }}
location /clean/ {{ client_body_in_file_only clean; proxy_pass http://origin;
    proxy_set_header X-File $request_body_file; }}
location /body/ {{ proxy_pass http://origin; proxy_set_header X-Body "<$request_body>";
    proxy_set_header X-Length "<$content_length>";
    proxy_set_header X-File "<$request_body_file>"; }}
location /wide/ {{ client_body_buffer_size 1m; proxy_pass http://origin;
    proxy_set_header X-Length "<$content_length>"; }}
location /full/ {{ client_body_temp_path {folder}/full; proxy_pass http://origin; }}
location /gone/ {{ client_body_temp_path {folder}/gone; proxy_pass http://origin; }}
location /page/ {{
    error_page 413 /too-large; error_page 400 408 500 = @page;
    client_max_body_size 20k; client_body_buffer_size 1k;
    client_body_temp_path {folder}/gone; proxy_pass http://origin; }}
location = /too-large {{ proxy_pass http://origin; }}
location @page {{ proxy_pass http://origin; }}
"""


def reset_after_body(connection):
    connection.read_request()
    connection.reset()


@pytest.fixture(scope="module", name="shared")
def fixture_shared(start_shared, shared_origin, pki, folder):
    bad = shared_origin(reset_after_body)
    good = shared_origin()
    spool = folder / "spools"
    spool.mkdir()
    edge = Edge(start_shared, shared_origin, pki, body=BODY.format(folder=spool),
                blocks=f"upstream two {{ server {bad.address} max_fails=0; "
                       f"server {good.address} backup; }}")
    edge.bad, edge.good, edge.spool = bad, good, spool
    return edge


@pytest.fixture(name="edge")
def fixture_edge(shared):
    with shared.ringway.stays_unharmed(shared.canary, [shared.origin, shared.canary_origin,
                                                       shared.bad, shared.good]):
        yield shared


def post(target, body=None, fields=(), method="POST"):
    return request(target, method, body=body, fields=fields)


# --- on -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [1, 16 * 1024, 16 * 1024 + 1, 20 * 1024, 20 * 1024 + 1, LARGE])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_body_arrives_whole_and_with_a_length(edge, size, is_chunked):
    body = pattern(size)
    with edge.connect() as c:
        if is_chunked:
            c.send(post("/", fields=[CHUNKED]))
            c.send(chunked([body[i:i + 5000] for i in range(0, size, 5000)]))
        else:
            c.send(post("/", body))
        assert c.response().status == 200
        c.send(request("/next"))
        assert c.response().body == b"GET /next 0"
    got = edge.origin.requests[0]
    assert got.body == body
    assert (got.get("Content-Length"), got.get("Transfer-Encoding")) == (str(size), None)


def test_empty_chunked_body_has_length_zero(edge):
    with edge.connect() as c:
        c.send(post("/", fields=[CHUNKED]), b"0\r\n\r\n")
        assert c.response().body == b"POST / 0"
    assert edge.origin.requests[0].get("Content-Length") == "0"


@pytest.mark.parametrize("size", [10, 100_000])
def test_nothing_goes_upstream_before_the_body_is_whole(edge, size):
    body = pattern(size)
    with edge.connect() as c:
        c.send(post("/", fields=[("Content-Length", str(size))]), body[:-1])
        time.sleep(0.3)
        assert not edge.origin.connections
        c.send(body[-1:])
        assert c.response().status == 200
    assert edge.origin.requests[0].body == body


def deleted_files(edge):
    return [name for name in edge.ringway.open_files().splitlines() if "(deleted)" in name
            and str(edge.spool) in name]


@pytest.mark.parametrize("target, has_file", [("/", True), ("/wide/", False)])
def test_more_than_the_buffer_waits_in_a_file_without_a_name(edge, target, has_file):
    body = pattern(200_000)
    with edge.connect() as c:
        c.send(post(target, fields=[("Content-Length", "200001")]), body)
        time.sleep(0.3)
        assert len(deleted_files(edge)) == has_file
        assert not os.listdir(edge.spool / "spool")
        c.send(b"!")
        assert c.response().status == 200
    assert edge.origin.requests[0].body == body + b"!"


@pytest.mark.parametrize("size", [100, 40_000, LARGE])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_body_is_sent_again_to_another_peer(edge, size, is_chunked):
    body = pattern(size)
    with edge.connect() as c:
        if is_chunked:
            c.send(post("/two/", fields=[CHUNKED], method="PUT"), chunked([body]))
        else:
            c.send(post("/two/", body, method="PUT"))
        assert c.response("PUT").status == 200
    assert edge.bad.requests[0].body == body
    assert edge.good.requests[0].body == body


def test_peer_that_reads_nothing_and_resets_costs_no_byte_of_the_body(edge):
    body = pattern(LARGE)

    def hang_up(connection):
        connection.read_request_head()
        time.sleep(0.05)
        connection.reset()
    edge.bad.script = hang_up
    with edge.connect() as c:
        c.send(post("/two/", body, method="PUT"))
        assert c.response("PUT").status == 200
    assert edge.good.requests[0].body == body


def test_body_of_a_post_is_not_sent_twice(edge):
    with edge.connect() as c:
        c.send(post("/two/", b"once"))
        assert c.response().status == 502
    assert not edge.good.requests


def test_early_answer_of_an_upstream_ends_the_exchange_well(edge):
    """It does not read the body, of which a piece is being read out of the file."""
    def refuse(connection):
        connection.read_request_head()
        connection.send(response(403, b"no", [("Connection", "close")]))
        time.sleep(0.2)
    edge.origin.script = refuse
    for _ in range(3):
        with edge.connect() as c:
            c.send(post("/", pattern(LARGE)))
            answer = c.response()
            assert (answer.status, answer.body) == (403, b"no")


def test_trailers_of_a_chunked_body_end_here(edge):
    with edge.connect() as c:
        c.send(post("/", fields=[CHUNKED]), b"2\r\nab\r\n0\r\nX-Trailer: 1\r\n\r\n")
        assert c.response().status == 200
    assert edge.origin.requests[0].body == b"ab"
    assert b"X-Trailer" not in edge.origin.received


# --- what goes wrong ------------------------------------------------------------------------------

@pytest.mark.parametrize("sent", [10, 100_000])
def test_client_that_stalls_in_its_body_gets_408(edge, sent):
    with edge.connect() as c:
        c.send(post("/", fields=[("Content-Length", "200000")]), pattern(sent))
        assert c.response().status == 408
        c.is_closed()
    assert not edge.origin.connections


@pytest.mark.parametrize("sent", [10, 100_000])
@pytest.mark.parametrize("end", ["close", "half_close", "reset"])
def test_client_that_leaves_in_its_body_reaches_no_upstream(edge, sent, end):
    mark = edge.ringway.mark()
    with edge.connect() as c:
        c.send(post("/", fields=[("Content-Length", "200000")]), pattern(sent))
        time.sleep(0.1)
        getattr(c, end)()
        edge.ringway.wait_log("client closed the connection in its request body", mark)
    assert not edge.origin.connections


@pytest.mark.parametrize("size, status", [(65536, 200), (65537, 413)])
def test_chunked_body_beyond_the_limit_is_413_before_the_upstream_is_asked(edge, size, status):
    with edge.connect() as c:
        c.send(post("/small-limit/", fields=[CHUNKED]), chunked([pattern(size)]))
        assert c.response().status == status
    assert len(edge.origin.connections) == (status == 200)


def test_too_large_body_goes_to_its_error_page_as_a_get(edge):
    with edge.connect() as c:
        c.send(post("/page/", fields=[CHUNKED]), chunked([pattern(100_000)]))
        answer = c.response()
        assert (answer.status, answer.body) == (413, b"GET /too-large 0")


@pytest.mark.parametrize("head, body", [
    (CHUNKED, b"5\r\nhello\r\nzz\r\n"),
    (("Content-Length", "100"), b"hello"),
    (("Content-Length", "19000"), pattern(19000)),
])
def test_body_that_went_wrong_does_not_follow_to_a_named_location(edge, head, body):
    os.rmdir(edge.spool / "gone")
    try:
        with edge.connect() as c:
            c.send(post("/page/", fields=[head]), body)
            assert c.response().body == b"POST /page/ 0"
    finally:
        os.mkdir(edge.spool / "gone")
    assert b"hello" not in edge.origin.received


def test_malformed_chunk_is_400_and_reaches_no_upstream(edge):
    with edge.connect() as c:
        c.send(post("/", fields=[CHUNKED]), b"5\r\nhello\r\nzz\r\n")
        assert c.response().status == 400
    assert not edge.origin.connections


@contextmanager
def small_disk(path):
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", path], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_full_disk_is_500_with_a_line_in_the_log(edge):
    mark = edge.ringway.mark()
    with small_disk(edge.spool / "full"):
        for _ in range(2):
            with edge.connect() as c:
                c.send(post("/full/", fields=[("Content-Length", "2000000")]), pattern(400_000))
                assert c.response().status == 500
        assert edge.get("/full/", "POST", body=pattern(200_000)).status == 200
    line = edge.ringway.wait_log(r".*No space left on device.*", mark)[0]
    assert f'write() to a temporary file in "{edge.spool}/full" failed' in line
    assert len(edge.origin.requests) == 1


def test_folder_that_has_gone_is_500_with_a_line_in_the_log(edge):
    os.rmdir(edge.spool / "gone")
    try:
        mark = edge.ringway.mark()
        assert edge.get("/gone/", "POST", body=pattern(100_000)).status == 500
        edge.ringway.wait_log(rf'open\(\) of a temporary file in "{edge.spool}/gone" failed', mark)
        assert edge.get("/gone/", "POST", body=pattern(100)).status == 200
    finally:
        os.mkdir(edge.spool / "gone")


# --- Expect: RFC 9110 section 10.1.1 --------------------------------------------------------------

def test_expectation_is_met_here(edge):
    with edge.connect() as c:
        c.send(post("/", fields=[("Content-Length", "5"), ("Expect", "100-continue")]))
        assert wire.read_response(c).status == 100
        assert not edge.origin.connections
        c.send(b"hello")
        assert c.response().status == 200
    assert edge.origin.requests[0].get("Expect") is None
    assert edge.origin.requests[0].body == b"hello"


def test_body_that_comes_unasked_is_not_invited(edge):
    with edge.connect() as c:
        c.send(post("/", b"hello", [("Expect", "100-continue")]))
        assert wire.read_response(c).status == 200


# --- off ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("target", ["/streamed/", "/streamed/inner/"])
def test_off_streams(edge, target):
    with edge.connect() as c:
        c.send(post(target, fields=[CHUNKED]), b"3\r\nabc\r\n")
        wire.wait_until(lambda: b"3\r\nabc\r\n" in edge.origin.received or
                        (edge.origin.connections and
                         b"abc" in bytes(edge.origin.connections[0].received)), 3)
        c.send(b"0\r\n\r\n")
        assert c.response().status == 200
    assert edge.origin.requests[0].get("Transfer-Encoding") == "chunked"


# --- variables and files with names ---------------------------------------------------------------

@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_body_in_memory_is_a_variable(edge, framing):
    with edge.connect() as c:
        if framing == "length":
            c.send(post("/body/", b"a=1"))
        else:
            c.send(post("/body/", fields=[CHUNKED]), chunked([b"a", b"=1"]))
        assert c.response().status == 200
    got = edge.origin.requests[0]
    assert (got.get("X-Body"), got.get("X-Length"), got.get("X-File")) == ("<a=1>", "<3>", "<>")


def test_body_in_a_file_is_no_variable(edge):
    assert edge.get("/body/", "POST", body=b"b" * 50_000).status == 200
    got = edge.origin.requests[0]
    assert (got.get("X-Body"), got.get("X-Length"), got.get("X-File")) == ("<>", "<50000>", "<>")


def test_request_without_a_body_has_none(edge):
    assert edge.get("/body/").status == 200
    got = edge.origin.requests[0]
    assert (got.get("X-Body"), got.get("X-Length"), got.get("X-File")) == ("<>", "<>", "<>")


@pytest.mark.parametrize("size", [3, 100_000])
def test_file_with_a_name_is_kept_below_its_levels(edge, size):
    body = pattern(size)
    assert edge.get("/kept/", "POST", body=body).status == 200
    path = edge.origin.requests[0].get("X-File")
    levels = re.fullmatch(rf"{edge.spool}/kept/(\d)/(\d\d)/\d{{7}}(\d\d)(\d)", path)
    assert levels and (levels[1], levels[2]) == (levels[4], levels[3])
    with open(path, "rb") as file:
        assert file.read() == body
    assert os.stat(path).st_mode & 0o777 == 0o600
    os.unlink(path)


@pytest.mark.parametrize("is_cut", [False, True])
def test_file_with_a_name_is_cleaned_up(edge, is_cut):
    def look(connection):
        path = connection.read_request().get("X-File")
        assert os.stat(path).st_size == 1000
        if is_cut:
            connection.reset()
        else:
            connection.send(response(200, path.encode()))
    edge.origin.script = look
    answer = edge.get("/clean/", "POST", body=pattern(1000))
    assert answer.status == 502 if is_cut else os.path.dirname(answer.body).endswith(b"/spool")
    wire.wait_until(lambda: not os.listdir(edge.spool / "spool"), 3)


# --- the file -------------------------------------------------------------------------------------

@pytest.mark.parametrize("directive, error", [
    ("proxy_request_buffering yes;", 'invalid value "yes" in "proxy_request_buffering" directive, '
                                     'it must be "on" or "off"'),
    ("client_body_temp_path /x 0;", '"client_body_temp_path" directive invalid value'),
    ("client_body_temp_path /x 10;", '"client_body_temp_path" directive invalid value'),
    ("client_body_temp_path /x 4 3 3;", '"client_body_temp_path" directive invalid value'),
    ("client_body_temp_path /x 1 1 1 1;",
     'invalid number of arguments in "client_body_temp_path" directive'),
    ("client_body_in_file_only maybe;", 'invalid value "maybe"'),
])
def test_wrong_argument_is_an_error(conf_file, directive, error):
    path = conf_file(f"events {{}}\nhttp {{\n{directive}\n}}\n")
    result = ringway.run_file(path, "-t")
    assert result.returncode == 1
    assert f"{error} in {path}:3" in result.stderr


def test_folder_is_made_for_the_user_of_the_workers(start, make_origin, folder):
    if os.geteuid() != 0:
        pytest.skip("changes its user")
    own, port = make_origin(serve()), ringway.free_ports()
    spool = folder / "for-nobody"
    edge = start(ringway.http(
        ringway.server(port, f"client_body_temp_path {spool}; location / "
                             f"{{ proxy_pass http://{own.address}; }}")), user="nobody nogroup")
    assert edge.is_running() and spool.stat().st_mode & 0o777 == 0o700
    with client.Client(port) as c:
        c.send(post("/", pattern(100_000)))
        assert c.response().status == 200
