"""The threads under ThreadSanitizer: workers that share a snapshot, lend tickets and are reloaded.

One process of the binary that scripts/build makes as build/tsan/ringway (RINGWAY_TSAN names
another) is client and server of TLS at once: its first server proxies to two others of its own.
A race that ThreadSanitizer sees ends the process with a report on standard error.
"""
import itertools
import os
import signal
import threading
import time
from pathlib import Path

import certs
import client
import ringway
import wire
from everything import ASKED, Everything

TSAN = Path(os.environ.get("RINGWAY_TSAN", ringway.TREE / "build" / "tsan" / "ringway"))
LOAD_SECONDS = 5
CLIENTS = 6


def tsan_binary():
    """A test that needs it fails where it is missing: a skip would go unnoticed."""
    assert TSAN.exists(), f"no {TSAN}: run scripts/build tsan ringway"
    return str(TSAN)


def sanitized():
    """A prefix to the command: the first report ends the process."""
    return ["env", "TSAN_OPTIONS=exitcode=99:halt_on_error=1"]


def configuration(pki, ports, generation):
    """Another generation has other settings everywhere, so that nothing is taken over."""
    front, first, second = ports
    pair = pki.leaf(certs.NAME)
    backend = f"""ssl_certificate {pair.chain_file}; ssl_certificate_key {pair.key_file};
        location / {{ return 200 "backend of generation {generation}"; }}"""
    return ringway.http(
        f"""upstream u {{ server 127.0.0.1:{first} max_fails=0; server 127.0.0.1:{second}
            max_fails=0; keepalive 2; keepalive_requests {3 + generation % 3}; least_conn; }}""",
        ringway.server(front, f"""ssl_certificate {pair.chain_file};
            ssl_certificate_key {pair.key_file};
            ssl_verify_client optional; ssl_client_certificate {pki.root.cert_file};
            access_log access.log; keepalive_timeout {50 + generation}s;
            location / {{ proxy_pass https://u; proxy_ssl_name {certs.NAME};
                proxy_set_header X-Subject $ssl_client_s_dn;
                proxy_ssl_trusted_certificate {pki.root.cert_file}; }}""", listen=" ssl"),
        ringway.server(first, backend, listen=" ssl"),
        ringway.server(second, backend, listen=" ssl"))


class Load:
    """Clients that connect, resume their session, ask a few times, and leave, until the end."""

    def __init__(self, pki, port):
        self.port, self.failures, self.count = port, [], 0
        self.is_over, self.lock = threading.Event(), threading.Lock()
        pair = pki.leaf("client.test")
        self.threads = [
            threading.Thread(target=self.work, args=(certs.client_context(
                pki.root, pair if i % 2 else None, "TLSv1.2" if i % 3 else "TLSv1.3"),))
            for i in range(CLIENTS)]

    def work(self, context):
        session = None
        while not self.is_over.is_set():
            try:
                with client.Client(self.port, tls=context, sni=certs.NAME, session=session,
                                   timeout=20) as c:
                    self.converse(c)
                    session = c.sock.session
            except (OSError, wire.Cut, wire.Malformed) as error:
                self.failures.append(repr(error))
                time.sleep(0.01)  # nobody may listen any more

    def converse(self, c):
        for i in range(4):
            before = len(c.received)
            try:
                answer = c.ask("/", "POST" if i % 2 else "GET", body=b"x" * 5000 * (i % 2))
            except wire.Cut:
                if before and len(c.received) == before:
                    return  # an idle connection may be closed between requests
                raise
            if answer.status != 200:
                self.failures.append((answer.status, answer.body))
            with self.lock:
                self.count += 1

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for t in self.threads:
            t.join(30)
            assert not t.is_alive(), "a client hangs"


def reload_often(edge, pki, ports, seconds):
    end, generation = time.monotonic() + seconds, 0
    while time.monotonic() < end and edge.is_running():
        time.sleep(0.2)
        generation += 1
        edge.reload(configuration(pki, ports, generation), seconds=20)
        edge.signal(signal.SIGUSR1)


def test_threads_race_for_nothing_under_load_and_reloads(start, pki):
    ports = ringway.free_ports(3)
    edge = start(configuration(pki, ports, 0), workers=3, path=tsan_binary(), prefix=sanitized())
    with Load(pki, ports[0]) as load:
        reload_often(edge, pki, ports, LOAD_SECONDS)
    assert edge.quit(30) == 0, edge.stderr()[:6000]
    edge.check_reports()
    assert not load.failures, load.failures[:5]
    assert load.count > 50


def test_threads_race_for_nothing_when_they_stop_under_load(start, pki):
    ports = ringway.free_ports(3)
    edge = start(configuration(pki, ports, 0), workers=3, path=tsan_binary(), prefix=sanitized())
    with Load(pki, ports[0]) as load:
        wire.wait_until(lambda: load.count > 300 or not edge.is_running(), 20, "answers come")
        assert edge.term(30) == 0, edge.stderr()[:6000]
    edge.check_reports()


# --- everything that is shared ------------------------------------------------------------------

class MixedLoad(Load):
    """Asks for each feature in turn."""

    def __init__(self, pki, everything):
        super().__init__(pki, everything.port)
        self.everything, self.turns = everything, itertools.count()

    def converse(self, c):
        for _ in range(4):
            before = len(c.received)
            row = ASKED[next(self.turns) % len(ASKED)]
            try:
                wrong = self.everything.ask(c, row)
            except wire.Cut as cut:
                if before and len(c.received) == before:
                    return  # an idle connection may be closed between requests
                raise wire.Cut(f"{row[0]}: {cut}") from cut
            if wrong:
                self.failures.append(wrong)
            with self.lock:
                self.count += 1


def test_threads_race_for_nothing_that_any_feature_shares(start, pki, folder):
    everything = Everything(folder / "shared", pki)
    edge = start(everything.rewrite(0), workers=4, path=tsan_binary(), prefix=sanitized())
    with MixedLoad(pki, everything) as load:
        for generation in range(1, 11):
            assert "reloaded:" in edge.reload(everything.rewrite(generation), seconds=20)
            edge.signal(signal.SIGUSR1)
            time.sleep(0.1)
        count, failures = load.count, list(load.failures)
        assert edge.quit(30) == 0, edge.stderr()[:6000]
    everything.close()
    edge.check_reports()
    assert not failures, failures[:5]  # later ones are meant: the upstreams are ending, too
    assert count > 100
    assert not everything.left_files()
