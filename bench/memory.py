"""Memory in user space of a connection that waits: of a client, plain or over TLS, or of one to the
origin in the pool.

What is held against each other are two starts of a proxy: one for few clients, before they come,
and one for all of them, with all of them there. So what is set aside at the start for each counts.
Sockets are the kernel's, and cost all proxies the same.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass

import cases
from figures import Column, Result, Row
from kit import Kit
from load import Client, hold_clients, idle_clients_max
from measure import HOLD_SECONDS, START_SECONDS, Options, Running, Told, start_origin, start_proxy
from processes import Origin, memory_bytes
from proxies import Proxy

CLIENTS = 8192
CLIENTS_FEW = 64
# So many hosts, each with a pool of its own, asked by so many clients at once, fill pools without
# ever having many requests under way, whose memory would count as that of the pools.
HOSTS = 64
CLIENTS_AT_ONCE = 16
WAIT_SECONDS = 1.0  # what was needed to open may be given back

COLUMNS = (
    Column('kib', 'KiB each', '.2f'),
    Column('aside_kib', 'set aside', '.2f'),  # of it, at the start
    Column('count', 'connections', '.0f'),
    Column('start_mib', 'MiB without', '.1f'),
)


@dataclass(frozen=True)
class MemoryCase:
    name: str
    title: str
    clients: str | None  # knock's kind; None: connections to the origin
    client_tls: bool = False
    upstream: str = cases.POOLED
    body_bytes: int = 128
    figure: str = COLUMNS[0].field
    workers: int = 1


CASES = {case.name: case for case in (
    MemoryCase('memory-plain', 'memory of an idle client', 'plain'),
    MemoryCase('memory-tls', 'memory of an idle client with TLS', 'full', client_tls=True),
    MemoryCase('memory-upstream', 'memory of a pooled TLS connection upstream', None),
)}


def seconds_of(case: MemoryCase, proxies: list[Proxy], options: Options) -> float:
    count = sum(proxy.takes_part(case.name) for proxy in proxies)
    handshakes = 3 if case.client_tls else 1  # what they take beside coming without one
    return count * (2 * START_SECONDS + WAIT_SECONDS + CLIENTS * HOLD_SECONDS * handshakes)


def run(case: MemoryCase, proxies: list[Proxy], kit: Kit, options: Options,
        told: Told) -> Result:
    """One round: pages repeat, however busy the machine is."""
    runners, turns = [], {}
    proxies = [proxy for proxy in proxies if proxy.takes_part(case.name)]
    for i, proxy in enumerate(proxies):
        told(proxy.name, i / len(proxies))
        with ExitStack() as stack:
            origin, port = start_origin(stack, case, kit)
            of_one = of_clients if case.clients else of_pools
            running, turns[proxy.name] = of_one(stack, case, proxy, kit, origin, port)
            runners.append(running.runner)
    return Result(case.name, case.title, COLUMNS[0], COLUMNS, runners, [turns], [], True)


def row(without: int, at_start: int, in_use: int, count: int) -> Row:
    return {'kib': (in_use - without) / 1024 / count,
            'aside_kib': (at_start - without) / 1024 / count, 'count': count,
            'start_mib': without / (1 << 20)}


def of_clients(stack: ExitStack, case: MemoryCase, proxy: Proxy, kit: Kit, origin: Origin,
               origin_port: int) -> tuple[Running, Row]:
    count = min(CLIENTS, idle_clients_max())
    with ExitStack() as first:
        few = start_proxy(first, proxy, case, kit, origin_port, clients_max=CLIENTS_FEW)
        without = memory_bytes(few.process)
    running = start_proxy(stack, proxy, case, kit, origin_port, clients_max=count)
    at_start = memory_bytes(running.process)
    hold_clients(stack, case.clients, running.port, case.body_bytes, count, kit.directory)
    time.sleep(WAIT_SECONDS)
    return running, row(without, at_start, memory_bytes(running.process), count)


def of_pools(stack: ExitStack, case: MemoryCase, proxy: Proxy, kit: Kit, origin: Origin,
             origin_port: int) -> tuple[Running, Row]:
    hosts = tuple(f'host-{i}' for i in range(HOSTS))
    running = start_proxy(stack, proxy, case, kit, origin_port, groups=hosts)
    before, opened = memory_bytes(running.process), origin.counters().connections
    clients = [stack.enter_context(Client(running.port)) for _ in range(CLIENTS_AT_ONCE)]
    for host in hosts:
        for client in clients:
            client.request('GET', f'/{case.body_bytes}', headers={'Host': host})
        for client in clients:
            client.read_answer(proxy.name, host)
    time.sleep(WAIT_SECONDS)
    count = origin.counters().connections - opened
    return running, row(before, before, memory_bytes(running.process), count)
