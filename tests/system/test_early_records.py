"""Early data record by record: what no honest client sends, and what others may send again."""
import itertools
import signal
import threading
import time

import pytest

import origin as origins
import ringway
import tls13
import tlswire
import wire
from test_early_data import LIMIT, World, closing
from tls13 import END_OF_EARLY_DATA, FINISHED, KEY_UPDATE
from tlswire import ALERT, APPLICATION_DATA, HANDSHAKE, record
from wire import request

UNEXPECTED_MESSAGE, BAD_RECORD_MAC, RECORD_OVERFLOW, DECODE_ERROR = 10, 20, 22, 50


@pytest.fixture
def make_world(start, make_origin, pki, tmp_path):
    return lambda *args, **more: World(start, make_origin, pki, tmp_path, *args, **more)


@pytest.fixture
def world(make_world):
    return make_world()


def ticket(world, **more):
    return tls13.resumable(world.port, closing("/first"), **more)


def begin(world, *pieces, session=None, **more):
    """A connection whose client has sent a ClientHello and records of early data."""
    c = tls13.Client(world.port)
    hello = c.hello([session or ticket(world)], early=True, **more)
    c.send(hello + c.early.data(*pieces))
    return c


def taken(world, *pieces, **more):
    """The same, with the server's answer in the handshake read."""
    c = begin(world, *pieces, **more)
    c.read_flight()
    assert c.is_resumed and c.is_early
    return c


def used(world, **more):
    """A session whose ticket has brought early data already."""
    session = ticket(world, **more)
    with taken(world, request("/used"), session=session, **more):
        pass
    return session


def skipped(world, c):
    """The server ends the handshake as if nothing had come before."""
    c.read_flight()
    assert not c.is_early
    c.finish(closing("/later"))
    assert c.response().body == b"GET /later 0"
    assert not world.seen("/early")
    return c.is_resumed


def marks(world):
    """(target, Early-Data) of each request but those that tickets came with."""
    return [(r.target, r.get("Early-Data")) for r in world.origin.requests
            if r.target != "/first"]


def post(size):
    """A request of so many bytes."""
    head = (b"POST /early HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n"
            b"Content-Length: %05d\r\n\r\n")
    body = size - len(head % 0)
    return head % body + bytes(body)


# --- what a client may do -----------------------------------------------------------------------

@pytest.mark.parametrize("cut", [1, 7, 100, LIMIT])
def test_records_of_any_size_are_taken(world, cut):
    whole = request("/early")
    with taken(world, *(whole[i:i + cut] for i in range(0, len(whole), cut))) as c:
        c.finish(b"", closing("/later"))
        assert c.response().body == b"GET /early 0"
        assert c.response().body == b"GET /later 0"
    assert marks(world) == [("/early", "1"), ("/later", None)]


def test_empty_and_padded_records_are_taken(world):
    with taken(world, b"", b"", request("/early")) as c:
        two = request("/two")
        c.send(b"".join(c.early.seal(APPLICATION_DATA, two[i:i + 40], 15000)
                        for i in range(0, len(two), 40)) + c.early.data(b"", b""))
        c.finish(closing("/later"))
        assert [c.response().body for _ in range(3)] == [b"GET /early 0", b"GET /two 0",
                                                         b"GET /later 0"]


@pytest.mark.parametrize("cut", [LIMIT, 8000, 1000])
def test_limit_is_counted_in_bytes_of_data(world, cut):
    whole = post(LIMIT)
    assert len(whole) == LIMIT
    with taken(world, *(whole[i:i + cut] for i in range(0, LIMIT, cut))) as c:
        c.finish()
        assert c.response("POST").status == 200
    with begin(world, *(whole[i:i + cut] for i in range(0, LIMIT, cut)), b"x") as c:
        c.read_flight()
        c.finish()
        with pytest.raises(wire.Cut):
            c.response("POST")


def test_limit_holds_for_records_of_a_byte_each(world):
    """That many empty ones are too much."""
    whole = post(LIMIT)
    with taken(world, *(whole[i:i + 1] for i in range(LIMIT))) as c:
        c.finish()
        assert c.response("POST").status == 200
    with begin(world, *[b""] * (2 * LIMIT)) as c, pytest.raises(wire.Cut):
        c.read_flight()
        c.finish(closing("/never"))
        c.response()
    assert not world.seen("/never")


