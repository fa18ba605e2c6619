"""Hosts that requests name: asked of a name server, passed to, kept and forgotten."""
import re
import threading
import time

import pytest

import client
import dns
import ringway
import wire
from certs import NAME, server_context
from edge import tls_settings
from origin import serve

LOCATIONS = """
resolver {dns} ipv6=off;
resolver_timeout 600ms;
proxy_connect_timeout 900ms;
location / {{ proxy_pass http://$arg_to; }}
location /uri/ {{ proxy_pass http://$arg_to/base?with=$arg_q; }}
location /decoded/ {{ proxy_pass http://$arg_to$uri; }}
location /tls/ {{ proxy_pass https://$arg_to; }}
location /unverified/ {{ proxy_ssl_verify off; proxy_pass https://$arg_to; }}
location /valid/ {{ resolver {dns} valid=60s ipv6=off; proxy_pass http://$arg_to; }}
location /ip6/ {{ resolver {dns} ipv4=off; proxy_pass http://$arg_to; }}
location /both/ {{ resolver {dns}; proxy_pass http://$arg_to; }}
location /second/ {{ resolver {dead} {dns} ipv6=off; resolver_timeout 8s;
                     proxy_pass http://$arg_to; }}
location /page/ {{ error_page 502 =200 /sorry; proxy_pass http://$arg_to; }}
location = /sorry {{ return 200 "sorry"; }}
location = /canary {{ return 200 "canary"; }}
"""


class World:
    def __init__(self, start, make_origin, pki):
        self.dns = dns.Server()
        self.reached = []  # by which addresses, connection after connection
        self.origin = make_origin(self.script, address="0.0.0.0")
        self.tls = make_origin(tls=server_context(pki.leaf(NAME)))
        self.port, self.bare_port, dead = ringway.free_ports(3)
        self.text = ringway.http(
            f"upstream group.test {{ server 127.0.0.1:{self.origin.port}; }}",
            ringway.server(self.port, LOCATIONS.format(
                dns=self.dns.address, dead=f"127.0.0.1:{dead}") + tls_settings(pki, name=None)),
            ringway.server(self.bare_port, "location / { proxy_pass http://$arg_to; }"))
        self.ringway = start(self.text)

    def get(self, to, target="/", port=None, more=""):
        is_tls = target.startswith(("/tls", "/unverified"))
        port = port or (self.tls if is_tls else self.origin).port
        return client.get(self.port, f"{target}?to={to}:{port}{more}")

    def refuses(self, line, to, target="/", status=502, port=None):
        mark = self.ringway.mark()
        answer = self.get(to, target, port)
        assert answer.status == status
        self.ringway.wait_log(re.escape(line), mark)

    def script(self, connection):
        self.reached.append(connection.plain.getsockname()[0])
        serve()(connection)


@pytest.fixture(scope="module")
def world(start_shared, shared_origin, pki):
    made = World(start_shared, shared_origin, pki)
    yield made
    made.dns.close()


@pytest.fixture(autouse=True)
def fresh(world):
    world.dns.zone.clear()
    world.dns.questions.clear()
    world.origin.forget()
    world.tls.forget()
    world.reached.clear()
    yield
    assert world.ringway.is_running()
    assert client.get(world.port, "/canary").body == b"canary"


# --- names and addresses ------------------------------------------------------------------------

def test_name_is_resolved_and_passed_to(world):
    world.dns.zone["one.test"] = dns.Answer(["127.0.0.2"])
    assert world.get("one.test").status == 200
    assert world.reached == ["127.0.0.2"]
    assert world.origin.requests[0].get("Host") == f"one.test:{world.origin.port}"


def test_answer_is_kept_as_long_as_it_says(world):
    world.dns.zone["kept.test"] = dns.Answer(["127.0.0.1"], ttl=60)
    world.dns.zone["short.test"] = dns.Answer(["127.0.0.1"], ttl=0)
    for _ in range(3):
        assert world.get("kept.test").status == world.get("short.test").status == 200
    assert world.dns.asked("kept.test") == 1
    assert world.dns.asked("short.test") == 3


def test_valid_takes_the_place_of_the_answers_life(world):
    world.dns.zone["valid.test"] = dns.Answer(["127.0.0.1"], ttl=0)
    for _ in range(3):
        assert world.get("valid.test", "/valid/").status == 200
    assert world.dns.asked("valid.test") == 1


def test_new_addresses_take_the_place_of_old_ones(world):
    world.dns.zone["moves.test"] = dns.Answer(["127.0.0.1"], ttl=1)
    assert world.get("moves.test").status == 200
    world.dns.zone["moves.test"] = dns.Answer(["127.0.0.3"], ttl=60)
    wire.wait_until(lambda: world.get("moves.test").status == 200 and
                    world.reached[-1] == "127.0.0.3", 10, "the new address is used")
    before = world.reached.count("127.0.0.1")
    assert world.get("moves.test").status == 200
    assert world.reached.count("127.0.0.1") == before


