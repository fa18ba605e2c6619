"""What is sent through a proxy: one request that is compared byte by byte, then wrk's many."""

import http.client
import json
import signal
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from cases import Case
from host import BENCH, LOAD_CORE, PROXY_NAME, Failure
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


class Wrk(Process):
    """Keeps its connections busy until it is stopped, and then tells what it saw."""

    def __init__(self, case: Case, port: int, connections: int, directory: Path):
        scheme = 'https' if case.client_tls else 'http'
        super().__init__(
            'wrk', LOAD_CORE,
            # It counts whole seconds; the bench ends it sooner, the duration is a last resort.
            ['wrk', '-t1', f'-c{connections}', '-d60s', '--timeout', '5s',
             '-s', BENCH / 'wrk.lua', '-H', f'Host: {PROXY_NAME}',
             f'{scheme}://127.0.0.1:{port}/{case.body_bytes}'],
            directory / 'wrk.log')

    def finish(self) -> Load:
        self.check()
        self.child.send_signal(signal.SIGINT)
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.stop()
            raise Failure('wrk does not end') from None
        lines = self.log.read_text().strip().splitlines()
        try:
            result = json.loads(lines[-1])
        except (IndexError, ValueError):
            raise Failure('\n  '.join(['wrk failed', *lines[-5:]])) from None
        errors = {kind: count for kind, count in result['errors'].items() if count}
        if errors:
            told = ', '.join(f'{count} {kind}' for kind, count in errors.items())
            raise Failure(f"{told} errors in {result['requests']} requests")
        return Load(result['requests'], result['p50'], result['p99'])