def test_requests_are_early_up_to_the_last_that_began_so(world):
    """The one that was cut is whole only with what came behind Finished."""
    late = request("/d")
    with taken(world, request("/a") + request("/b"), request("/c") + late[:10]) as c:
        assert [c.response().body for _ in range(3)] == [b"GET /a 0", b"GET /b 0", b"GET /c 0"]
        c.finish(late[10:] + closing("/e"))
        assert [c.response().body for _ in range(2)] == [b"GET /d 0", b"GET /e 0"]
    assert marks(world) == [("/a", "1"), ("/b", "1"), ("/c", "1"), ("/d", None), ("/e", None)]


def test_answers_are_sealed_between_the_end_of_early_data_and_finished(world):
    world.origin.script = origins.serve(
        lambda r: (time.sleep(0.2), wire.response(200, r.target.encode()))[1])
    session = ticket(world)
    with taken(world, request("/early"), session=session) as c:
        c.send(c.end_of_early_data())
        assert c.response().body == b"/early"
        c.send(c.finished(), c.writing.data(closing("/later")))
        assert c.response().body == b"/later"


def test_body_may_begin_early_where_it_is_streamed(make_world):
    world = make_world("ssl_early_data on; proxy_request_buffering off;")
    whole = post(9000)
    with taken(world, whole[:500], whole[500:1000]) as c:
        wire.wait_until(lambda: world.origin.connections[-1].received.count(b"POST"), 3, "it comes")
        c.finish(whole[1000:])
        assert c.response("POST").status == 200
    assert [(r.target, r.get("Early-Data")) for r in world.seen("/early")] == [("/early", "1")]


def test_hello_in_pieces_with_all_of_its_early_data_behind(world):
    whole = post(LIMIT)
    with tls13.Client(world.port) as c:
        hello = c.hello([ticket(world)], early=True)
        c.send(hello[:9])
        time.sleep(0.05)
        c.send(hello[9:] + c.early.data(whole[:9000], whole[9000:]))
        c.read_flight()
        c.finish()
        assert c.response("POST").status == 200


@pytest.mark.parametrize("rest", [b"", b"GET /par"])
def test_client_that_never_finishes_is_not_waited_for(world, rest):
    began = time.monotonic()
    with taken(world, request("/early") + rest) as c:
        assert c.response().body == b"GET /early 0"
        c.alert_of_end()
    assert 0.8 < time.monotonic() - began < 4


def test_empty_records_do_not_hold_a_connection(world):
    began = time.monotonic()
    with taken(world, request("/early")) as c:
        while c.send(c.early.data(b"")) and time.monotonic() - began < 5:
            time.sleep(0.1)
    assert time.monotonic() - began < 4


# --- what a client must not do ------------------------------------------------------------------

def seal_end(c, end, key):
    c.transcript += end
    return key.seal(HANDSHAKE, end)


END = bytes([END_OF_EARLY_DATA, 0, 0, 0])
MISDEEDS = {
    "no end of early data": (lambda c: c.finished(), BAD_RECORD_MAC),
    "its end twice": (lambda c: c.end_of_early_data() + c.end_of_early_data(), BAD_RECORD_MAC),
    "its end twice, by key": (lambda c: c.end_of_early_data() + seal_end(c, END, c.writing),
                              UNEXPECTED_MESSAGE),
    "its end with a body": (lambda c: seal_end(c, tls13.message(END_OF_EARLY_DATA, b"x"), c.early),
                            DECODE_ERROR),
    "data behind its end": (lambda c: c.end_of_early_data() + c.early.data(request("/bad")),
                            BAD_RECORD_MAC),
    "data behind its end, by key": (lambda c: c.end_of_early_data() +
                                    c.writing.data(request("/bad")), UNEXPECTED_MESSAGE),
    "Finished as early data": (lambda c: c.early.seal(HANDSHAKE, c.finished_message()),
                               UNEXPECTED_MESSAGE),
    "key update": (lambda c: c.early.seal(HANDSHAKE, tls13.message(KEY_UPDATE, b"\1")),
                   UNEXPECTED_MESSAGE),
    "plain data": (lambda c: record(APPLICATION_DATA, request("/bad")), BAD_RECORD_MAC),
    "plain alert": (lambda c: record(ALERT, b"\1\0"), UNEXPECTED_MESSAGE),
    "long record": (lambda c: c.early.data(bytes(16385)), RECORD_OVERFLOW),
    "bad Finished": (lambda c: c.end_of_early_data() +
                     c.writing.seal(HANDSHAKE, tls13.message(FINISHED, bytes(32))), 51),
}