def test_connections_to_a_resolved_host_are_kept(world):
    world.dns.zone["pooled.test"] = dns.Answer(["127.0.0.1"], ttl=0)
    for _ in range(4):
        assert world.get("pooled.test").status == 200
    assert len(world.origin.connections) == 1


def test_all_addresses_of_a_name_share_the_requests(world):
    world.dns.zone["many.test"] = dns.Answer([f"127.0.0.{i}" for i in range(1, 5)])
    for _ in range(8):
        assert world.get("many.test").status == 200
    assert set(world.reached) == {f"127.0.0.{i}" for i in range(1, 5)}


def test_dead_address_is_passed_over(world):
    # Nothing answers there: a route that leads nowhere is refused at once.
    world.dns.zone["half.test"] = dns.Answer(["127.0.0.1", "255.255.255.255"])
    for _ in range(4):
        assert world.get("half.test").status == 200


def test_alias_leads_to_the_address(world):
    world.dns.zone["alias.test"] = dns.Answer(["127.0.0.1"], alias="real.test")
    assert world.get("alias.test").status == 200


def test_long_answer_is_asked_for_by_tcp(world):
    world.dns.zone["long.test"] = dns.Answer(["127.0.0.1"], is_too_long=True)
    assert world.get("long.test").status == 200
    assert world.dns.asked("long.test") == 2


def test_kinds_of_addresses_are_asked_for_as_the_file_says(world):
    world.dns.zone["kinds.test"] = dns.Answer(["127.0.0.1"])
    assert world.get("kinds.test", "/both/").status == 200
    assert world.dns.asked("kinds.test", dns.AAAA) == world.dns.asked("kinds.test") == 1
    world.refuses("kinds.test could not be resolved (3: Host not found)", "kinds.test", "/ip6/")
    assert world.dns.asked("kinds.test") == 1


def test_second_server_is_asked_when_the_first_is_dead(world):
    world.dns.zone["backup.test"] = dns.Answer(["127.0.0.1"], ttl=0)
    for _ in range(3):
        assert world.get("backup.test", "/second/").status == 200


def test_many_wait_for_one_answer(world):
    world.dns.zone["crowd.test"] = dns.Answer(is_silent=True)
    answers = []

    def ask():
        answers.append(world.get("crowd.test", "/second/").status)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    wire.wait_until(lambda: world.dns.asked("crowd.test") >= 1, 5, "the name is asked for")
    world.dns.zone["crowd.test"] = dns.Answer(["127.0.0.1"])
    for thread in threads:
        thread.join()
    assert answers == [200] * 20
    assert world.dns.asked("crowd.test") <= 3


# --- what needs no name server ------------------------------------------------------------------

def test_group_and_address_are_not_asked_for(world):
    assert client.get(world.port, "/?to=group.test").status == 200
    assert client.get(world.port, "/?to=GROUP.test").status == 200
    assert world.get("127.0.0.4").status == 200
    assert client.get(world.bare_port, f"/?to=127.0.0.1:{world.origin.port}").status == 200
    assert not world.dns.questions


def test_group_with_a_port_is_another_host(world):
    world.refuses("group.test could not be resolved (3: Host not found)", "group.test")


# --- the URI ------------------------------------------------------------------------------------

def test_uri_of_the_directive_is_all_of_it(world):
    world.dns.zone["uri.test"] = dns.Answer(["127.0.0.1"])
    assert world.get("uri.test", "/uri/x%20y", more="&q=1").status == 200
    assert world.get("uri.test", "/x%20y", more="&q=1").status == 200
    targets = [r.target for r in world.origin.requests]
    assert targets == ["/base?with=1",
                       f"/x%20y?to=uri.test:{world.origin.port}&q=1"]


def test_decoded_uri_cannot_end_the_request_line(world):
    world.dns.zone["uri.test"] = dns.Answer(["127.0.0.1"])
    answer = world.get("uri.test", "/decoded/a%20b%c3%0d%0aX-Evil:%201%0d%0a%0d%0aGET%20/")
    assert answer.status == 200
    assert len(world.origin.requests) == 1
    target = world.origin.requests[0].target
    assert target == "/decoded/a%20b%C3%0D%0AX-Evil:%201%0D%0A%0D%0AGET%20/"
    assert world.origin.requests[0].get("X-Evil") is None


# --- failures -----------------------------------------------------------------------------------

def test_name_that_is_not_there_is_502(world):
    world.refuses("none.test could not be resolved (3: Host not found)", "none.test")
    world.refuses("none.test could not be resolved (3: Host not found)", "none.test")
    assert world.dns.asked("none.test") == 2


