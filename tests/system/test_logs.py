"""Access and error logs beyond plain files: log servers, compressed logs, paths with variables."""
import gzip
import os
import re
import signal
import socket
import tempfile
import time
from pathlib import Path

import pytest

import ringway
import wire

FORMATS = "log_format line '$request_uri $status';"


@pytest.fixture(name="place")
def make_place(folder):
    """A folder that a service's user may use."""
    path = Path(tempfile.mkdtemp(dir=folder))
    path.chmod(0o777)
    return path


@pytest.fixture(name="log_server")
def make_log_server(place):
    """A log server on a unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(place / "log.sock"))
        (place / "log.sock").chmod(0o777)
        server.settimeout(5)
        yield server


def serve(start, place, body, settings=""):
    port = ringway.free_ports()
    (place / "root").mkdir(exist_ok=True)
    (place / "logs").mkdir(exist_ok=True)
    (place / "logs").chmod(0o777)
    text = ringway.http(f"server {{ listen 127.0.0.1:{port}; root {place}/root; {body} }}",
                        settings=FORMATS + settings)
    return start(text.replace("access_log off;", "", 1)), port


def test_records_go_to_a_log_server(start, connect, place, log_server):
    how = "facility=local3,severity=warn,tag=edge,nohostname"
    _, port = serve(start, place, f"""
        access_log syslog:server=unix:{place}/log.sock,{how} line;
        location / {{ return 200 ok; }}""")
    for target in "/one", "/two":
        assert connect(port).ask(target).status == 200
    one, two = log_server.recv(4096).decode(), log_server.recv(4096).decode()
    assert re.fullmatch(r"<156>[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d edge: /one 200", one)
    assert two.endswith(" edge: /two 200")


def test_a_datagram_per_record_goes_by_udp(start, connect, place):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        _, port = serve(start, place, f"""
            access_log syslog:server=127.0.0.1:{server.getsockname()[1]} line;
            location / {{ return 200 ok; }}""")
        connect(port).ask("/udp")
        text = server.recv(4096).decode()
    assert text.startswith("<190>") and text.endswith(f" {socket.gethostname()} ringway: /udp 200")


def test_errors_go_to_a_log_server_with_their_severity(start, connect, place, log_server):
    _, port = serve(start, place, f"""
        access_log off; error_log syslog:server=unix:{place}/log.sock;
        location / {{ proxy_pass http://127.0.0.1:1; }}""")
    assert connect(port).ask("/").status == 502
    text = log_server.recv(4096).decode()
    assert text.startswith("<187>") and "[error]" in text and "connect() failed" in text


def test_requests_are_served_without_the_log_server(start, connect, place):
    _, port = serve(start, place, f"""
        access_log syslog:server=unix:{place}/nobody.sock line;
        location / {{ return 200 ok; }}""")
    client = connect(port)
    for _ in range(5):
        assert client.ask("/").status == 200


def test_a_compressed_log_is_gzip(start, connect, place):
    path = place / "logs/a.gz"
    proxy, port = serve(start, place, f"""
        access_log {path} line gzip=6 flush=50ms; location / {{ return 200 ok; }}""")
    client = connect(port)
    for number in range(20):
        client.ask(f"/{number}")
    wire.wait_until(lambda: path.stat().st_size > 0)
    time.sleep(0.1)
    client.ask("/last")
    proxy.stop()
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert lines == [f"/{number} 200" for number in range(20)] + ["/last 200"]


@pytest.mark.parametrize("cache", ["", "open_log_file_cache max=2 inactive=20s;"])
def test_a_path_may_have_variables(start, connect, place, cache):
    proxy, port = serve(start, place, f"""
        {cache} access_log {place}/logs/$arg_to.log line; location / {{ return 200 ok; }}""")
    client = connect(port)
    targets = [f"/{number}?to={name}" for number in range(4) for name in "abc"]
    for target in targets:
        client.ask(target)
    for name in "abc":
        path = place / f"logs/{name}.log"
        wanted = [f"{target} 200" for target in targets if target.endswith(name)]
        wire.wait_until(lambda: path.exists() and path.read_text().splitlines() == wanted)
    wire.wait_until(lambda: proxy.open_files().count("/logs/") == (2 if cache else 0))


def test_a_path_that_cannot_be_opened_is_said(start, connect, place):
    proxy, port = serve(start, place, f"""
        access_log {place}/logs/$arg_to/x line; location / {{ return 200 ok; }}""")
    assert connect(port).ask("/?to=missing").status == 200
    wire.wait_until(lambda: f'open() "{place}/logs/missing/x" failed (2:' in proxy.log())


def test_without_the_root_folder_there_is_no_log(start, connect, place):
    _, port = serve(start, place, f"""
        access_log {place}/logs/$arg_to line;
        location / {{ return 200 ok; }} location /none {{ root /nonexistent; return 200 ok; }}""")
    client = connect(port)
    client.ask("/none?to=none")
    client.ask("/?to=there")
    wire.wait_until((place / "logs/there").exists)
    assert not (place / "logs/none").exists()


def test_a_log_server_stays_over_reopening(start, connect, place, log_server):
    proxy, port = serve(start, place, f"""
        access_log syslog:server=unix:{place}/log.sock line;
        location / {{ return 200 ok; }}""")
    connect(port).ask("/before")
    assert log_server.recv(4096).endswith(b"/before 200")
    proxy.signal(signal.SIGUSR1)
    time.sleep(0.2)
    connect(port).ask("/behind")
    assert log_server.recv(4096).endswith(b"/behind 200")


def test_a_pipe_that_nobody_reads_holds_up_nothing(start, connect, place):
    pipes = place / "pipe", place / "logs" / "other.log"
    (place / "logs").mkdir()
    for pipe in pipes:
        os.mkfifo(pipe)
        pipe.chmod(0o666)
    edge, port = serve(start, place, f"""
        access_log {place}/pipe line; access_log {place}/logs/$arg_to.log line;
        location / {{ try_files /none =204; }}""")
    for target in "/?to=other", "/?to=third":
        assert connect(port).ask(target).status == 204
    mark = edge.mark()
    edge.signal(signal.SIGUSR1)
    edge.wait_log("log files are opened again", mark)
    assert connect(port).ask("/?to=fourth").status == 204
    with open(pipes[0], "rb") as reader:
        assert reader.readline() == b"/?to=other 204\n"
    assert edge.term(5) == 0