@pytest.mark.parametrize("name", MISDEEDS)
def test_misdeeds_end_the_connection_with_an_alert(world, name):
    misdeed, expected = MISDEEDS[name]
    with taken(world, request("/early")) as c:
        assert c.response().body == b"GET /early 0"
        c.send(misdeed(c))
        assert c.alert_of_end() == expected
    assert marks(world) == [("/early", "1")]
    assert ticket(world)


@pytest.mark.parametrize("description, expected", [(0, 0), (20, "eof")])
def test_alert_in_early_data_ends_the_connection(world, description, expected):
    with taken(world, request("/early")) as c:
        assert c.response().body == b"GET /early 0"
        c.send(c.early.seal(ALERT, bytes([2 if description else 1, description])))
        assert c.alert_of_end() == expected


@pytest.mark.parametrize("text", ["ssl_early_data on;", "ssl_early_data off;"])
def test_data_under_the_key_of_the_handshake_is_refused(make_world, text):
    """Announced or not."""
    world = make_world(text)
    session = ticket(world)
    for early in False, True:
        with tls13.Client(world.port) as c:
            c.send(c.hello([session], early=early, alpn="http/1.1"))
            c.read_flight()
            assert c.is_resumed and not c.is_early
            c.send(c.writing.data(request("/bad")) + c.finished())
            assert c.alert_of_end() == UNEXPECTED_MESSAGE
    assert not marks(world)


def test_end_of_early_data_that_was_not_taken_is_refused(world):
    session = used(world)
    with begin(world, request("/early"), session=session) as c:
        c.read_flight()
        assert c.is_resumed and not c.is_early
        c.send(seal_end(c, END, c.writing) + c.finished())
        assert c.alert_of_end() == UNEXPECTED_MESSAGE


def test_records_that_nobody_announced_are_not_skipped(world):
    with tls13.Client(world.port) as c:
        c.send(c.hello([ticket(world)]) + c.early.data(request("/bad")))
        c.read_flight()
        assert c.alert_of_end() == BAD_RECORD_MAC


def test_broken_record_behind_the_handshake_is_told_by_an_alert(world):
    with tls13.Client(world.port) as c:
        c.send(c.hello())
        c.read_flight()
        c.finish(request("/a"))
        assert c.response().body == b"GET /a 0"
        c.send(record(APPLICATION_DATA, bytes(40)))
        assert c.alert_of_end() == BAD_RECORD_MAC


# --- skipped ------------------------------------------------------------------------------------

def test_early_data_before_a_retried_hello_is_skipped(make_world):
    """Whatever its size, up to what a handshake may have."""
    world = make_world("ssl_early_data on; ssl_ecdh_curve secp384r1:x25519;")
    session = ticket(world)
    for count, again in itertools.product((1, 16), (False, True)):
        with tls13.Client(world.port) as c:
            c.send(c.hello([session], early=True, has_share=False) +
                   c.early.data(request("/early"), *[bytes(1000)] * count))
            c.read_flight()
            assert c.is_retried
            c.send(c.hello([session], early=again))
            assert skipped(world, c)
    with tls13.Client(world.port) as c:
        c.send(c.hello([session], early=True, has_share=False))
        c.read_flight()
        c.send(record(APPLICATION_DATA, bytes(16000)) * 20)
        with pytest.raises(wire.Cut):
            c.read_flight()


def test_skipping_has_an_end(world):
    session = used(world)
    for size, ends in (60, [0]), (70, [UNEXPECTED_MESSAGE, "eof", "reset"]):
        with begin(world, *[bytes(1000)] * size, session=session) as c:
            c.read_flight()
            c.finish(closing("/later"))
            assert c.alert_of_end() in ends
    assert len(world.seen("/later")) == 1


