"""Clients that leave by the hundred, in each state that a request may be in: nothing stays behind.

What is counted shows it: limit_conn lets one in where one may be there, max_conns as many as
before, and the descriptors are as many as there were.
"""
import contextlib
import itertools
import socket
import threading

import pytest

import certs
import client
import dns
import ringway
import wire
from origin import play, serve
from test_leaving import full_server
from wire import request, response

AT_ONCE = 6
WORKERS = 2
GROUPS = {"taken": "silent", "streamed": "silent", "asked": "silent", "connecting": "full",
          "handshaking": "silent", "awaited": "silent", "relayed": "giver", "tunnel": "opener",
          "page": "silent", "accel": "leader", "led": "silent", "paced": "giver"}
BODY = """
listen 127.0.0.1:{announced} proxy_protocol;
listen 127.0.0.1:{tls} ssl;
ssl_certificate {pair.chain_file};
ssl_certificate_key {pair.key_file};
resolver {dns} ipv6=off;
resolver_timeout 2s;
limit_conn held 99;
client_max_body_size 0;
location / {{ try_files /none =204; }}
location /fewer/ {{ limit_conn held {most}; try_files /none =204; }}
location /alone/ {{ limit_conn held 1; try_files /none =204; }}
location /limited/ {{ limit_req zone=slow burst=99; try_files /none =204; }}
location /denied/ {{ auth_basic x; auth_basic_user_file users; auth_delay 2s; }}
location /asked/ {{ auth_request /auth; try_files /none =204; }}
location = /auth {{ proxy_pass http://asked; }}
location /resolved/ {{ proxy_pass http://$arg_to; }}
location /taken/ {{ proxy_pass http://taken; client_body_buffer_size 16k; }}
location /streamed/ {{ proxy_pass http://streamed; proxy_request_buffering off; }}
location /connecting/ {{ proxy_pass http://connecting; }}
location /handshaking/ {{ proxy_pass https://handshaking; proxy_ssl_verify off; }}
location /awaited/ {{ proxy_pass http://awaited; }}
location /relayed/ {{ proxy_pass http://relayed; }}
location /tunnel/ {{
    proxy_pass http://tunnel;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection upgrade;
}}
location /page/ {{ error_page 404 @page; try_files /none =404; }}
location @page {{ proxy_pass http://page; }}
location /accel/ {{ proxy_pass http://accel; }}
location /led/ {{ internal; proxy_pass http://led; }}
location /paced/ {{ proxy_pass http://paced; limit_rate 10; }}
location /file/ {{ }}
location /refused/ {{ client_max_body_size 1k; lingering_timeout 2s; try_files /none =204; }}
"""
SETTINGS = """
limit_req_zone $arg_k zone=slow:1m rate=30r/m;
limit_conn_zone $arg_k zone=held:1m;
proxy_connect_timeout 2s; proxy_read_timeout 2s; proxy_send_timeout 2s; proxy_http_version 1.1;
client_header_timeout 2s; client_body_timeout 2s; send_timeout 2s; keepalive_timeout 2s;
"""
LARGE = 64 << 20
LENGTH = [("Content-Length", "100000")]
COUNTED = {  # what limit_conn counts
    "taken": lambda t: request(t, "POST", fields=LENGTH) + b"x" * 30000,
    "streamed": lambda t: request(t, "POST", fields=LENGTH) + b"x" * 30000,
    "denied": lambda t: request(t, fields=[("Authorization", "Basic dTp4")]),
    "asked": request,
    "resolved": request,
    "connecting": request,
    "handshaking": request,
    "awaited": request,
    "relayed": request,
    "tunnel": lambda t: request(t, fields=[("Upgrade", "x"), ("Connection", "upgrade")]) + b"abc",
    "page": request,
    "accel": request,
    "paced": request,
    "file": lambda t: request("/file/large?" + t.partition("?")[2]),
}
OTHERS = {
    "nothing": lambda t: b"",
    "head": lambda t: request(t)[:-3],
    "limited": request,
    "refused": lambda t: request(t, "POST", fields=LENGTH) + b"x" * 3000,
    "idle": request,
    "announced": lambda t: b"PROXY TCP4 192.0.2.1",
    "tls": lambda t: b"\x16\x03\x01\x02\x00\x01\x00",
}


