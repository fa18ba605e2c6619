"""Client connections are shared out evenly over the workers, and none is lost on its way."""
import re
import signal
import socket
import threading
import time

import pytest

import certs
import client
import ringway
import wire
from test_threads import sanitized, tsan_binary

WORKERS = 4
SUMMARY = re.compile(r"worker (\d+): clients (\d+); connections served (\d+), taken over (\d+), "
                     r"handed over (\d+)")


def configuration(port, text="x", balance="on", more=""):
    http = ringway.http(ringway.server(port, f'return 200 "{text}";'), more)
    return http.replace("events {", f"events {{ worker_balance {balance};")


def summaries(edge):
    """What each worker that had connections says of itself: rows of numbers."""
    mark = edge.mark()
    edge.signal(signal.SIGUSR1)
    edge.wait_log("log files are opened again", mark)
    return [[int(n) for n in row] for row in SUMMARY.findall(edge.log_since(mark))]


def client_counts(edge):
    counts = dict(row[:2] for row in summaries(edge))
    return [counts.get(i, 0) for i in range(WORKERS)]


def connect(port, count, stack):
    """So many clients that stay, each asked once."""
    for _ in range(count):
        c = client.Client(port)
        stack.append(c)
        assert c.ask("/").status == 200


class UnixClient(client.Client):
    """The same over a unix socket."""

    def __init__(self, path):  # pylint: disable=super-init-not-called
        self.plain = socket.socket(socket.AF_UNIX)
        self.plain.settimeout(8)
        self.plain.connect(str(path))
        wire.Stream.__init__(self, self.plain)


@pytest.fixture
def stack():
    clients = []
    yield clients
    for c in clients:
        c.close()


@pytest.mark.parametrize("count", [8, 16, 64])
def test_long_lived_clients_are_spread_evenly(start, stack, count):
    port = ringway.free_ports()
    edge = start(configuration(port), workers=WORKERS)
    connect(port, count, stack)
    counts = client_counts(edge)
    assert sum(counts) == count
    assert max(counts) - min(counts) <= 2, counts
    for c in stack:
        assert c.ask("/").status == 200


def test_clients_that_come_at_once_are_spread_evenly(start, stack):
    port = ringway.free_ports()
    edge = start(configuration(port), workers=WORKERS)
    stack += [client.Client(port) for _ in range(64)]
    for c in stack:
        c.send(wire.request("/"))
    for c in stack:
        assert c.response().status == 200
    counts = client_counts(edge)
    assert max(counts) - min(counts) <= 4, counts  # several may choose the idlest at a time


def test_without_balance_nobody_hands_over(start, stack):
    port = ringway.free_ports()
    edge = start(configuration(port, balance="off"), workers=WORKERS)
    connect(port, 64, stack)
    rows = summaries(edge)
    assert sum(row[1] for row in rows) == 64
    assert all(row[3:] == [0, 0] for row in rows), rows


def test_a_reload_turns_it_off_and_on(start, stack):
    port = ringway.free_ports()
    edge = start(configuration(port, balance="off"), workers=WORKERS)
    connect(port, 16, stack)
    edge.reload(configuration(port))
    connect(port, 48, stack)
    counts = client_counts(edge)
    assert max(counts) - min(counts) <= 2, counts
    edge.reload(configuration(port, balance="off"))
    before = [row[3:] for row in summaries(edge)]
    connect(port, 32, stack)
    assert [row[3:] for row in summaries(edge)] == before


def test_the_worker_that_takes_one_over_does_its_handshake(start, stack, pki):
    port, pair = ringway.free_ports(), pki.leaf(certs.NAME)
    text = ringway.http(ringway.server(
        port, f"""ssl_certificate {pair.chain_file}; ssl_certificate_key {pair.key_file};
        return 200 "$remote_addr:$remote_port $server_port";""", listen=" ssl"))
    edge = start(text, workers=WORKERS)
    for _ in range(16):
        c = client.Client(port, tls=certs.client_context(pki.root), sni=certs.NAME)
        stack.append(c)
        own = c.sock.getsockname()
        assert c.ask("/").body == f"{own[0]}:{own[1]} {port}".encode()
    counts = client_counts(edge)
    assert max(counts) - min(counts) <= 2, counts
    assert sum(row[3] for row in summaries(edge)) > 0