def test_early_data_is_under_the_first_ticket_only(world):
    first, second = ticket(world), ticket(world)
    spoilt = tls13.Session(**{**vars(first), "ticket": bytes(len(first.ticket))})
    with tls13.Client(world.port) as c:
        c.send(c.hello([spoilt, second], early=True) + c.early.data(request("/early")))
        c.early_secret = tls13.extract(bytes(32), second.psk)
        assert skipped(world, c)
    with tls13.Client(world.port) as c:
        c.send(c.hello([first, ticket(world)], early=True) + c.early.data(closing("/early")))
        c.read_flight()
        assert c.is_early
        assert c.response().body == b"GET /early 0"


# --- sent again ---------------------------------------------------------------------------------

def replay(world, bytes_, count, gap=0.0):
    """The bytes once more on so many connections, which are open together."""
    connections = []
    for _ in range(count):
        connections.append(tls13.Client(world.port))
    threads = [threading.Thread(target=c.send, args=[bytes_]) for c in connections]
    for t in threads:
        t.start()
        time.sleep(gap)
    for t in threads:
        t.join()
    for c in connections:
        c.read_record()  # it is answered: what is to be taken was taken
    time.sleep(0.1)
    for c in connections:
        c.sock.close()


def flight(world, session, **more):
    c = tls13.Client(world.port)
    hello = c.hello([session], early=True, **more)
    c.sock.close()
    return hello + c.early.data(closing("/once"))


def test_copies_at_the_same_time_are_taken_once(world):
    for _ in range(5):
        world.origin.forget()
        replay(world, flight(world, ticket(world)), 16)
        assert len(world.seen("/once")) == 1


def test_copies_are_known_behind_a_reload(world):
    bytes_ = flight(world, ticket(world))
    replay(world, bytes_, 1)
    world.ringway.reload(world.configuration("ssl_early_data on; ssl_buffer_size 8k;"))
    replay(world, bytes_, 4)
    world.ringway.reload(world.configuration("ssl_early_data off;"))
    world.ringway.reload(world.configuration())
    replay(world, bytes_, 4)
    assert len(world.seen("/once")) == 1


def test_late_copies_are_not_taken(world):
    """The client gives the age of its ticket, which a copy cannot change."""
    for late_ms, is_taken in (900, True), (10500, True), (12000, False), (-1500, False):
        world.origin.forget()
        session = ticket(world)
        replay(world, flight(world, session, age_ms=session.age_ms() - late_ms), 2)
        assert len(world.seen("/once")) == is_taken


def key_file(folder, name, byte):
    path = folder / name
    path.write_bytes(bytes([byte]) * 80)
    return path


def test_tickets_of_a_key_file_are_early_once(make_world, tmp_path):
    """Under a key that others have, too, and when it is not the first any more."""
    old, new = key_file(tmp_path, "old", 1), key_file(tmp_path, "new", 2)
    text = f"ssl_early_data on; ssl_session_ticket_key {old};"
    world = make_world(text)
    bytes_, other = flight(world, ticket(world)), ticket(world)
    replay(world, bytes_, 4)
    assert len(world.seen("/once")) == 1
    world.ringway.reload(world.configuration(
        f"ssl_early_data on; ssl_session_ticket_key {new}; ssl_session_ticket_key {old};"))
    replay(world, bytes_, 4)
    assert len(world.seen("/once")) == 1
    world.ringway.reload(world.configuration(text))
    replay(world, flight(world, other), 4)
    assert len(world.seen("/once")) == 2


def test_tickets_of_a_key_file_are_not_early_in_another_process(make_world, tmp_path):
    """It has the key, and cannot know what the first one took."""
    world = make_world(f"ssl_early_data on; ssl_session_ticket_key {key_file(tmp_path, 'k', 1)};")
    session, later = ticket(world), ticket(world)
    replay(world, flight(world, session), 1)
    world.ringway.stop()
    world.ringway.start()
    world.origin.forget()
    for s in session, later:
        with begin(world, closing("/early"), session=s) as c:
            assert skipped(world, c)
    with taken(world, closing("/early")) as c:  # with a ticket of this one
        assert c.response().body == b"GET /early 0"


