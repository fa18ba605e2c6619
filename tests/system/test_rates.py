"""limit_rate, proxy_limit_rate, and how far ahead of its client an answer is read."""
import threading
import time

import pytest

import client
import ringway
import wire
from edge import Edge
from wire import chunked, pattern, request, response

SIZE = 60_000
RATE = 100_000  # bytes per second: SIZE takes 0.6 s, of which a tenth of a second is free
BODY = """
location /limited/ {{ limit_rate 100000; proxy_pass http://origin;
    location /limited/inner/ {{ proxy_pass http://origin; }}
    location /limited/off/ {{ limit_rate 0; proxy_pass http://origin; }} }}
location /after/ {{ limit_rate 50000; limit_rate_after 40000; proxy_pass http://origin; }}
location /upstream/ {{ proxy_limit_rate 100000; proxy_pass http://origin; }}
location /both/ {{ limit_rate 1m; proxy_limit_rate 100000; proxy_pass http://origin; }}
location /asked/ {{ limit_rate $arg_rate; limit_rate_after $arg_after; proxy_pass http://origin; }}
location /files/ {{ limit_rate 100000; alias {folder}/; }}
location /text/ {{ limit_rate 100; return 200 "{text}"; }}
location /drop/ {{ limit_rate 10; send_timeout 300ms; proxy_pass http://origin; }}
location /tiny/ {{ limit_rate 20; proxy_pass http://origin; }}
location /head/ {{ proxy_buffer_size 8k; proxy_buffers 4 8k; proxy_pass http://origin; }}
location /few/ {{ proxy_buffers 4 4k; proxy_pass http://origin; }}
location /unbuffered/ {{ proxy_buffering off; proxy_pass http://origin; }}
"""


@pytest.fixture(scope="module", name="shared")
def fixture_shared(start_shared, shared_origin, pki, folder):
    files = folder / "rates"
    files.mkdir()
    (files / "file").write_bytes(pattern(SIZE))
    return Edge(start_shared, shared_origin, pki,
                body=BODY.format(folder=files, text="t" * 50))


@pytest.fixture(name="edge")
def fixture_edge(shared):
    with shared.unharmed():
        yield shared


def answers(data, fields=(), **more):
    def script(connection):
        while connection.read_request():
            connection.send(response(200, data, fields, **more))
    return script


def timed(edge, target, **more):
    """The answer, and the seconds that it took."""
    began = time.monotonic()
    answer = edge.get(target, **more)
    return answer, time.monotonic() - began


# --- rates ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("target, least", [
    ("/limited/", 0.5), ("/limited/inner/", 0.5), ("/upstream/", 0.5), ("/both/", 0.5),
    ("/asked/?rate=100000", 0.5), ("/asked/?rate=100k&after=60000", 0), ("/after/", 0.3),
    ("/limited/off/", 0), ("/asked/", 0), ("/asked/?rate=0", 0), ("/asked/?rate=nonsense", 0),
    ("/asked/?rate=99999999999999999999", 0), ("/asked/?rate=9000000000000m", 0),
])
def test_answer_takes_the_time_that_its_rate_allows(edge, target, framing, least):
    body = pattern(SIZE)
    edge.origin.script = answers(body) if framing == "length" else lambda c: (
        c.read_request(),
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               + chunked([body[i:i + 7000] for i in range(0, SIZE, 7000)])))
    answer, seconds = timed(edge, target)
    assert answer.body == body
    assert least - 0.05 <= seconds < least + 0.45


@pytest.mark.parametrize("target, size, least", [("/files/file", SIZE, 0.5), ("/text/", 50, 0.4)])
def test_answer_of_our_own_takes_its_time(edge, target, size, least):
    answer, seconds = timed(edge, target)
    assert len(answer.body) == size
    assert least - 0.05 <= seconds < least + 0.45


def test_rate_is_even_and_costs_no_cpu(edge):
    edge.origin.script = answers(pattern(SIZE))
    with edge.connect() as c:
        c.send(request("/limited/"))
        wire.read_head(c)
        began, before = time.monotonic(), edge.ringway.cpu_seconds()
        got = len(c.rest())
        while got < SIZE:
            got += len(c.sock.recv(65536))
            passed = time.monotonic() - began
            assert got <= (passed + 0.25) * RATE
        assert edge.ringway.cpu_seconds() - before < 0.3


def test_slow_answers_do_not_slow_others(edge):
    edge.origin.script = answers(pattern(2000))
    clients = [edge.connect() for _ in range(20)]
    for c in clients:
        c.send(request("/tiny/"))
    began = time.monotonic()
    edge.canary()
    assert time.monotonic() - began < 0.5
    for c in clients:
        c.close()


def test_waiting_for_its_rate_is_no_stall(edge):
    """The pauses are longer than send_timeout and proxy_read_timeout."""
    edge.origin.script = answers(b"0123456789abcdef")
    answer, seconds = timed(edge, "/drop/")
    assert answer.body == b"0123456789abcdef"
    assert 1.0 < seconds < 2.5


