"""proxy_bind, proxy_socket_keepalive, proxy_ignore_client_abort, proxy_force_ranges."""
import os
import socket
import threading
import time

import pytest

import client
import ringway
import wire
from edge import Edge
from origin import serve
from test_listen import options_of_peer
from wire import chunked, request, response

BODY = """
location /bound/ { proxy_bind 127.0.0.77; proxy_pass http://origin;
    location /bound/inner/ { proxy_pass http://origin; }
    location /bound/off/ { proxy_bind off; proxy_pass http://origin; } }
location /asked/ { proxy_bind $arg_from; proxy_pass http://origin; }
location /client/ { proxy_bind $remote_addr transparent; proxy_pass http://origin; }
location /elsewhere/ { proxy_bind 192.0.2.77; proxy_pass http://origin; }
location /probed/ { proxy_socket_keepalive on; proxy_pass http://origin; }
location /ignored/ { proxy_ignore_client_abort on; proxy_pass http://origin; }
location /ranges/ { proxy_force_ranges on; proxy_pass http://origin; }
location /old/ { proxy_request_buffering off; proxy_http_version 1.0; proxy_pass http://origin; }
"""


@pytest.fixture(scope="module", name="shared")
def fixture_shared(start_shared, shared_origin, pki):
    return Edge(start_shared, shared_origin, pki, body=BODY)


@pytest.fixture(name="edge")
def fixture_edge(shared):
    with shared.unharmed():
        yield shared


def peers(edge):
    return [c.peer[0] for c in edge.origin.connections]


@pytest.mark.parametrize("target, address", [
    ("/bound/", "127.0.0.77"), ("/bound/inner/", "127.0.0.77"), ("/bound/off/", "127.0.0.1"),
    ("/asked/?from=127.0.0.78", "127.0.0.78"), ("/asked/", "127.0.0.1"),
    ("/asked/?from=nonsense", "127.0.0.1"),
])
def test_upstream_is_connected_from_the_address(edge, target, address):
    for _ in range(2):
        assert edge.get(target).status == 200
    assert set(peers(edge)) == {address}


def test_port_may_be_chosen(edge):
    port = ringway.free_ports()
    assert edge.get(f"/asked/?from=127.0.0.79:{port}").status == 200
    assert edge.origin.connections[0].peer == ("127.0.0.79", port)


def test_kept_connection_is_of_its_address_alone(edge):
    for target in ("/bound/", "/", "/asked/?from=127.0.0.80", "/bound/", "/"):
        assert edge.get(target).status == 200
    assert peers(edge) == ["127.0.0.77", "127.0.0.1", "127.0.0.80"]


def test_address_of_no_interface_is_500(edge):
    mark = edge.ringway.mark()
    assert edge.get("/elsewhere/").status == 500
    edge.ringway.wait_log("Cannot assign requested address", mark)


def test_text_that_is_no_address_is_named(edge):
    mark = edge.ringway.mark()
    assert edge.get("/asked/?from=nonsense").status == 200
    edge.ringway.wait_log('invalid local address "nonsense"', mark)


def test_transparent_needs_its_right(edge):
    """Workers of nobody have none: the reason is in the log. Those of root connect."""
    mark = edge.ringway.mark()
    status = edge.get("/client/").status
    if status == 500:
        edge.ringway.wait_log("Operation not permitted", mark)
    else:
        assert (status, peers(edge)) == (200, ["127.0.0.1"])


@pytest.mark.skipif(os.geteuid() != 0, reason="the workers are to be root's")
def test_transparent_connection_comes_from_its_client(start, make_origin):
    own, port = make_origin(serve()), ringway.free_ports()
    start(ringway.http(ringway.server(
        port, f"location / {{ proxy_bind $remote_addr transparent;"
              f"proxy_pass http://{own.address}; }}")), user="root")
    with socket.socket() as sock:
        sock.bind(("127.0.0.81", 0))
        sock.connect(("127.0.0.1", port))
        sock.sendall(request("/"))
        assert wire.read_response(wire.Stream(sock)).status == 200
        assert own.connections[0].peer[0] == "127.0.0.81"


