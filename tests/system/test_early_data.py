"""Requests before the handshake is finished: ssl_early_data, as openssl's client sends them."""
import ssl
import subprocess
import time

import pytest

import client
import origin as origins
import ringway
import tlswire
import wire
from wire import request

LIMIT = 16384


class World:
    """A server that takes early data before an origin; resume() comes with a ticket's request."""

    def __init__(self, start, make_origin, pki, folder, text="ssl_early_data on;", before=""):
        self.folder, self.port = folder, ringway.free_ports()
        self.origin = make_origin()
        self.pair = pki.leaf("www.test", "oth.test")
        self.text, self.before = text, before
        self.ringway = start(self.configuration(), workers=2)
        self.count = 0

    def configuration(self, text=None):
        text = (text or self.text).replace("ORIGIN", self.origin.address)
        return ringway.http(*(ringway.server(self.port, f"""server_name {name};
            ssl_certificate {self.pair.chain_file}; ssl_certificate_key {self.pair.key_file};
            {text} client_header_timeout 1s; keepalive_timeout 1s;
            location / {{ proxy_set_header Early-Data $ssl_early_data;
                          proxy_set_header X-Reused $ssl_session_reused;
                          proxy_next_upstream error timeout http_500 non_idempotent;
                          proxy_pass http://{self.origin.address}; }}
            """, listen=" ssl") for name in ("www.test", "oth.test")), settings=self.before)

    def run(self, *args, stdin=b"", port=None, sni="www.test", seconds=6):
        """What openssl said, which includes all answers."""
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port or self.port}",
                               "-servername", sni, "-tls1_3", "-ign_eof", *args], check=False,
                              input=stdin, capture_output=True, timeout=seconds)
        return done.stdout.decode("latin-1")

    def ticket(self, *args, **more):
        """A file with a fresh session."""
        self.count += 1
        path = self.folder / f"session{self.port}-{self.count}"
        said = self.run("-sess_out", path, *args, stdin=closing("/first"), **more)
        assert "GET /first" in said
        return path

    def resume(self, session, early, *args, later=b"", **more):
        """(was it accepted, all that was said)."""
        file = self.folder / f"early{self.port}"
        file.write_bytes(early)
        said = self.run("-sess_in", session, "-early_data", file, *args, stdin=later, **more)
        return "Early data was accepted" in said, said

    def seen(self, target):
        """Requests for the target that the origin got."""
        return [r for r in self.origin.requests if r.target == target]


def closing(target, method="GET", **more):
    return request(target, method, fields=[("Connection", "close")], **more)


@pytest.fixture
def world(start, make_origin, pki, tmp_path):
    return World(start, make_origin, pki, tmp_path)


@pytest.fixture
def make_world(start, make_origin, pki, tmp_path):
    return lambda *args, **more: World(start, make_origin, pki, tmp_path, *args, **more)


# --- taken --------------------------------------------------------------------------------------

def test_request_in_early_data_is_answered_and_marked(world):
    accepted, said = world.resume(world.ticket(), closing("/early"))
    assert accepted and said.count("GET /early 0") == 1
    assert [(r.get("Early-Data"), r.get("X-Reused")) for r in world.seen("/early")] == [("1", "r")]
    assert world.seen("/first")[0].get("Early-Data") is None


def test_request_is_answered_before_the_client_has_finished(world, make_origin):
    """Its last records are held until the origin has the request, and its answer is under way."""
    def hold(i, record):
        if i >= 3:  # behind ClientHello, change_cipher_spec, the early data
            wire.wait_until(lambda: world.seen("/early"), 3, "the request comes early")
        return record

    front = make_origin(origins.relay(world.port, from_client=hold))
    accepted, said = world.resume(world.ticket(), closing("/early"), port=front.port)
    assert accepted and said.count("GET /early 0") == 1
    assert [r.get("Early-Data") for r in world.seen("/early")] == ["1"]


def test_next_requests_on_the_connection_are_not_early(world):
    accepted, said = world.resume(world.ticket(), request("/early"), later=closing("/later"))
    assert accepted and "GET /early 0" in said and "GET /later 0" in said
    assert world.seen("/early")[0].get("Early-Data") == "1"
    assert world.seen("/later")[0].get("Early-Data") is None


def test_request_may_begin_early_and_end_late(world):
    whole = closing("/split", "POST", body=b"x" * 30000)
    accepted, said = world.resume(world.ticket(), whole[:9000], later=whole[9000:])
    assert accepted and "POST /split 30000" in said
    assert len(world.seen("/split")) == 1