def test_client_that_leaves_a_slow_answer_is_forgotten(edge):
    edge.origin.script = answers(pattern(2000))
    with edge.connect() as c:
        c.send(request("/tiny/"))
        c.take(50)
        c.reset()
    edge.canary()


def test_rate_is_a_variable(start, make_origin):
    own, port = make_origin(answers(b"x" * 10)), ringway.free_ports()
    edge = start(ringway.http(
        ringway.server(port, f"access_log rate.log rate; location /a {{ limit_rate 4k;"
                             f"proxy_pass http://{own.address}; }}"
                             f"location /b {{ proxy_pass http://{own.address}; }}"),
        settings="log_format rate '<$limit_rate>';"))
    log = edge.folder / "rate.log"
    client.get(port, "/a")
    client.get(port, "/b")
    wire.wait_until(lambda: log.read_text() == "<4096>\n<0>\n", 3)


# --- buffers --------------------------------------------------------------------------------------

def head_of(size):
    """A response whose head has that many bytes."""
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Pad-Of-It: "
    return start + b"p" * (size - len(start) - 4) + b"\r\n\r\nhi"


@pytest.mark.parametrize("target, size, status", [
    ("/", 4096, 200), ("/", 4097, 502), ("/head/", 8192, 200), ("/head/", 8193, 502),
    ("/head/", 500_000, 502)])
def test_head_of_an_answer_is_as_large_as_its_buffer(edge, target, size, status):
    edge.origin.script = lambda c: (c.read_request(), c.send(head_of(size)))
    mark = edge.ringway.mark()
    assert edge.get(target).status == status
    if status == 502:
        edge.ringway.wait_log("upstream sent too big header while reading response header from "
                              "upstream", mark)


@pytest.mark.parametrize("target", ["/", "/unbuffered/", "/few/"])
def test_what_came_is_passed_on_at_once(edge, target):
    go_on = threading.Event()

    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nnow,")
        assert go_on.wait(5)
        connection.send(b"then")
    edge.origin.script = script
    with edge.connect() as c:
        c.send(request(target))
        wire.read_head(c)
        assert c.take(4) == b"now,"
        go_on.set()
        assert c.take(4) == b"then"


@pytest.mark.parametrize("target", ["/unbuffered/", "/few/", "/head/"])
def test_large_answer_passes_through_small_buffers(edge, target):
    body = pattern(2_000_000)
    edge.origin.script = answers(body)
    assert edge.get(target).body == body


# --- the file -------------------------------------------------------------------------------------

BELOW = ('must be equal to or greater than the maximum of the value of "proxy_buffer_size" and one '
         'of the "proxy_buffers"')


@pytest.mark.parametrize("directives, error", [
    ("limit_rate 0.5;", '"limit_rate" directive invalid value'),
    ("limit_rate 1g;", '"limit_rate" directive invalid value'),
    ("limit_rate_after x;", '"limit_rate_after" directive invalid value'),
    ("proxy_limit_rate x;", '"proxy_limit_rate" directive invalid value'),
    ("limit_rate $nothing_known;", 'unknown "nothing_known" variable'),
    ("proxy_buffers 1 4k;", 'there must be at least 2 "proxy_buffers"'),
    ("proxy_buffers 0 4k;", '"proxy_buffers" directive invalid value'),
    ("proxy_busy_buffers_size 1k;", f'"proxy_busy_buffers_size" {BELOW}'),
    ("proxy_buffers 2 4k; proxy_busy_buffers_size 8k;",
     '"proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one '
     'buffer'),
    ("proxy_buffer_size 64k;",
     '"proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one '
     'buffer'),
    ("proxy_temp_file_write_size 1k;", f'"proxy_temp_file_write_size" {BELOW}'),
    ("proxy_max_temp_file_size 1k;",
     '"proxy_max_temp_file_size" must be equal to zero to disable temporary files usage or ' +
     BELOW),
])
def test_wrong_argument_is_an_error(conf_file, directives, error):
    path = conf_file(f"events {{}}\nhttp {{\n{directives}\nserver {{}}\n}}\n")
    result = ringway.run_file(path, "-t")
    assert result.returncode == 1
    assert f"{error} in {path}:3" in result.stderr


@pytest.mark.parametrize("directives", [
    "proxy_buffers 8 32k; proxy_buffer_size 64k;", "proxy_max_temp_file_size 0;",
    "proxy_temp_path /x 1 2;", "proxy_busy_buffers_size 28k;",
    "proxy_buffer_size 16k; proxy_buffers 4 16k; proxy_busy_buffers_size 48k;",
])
def test_right_sizes_are_taken(conf_file, directives):
    path = conf_file(f"events {{}}\nhttp {{\n{directives}\nserver {{}}\n}}\n")
    assert ringway.run_file(path, "-t").returncode == 0