def test_tickets_are_not_early_at_a_server_that_takes_none(start, make_origin, pki, tmp_path):
    """With the same key and certificate."""
    key, pair, port = key_file(tmp_path, "key", 3), pki.leaf("www.test", "off.test"), \
        ringway.free_ports()
    start(ringway.http(*(ringway.server(port, f"""server_name {name};
        ssl_certificate {pair.chain_file}; ssl_certificate_key {pair.key_file};
        ssl_session_ticket_key {key}; ssl_early_data {name == "www.test" and "on" or "off"};
        return 200 "$ssl_server_name $ssl_early_data.";""", listen=" ssl")
                         for name in ("www.test", "off.test"))), workers=2)
    session = tls13.resumable(port, closing("/"))
    assert session.early_bytes_max == LIMIT
    assert tls13.resumable(port, closing("/"), sni="off.test").early_bytes_max == 0
    with tls13.Client(port) as c:
        c.send(c.hello([session], early=True, sni="off.test") + c.early.data(request("/")))
        c.read_flight()
        assert not c.is_early
        c.finish(closing("/"))
        assert c.response().body == b"off.test ."
    with tls13.Client(port) as c:
        c.send(c.hello([session], early=True) + c.early.data(closing("/")))
        c.read_flight()
        assert c.is_early
        assert c.response().body == b"www.test 1."


# --- what the configuration makes of it ---------------------------------------------------------

def test_early_requests_may_be_refused(make_world):
    """With a 425 of our own, RFC 8470 section 5.2, until the handshake is finished."""
    world = make_world("ssl_early_data on; if ($ssl_early_data) { return 425; }")
    with taken(world, request("/early")) as c:
        assert c.response().start == "HTTP/1.1 425 Too Early"
        c.finish(closing("/early"))
        assert c.response().body == b"GET /early 0"
    assert marks(world) == [("/early", None)]


def test_too_early_is_an_error_that_can_have_a_page(make_world):
    world = make_world("ssl_early_data on; proxy_intercept_errors on; error_page 425 = @later; "
                       "location @later { return 503 later; }")
    world.origin.script = origins.serve(
        lambda r: wire.response(425 if r.get("Early-Data") else 200, b"!", reason="Too Early"))
    with taken(world, closing("/early")) as c:
        answer = c.response()
        assert (answer.status, answer.body) == (503, b"later")


def test_subrequests_of_early_requests_are_early(make_world):
    world = make_world("ssl_early_data on; auth_request /allow; location = /allow { internal; "
                       "proxy_set_header Early-Data $ssl_early_data; proxy_pass http://ORIGIN; }")
    with taken(world, closing("/early")) as c:
        assert c.response().body == b"GET /early 0"
    assert [m for _, m in marks(world)[-2:]] == ["1", "1"]


# --- and what else goes on ----------------------------------------------------------------------

@pytest.mark.parametrize("state", ["begun", "answered", "awaited"])
def test_process_ends_in_the_midst_of_early_data(world, state):
    release = threading.Event()
    if state == "awaited":
        world.origin.script = origins.serve(
            lambda r: (r.target == "/early" and release.wait(5), wire.response(200, b"late"))[1])
    session = ticket(world)
    with taken(world, request("/early")[:None if state != "begun" else 9], session=session) as c:
        if state == "answered":
            assert c.response().status == 200
        if state == "awaited":
            wire.wait_until(lambda: world.seen("/early"), 3, "the request comes")
        world.ringway.signal(signal.SIGQUIT)
        time.sleep(0.1)
        release.set()
        if state == "awaited":
            assert c.response().body == b"late"
        c.alert_of_end()
    assert world.ringway.process.wait(3) == 0


def test_no_early_data_is_sent_upstream(world, start, make_origin, pki, connect):
    """Where tickets would allow it."""
    relay, port = make_origin(origins.relay(world.port)), ringway.free_ports()
    start(ringway.http(ringway.server(port, f"""location / {{
        proxy_pass https://{relay.address}; proxy_ssl_name www.test; proxy_set_header Host www.test;
        proxy_ssl_trusted_certificate {pki.root.cert_file}; proxy_set_header Connection close; }}
        """)))
    for _ in range(4):
        with connect(port) as c:
            assert c.ask("/again").status == 200
    hellos = [tlswire.parse_client_hello(bytes(c.received)) for c in relay.connections]
    assert hellos[-1].psk_identities
    assert not any(h.has_early_data for h in hellos)
    assert {r.get("X-Reused") for r in world.seen("/again")} == {"r", "."}
