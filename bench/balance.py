"""How evenly clients are spread over the workers of a proxy.

Some clients come at once and stay. Then each sends a few requests while the others are silent: the
worker that used the most CPU meanwhile is the one that serves it. The imbalance is the number of
clients of the busiest worker against the even share: 1 is the best, as many as there are workers
the worst.
"""

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass

import cases
from figures import Column, Result, Round, Row
from kit import Kit
from load import Client
from measure import START_SECONDS, Options, Running, Told, start_origin, start_proxy
from processes import cpu_of_tasks
from proxies import SUBJECT, Proxy

CLIENTS = (8, 16, 64)
WORKERS = (2, 3, 4)
ROUNDS_MAX = 3
PROBES = 30  # requests of one client, to see who serves it
PROBE_SECONDS = 0.012
SETTLE_SECONDS = 0.1  # after the first answers
UNBALANCED = 'worker_balance off;'

COLUMNS = (
    Column('worst', 'worst', '.2f'),
    *(Column(f'of_{clients}_on_{workers}', f'{clients} on {workers}', '.2f')
      for workers in WORKERS for clients in CLIENTS),
)


@dataclass(frozen=True)
class BalanceCase:
    name: str
    title: str
    client_tls: bool = False
    upstream: str = cases.POOLED
    body_bytes: int = 128
    figure: str = COLUMNS[0].field


CASES = {case.name: case for case in (
    BalanceCase('balance', 'clients of the busiest worker against the even share'
                           ' → with worker_balance off'),
)}


def rounds_of(options: Options) -> int:
    return min(options.rounds, ROUNDS_MAX)


def turns_of(case: BalanceCase, proxies: list[Proxy]) -> list[tuple[Proxy, dict]]:
    """What takes its turn in a round, with what start_proxy() is told of it: the proxies, and each
    ringway once more that leaves its clients where they came."""
    found = []
    for proxy in (proxy for proxy in proxies if proxy.takes_part(case.name)):
        found.append((proxy, {'name': proxy.name}))
        if proxy.kind == SUBJECT:
            found.append((proxy, {'name': f'{proxy.name}+unbalanced', 'plain': proxy.name,
                                  'only_ringway': f'\n    {UNBALANCED}'}))
    return found


def seconds_of(case: BalanceCase, proxies: list[Proxy], options: Options) -> float:
    count = len(turns_of(case, proxies))
    probing = len(CLIENTS) * SETTLE_SECONDS + sum(CLIENTS) * PROBE_SECONDS
    return rounds_of(options) * count * len(WORKERS) * (START_SECONDS + probing)


def run(case: BalanceCase, proxies: list[Proxy], kit: Kit, options: Options,
        told: Told) -> Result:
    rounds: list[Round] = []
    runners = {}
    members = turns_of(case, proxies)
    with ExitStack() as stack:
        _, origin_port = start_origin(stack, case, kit)
        for number in range(rounds_of(options)):
            turns: Round = {}
            for i, (proxy, more) in enumerate(members):
                name = more['name']
                told(f'round {number + 1}, {name}',
                     (number + i / len(members)) / rounds_of(options))
                turns[name] = {}
                for workers in WORKERS:
                    with ExitStack() as inner:
                        running = start_proxy(inner, proxy, case, kit, origin_port,
                                              workers=workers, **more)
                        turns[name] |= imbalances(case, running, workers)
                    runners[name] = running.runner
                turns[name]['worst'] = max(turns[name].values())
            rounds.append(turns)
    return Result(case.name, case.title, COLUMNS[0], COLUMNS, list(runners.values()), rounds, [],
                  True)


def imbalances(case: BalanceCase, running: Running, workers: int) -> Row:
    return {f'of_{clients}_on_{workers}':
            imbalance(spread_of(case, running, clients), workers) for clients in CLIENTS}


def imbalance(counts: list[int], workers: int) -> float:
    return max(counts) / (sum(counts) / workers)


def spread_of(case: BalanceCase, running: Running, count: int) -> list[int]:
    """How many clients each worker has that has any."""
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(running.port)) for _ in range(count)]
        for client in clients:
            client.connect()
        for client in clients:
            client.request('GET', f'/{case.body_bytes}')
        for client in clients:
            client.read_answer(running.runner.name, 'it')
        time.sleep(SETTLE_SECONDS)
        return list(Counter(server_of(case, running, client) for client in clients).values())


def server_of(case: BalanceCase, running: Running, client: Client) -> int:
    """The thread that serves a client."""
    before = cpu_of_tasks(running.process)
    for _ in range(PROBES):
        client.request('GET', f'/{case.body_bytes}')
        client.read_answer(running.runner.name, 'it')
    after = cpu_of_tasks(running.process)
    return max(after, key=lambda task: after[task] - before.get(task, 0))
