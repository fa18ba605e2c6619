"""Clients that leave while their request waits, whatever of their input is yet to be read."""
import contextlib
import socket
import time

import pytest

import certs
import dns
import ringway
import wire

BODY = """
listen 127.0.0.1:{tls} ssl;
ssl_certificate {pair.chain_file};
ssl_certificate_key {pair.key_file};
resolver {dns} ipv6=off;
resolver_timeout 20s;
access_log {log} own;
limit_conn held 1;
location /limited/ {{ limit_req zone=slow burst=9; try_files /none =204; }}
location /denied/ {{ auth_basic x; auth_basic_user_file users; auth_delay 20s; }}
location /asked/ {{ auth_request /auth; try_files /none =204; }}
location /resolved/ {{ proxy_pass http://$arg_to; }}
location /counted/ {{ try_files /none =204; }}
location /proxied/ {{ proxy_pass http://{silent}; }}
location /connecting/ {{ proxy_pass http://{full}; }}
location /handshaking/ {{ proxy_pass https://{silent}; proxy_ssl_verify off; }}
location /streamed/ {{
    proxy_pass https://{silent}; proxy_ssl_verify off; proxy_request_buffering off;
}}
location = /auth {{ proxy_pass http://{silent}; }}
"""
SETTINGS = """
limit_req_zone $arg_k zone=slow:1m rate=3r/m;
limit_conn_zone $arg_k zone=held:1m;
log_format own "$uri $arg_k $status";
"""
WAITS = {"limited": "delaying request", "denied": "delaying unauthorized request",
         "asked": None, "resolved": None, "proxied": None, "connecting": None,
         "handshaking": None, "streamed": None}
UNREAD = {
    "nothing": b"",
    "pipelined": wire.request("/limited/?k=behind"),
    "body": b"x" * 1000,
    "long body": b"x" * 300000,  # more than is taken in before it is wanted
}


def full_server():
    """A server that takes no more connections, and those that wait for it."""
    server = socket.create_server(("127.0.0.1", ringway.free_ports()), backlog=0)
    waiting = [socket.socket() for _ in range(3)]
    for sock in waiting:
        sock.setblocking(False)
        sock.connect_ex(server.getsockname())
    return server, *waiting


class Site:
    def __init__(self, start, folder, pki):
        self.dns = dns.Server()
        self.dns.zone["silent.test"] = dns.Answer(is_silent=True)
        self.silent = socket.create_server(("127.0.0.1", ringway.free_ports()))
        self.full, *self.waiting = full_server()
        self.port, self.tls = ringway.free_ports(2)
        pair = pki.leaf(certs.NAME)
        self.log = folder / "leaving.log"
        self.ringway = start(ringway.http(ringway.server(self.port, BODY.format(
            dns=self.dns.address, log=self.log, tls=self.tls, pair=pair,
            silent="127.0.0.1:%d" % self.silent.getsockname()[1],
            full="127.0.0.1:%d" % self.full.getsockname()[1])), settings=SETTINGS))
        (self.ringway.folder / "users").write_text("u:{PLAIN}p\n")

    def close(self):
        self.dns.close()
        for sock in self.silent, self.full, *self.waiting:
            sock.close()

    def lines(self):
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture(scope="module")
def site(start_shared, folder, pki):
    made = Site(start_shared, folder, pki)
    yield made
    made.close()


def begin_waiting(site, connect, wait, unread, key):
    """A client whose request waits, with all of its input there."""
    mark = site.ringway.mark()
    target = f"/{wait}/?k={key}&to=silent.test"
    if wait == "limited":
        with connect(site.port) as first:  # what comes behind it has to wait
            assert first.ask(f"/limited/?k={key}").status == 204
    rest = UNREAD[unread]
    fields = [("Content-Length", str(len(rest)))] if "body" in unread else []
    c = connect(site.port)
    c.send(wire.request(target, "POST" if fields else "GET", fields=fields) + rest)
    if WAITS.get(wait):
        site.ringway.wait_log(WAITS[wait], mark)
    time.sleep(0.1)
    return c


@pytest.mark.parametrize("unread", UNREAD)
@pytest.mark.parametrize("wait", WAITS)
def test_a_client_that_is_gone_is_noticed_at_once(site, connect, wait, unread):
    key = f"{wait}-{unread}-reset".replace(" ", "-")
    c = begin_waiting(site, connect, wait, unread, key)
    c.reset()
    wire.wait_until(lambda: f"/{wait}/ {key} 499" in site.lines(), 2)


# Behind a long body there is no end to be seen: the kernel has no room for what comes before it.
@pytest.mark.parametrize("unread", ["nothing", "pipelined", "body"])
@pytest.mark.parametrize("wait", ["limited", "denied", "asked", "resolved"])
def test_before_an_upstream_is_asked_the_clients_end_is_its_leaving(site, connect, wait, unread):
    key = f"{wait}-{unread}-fin".replace(" ", "-")
    c = begin_waiting(site, connect, wait, unread, key)
    c.half_close()
    wire.wait_until(lambda: f"/{wait}/ {key} 499" in site.lines(), 2)


# RFC 8446 section 6.1: it says that nothing more comes, as the end of a TCP connection does.
@pytest.mark.parametrize("wait", ["limited", "denied", "asked", "resolved"])
def test_close_notify_is_a_clients_leaving_too(site, connect, pki, wait):
    key = f"{wait}-close-notify"
    context = certs.client_context(pki.root)
    c = begin_waiting(site, lambda port: connect(site.tls, tls=context, sni=certs.NAME), wait,
                      "nothing", key)
    c.sock.settimeout(0.05)
    with contextlib.suppress(OSError):
        c.sock.unwrap()
    wire.wait_until(lambda: f"/{wait}/ {key} 499" in site.lines(), 2)


@pytest.mark.parametrize("wait", ["denied", "asked", "resolved"])
def test_what_it_counted_as_is_given_back(site, connect, wait):
    c = begin_waiting(site, connect, wait, "pipelined", f"count-{wait}")
    assert connect(site.port).ask(f"/counted/?k=count-{wait}").status == 503
    c.reset()
    wire.wait_until(
        lambda: connect(site.port).ask(f"/counted/?k=count-{wait}").status == 204, 2)


# It may have ended its side behind its request, and wait for the answer.
@pytest.mark.parametrize("unread", ["nothing", "pipelined", "body"])
def test_behind_an_end_an_upstream_is_still_waited_for(site, connect, unread):
    key = f"proxied-{unread}-fin"
    c = begin_waiting(site, connect, "proxied", unread, key)
    c.half_close()
    time.sleep(0.2)
    assert not [line for line in site.lines() if f" {key} " in line]
    before = site.ringway.cpu_seconds()
    time.sleep(0.3)
    assert site.ringway.cpu_seconds() - before < 0.1
