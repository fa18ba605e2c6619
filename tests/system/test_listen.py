"""What a listening socket is told, and what its connections inherit of it."""
import contextlib
import ctypes
import os
import socket
import time

import pytest

import client
import ringway
from wire import request

PIDFD_OPEN, PIDFD_GETFD = 434, 438  # system calls


def socket_of(edge, is_wanted):
    """A duplicate of ringway's first socket that is_wanted(): its options can be looked at."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = libc.syscall(PIDFD_OPEN, edge.pid, 0)
    assert process >= 0, os.strerror(ctypes.get_errno())
    try:
        for number in map(int, os.listdir(f"/proc/{edge.pid}/fd")):
            with contextlib.suppress(OSError):
                if not os.readlink(f"/proc/{edge.pid}/fd/{number}").startswith("socket:"):
                    continue
                own = socket.socket(fileno=libc.syscall(PIDFD_GETFD, process, number, 0))
                if is_wanted(own):
                    return own
                own.close()
    finally:
        os.close(process)
    raise AssertionError("no such socket")


def options_of(edge, is_wanted):
    with socket_of(edge, is_wanted) as own:
        tcp = socket.IPPROTO_TCP
        return {"keepalive": own.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                "idle": own.getsockopt(tcp, socket.TCP_KEEPIDLE),
                "interval": own.getsockopt(tcp, socket.TCP_KEEPINTVL),
                "count": own.getsockopt(tcp, socket.TCP_KEEPCNT),
                "receive": own.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF),
                "send": own.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF),
                "fastopen": own.getsockopt(tcp, socket.TCP_FASTOPEN),
                "deferred": own.getsockopt(tcp, socket.TCP_DEFER_ACCEPT)}


def options_at(edge, port, is_listening):
    def is_wanted(own):
        accepts = own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        return own.getsockname()[1] == port and bool(accepts) == is_listening
    return options_of(edge, is_wanted)


def options_of_peer(edge, port):
    """Those of a connection to a port of another process."""
    return options_of(edge, lambda own: own.getpeername()[1] == port)


@pytest.mark.skipif(os.geteuid() != 0, reason="looks into another process")
@pytest.mark.parametrize("parameters, told", [
    ("so_keepalive=on", {"keepalive": 1}),
    ("so_keepalive=off", {"keepalive": 0}),
    ("so_keepalive=30m::7", {"keepalive": 1, "idle": 1800, "count": 7}),
    ("so_keepalive=:9", {"keepalive": 1, "interval": 9}),
    ("rcvbuf=8k sndbuf=16k", {"receive": 16384, "send": 32768}),  # the kernel doubles them
    ("fastopen=5", {"fastopen": 5}),
    ("deferred", {"deferred": 1}),
])
def test_option_is_the_sockets_and_its_connections(start, parameters, told):
    port = ringway.free_ports()
    edge = start(ringway.http(ringway.server(port, "return 200 good;", listen=" " + parameters)))
    listening = options_at(edge, port, True)
    assert {name: listening[name] for name in told} == told
    with client.Client(port) as c:
        assert c.ask("/").body == b"good"
        inherited = options_at(edge, port, False)
        assert {name: inherited[name] for name in told if name not in ("fastopen", "deferred")} \
            == {name: told[name] for name in told if name not in ("fastopen", "deferred")}


def test_deferred_connection_comes_with_its_first_bytes(start):
    port, usual = ringway.free_ports(2)
    edge = start(ringway.http(ringway.server(port, "return 200 good;", listen=" deferred"),
                              ringway.server(usual, "return 200 good;")))
    before = edge.descriptors()
    with client.Client(port) as c:
        time.sleep(0.2)
        assert edge.descriptors() == before
        with client.Client(usual):
            time.sleep(0.2)
            assert edge.descriptors() == before + 1
        c.send(request("/"))
        assert c.response().body == b"good"


def test_options_of_an_address_may_stand_once(conf_file):
    path = conf_file("events {}\nhttp {\nserver { listen 31990 rcvbuf=8k; }\n"
                     "server { listen 31990 sndbuf=8k; server_name a; }\n}\n")
    result = ringway.run_file(path, "-t")
    assert f"duplicate listen options for 0.0.0.0:31990 in {path}:4" in result.stderr


@pytest.mark.parametrize("parameter, error", [
    ("so_keepalive=maybe", 'invalid so_keepalive value: "maybe"'),
    ("rcvbuf=much", 'invalid rcvbuf "rcvbuf=much"'),
    ("sndbuf=1g", 'invalid sndbuf "sndbuf=1g"'),
    ("fastopen=-1", 'invalid fastopen "fastopen=-1"'),
    ("setfib=1", 'invalid parameter "setfib=1"'),
    ("accept_filter=dataready",
     'accept filters "accept_filter=dataready" are not supported on this platform'),
    ("backlog=-1", 'invalid backlog "backlog=-1"'),
])
def test_wrong_parameter_is_an_error(conf_file, parameter, error):
    path = conf_file(f"events {{}}\nhttp {{\nserver {{\nlisten 31990 {parameter};\n}}\n}}\n")
    result = ringway.run_file(path, "-t")
    assert result.returncode == 1
    assert f"{error} in {path}:4" in result.stderr


def test_variables_of_a_unix_socket_are_told(start, tmp_path):
    path = tmp_path / "listen.sock"
    edge = start(ringway.http(f"""server {{ listen unix:{path};
        return 200 "$server_addr|$server_port|$remote_addr|$remote_port|"; }}"""))
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(str(path))
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: s.recv(4096), b""))
    assert answer.endswith(f"\r\n\r\nunix:{path}||unix:||".encode()), answer