def test_ticket_of_an_early_session_is_good_for_the_next_one(world):
    second = world.folder / "second"
    accepted, _ = world.resume(world.ticket(), request("/early"), "-sess_out", second,
                               later=closing("/later"))
    assert accepted
    assert world.resume(second, closing("/again"))[0]
    assert len(world.seen("/again")) == 1


def test_as_much_as_the_ticket_allows_is_taken(world):
    head = closing("/full", "POST", body=b"")
    early = closing("/full", "POST", body=b"x" * (LIMIT - len(head) - 4))
    assert len(early) <= LIMIT
    accepted, said = world.resume(world.ticket(), early)
    assert accepted and "POST /full" in said


def test_too_early_of_the_upstream_is_passed_on(world):
    world.origin.script = origins.serve(
        lambda r: wire.response(425 if r.get("Early-Data") else 200, b"!", reason="Too Early"))
    session = world.folder / "session"
    world.run("-sess_out", session, stdin=closing("/first"))
    accepted, said = world.resume(session, closing("/early"))
    assert accepted and "HTTP/1.1 425" in said
    assert len(world.seen("/early")) == 1


def test_answer_is_not_lost_when_all_is_said_before_the_handshake_ends(world, make_origin):
    """The client's Finished comes to a server that has said all: no reset overtakes the answer."""
    def hold(i, record):
        if i >= 3:
            time.sleep(0.3)
        return record

    front = make_origin(origins.relay(world.port, from_client=hold))
    accepted, said = world.resume(world.ticket(), closing("/early"), port=front.port)
    assert accepted and "GET /early 0" in said
    front.settled()
    assert not front.connections[0].error


# --- not taken, and sent again ------------------------------------------------------------------

def rejected(world, session, *args, **more):
    accepted, said = world.resume(session, closing("/early"), *args, later=closing("/later"),
                                  **more)
    assert not accepted and "GET /later 0" in said, said
    assert "Early data was rejected" in said or "Early data was not sent" in said
    assert not world.seen("/early")
    assert [r.get("Early-Data") for r in world.seen("/later")] == [None]
    return said


def test_ticket_is_good_for_early_data_once(world):
    session = world.ticket()
    assert world.resume(session, closing("/once"))[0]
    assert "Reused, TLSv1.3" in rejected(world, session)
    assert len(world.seen("/once")) == 1


def test_replayed_bytes_are_not_taken(world, make_origin):
    """What a client sent first, once more, by somebody who only saw it."""
    front = make_origin(origins.relay(world.port))
    assert world.resume(world.ticket(), closing("/once"), port=front.port)[0]
    flight = bytes(front.connections[0].received)
    for _ in range(3):
        with client.Client(world.port) as c:
            c.send(flight)
            time.sleep(0.2)
    assert len(world.seen("/once")) == 1


def test_most_early_data_that_can_be_is_skipped(world):
    session = world.ticket()
    world.resume(session, closing("/once"))
    accepted, said = world.resume(session, b"x" * LIMIT, later=closing("/later"))
    assert not accepted and "GET /later 0" in said


def test_ticket_for_another_name_is_not_good_for_early_data(world):
    session = world.ticket()
    text = session.read_text().replace("SSL SESSION PARAMETERS", "CERTIFICATE")
    der = ssl.PEM_cert_to_DER_cert(text)
    before, _, behind = der.rpartition(b"www.test")  # the certificate has it too
    session.write_text(ssl.DER_cert_to_PEM_cert(before + b"oth.test" + behind)
                       .replace("CERTIFICATE", "SSL SESSION PARAMETERS"))
    rejected(world, session, sni="oth.test")


def test_ticket_for_another_protocol_is_not_good_for_early_data(world):
    assert world.resume(world.ticket("-alpn", "http/1.1"), closing("/same"), "-alpn", "http/1.1")[0]
    rejected(world, world.ticket(), "-alpn", "http/1.1")


def test_early_data_is_rejected_with_a_retried_hello(make_world):
    world = make_world("ssl_early_data on; ssl_ecdh_curve secp384r1;")
    rejected(world, world.ticket())


def test_early_data_is_rejected_once_it_is_off(world):
    session = world.ticket()
    world.ringway.write(world.configuration("ssl_early_data off;"))
    world.ringway.reload()
    rejected(world, session)


def test_early_data_is_rejected_by_another_process(world):
    session = world.ticket()
    world.ringway.stop()
    world.ringway.start()
    rejected(world, session)