def test_over_a_unix_socket_as_well(start, stack, tmp_path):
    path = tmp_path / "socket"
    edge = start(ringway.http(f"server {{ listen unix:{path}; return 200 x; }}"), workers=WORKERS)
    wire.wait_until(path.exists, 5)
    for _ in range(16):
        stack.append(UnixClient(path))
        assert stack[-1].ask("/").status == 200
    counts = client_counts(edge)
    assert sum(counts) == 16
    assert max(counts) - min(counts) <= 2, counts


# --- under load ---------------------------------------------------------------------------------

class Visitors:
    """Clients that connect, ask once, and stay for a while.

    .failures are answers that broke off or were wrong, .unanswered connections that were refused or
    ended before an answer began, .count are good answers.
    """

    def __init__(self, port, threads=6):
        self.port, self.failures, self.unanswered, self.count = port, [], [], 0
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.work) for _ in range(threads)]

    def work(self):
        kept = []
        while not self.is_over.is_set():
            try:
                kept.append(client.Client(self.port, timeout=20))
                self.ask(kept[-1])
            except OSError as error:
                self.unanswered.append(repr(error))
                time.sleep(0.005)  # nobody may listen any more
            if len(kept) > 4:
                kept.pop(0).close()
        for c in kept:
            c.close()

    def ask(self, c):
        try:
            answer = c.ask("/")
            if answer.status != 200 or not answer.is_whole:
                self.failures.append((answer.status, answer.body))
            self.count += 1
        except (wire.Cut, wire.Malformed) as error:
            is_half = c.received or str(error) == "timeout"
            (self.failures if is_half else self.unanswered).append(repr(error))

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for t in self.threads:
            t.join(30)
            assert not t.is_alive(), "a client hangs"


def handed_over(edge):
    return sum(row[4] for row in summaries(edge))


@pytest.fixture(params=["usual", "threads sanitized"])
def start_balanced(request, start):
    """start(configuration), with ThreadSanitizer or without."""
    more = {"path": tsan_binary(), "prefix": sanitized()} if request.param != "usual" else {}
    return lambda text: start(text, workers=WORKERS, **more)


def test_reloads_amid_handovers_lose_no_connection(start_balanced):
    port = ringway.free_ports()
    edge = start_balanced(configuration(port))
    with Visitors(port) as visitors:
        for i in range(8):
            time.sleep(0.2)
            edge.reload(configuration(port, f"text {i}"), seconds=20)
    assert not visitors.failures + visitors.unanswered, visitors.failures + visitors.unanswered
    assert visitors.count > 50
    assert handed_over(edge) > 10


def test_a_listener_that_comes_and_goes_amid_handovers_cuts_no_answer(start_balanced):
    """Who connects to it may be refused while it is not there, and no more than that."""
    port, other = ringway.free_ports(2)
    both = configuration(port) + f"# {other}\n"
    both = both.replace("http {", "http {\n" + ringway.server(other, "return 200 x;"))
    edge = start_balanced(both)
    files = edge.descriptors()
    with Visitors(other, 3) as visitors, Visitors(port, 3) as steady:
        for i in range(8):
            time.sleep(0.15)
            edge.reload(both if i % 2 else configuration(port), seconds=20)
    assert not visitors.failures, visitors.failures[:5]
    assert not steady.failures + steady.unanswered, steady.failures + steady.unanswered
    assert visitors.count > 10
    assert handed_over(edge) > 10
    wire.wait_until(lambda: edge.descriptors() <= files, 5, "descriptors return:\n"
                    + edge.open_files())


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGTERM])
def test_the_end_amid_handovers_cuts_no_answer(start_balanced, number):
    port = ringway.free_ports()
    edge = start_balanced(configuration(port))
    with Visitors(port) as visitors:
        wire.wait_until(lambda: visitors.count > 200, 20, "answers come")
        edge.signal(number)
        assert edge.process.wait(20) == 0, edge.stderr()[:6000]
    edge.check_reports()
    assert not visitors.failures, visitors.failures[:5]
    rows = [[int(n) for n in row] for row in SUMMARY.findall(edge.log())]
    assert sum(row[4] for row in rows) > 10
    assert sum(row[3] for row in rows) == sum(row[4] for row in rows)
