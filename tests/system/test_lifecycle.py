"""Start, reload, drain, stop; and what is said where it cannot start."""
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

import client
import ringway
import wire
from certs import client_context
from origin import serve
from wire import request, response

LAUNCH = [sys.executable, str(Path(__file__).with_name("launch.py"))]


def answering(port, text, more=""):
    return ringway.http(ringway.server(port, f'return 200 "{text}";'), settings=more)


def proxying(port, own, more=""):
    return ringway.http(f"upstream u {{ server {own.address} max_fails=0; keepalive 8; }}",
                        ringway.server(port, "location / { proxy_pass http://u; }"), settings=more)


class Load:
    """Clients in threads; .failures says what went wrong, .count how much went right."""

    def __init__(self, port, keeps_alive, threads=4, tls=None):
        self.port, self.keeps_alive, self.tls = port, keeps_alive, tls
        self.failures, self.count, self.stop = [], 0, threading.Event()
        self.threads = [threading.Thread(target=self.work) for _ in range(threads)]

    def work(self):
        while not self.stop.is_set():
            try:
                with client.Client(self.port, tls=self.tls) as c:
                    self.converse(c)
            except (OSError, wire.Cut, wire.Malformed) as error:
                self.failures.append(repr(error))

    def converse(self, c):
        for _ in range(30 if self.keeps_alive else 1):
            before = len(c.received)
            try:
                answer = c.ask("/", "POST", body=b"x" * 100)
            except wire.Cut:
                # An idle connection may be closed between requests, never within one.
                if before and len(c.received) == before:
                    return
                raise
            if answer.status != 200 or answer.cut:
                self.failures.append((answer.status, answer.cut))
            self.count += 1
            if answer.get("Connection") == "close":
                return

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for t in self.threads:
            t.join(20)
            assert not t.is_alive(), "a client hangs"


# --- reload -------------------------------------------------------------------------------------

def test_reload_makes_new_settings_count(start):
    port = ringway.free_ports()
    edge = start(answering(port, "old"))
    assert client.get(port).body == b"old"
    edge.reload(answering(port, "new"))
    assert client.get(port).body == b"new"
    assert edge.is_running()


@pytest.mark.parametrize("keeps_alive", [False, True])
@pytest.mark.parametrize("workers", [1, 2])
def test_reloads_under_load_lose_no_request(start, make_origin, keeps_alive, workers):
    port, own = ringway.free_ports(), make_origin()
    edge = start(proxying(port, own), workers=workers)
    with Load(port, keeps_alive) as load:
        for i in range(10):
            time.sleep(0.1)
            edge.reload(proxying(port, own, f"keepalive_timeout {60 + i};"))
    assert not load.failures, load.failures[:5]
    assert load.count > 50


def test_reloads_under_tls_load_lose_no_request(start, make_origin, pki):
    port, own, pair = ringway.free_ports(), make_origin(), pki.leaf("www.test")
    text = ringway.http(f"upstream u {{ server {own.address} max_fails=0; keepalive 8; }}",
                        ringway.server(port, f"""ssl_certificate {pair.chain_file};
                            ssl_certificate_key {pair.key_file};
                            location / {{ proxy_pass http://u; }}""", listen=" ssl"))
    edge = start(text)
    with Load(port, False, tls=client_context(pki.root)) as load:
        for _ in range(6):
            time.sleep(0.1)
            edge.reload()
    assert not load.failures, load.failures[:5]


def test_request_that_runs_ends_on_the_configuration_it_began_with(start, make_origin):
    port, own = ringway.free_ports(), make_origin()
    going = threading.Event()
    own.script = lambda c: (c.read_request(), going.wait(5), c.respond(200, b"slow"))
    edge = start(proxying(port, own))
    with client.Client(port) as c:
        c.send(request("/"))
        wire.wait_until(lambda: own.requests, 3)
        edge.reload(answering(port, "new"))
        assert client.get(port).body == b"new"
        going.set()
        assert c.response().body == b"slow"