def origins():
    return {
        "giver": play(response(200, b"x" * 5000000)),
        "opener": play(b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello",
                       end="stall"),
        "leader": serve(lambda r: response(
            200, fields=[("X-Accel-Redirect", r.target.replace("accel", "led")),
                         ("Connection", "close")]), is_last=lambda r: True),
    }


class Site:
    def __init__(self, start, make_origin, pki, stack):
        self.dns = stack.enter_context(contextlib.closing(dns.Server()))
        self.dns.zone["silent.test"] = dns.Answer(is_silent=True)
        full, *waiting = full_server()
        silent = socket.create_server(("127.0.0.1", ringway.free_ports()), backlog=4096)
        for sock in full, silent, *waiting:
            stack.enter_context(sock)
        places = {name: make_origin(script).address for name, script in origins().items()}
        places.update(full="127.0.0.1:%d" % full.getsockname()[1],
                      silent="127.0.0.1:%d" % silent.getsockname()[1])
        self.port, self.announced, self.tls = ringway.free_ports(3)
        body = BODY.format(announced=self.announced, tls=self.tls, dns=self.dns.address,
                           most=AT_ONCE, pair=pki.leaf(certs.NAME))
        groups = (f"upstream {name} {{ server {places[at]} max_conns={AT_ONCE} max_fails=0; }}"
                  for name, at in GROUPS.items())
        self.ringway = start(ringway.http(*groups, ringway.server(self.port, body),
                                          settings=SETTINGS), workers=WORKERS)
        (self.ringway.folder / "users").write_text("u:{PLAIN}p\n")
        (self.ringway.folder / "html/file").mkdir(parents=True)
        with open(self.ringway.folder / "html/file/large", "wb") as file:
            file.truncate(LARGE)

    def begin(self, state):
        """A client that is on its way into that state."""
        port = {"announced": self.announced, "tls": self.tls}.get(state, self.port)
        c = client.Client(port, receive_buffer=4096)
        target = f"/{state}/?k={state}&to=silent.test"
        c.send({**COUNTED, **OTHERS}[state](target))
        if state in ("idle", "refused"):
            c.response()
        return c

    def ask(self, target):
        try:
            return client.get(self.port, target).status
        except (wire.Cut, OSError):
            return 0

    def wait_for_all(self, state):
        wire.wait_until(lambda: self.ask(f"/fewer/?k={state}") == 503, 5, f"{state}: all are there")

    def leave(self, state, how):
        clients = [self.begin(state) for _ in range(AT_ONCE)]
        if state in COUNTED:
            self.wait_for_all(state)
        for c in clients:
            getattr(c, how)()
        if state in COUNTED:
            wire.wait_until(lambda: self.ask(f"/alone/?k={state}") == 204, 10,
                            f"{state}: nobody is there after {how}")

    def is_refused_beyond(self, state):
        """As many as before fit in, and not one more."""
        clients = [self.begin(state) for _ in range(AT_ONCE)]
        self.wait_for_all(state)
        early = [c for c in clients if not c.stays_open(0.05)]
        status = self.ask(f"/{state}/?k=other")
        for c in clients:
            c.reset()
        return not early and status == 502


@pytest.fixture(name="site")
def fixture_site(start, make_origin, pki):
    with contextlib.ExitStack() as stack:
        yield Site(start, make_origin, pki, stack)


def in_threads(function, arguments):
    """What went wrong in any of them."""
    failures = []

    def run(*given):
        try:
            function(*given)
        except Exception as error:  # pylint: disable=broad-exception-caught
            failures.append(f"{given}: {error!r}")
    threads = [threading.Thread(target=run, args=given) for given in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return failures


def test_nothing_stays_of_clients_that_left(site):
    assert site.ask("/") == 204
    before = site.ringway.descriptors() + WORKERS  # each keeps a socket to the name server
    for how in "reset", "close", "reset":
        assert not in_threads(site.leave, itertools.product([*COUNTED, *OTHERS], [how]))
    for state in "connecting", "handshaking", "awaited", "page":
        assert site.is_refused_beyond(state), state
    wire.wait_until(lambda: site.ringway.descriptors() <= before, 10,
                    f"descriptors return to {before}")
