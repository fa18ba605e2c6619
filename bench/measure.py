"""One case of traffic: its proxies started, checked, and measured round by round.

A turn is one proxy under load for a moment. What counts of it is a window that opens when the
load has settled and closes before it stops, so neither starting nor stopping is measured. A
round is one turn of every proxy; only numbers of one round are compared with each other.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace

import cases
from cases import Case
from figures import Column, Result, Round, Runner, choose_rounds, is_quiet
from host import (LOAD_CORE, ORIGIN_NAME, PROXY_CORE, PROXY_NAME, Failure, free_port,
                  worker_cores)
from kit import Kit
from load import Load, fetch, hold_clients, idle_clients_max, start_load
from processes import Counters, Cpu, Origin, Process, cpu_of, others_seconds
from proxies import SUBJECT, Proxy, Setup

STOP_SECONDS = 0.15   # wrk looks ten times a second whether it should stop
START_SECONDS = 0.15  # of a process, with the check of its answer, about
HOLD_SECONDS = 0.0002  # what an idle client takes to come and to go, about

COLUMNS = (
    Column('cpu_us', 'CPU µs', '.2f'),
    Column('user_us', 'user', '.2f'),
    Column('system_us', 'system', '.2f'),
    Column('requests_per_second', 'requests/s', '.0f'),
    Column('p50_us', 'p50 µs', '.0f'),
    Column('p99_us', 'p99 µs', '.0f'),
    Column('proxy_core', 'its core', '.0%'),
    Column('load_core', 'load core', '.0%'),
)
RESUMED = Column('resumed_share', 'resumed', '.2%')

# Called before each turn, with what it is and the share of the case that is done.
Told = Callable[[str, float], None]


@dataclass(frozen=True)
class Options:
    rounds: int
    seconds: float
    connections: int | None  # None: each case's own

    def connections_for(self, case: Case) -> int:
        return self.connections or case.connections


@dataclass(frozen=True)
class Turn:
    """What one proxy did in one round. Times are microseconds of CPU for each request."""
    cpu_us: float
    user_us: float
    system_us: float
    requests_per_second: float
    p50_us: float
    p99_us: float
    proxy_core: float  # share of its core that the proxy used
    load_core: float   # share of the other core that the load and the origin used
    foreign_cores: float
    connections_per_request: float  # to the origin
    resumed_share: float            # of the handshakes with the origin


@dataclass(frozen=True)
class Running:
    runner: Runner
    process: Process
    port: int


def seconds_of(case: Case, proxies: list[Proxy], options: Options) -> float:
    """What it takes, about."""
    count = sum(proxy.takes_part(case.name) for proxy in proxies) * (2 if case.beside else 1)
    turn = case.settle_seconds + options.seconds + STOP_SECONDS
    held = case.beside is not None and case.beside.idle_clients
    return ((options.rounds + (case.clients == cases.PACED)) * count * turn +
            (count + 1) * START_SECONDS + held * count / 2 * idle_clients_max() * HOLD_SECONDS)


def run(case: Case, proxies: list[Proxy], kit: Kit, options: Options, told: Told) -> Result:
    with ExitStack() as stack:
        origin, port = start_origin(stack, case, kit)
        running, notes = start_all(stack, case, proxies, kit, port, told)
        rate = None
        if case.clients == cases.PACED:
            rate = half_rate(case, running, origin, kit, options, told)
            notes.append(f'{rate:.0f} requests a second')
        quiet: list[Round] = []
        disturbed: list[Round] = []
        while len(quiet) < options.rounds and len(disturbed) < options.rounds:
            number = len(quiet) + len(disturbed)
            turns = {}
            # Another one begins each round, so that none is always the first after a pause.
            for i in range(len(running)):
                each = running[(number + i) % len(running)]
                told(f'round {len(quiet) + 1} of {options.rounds}, {each.runner.name}',
                     (len(quiet) + i / len(running)) / options.rounds)
                turns[each.runner.name] = asdict(run_turn(case, each, origin, kit, options, rate))
            turns = {each.runner.name: turns[each.runner.name] for each in running}
            (quiet if is_quiet(turns) else disturbed).append(turns)
    columns = (*COLUMNS, RESUMED) if case.figure == RESUMED.field else COLUMNS
    return Result(case.name, f'{case.title}; {options.connections_for(case)} connections',
                  next(each for each in columns if each.field == case.figure), columns,
                  [each.runner for each in running],
                  *choose_rounds(quiet, disturbed, options.rounds), tuple(notes))


# --- start and check --------------------------------------------------------------------------

def start_all(stack: ExitStack, case: Case, proxies: list[Proxy], kit: Kit, origin_port: int,
              told: Told) -> tuple[list[Running], list[str]]:
    """Every proxy that takes part, and a second instance of each where the case has one."""
    running, notes = [], []
    clients = idle_clients_max() if case.beside and case.beside.idle_clients else 0
    for proxy in (proxy for proxy in proxies if proxy.takes_part(case.name)):
        told(f'starting {proxy.name}', 0)
        running.append(start_proxy(stack, proxy, case, kit, origin_port))
        if not case.beside:
            continue
        running.append(start_second(stack, proxy, case, kit, origin_port))
        hold_clients(stack, 'plain', running[-1].port, case.body_bytes, clients, kit.directory)
    if clients:
        notes.append(f'{clients} idle clients')
    if case.beside and case.beside.workers > 1:
        notes.append(f'{case.beside.workers} workers on core {worker_cores()}')
    return running, notes


def start_second(stack: ExitStack, proxy: Proxy, case: Case, kit: Kit,
                 origin_port: int) -> Running:
    beside = case.beside
    clients = {'clients_max': idle_clients_max()} if beside.idle_clients else {}
    return start_proxy(stack, proxy, case, kit, origin_port, workers=beside.workers,
                       name=f'{proxy.name}+{beside.label}', plain=proxy.name, **clients)


def start_origin(stack: ExitStack, case: Case, kit: Kit) -> tuple[Origin, int]:
    port = free_port()
    files = kit.certificates
    origin = stack.enter_context(Origin(LOAD_CORE, kit.origin_binary, port, files.origin_cert,
                                        files.origin_key, kit.directory, goes_first(case)))
    check_answer(origin, port, case, kit, ORIGIN_NAME, True)
    return origin, port


def start_proxy(stack: ExitStack, proxy: Proxy, case: Case, kit: Kit, origin_port: int,
                workers: int | None = None, name: str | None = None, plain: str | None = None,
                **more) -> Running:
    """With one worker or as many as the case or the caller says; more goes into the Setup."""
    port = free_port()
    name = name or proxy.name
    workers = workers or case.workers
    setup = Setup(case, kit.directory, port, origin_port, kit.certificates, name, workers, **more)
    cores = PROXY_CORE if workers == 1 else worker_cores()
    process = stack.enter_context(Process(name, cores, proxy.command(setup),
                                          kit.directory / f'{name}.out', goes_first(case)))
    check_answer(process, port, case, kit, setup.groups[0] if setup.groups else PROXY_NAME,
                 case.client_tls)
    return Running(Runner(name, proxy.kind, proxy.version_text(), name == SUBJECT, plain),
                   process, port)


def goes_first(case: Case) -> bool:
    """Where the longest of many times are compared, what else runs at times would be in them."""
    return case.figure == 'p99_us'


def check_answer(process: Process, port: int, case: Case, kit: Kit, name: str,
                 tls: bool) -> None:
    try:
        fetch(process, port, case.body_bytes, name, kit.certificates.ca if tls else None)
    except (Failure, OSError) as failure:
        raise Failure(f'{process.name}: {failure}') from None


def half_rate(case: Case, running: list[Running], origin: Origin, kit: Kit, options: Options,
              told: Told) -> float:
    """Half of what the slowest can do."""
    rates = []
    for each in running:
        told(f'how fast is {each.runner.name}', 0)
        saturating = replace(case, clients=cases.KEPT)
        rates.append(run_turn(saturating, each, origin, kit, options).requests_per_second)
    return min(rates) / 2


# --- a turn -----------------------------------------------------------------------------------

@dataclass(frozen=True)
class Sample:
    time: float
    others: float
    proxy: Cpu
    load: Cpu
    counters: Counters


def take_sample(proxy: Process, origin: Origin, generator: Process) -> Sample:
    ours = {pid for process in (proxy, origin, generator) for pid in process.pids()}
    return Sample(time.monotonic(), others_seconds(ours | {os.getpid()}), cpu_of(proxy),
                  cpu_of(origin, generator), origin.counters())


def run_turn(case: Case, proxy: Running, origin: Origin, kit: Kit, options: Options,
             rate: float | None = None) -> Turn:
    connections = options.connections_for(case)
    with start_load(case, proxy.port, connections, kit.directory, rate) as generator:
        time.sleep(case.settle_seconds)
        generator.settled()
        before = take_sample(proxy.process, origin, generator)
        time.sleep(options.seconds)
        after = take_sample(proxy.process, origin, generator)
        try:
            proxy.process.check()
            load = generator.finish()
            turn = turn_of(case, before, after, load)
            check_turn(case, turn, after.counters - before.counters, connections)
            check_clients(case, load, connections)
        except Failure as failure:
            raise Failure(f'{proxy.runner.name}: {failure}') from None
    return turn


def turn_of(case: Case, before: Sample, after: Sample, load: Load) -> Turn:
    seconds = after.time - before.time
    counted = after.counters - before.counters
    # Bytes, not requests: a large answer is still on its way when a window opens or closes.
    requests = counted.body_bytes / case.body_bytes
    if not requests:
        raise Failure('lets no request through')
    cpu = after.proxy - before.proxy
    cpu_us = cpu.total_ns / 1000 / requests
    proxy_core = cpu.total_ns / 1e9 / seconds
    load_core = (after.load - before.load).total_ns / 1e9 / seconds
    handshakes = counted.handshakes_full + counted.handshakes_resumed
    return Turn(
        cpu_us=cpu_us,
        user_us=cpu_us * cpu.user_share(),
        system_us=cpu_us * (1 - cpu.user_share()),
        requests_per_second=requests / seconds,
        p50_us=load.p50_us,
        p99_us=load.p99_us,
        proxy_core=proxy_core,
        load_core=load_core,
        foreign_cores=(after.others - before.others) / seconds,
        connections_per_request=counted.connections / requests,
        resumed_share=counted.handshakes_resumed / max(1, handshakes))


def check_turn(case: Case, turn: Turn, counted: Counters, connections: int) -> None:
    """The origin's own count must agree that the case was what its name says."""
    if counted.handshakes_failed:
        raise Failure(f'{counted.handshakes_failed} handshakes with the origin failed')
    fresh = turn.connections_per_request
    if case.upstream == cases.POOLED:
        # While the clients are still shaking hands, a pool may grow to one for each of them.
        if fresh > 0.01 and counted.connections > connections:
            raise Failure(f'opens {fresh:.2f} connections to the origin for each request')
        return
    if not 0.9 < fresh < 1.1:
        raise Failure(f'opens {fresh:.2f} connections to the origin for each request, not 1')
    resumed = turn.resumed_share
    # Where the share itself is the figure, it may be low.
    if case.upstream == cases.RESUMED and case.figure != RESUMED.field and resumed < 0.9:
        raise Failure(f'resumes only {resumed:.1%} of its handshakes with the origin')
    if case.upstream == cases.FULL and resumed > 0:
        raise Failure(f'resumes {resumed:.1%} of its handshakes with the origin')


def check_clients(case: Case, load: Load, connections: int) -> None:
    """The clients' count of their handshakes, from the first on: that one has nothing to resume."""
    if case.clients == cases.FULL and load.resumed:
        raise Failure(f'{load.resumed} clients resumed their sessions')
    if case.clients == cases.RESUMED and load.full - connections > 0.01 * load.resumed:
        raise Failure(f'only {load.resumed} of {load.resumed + load.full} clients could resume')