def test_bad_reload_keeps_the_old_configuration_and_says_where(start):
    port = ringway.free_ports()
    edge = start(answering(port, "old"))
    said = edge.reload(answering(port, "new") + "\nnonsense on;\n")
    line = edge.conf_file.read_text().split("nonsense")[0].count("\n") + 1
    assert f'unknown directive "nonsense" in {edge.conf_file}:{line}' in said
    assert client.get(port).body == b"old"
    edge.reload(answering(port, "newer"))
    assert client.get(port).body == b"newer"


@pytest.mark.parametrize("defect", ["certificate", "port"])
def test_reload_that_cannot_work_keeps_the_old_configuration(start, make_origin, defect):
    port, taken = ringway.free_ports(), make_origin()
    edge = start(answering(port, "old"))
    listen = f"127.0.0.1:{taken.port}" if defect == "port" else "127.0.0.1:1 ssl"
    more = "" if defect == "port" else "ssl_certificate /no/such; ssl_certificate_key /no/such;"
    mark = edge.mark()
    edge.write(ringway.http(ringway.server(port, 'return 200 "new";'),
                            f"server {{ listen {listen}; {more} }}"))
    edge.signal(signal.SIGHUP)
    edge.wait_log(r"\[emerg\].*" + (str(taken.port) if defect == "port" else "/no/such"), mark)
    time.sleep(0.2)
    assert client.get(port).body == b"old"


def test_reload_adds_and_removes_listeners(start):
    one, two = ringway.free_ports(2)
    edge = start(answering(one, "one"))
    edge.reload(ringway.http(ringway.server(one, "return 200 one;"),
                             ringway.server(two, "return 200 two;")))
    assert client.get(two).body == b"two"
    edge.reload(answering(two, "only"))
    wire.wait_until(lambda: one not in ringway.listening_ports(), 5, "old port is closed")
    assert client.get(two).body == b"only"


def test_many_reloads_leak_nothing(start):
    """With the release binary where there is one: sanitizers hold freed memory back."""
    port = ringway.free_ports()
    edge = start(answering(port, "x"), path=ringway.release_binary())
    for _ in range(3):
        edge.reload()
    before, files = edge.resident_bytes(), edge.descriptors()
    for _ in range(30):
        edge.reload()
        assert client.get(port).status == 200
    wire.wait_until(lambda: edge.descriptors() <= files, 3,
                    f"descriptors return to {files}:\n" + edge.open_files())
    assert edge.resident_bytes() - before < 4 * 1024 * 1024


# --- the end ------------------------------------------------------------------------------------

def test_quit_lets_a_request_end_and_accepts_no_more(start, make_origin):
    port, own = ringway.free_ports(), make_origin()
    own.script = serve(lambda r: time.sleep(0.8) or response(200, b"slow"))
    edge = start(proxying(port, own))
    with client.Client(port) as idle, client.Client(port) as c:
        assert idle.ask("/").status == 200
        c.send(request("/"))
        wire.wait_until(lambda: len(own.requests) == 2, 3)
        edge.signal(signal.SIGQUIT)
        assert idle.is_closed(3)
        wire.wait_until(lambda: port not in ringway.listening_ports(), 3, "port is closed")
        answer = c.response()
        assert answer.body == b"slow" and answer.is_whole
        assert c.is_closed(3)
    assert edge.process.wait(10) == 0
    edge.check_reports()


def test_quit_leaves_kept_connections_their_least_time(start):
    port = ringway.free_ports()
    edge = start(answering(port, "x", "keepalive_min_timeout 1500ms;"))
    with client.Client(port) as kept, client.Client(port) as used, client.Client(port) as new:
        assert kept.ask("/").status == used.ask("/").status == 200
        edge.signal(signal.SIGQUIT)
        assert new.is_closed(1)
        assert kept.stays_open(0.3)
        assert used.ask("/").get("Connection") == "close"
        assert kept.is_closed(4)
    assert edge.process.wait(10) == 0
    edge.check_reports()