@pytest.mark.skipif(os.geteuid() != 0, reason="looks into another process")
@pytest.mark.parametrize("target, is_on", [("/probed/", 1), ("/", 0)])
def test_silent_upstreams_are_probed(edge, target, is_on):
    assert edge.get(target).status == 200
    assert options_of_peer(edge.ringway, edge.origin.port)["keepalive"] == is_on


@pytest.mark.parametrize("target, is_read", [("/ignored/", True), ("/", False)])
def test_answer_is_read_to_its_end_though_its_client_has_gone(edge, target, is_read):
    done = threading.Event()

    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\nx")
        time.sleep(0.3)
        for _ in range(300):
            connection.send(b"x" * 10_000)
            time.sleep(0.001)
        done.set()
    edge.origin.script = script
    with edge.connect() as c:
        c.send(request(target))
        wire.read_head(c)
        c.reset()
    assert done.wait(5) == is_read


def test_request_is_sent_though_its_client_has_gone(edge):
    def script(connection):
        while connection.read_request():
            time.sleep(0.3)
            connection.send(response(200, b"late"))
    edge.origin.script = script
    with edge.connect() as c:
        c.send(request("/ignored/"))
        wire.wait_until(lambda: edge.origin.requests, 3)
        c.reset()
    time.sleep(0.5)
    assert edge.get("/other").body == b"late"
    assert len(edge.origin.connections) == 1, "the one that had answered was kept"


def test_upstream_of_http_1_0_gets_a_length_also_without_buffering(edge):
    with edge.connect() as c:
        c.send(request("/old/", "POST", fields=[("Transfer-Encoding", "chunked")]),
               chunked([b"ab", b"c"]))
        assert c.response().status == 200
    got = edge.origin.requests[0]
    assert (got.body, got.get("Content-Length"), got.version) == (b"abc", "3", "HTTP/1.0")


# --- proxy_force_ranges ---------------------------------------------------------------------------

CONTENT = bytes(range(256)) * 300
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


def ranged(edge, target, wanted, fields=(), answer=None):
    edge.origin.script = serve(lambda _: answer or response(
        200, CONTENT, [("ETag", '"e"'), ("Last-Modified", DATE), ("Accept-Ranges", "none")]))
    return edge.get(target, fields=[("Range", wanted), *fields])


@pytest.mark.parametrize("wanted, first, last", [
    ("bytes=0-0", 0, 0), ("bytes=5-9", 5, 9), ("bytes=-7", len(CONTENT) - 7, len(CONTENT) - 1),
    ("bytes=70000-", 70000, len(CONTENT) - 1), ("bytes=0-", 0, len(CONTENT) - 1),
    ("bytes=40000-999999", 40000, len(CONTENT) - 1)])
def test_range_is_cut_out_of_a_whole_answer(edge, wanted, first, last):
    answer = ranged(edge, "/ranges/", wanted)
    assert answer.status == 206 and answer.body == CONTENT[first:last + 1]
    assert answer.get("Content-Range") == f"bytes {first}-{last}/{len(CONTENT)}"
    assert (answer.get("Accept-Ranges"), answer.get("ETag")) == (None, '"e"')


def test_connection_of_a_cut_answer_is_kept(edge):
    with edge.connect() as c:
        edge.origin.script = serve(lambda _: response(200, CONTENT))
        for first in (0, 10, 76_000):
            c.send(request("/ranges/", fields=[("Range", f"bytes={first}-{first + 3}")]))
            assert c.response().body == CONTENT[first:first + 4]
    assert len(edge.origin.connections) == 1