@pytest.mark.parametrize("text", [
    "", "ssl_early_data off;", "ssl_early_data on; ssl_session_tickets off;",
    "ssl_early_data on; ssl_session_tickets off; ssl_session_cache shared:S:1m;"])
def test_tickets_do_not_allow_what_is_not_taken(make_world, text):
    world = make_world(text)
    said = world.run("-msg", stdin=closing("/first"))
    assert "GET /first 0" in said
    assert "Max Early Data: 0" in said or "New Session Ticket arrived" not in said


def test_early_data_is_not_taken_where_certificates_are_asked_for(make_world, pki):
    ca = pki.root.cert_file
    world = make_world(f"ssl_early_data on; ssl_verify_client optional; "
                       f"ssl_client_certificate {ca};")
    assert "Max Early Data: 0" in world.run(stdin=closing("/first"))


def test_certificates_are_looked_at_behind_early_data_that_is_skipped(world, pki):
    """Where they came to be asked for; the client has a ticket from before."""
    pair, session = pki.client(), world.ticket()
    world.ringway.write(world.configuration(
        f"ssl_early_data on; ssl_verify_client on; ssl_client_certificate {pki.root.cert_file};"))
    world.ringway.reload()
    rejected(world, session, "-cert", pair.cert_file, "-key", pair.key_file)
    accepted, said = world.resume(session, closing("/early"), later=closing("/none"))
    assert not accepted and "HTTP/1.1 400" in said
    assert not world.seen("/none")


# --- hostile ------------------------------------------------------------------------------------

def test_more_than_the_ticket_allows_ends_the_connection(world):
    accepted, said = world.resume(world.ticket(), closing("/big", "POST", body=b"x" * 40000))
    assert "POST /big" not in said
    assert world.ringway.process.poll() is None
    assert "GET /first" in world.run(stdin=closing("/first"))


@pytest.mark.parametrize("records", [1, 2, 3, 4])
def test_connection_cut_within_early_data_does_no_harm(world, make_origin, records):
    front = make_origin(origins.relay(
        world.port, from_client=lambda i, record: record if i < records else None))
    world.resume(world.ticket(), request("/early"), port=front.port)
    assert "GET /first" in world.run(stdin=closing("/first"))
    assert len(world.seen("/early")) <= 1


@pytest.mark.parametrize("nth", [2, 3, 4])
def test_broken_records_end_the_connection(world, make_origin, nth):
    """Of early data, of its end, and of Finished."""
    def break_one(i, record):
        return record[:-1] + bytes([record[-1] ^ 1]) if i == nth else record

    front = make_origin(origins.relay(world.port, from_client=break_one))
    world.resume(world.ticket(), request("/early"), port=front.port)
    assert len(world.seen("/early")) <= 1
    assert "GET /first" in world.run(stdin=closing("/first"))


def test_early_data_in_single_bytes_is_taken(world, make_origin):
    front = make_origin(origins.relay(
        world.port, from_client=lambda i, r: [r[j:j + 7] for j in range(0, len(r), 7)], gap=0.001))
    accepted, said = world.resume(world.ticket(), closing("/early"), port=front.port)
    assert accepted and "GET /early 0" in said


def announce_early_data(hello):
    """The record of a ClientHello with one extension more, in front of the others."""
    body = bytearray(hello[5:])
    at = 4 + 2 + 32
    at += 1 + body[at]
    at += 2 + int.from_bytes(body[at:at + 2], "big")
    at += 1 + body[at]
    size = int.from_bytes(body[at:at + 2], "big")
    body[at:at + 2] = (size + 4).to_bytes(2, "big") + b"\0\x2a\0\0"
    body[1:4] = (len(body) - 4).to_bytes(3, "big")
    return hello[:3] + len(body).to_bytes(2, "big") + bytes(body)


def test_early_data_announced_late_does_not_finish_a_handshake(make_world, make_origin):
    """In the second ClientHello, where it must not be, with a ticket that nobody opens."""
    world = make_world("ssl_early_data on; ssl_ecdh_curve secp384r1;")
    session, hellos = world.ticket(), []
    world.ringway.stop()
    world.ringway.start()

    def change(_, record):
        if record[0] != tlswire.HANDSHAKE:
            return record
        hellos.append(record)
        return announce_early_data(record) if len(hellos) == 2 else record

    front = make_origin(origins.relay(world.port, from_client=change))
    mark = world.ringway.mark()
    assert "GET /late" not in world.run("-sess_in", session, stdin=closing("/late"),
                                        port=front.port)
    assert len(hellos) == 2
    world.ringway.wait_log("early data announced in a second ClientHello", mark)