def test_quit_cuts_at_worker_shutdown_timeout(start, make_origin):
    port, own = ringway.free_ports(), make_origin(lambda c: (c.read_request(), c.stall()))
    edge = start("worker_shutdown_timeout 500ms;\n" + proxying(port, own))
    with client.Client(port) as c:
        c.send(request("/"))
        wire.wait_until(lambda: own.requests, 3)
        begin = time.monotonic()
        assert edge.quit() == 0
        assert 0.3 < time.monotonic() - begin < 4


def test_quit_without_connections_ends_at_once(start):
    edge = start(answering(ringway.free_ports(), "x"))
    begin = time.monotonic()
    assert edge.quit() == 0
    assert time.monotonic() - begin < 3
    edge.check_reports()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_stops_in_mid_transfer_at_once(start, make_origin, number):
    port = ringway.free_ports()

    def endless(c):
        c.read_request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            c.send(b"x" * 65536)
    own = make_origin(endless)
    edge = start(proxying(port, own))
    with client.Client(port) as c:
        c.send(request("/"))
        c.take(100_000)
        begin = time.monotonic()
        edge.signal(number)
        assert edge.process.wait(10) == 0
        assert time.monotonic() - begin < 3
    edge.check_reports()


def test_quit_under_load_fails_no_request_that_was_accepted(start, make_origin):
    port, own = ringway.free_ports(), make_origin()
    edge = start(proxying(port, own))
    with Load(port, False) as load:
        time.sleep(0.3)
        edge.signal(signal.SIGQUIT)
        assert edge.process.wait(10) == 0
    # What is refused after the end is no fault; an answer that breaks off would be one.
    assert not [f for f in load.failures if isinstance(f, tuple)], load.failures[:5]
    assert load.count


# --- in the background --------------------------------------------------------------------------

def test_daemon_writes_its_pid_and_ends_by_it(folder):
    port, home = ringway.free_ports(), folder / "daemon"
    home.mkdir()
    pid_file, log = home / "d.pid", home / "error.log"
    (home / "d.conf").write_text(f"daemon on;\npid {pid_file};\nerror_log {log} info;\n"
                                 + answering(port, "daemon"))
    done = ringway.run("-p", str(home), "-c", str(home / "d.conf"))
    assert done.returncode == 0, done.stderr
    pid = int(pid_file.read_text())  # it is there, and listens, when the command returns
    try:
        assert client.get(port).body == b"daemon"
        assert os.getsid(pid) == pid or os.getsid(pid) != os.getsid(0)
        done = ringway.run("-p", str(home), "-c", str(home / "d.conf"), "-s", "quit")
        assert done.returncode == 0
        wire.wait_until(lambda: not Path(f"/proc/{pid}").exists(), 10, "daemon ends")
    finally:
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGKILL)
    assert not pid_file.exists()
    assert not ringway.SANITIZER_WORDS.search(log.read_text())


def test_daemon_that_cannot_start_says_so_to_its_caller(folder, make_origin):
    own, home = make_origin(), folder / "daemon-fails"
    home.mkdir()
    (home / "d.conf").write_text(f"daemon on;\npid {home}/d.pid;\nerror_log {home}/error.log;\n"
                                 + answering(own.port, "x"))
    done = ringway.run("-p", str(home), "-c", str(home / "d.conf"))
    assert done.returncode == 1 and str(own.port) in done.stderr
    assert not (home / "d.pid").exists()


# --- where it cannot start ----------------------------------------------------------------------

def poor_start(folder, name, *limits, configuration=None, user="nobody"):
    """The finished process of a start under launch.py, and its lines."""
    home = folder / f"poor-{name}"
    home.mkdir(exist_ok=True)
    home.chmod(0o777)
    text = configuration or answering(ringway.free_ports(), "x")
    (home / "p.conf").write_text(f"daemon off;\npid {home}/p.pid;\nerror_log stderr info;\n" + text)
    more = ["--user", user] if user and os.getuid() == 0 else []
    return ringway.run("-p", str(home), "-c", str(home / "p.conf"),
                       prefix=[*LAUNCH, *limits, *more, "--"], timeout=8)


