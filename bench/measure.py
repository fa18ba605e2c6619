"""One case: its proxies started, checked, and measured round by round.

A turn is one proxy under load for a moment. What counts of it is a window that opens when the
load has settled and closes before it stops, so neither starting nor stopping is measured. A
round is one turn of every proxy; only numbers of one round are compared with each other.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import cases
from cases import Case
from host import LOAD_CORE, ORIGIN_NAME, PROXY_CORE, PROXY_NAME, Failure, free_port
from kit import Kit
from load import Load, Wrk, fetch
from processes import Counters, Cpu, Origin, Process, cpu_of, idle_seconds
from proxies import Proxy, Setup

SETTLE_SECONDS = 0.3
STOP_SECONDS = 0.15  # wrk looks ten times a second whether it should stop
# What anybody else may use of the machine, in cores, before a round is dropped: the kernel's own
# threads and timers, and this program's reading of the clock, take about a third of it.
FOREIGN_CORES_MAX = 0.1


@dataclass(frozen=True)
class Options:
    rounds: int
    seconds: float
    connections: int | None  # None: each case's own

    def connections_for(self, case: Case) -> int:
        return self.connections or case.connections

    def turn_seconds(self) -> float:
        return SETTLE_SECONDS + self.seconds + STOP_SECONDS


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
    load_core: float   # share of the other core that wrk and the origin used
    foreign_cores: float
    connections_per_request: float  # to the origin
    resumed_share: float            # of the handshakes with the origin


Round = dict[str, Turn]  # by the proxy's name


@dataclass(frozen=True)
class Result:
    case: Case
    rounds: list[Round]
    dropped: list[float]  # foreign cores of each round that was dropped
    quiet: bool           # False: there were too few quiet rounds, and disturbed ones are in use


@dataclass(frozen=True)
class Running:
    name: str
    process: Process
    port: int


def run_case(case: Case, proxies: list[Proxy], kit: Kit, options: Options,
             told: Callable[[int, int, str], None]) -> Result:
    """Calls told(rounds done, turns done in this round, proxy's name) before each turn."""
    with ExitStack() as stack:
        origin, port = start_origin(stack, case, kit)
        running = [start_proxy(stack, proxy, case, kit, port) for proxy in proxies
                   if proxy.takes_part(case)]
        quiet: list[Round] = []
        disturbed: list[Round] = []
        while len(quiet) < options.rounds and len(disturbed) < options.rounds:
            number = len(quiet) + len(disturbed)
            turns = {}
            # Another one begins each round, so that none is always the first after a pause.
            for i in range(len(running)):
                each = running[(number + i) % len(running)]
                told(len(quiet), i, each.name)
                turns[each.name] = run_turn(case, each, origin, kit, options)
            turns = {each.name: turns[each.name] for each in running}
            (disturbed if foreign_cores(turns) > FOREIGN_CORES_MAX else quiet).append(turns)
    return choose_rounds(case, quiet, disturbed, options.rounds)


def foreign_cores(turns: Round) -> float:
    return max(turn.foreign_cores for turn in turns.values())


def choose_rounds(case: Case, quiet: list[Round], disturbed: list[Round], wanted: int) -> Result:
    """The quiet ones, if they are half of what was asked for; else the least disturbed ones."""
    if len(quiet) * 2 >= wanted:
        return Result(case, quiet, [foreign_cores(turns) for turns in disturbed], True)
    disturbed.sort(key=foreign_cores)
    used = quiet + disturbed[:wanted - len(quiet)]
    rest = disturbed[wanted - len(quiet):]
    return Result(case, used, [foreign_cores(turns) for turns in rest], False)


# --- start and check --------------------------------------------------------------------------

def start_origin(stack: ExitStack, case: Case, kit: Kit) -> tuple[Origin, int]:
    port = free_port()
    files = kit.certificates
    origin = stack.enter_context(Origin(LOAD_CORE, kit.origin_binary, port, files.origin_cert,
                                        files.origin_key, kit.directory))
    check_answer(origin, port, case, kit, ORIGIN_NAME, True)
    return origin, port


def start_proxy(stack: ExitStack, proxy: Proxy, case: Case, kit: Kit,
                origin_port: int) -> Running:
    port = free_port()
    command = proxy.command(Setup(case, kit.directory, port, origin_port, kit.certificates))
    process = stack.enter_context(Process(proxy.name, PROXY_CORE, command,
                                          kit.directory / f'{proxy.name}.out'))
    check_answer(process, port, case, kit, PROXY_NAME, case.client_tls)
    return Running(proxy.name, process, port)


def check_answer(process: Process, port: int, case: Case, kit: Kit, name: str,
                 tls: bool) -> None:
    try:
        fetch(process, port, case.body_bytes, name, kit.certificates.ca if tls else None)
    except (Failure, OSError) as failure:
        raise Failure(f'{process.name}: {failure}') from None


# --- a turn -----------------------------------------------------------------------------------

@dataclass(frozen=True)
class Sample:
    time: float
    idle: float
    proxy: Cpu
    load: Cpu
    own: float
    counters: Counters


def take_sample(proxy: Process, origin: Origin, wrk: Process) -> Sample:
    return Sample(time.monotonic(), idle_seconds(), cpu_of(proxy), cpu_of(origin, wrk),
                  time.process_time(), origin.counters())


def run_turn(case: Case, proxy: Running, origin: Origin, kit: Kit, options: Options) -> Turn:
    with Wrk(case, proxy.port, options.connections_for(case), kit.directory) as wrk:
        time.sleep(SETTLE_SECONDS)
        before = take_sample(proxy.process, origin, wrk)
        time.sleep(options.seconds)
        after = take_sample(proxy.process, origin, wrk)
        try:
            proxy.process.check()
            load = wrk.finish()
            turn = turn_of(case, before, after, load)
            check_turn(case, turn, after.counters - before.counters, options)
        except Failure as failure:
            raise Failure(f'{proxy.name}: {failure}') from None
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
    used = os.cpu_count() - (after.idle - before.idle) / seconds
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
        foreign_cores=used - proxy_core - load_core - (after.own - before.own) / seconds,
        connections_per_request=counted.connections / requests,
        resumed_share=counted.handshakes_resumed / max(1, handshakes))


def check_turn(case: Case, turn: Turn, counted: Counters, options: Options) -> None:
    """The origin's own count must agree that the case was what its name says."""
    if counted.handshakes_failed:
        raise Failure(f'{counted.handshakes_failed} handshakes with the origin failed')
    fresh = turn.connections_per_request
    if case.upstream == cases.POOLED:
        # While the clients are still shaking hands, a pool may grow to one for each of them.
        if fresh > 0.01 and counted.connections > options.connections_for(case):
            raise Failure(f'opens {fresh:.2f} connections to the origin for each request')
        return
    if not 0.9 < fresh < 1.1:
        raise Failure(f'opens {fresh:.2f} connections to the origin for each request, not 1')
    resumed = turn.resumed_share
    if case.upstream == cases.RESUMED and resumed < 0.9:
        raise Failure(f'resumes only {resumed:.1%} of its handshakes with the origin')
    if case.upstream == cases.FULL and resumed > 0:
        raise Failure(f'resumes {resumed:.1%} of its handshakes with the origin')