@pytest.mark.parametrize("target, wanted, fields", [
    ("/", "bytes=0-1", []), ("/ranges/", "lines=0-1", []), ("/ranges/", "bytes=0-1,3-4", []),
    ("/ranges/", "bytes=0-1", [("If-Range", '"other"')]),
    ("/ranges/", "bytes=0-1", [("If-Range", "Sun, 06 Nov 1994 08:49:38 GMT")])])
def test_whole_answer_stays_whole(edge, target, wanted, fields):
    answer = ranged(edge, target, wanted, fields)
    assert answer.status == 200 and answer.body == CONTENT
    assert answer.all("Accept-Ranges") == (["bytes"] if target == "/ranges/" else ["none"])


@pytest.mark.parametrize("condition", ['"e"', DATE])
def test_range_under_its_condition(edge, condition):
    assert ranged(edge, "/ranges/", "bytes=1-2", [("If-Range", condition)]).status == 206


def test_range_behind_the_end_is_416(edge):
    answer = ranged(edge, "/ranges/", "bytes=999999-")
    assert (answer.status, answer.get("Content-Range")) == (416, f"bytes */{len(CONTENT)}")


@pytest.mark.parametrize("answer", [
    response(200, b"0123456789", framing="chunked"), response(404, b"0123456789"),
    response(206, b"01", [("Content-Range", "bytes 0-1/10")])])
def test_other_answers_pass_as_they_are(edge, answer):
    got = ranged(edge, "/ranges/", "bytes=3-4", answer=answer)
    assert got.body in (b"0123456789", b"01") and got.status in (200, 404, 206)
    assert got.all("Content-Range") == (["bytes 0-1/10"] if got.status == 206 else [])


# --- reset_timedout_connection --------------------------------------------------------------------

@pytest.mark.parametrize("is_on", [False, True])
@pytest.mark.parametrize("asks_before", [False, True])
def test_connection_that_timed_out_is_reset(start, is_on, asks_before):
    port = ringway.free_ports()
    start(ringway.http(
        ringway.server(port, "return 200 good;"),
        settings="client_header_timeout 300ms; keepalive_timeout 300ms;"
                 f"reset_timedout_connection {'on' if is_on else 'off'};"))
    with client.Client(port) as c:
        if asks_before:
            assert c.ask("/").status == 200
        try:
            assert c.sock.recv(1) == b""
            was_reset = False
        except ConnectionResetError:
            was_reset = True
    assert was_reset == (is_on and not asks_before)


# --- the file -------------------------------------------------------------------------------------

@pytest.mark.parametrize("directive, error", [
    ("proxy_bind 1.2.3.4.5;", 'invalid address "1.2.3.4.5"'),
    ("proxy_bind unix:/tmp/x;", 'invalid address "unix:/tmp/x"'),
    ("proxy_bind 127.0.0.1:70000;", 'invalid address "127.0.0.1:70000"'),
    ("proxy_bind [::1];", 'invalid address "[::1]"'),
    ("proxy_bind 127.0.0.1 off;", 'invalid parameter "off"'),
    ("proxy_bind $nothing_known;", 'unknown "nothing_known" variable'),
    ("proxy_socket_keepalive 1;", 'invalid value "1" in "proxy_socket_keepalive" directive, it '
                                  'must be "on" or "off"'),
])
def test_wrong_argument_is_an_error(conf_file, directive, error):
    path = conf_file(f"events {{}}\nhttp {{\n{directive}\nserver {{}}\n}}\n")
    result = ringway.run_file(path, "-t")
    assert result.returncode == 1
    assert f"{error} in {path}:3" in result.stderr


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:80", "::1", "[::1]:80",
                                     "$remote_addr transparent", "$remote_addr:$remote_port"])
def test_right_address_is_taken(conf_file, address):
    path = conf_file(f"events {{}}\nhttp {{\nproxy_bind {address};\nserver {{}}\n}}\n")
    assert ringway.run_file(path, "-t").returncode == 0
