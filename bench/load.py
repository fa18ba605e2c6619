"""What is sent through a proxy: one request that is compared byte by byte, then the many of wrk,
of knock.c or of pace.c, or clients that stay idle."""

import http.client
import json
import signal
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cases import KEPT, PACED, Case
from host import BENCH, LOAD_CORE, PROXY_NAME, RELEASE, Failure, raise_descriptors
from processes import Process

START_SECONDS_MAX = 5


def fetch(server: Process, port: int, size: int, name: str, ca: Path | None) -> None:
    """One request to a server that may still be starting, over TLS if there is a CA to verify it
    with; its answer must be the origin's."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        server.check()
        try:
            return fetch_once(port, size, name, ca)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise Failure('does not listen') from None
            time.sleep(0.02)


def fetch_once(port: int, size: int, name: str, ca: Path | None) -> None:
    connection = http.client.HTTPConnection(name)
    with socket.create_connection(('127.0.0.1', port), timeout=10) as plain:
        connection.sock = plain
        if ca:
            context = ssl.create_default_context(cafile=ca)
            connection.sock = context.wrap_socket(plain, server_hostname=name)
        try:
            connection.request('GET', f'/{size}')
            response = connection.getresponse()
            body = response.read()
        except http.client.HTTPException as error:
            raise Failure(f'does not answer with HTTP: {error!r}') from None
        finally:
            connection.close()
    if response.status != 200:
        raise Failure(f'answers {response.status} {response.reason}')
    if response.headers['Content-Type'] != 'application/octet-stream':
        raise Failure(f"changes Content-Type to {response.headers['Content-Type']}")
    if response.headers['Content-Length'] != str(size):
        raise Failure(f"changes Content-Length to {response.headers['Content-Length']}")
    if body != body_expected(size):
        raise Failure('changes the body')


def body_expected(size: int) -> bytes:
    period = bytes(ord('0') + i for i in range(64))  # as in origin.c
    return (period * (size // 64 + 1))[:size]


@dataclass(frozen=True)
class Load:
    requests: int
    p50_us: float
    p99_us: float
    full: int = 0     # handshakes of clients, where they are counted
    resumed: int = 0


class Generator(Process):
    """Sends requests until it is stopped, and then tells what it saw, as a line of JSON."""

    def settled(self) -> None:
        """Called when what counts begins; those that cannot forget count from their start."""

    def finish(self) -> Load:
        self.check()
        self.child.send_signal(signal.SIGINT)
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.stop()
            raise Failure(f'{self.name} does not end') from None
        lines = self.log.read_text().strip().splitlines()
        try:
            result = json.loads(lines[-1])
        except (IndexError, ValueError):
            raise Failure('\n  '.join([f'{self.name} failed', *lines[-5:]])) from None
        errors = {kind: count for kind, count in result.get('errors', {}).items() if count}
        if errors:
            told = ', '.join(f'{count} {kind}' for kind, count in errors.items())
            raise Failure(f"{told} errors in {result['requests']} requests")
        return Load(result['requests'], result['p50'], result['p99'], result.get('full', 0),
                    result.get('resumed', 0))


class Wrk(Generator):
    """Keeps its connections busy."""

    def __init__(self, case: Case, port: int, connections: int, directory: Path):
        scheme = 'https' if case.client_tls else 'http'
        super().__init__(
            'wrk', LOAD_CORE,
            # It counts whole seconds; the bench ends it sooner, the duration is a last resort.
            ['wrk', '-t1', f'-c{connections}', '-d60s', '--timeout', '5s',
             '-s', BENCH / 'wrk.lua', '-H', f'Host: {PROXY_NAME}',
             f'{scheme}://127.0.0.1:{port}/{case.body_bytes}'],
            directory / 'wrk.log')


class Knock(Generator):
    """New connections, each for one request, or (staying: how many) for one and then to stay. One
    source address has as many as there are ports; each call with the same one shares them."""

    def __init__(self, kind: str, port: int, body_bytes: int, slots: int, directory: Path,
                 staying: int | None = None, source: str = '127.0.0.1'):
        more = [] if staying is None else [staying]
        super().__init__('knock', LOAD_CORE,
                         [RELEASE / 'knock', kind, source, port, body_bytes, slots, *more],
                         directory / f'knock.{source}.{port}.log')

    def wait_until_all_stay(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while 'all stay' not in self.log.read_text():
            self.check()
            if time.monotonic() > deadline:
                raise Failure(f'idle connections are not there after {seconds:g} s')
            time.sleep(0.02)


class Pace(Generator):
    """A steady rate, whatever the answers take."""

    def __init__(self, case: Case, port: int, connections: int, rate: float, directory: Path):
        super().__init__('pace', LOAD_CORE,
                         [RELEASE / 'pace', port, case.body_bytes, connections, f'{rate:.0f}'],
                         directory / 'pace.log')

    def settled(self) -> None:
        self.child.send_signal(signal.SIGUSR1)


def start_load(case: Case, port: int, connections: int, directory: Path,
               rate: float | None = None) -> Generator:
    if case.clients == KEPT:
        return Wrk(case, port, connections, directory)
    if case.clients == PACED:
        # Without a rate: as fast as it goes.
        return (Pace(case, port, connections, rate, directory) if rate else
                Wrk(case, port, connections, directory))
    return Knock(case.clients, port, case.body_bytes, connections, directory)


class Client(http.client.HTTPConnection):
    """A plain one, kept alive, whose answers are read when it suits."""

    def __init__(self, port: int):
        super().__init__('127.0.0.1', port, timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def read_answer(self, name: str, host: str) -> None:
        answer = self.getresponse()
        answer.read()
        if answer.status != 200:
            raise Failure(f'{name}: {host} answers {answer.status} {answer.reason}')


# --- clients that stay ------------------------------------------------------------------------

IDLE_CLIENTS_MAX = 100_000
DESCRIPTORS_SPARE = 2048   # of a proxy, for all that is not an idle client
CLIENTS_PER_SOURCE = 16384  # ports: the kernel's range for them has at least as many, usually
OPENED_AT_ONCE = 16        # so few that the pool of connections to the origin stays small
OPEN_SECONDS_MAX = 60


def idle_clients_max() -> int:
    """As many as one process may have descriptors for."""
    return min(IDLE_CLIENTS_MAX, raise_descriptors() - DESCRIPTORS_SPARE)


def hold_clients(stack: ExitStack, kind: str, port: int, body_bytes: int, count: int,
                 directory: Path) -> list[Knock]:
    """That many clients that asked once and stay. They come from several loopback addresses:
    one has not ports enough."""
    held = []
    while count:
        part = min(count, CLIENTS_PER_SOURCE, raise_descriptors() - 64)
        held.append(stack.enter_context(
            Knock(kind, port, body_bytes, min(part, OPENED_AT_ONCE), directory, part,
                  f'127.0.1.{len(held) + 1}')))
        held[-1].wait_until_all_stay(OPEN_SECONDS_MAX)
        count -= part
    return held
