"""Tunnels after 101: each direction ends by itself."""
import pytest

from origin import serve
from wire import pattern, request
from worlds import proxying_edge

UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "echo")]
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"


@pytest.fixture(scope="module", params=["http", "https"])
def edge(request, start_shared, shared_origin, pki):
    return proxying_edge(start_shared, shared_origin, pki, request.param)


@pytest.fixture(autouse=True)
def unharmed(edge):
    with edge.unharmed():
        yield


def counts_then_answers(c):
    """Reads to the end of the client's side, then says how much that was, and much more."""
    c.read_request_head()
    c.send(SWITCH)
    size = 0
    while data := c.take_some():
        size += len(data)
    c.send(b"%d " % size + pattern(200_000))


# Python's ssl module cannot go on after close_notify.
PLAIN = pytest.mark.parametrize("edge", ["http"], indirect=True)


@PLAIN
@pytest.mark.parametrize("size", [0, 1, 100_000, 1_000_000])
def test_half_close_of_the_client_reaches_the_upstream_which_still_answers(edge, size):
    edge.origin.script = counts_then_answers
    with edge.connect() as c:
        c.send(request("/upgrade/", fields=UPGRADE))
        assert c.response().status == 101
        c.send(pattern(size))
        c.half_close()
        assert c.until_close() == b"%d " % size + pattern(200_000)


@PLAIN
def test_half_close_of_the_upstream_reaches_the_client_which_goes_on(edge):
    got = []

    def script(c):
        c.read_request_head()
        c.send(SWITCH + b"bye")
        c.half_close()
        while data := c.take_some():
            got.append(data)
    edge.origin.script = script
    with edge.connect() as c:
        c.send(request("/upgrade/", fields=UPGRADE))
        assert c.response().status == 101
        assert c.until_close() == b"bye"
        c.send(pattern(50_000))
    edge.origin.settled()
    assert b"".join(got) == pattern(50_000)


def test_tunnel_that_is_silent_ends_at_the_read_timeout(edge):
    def script(c):
        c.read_request_head()
        c.send(SWITCH)
        c.take_some()
    edge.origin.script = script
    with edge.connect() as c:
        c.send(request("/upgrade/", fields=UPGRADE))
        assert c.response().status == 101
        assert c.is_closed(4)


def test_connection_is_used_again_after_a_tunnel_was_refused(edge):
    edge.origin.script = serve()
    with edge.connect() as c:
        assert c.ask("/upgrade/", fields=UPGRADE).status == 200
        assert c.ask("/x").status == 200