def only_line(done):
    assert done.returncode == 1, (done.returncode, done.stderr)
    lines = [line for line in done.stderr.splitlines()
             if re.search(r"\[(emerg|alert|crit|error)\]", line)]
    texts = {re.sub(r"^.*?\[\w+\] (\d+#\d+: )?", "", line) for line in lines}
    assert len(texts) == 1, done.stderr
    return texts.pop()


@pytest.mark.parametrize("error, words", [
    ("EPERM", r"io_uring.*(seccomp|io_uring_disabled|container)"),
    ("ENOSYS", r"io_uring.*(kernel|seccomp|container)")])
def test_refused_io_uring_is_one_line_with_the_remedy(folder, error, words):
    done = poor_start(folder, error, "--deny", f"io_uring_setup={error}")
    assert re.search(words, only_line(done), re.I), done.stderr


def test_too_few_descriptors_are_one_line_with_the_remedy(folder):
    line = only_line(poor_start(folder, "nofile", "--nofile", "40"))
    assert re.search(r"descriptor|NOFILE", line)
    assert re.search(r"worker_connections|worker_rlimit_nofile|ulimit|LimitNOFILE", line)


def test_low_memlock_is_one_line_with_the_remedy(folder):
    line = only_line(poor_start(folder, "memlock", "--memlock", "0"))
    assert re.search(r"MEMLOCK.*(ulimit|LimitMEMLOCK|raise)", line)


def test_privileged_port_is_one_line(folder):
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) < 80:
        pytest.skip("ports below 80 are free for all here")
    done = poor_start(folder, "port", configuration=answering(79, "x"))
    assert re.search(r"127\.0\.0\.1:79.*[Pp]ermission denied", only_line(done))


def test_rlimit_nofile_of_the_file_is_taken(start):
    port = ringway.free_ports()
    edge = start("worker_rlimit_nofile 3000;\n" + answering(port, "x"))
    limits = Path(f"/proc/{edge.pid}/limits").read_text()
    assert re.search(r"Max open files\s+3000\s", limits)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_user_of_the_file_is_taken(start):
    port = ringway.free_ports()
    edge = start(answering(port, "x"), user="nobody nogroup")
    status = Path(f"/proc/{edge.pid}/status").read_text()
    uids = set(re.search(r"Uid:\s+(.*)", status)[1].split())
    assert uids == {"65534"}
    for task in Path(f"/proc/{edge.pid}/task").iterdir():
        assert "65534" in re.search(r"Uid:\s+(\d+)", (task / "status").read_text())[1]
    edge.reload()
    assert client.get(port).status == 200


# --- limits at run time -------------------------------------------------------------------------

def test_connections_beyond_the_limit_wait_without_a_spin(start):
    port = ringway.free_ports()
    edge = start("events { worker_connections 32; }\n"
                 + answering(port, "x").replace("events { worker_connections 1024; }\n", ""))
    crowd = [client.Client(port) for _ in range(100)]
    time.sleep(0.3)
    before = edge.cpu_seconds()
    time.sleep(1)
    assert edge.cpu_seconds() - before < 0.3
    served = crowd[0].ask("/")
    assert served.status == 200  # who is in is served
    for c in crowd:
        c.close()
    begin = time.monotonic()
    assert client.get(port).status == 200  # accepting resumes
    assert time.monotonic() - begin < 3


def test_idle_process_uses_no_cpu(start, make_origin):
    port, own = ringway.free_ports(), make_origin()
    edge = start(proxying(port, own), workers=2)
    with client.Client(port) as c:
        c.ask("/")
        before = edge.cpu_seconds()
        time.sleep(1)
        assert edge.cpu_seconds() - before < 0.05


def test_two_workers_share_the_connections(start):
    port = ringway.free_ports()
    edge = start(answering(port, "x"), workers=2)
    with Load(port, False, threads=6) as load:
        time.sleep(1)
    assert load.count > 50 and not load.failures
    assert edge.is_running()