def test_failing_server_is_502(world):
    world.dns.zone["fails.test"] = dns.Answer(code=2)
    world.refuses("fails.test could not be resolved (2: Server failure)", "fails.test")


def test_silent_server_is_502_after_the_timeout(world):
    world.dns.zone["silent.test"] = dns.Answer(is_silent=True)
    began = time.monotonic()
    world.refuses("silent.test could not be resolved (110: Operation timed out)", "silent.test")
    assert 0.5 < time.monotonic() - began < 3


def test_no_resolver_is_502(world):
    mark = world.ringway.mark()
    assert client.get(world.bare_port, "/?to=name.test").status == 502
    world.ringway.wait_log("no resolver defined to resolve name.test", mark)


@pytest.mark.parametrize("to, line", [
    ("", 'no host in upstream ""'),
    ("a:0", 'invalid port in upstream "a:0"'),
    ("a:65536", 'invalid port in upstream "a:65536"'),
    ("[::1", 'invalid host in upstream "[::1"'),
    ("a@b", 'invalid host in upstream "a@b"'),
])
def test_what_is_no_host_is_500(world, to, line):
    mark = world.ringway.mark()
    assert client.get(world.port, f"/?to={to}").status == 500
    world.ringway.wait_log(re.escape(line), mark)


def test_long_name_is_502(world):
    name = ".".join(["a" * 60] * 8)
    world.refuses(f"{name} could not be resolved (3: Host not found)", name)
    assert not world.dns.questions


def test_failure_has_the_files_page(world):
    answer = world.get("none.test", "/page/")
    assert (answer.status, answer.body) == (200, b"sorry")


def test_client_that_leaves_while_a_name_is_asked_for(world):
    world.dns.zone["left.test"] = dns.Answer(is_silent=True)
    with client.Client(world.port) as gone:
        gone.send(wire.request(f"/?to=left.test:{world.origin.port}"))
        wire.wait_until(lambda: world.dns.asked("left.test"), 5, "the name is asked for")
        gone.reset()
    time.sleep(0.1)


# --- TLS ----------------------------------------------------------------------------------------

def test_certificate_must_have_the_name_that_was_resolved(world):
    world.dns.zone[NAME] = dns.Answer(["127.0.0.1"])
    world.dns.zone["other.origin.test"] = dns.Answer(["127.0.0.1"])
    assert world.get(NAME, "/tls/").status == 200
    assert world.tls.connections[0].sni == NAME
    assert world.get("other.origin.test", "/tls/").status == 502
    assert world.tls.handshaken[-1].sni == NAME or world.tls.connections[-1].tls_error


def test_connection_is_not_shared_between_names(world):
    world.dns.zone[NAME] = dns.Answer(["127.0.0.1"])
    world.dns.zone["other.origin.test"] = dns.Answer(["127.0.0.1"])
    assert world.get(NAME, "/unverified/").status == 200
    assert world.get("other.origin.test", "/unverified/").status == 200
    assert [c.sni for c in world.tls.handshaken] == [NAME, "other.origin.test"]


def test_sessions_are_resumed_with_a_resolved_host(world):
    world.dns.zone[NAME] = dns.Answer(["127.0.0.1"], ttl=0)
    world.tls.script = serve(is_last=lambda request: True)
    assert world.get(NAME, "/tls/").status == 200
    world.tls.settled()
    assert world.get(NAME, "/tls/").status == 200
    assert world.tls.handshaken[-1].was_resumed and len(world.tls.handshaken) == 2


# --- its life -----------------------------------------------------------------------------------

def test_reload_begins_anew_and_requests_end_where_they_began(start, make_origin, pki):
    world = World(start, make_origin, pki)
    world.dns.zone["reload.test"] = dns.Answer(["127.0.0.1"])
    world.dns.zone["slow.test"] = dns.Answer(is_silent=True)
    assert world.get("reload.test").status == 200
    slow = threading.Thread(target=world.get, args=("slow.test",))
    slow.start()
    wire.wait_until(lambda: world.dns.asked("slow.test"), 5, "the name is asked for")
    world.ringway.reload()
    slow.join()
    assert world.get("reload.test").status == 200
    assert world.dns.asked("reload.test") == 2
    world.dns.close()


def test_end_does_not_wait_for_name_servers(start, make_origin, pki):
    world = World(start, make_origin, pki)
    world.dns.zone["slow.test"] = dns.Answer(is_silent=True)
    with client.Client(world.port) as gone:
        gone.send(wire.request(f"/second/?to=slow.test:{world.origin.port}"))
        wire.wait_until(lambda: world.dns.asked("slow.test"), 5, "the name is asked for")
    began = time.monotonic()
    world.ringway.term()
    assert time.monotonic() - began < 5
    world.dns.close()
