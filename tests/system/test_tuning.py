"""Flags and directives that fit workers to their host: which one wins, and that traffic flows."""
import os
import re
import threading
import time

import pytest

import certs
import client
import origin
import ringway
import wire

BODY = bytes(range(256)) * 4096  # a megabyte


@pytest.fixture
def serve(start, make_origin):
    """serve(events="...", flags=[...]) -> (edge, port) in front of an origin that echoes."""
    def begin(events="", flags=(), **more):
        port, own = ringway.free_ports(), make_origin(origin.serve(
            lambda r: wire.response(200, BODY + r.body)))
        text = ringway.http(ringway.server(
            port, f"client_max_body_size 0; location / {{ proxy_pass http://{own.address}; }}"))
        return start(text.replace("events { ", "events { " + events), flags=flags, **more), port
    return begin


def assert_serves(port, clients=8):
    """All at once: a body up and a larger one down, whole."""
    wrong = []

    def ask():
        with client.Client(port) as c:
            answer = c.ask("/", "POST", body=BODY[:100_000])
        if answer.status != 200 or answer.body != BODY + BODY[:100_000]:
            wrong.append((answer.status, len(answer.body)))
    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
        assert not t.is_alive()
    assert not wrong


# --- flags over a file ----------------------------------------------------------------------------

def test_flags_win_over_the_file_and_stay_at_a_reload(serve):
    edge, port = serve(flags=["--workers", "3", "--affinity", "1"])  # the file says 1
    assert len(os.listdir(f"/proc/{edge.pid}/task")) == 4  # control and three workers
    for task in os.listdir(f"/proc/{edge.pid}/task"):
        if task != str(edge.pid):
            assert os.sched_getaffinity(int(task)) == {0}
    said = edge.reload()
    assert "takes effect after a restart" not in said
    assert_serves(port)


def test_a_flag_of_two_words_is_one_argument(serve):
    _, port = serve(flags=["--receive-buffers", "4 8k", "--ring-entries=64"])
    assert_serves(port)


def test_more_buffers_than_there_is_memory_are_refused(conf_file):
    path = conf_file("daemon off;\n" + ringway.http(ringway.server(ringway.free_ports(),
                                                                   "return 200;")))
    done = ringway.run_file(path, "--workers", "128", "--worker-connections", "16",
                            "--receive-buffers", "32768 32k")
    assert done.returncode == 1
    assert "lower worker_processes, worker_connections or receive_buffers" in done.stderr


def test_a_mistake_in_a_flag_is_said_of_the_flag(conf_file):
    path = conf_file(ringway.http(ringway.server(8080, "return 200;")))
    done = ringway.run_file(path, "-t", "--workers", "129")
    assert done.returncode == 1
    assert ("[emerg] value must be between 1 and 128 in command line (--workers 129)\n"
            in done.stderr)
    done = ringway.run_file(path, "-T", "--workers", "2")
    assert done.returncode == 0
    assert '# configuration command line:\nworker_processes "2";\n' in done.stdout
    done = ringway.run_file(path, "-s", "reload", "--workers", "2")
    assert (done.returncode, done.stderr) == (
        1, 'ringway: "--workers" counts when ringway starts: leave it out with "-s"\n')


# --- what each is good for: traffic flows at both ends of its range -------------------------------

@pytest.mark.parametrize("events", [
    "ring_entries 1;", "ring_entries 32768;", "receive_buffers 1 4k;",
    "receive_buffers 32768 4096;", "receive_buffers 256 32k;", "send_high_water 16k;",
    "send_high_water 16m;", "send_zerocopy 16k;", "send_zerocopy 32k;",
    "busy_poll 1;", "busy_poll 1000000;",
])
def test_traffic_flows_at_the_limits(serve, events):
    _, port = serve(events)
    assert_serves(port)


def test_what_needs_a_restart_is_said(serve):
    edge, port = serve("ring_entries 64;")
    text = edge.conf_file.read_text()
    edge.conf_file.write_text(text.replace("ring_entries 64;", "ring_entries 128;"))
    assert re.search(r"\[warn\].*ring_entries 128 takes effect after a restart", edge.reload())
    assert_serves(port)


@pytest.mark.parametrize("kept", [1, 3])
def test_so_many_sessions_are_kept_as_the_file_says(start, make_origin, pki, kept):
    port, context = ringway.free_ports(), certs.server_context(pki.leaf("ip:127.0.0.1"), tickets=8)
    own = make_origin(lambda c: c.read_request() and c.respond(
        200, b"x", [("Connection", "close")]), tls=context)
    start(ringway.http(ringway.server(
        port, f"proxy_ssl_session_tickets {kept};\n"
              f"proxy_ssl_trusted_certificate {pki.root.cert_file};\n"
              f"location / {{ proxy_pass https://{own.address}; }}")))
    assert client.get(port).body == b"x"
    time.sleep(0.1)
    context.num_tickets = 0  # from now on it gives none
    for _ in range(5):
        assert client.get(port).body == b"x"
    assert [c.was_resumed for c in own.handshaken] == [False] + [True] * kept + [False] * (5 - kept)
