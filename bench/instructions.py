"""Instructions that ringway spends on a request, counted by callgrind: a figure that a busy machine
does not move, so that a test can hold it.

What is counted is user space only: the kernel's part does not change with our code. The origin's
own count says how many requests there were.
"""

import json
import re
import shutil
import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cases import Case
from host import BENCH, PROXY_CORE, PROXY_NAME, ROOT, Failure, free_port
from load import Wrk
from measure import Kit, check_answer, start_origin
from processes import Origin, Process
from proxies import Setup, ringway_config

RECORDED = BENCH / 'instructions.json'
RISE_MAX = 0.05
COUNTED_CASES = ('small', 'small-tls', '16k')
CONNECTIONS = 8
WARM_REQUESTS = 1000  # after handshakes, and memory that is touched for the first time
COUNTED_REQUESTS = 5000
SECONDS_MAX = 90


@dataclass(frozen=True)
class Count:
    case: Case
    instructions: float  # for each request
    requests: int
    functions: list[tuple[str, float]]  # the most expensive, instructions for each request


class Counted(Process):
    """ringway under callgrind. Ends by SIGKILL: what it would count on its way out is nobody's."""

    def __init__(self, config: Path, directory: Path):
        self.dumps = directory / 'callgrind'
        self.dumps.mkdir()
        self.dump_count = 0
        super().__init__(
            'ringway-counted', PROXY_CORE,
            ['valgrind', '--tool=callgrind', '--cache-sim=no',
             f'--callgrind-out-file={self.dumps}/out',
             ROOT / 'build/release/ringway-counted', '-p', directory, '-c', config],
            directory / 'callgrind.log')

    def dump(self) -> Path:
        """What was counted since the last dump."""
        self.dump_count += 1
        path = self.dumps / f'out.{self.dump_count}'
        subprocess.run(['callgrind_control', '-d', str(self.child.pid)], timeout=60, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not path.exists() or 'totals:' not in path.read_text()[-200:]:
            if time.monotonic() > deadline:
                raise Failure('callgrind writes no dump')
            time.sleep(0.05)
        return path

    def stop(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        super().stop()


def count(case: Case, kit: Kit) -> Count:
    with ExitStack() as stack:
        return count_with(stack, case, kit)


def count_with(stack: ExitStack, case: Case, kit: Kit) -> Count:
    origin, origin_port = start_origin(stack, case, kit)
    port = free_port()
    setup = Setup(case, kit.directory, port, origin_port, kit.certificates)
    config = kit.directory / 'counted.conf'
    # callgrind writes its files as the user that the worker has become.
    config.write_text('user root;\n' + ringway_config(setup))
    shutil.rmtree(kit.directory / 'callgrind', ignore_errors=True)
    proxy = stack.enter_context(Counted(config, kit.directory))
    check_answer(proxy, port, case, kit, PROXY_NAME, case.client_tls)
    load(WARM_REQUESTS, case, proxy, port, origin, kit)
    proxy.dump()
    before = origin.counters()
    load(COUNTED_REQUESTS, case, proxy, port, origin, kit)
    requests = (origin.counters() - before).requests
    total, functions = read_dump(proxy.dump())
    return Count(case, total / requests, requests,
                 [(name, cost / requests) for name, cost in functions])


def load(requests: int, case: Case, proxy: Process, port: int, origin: Origin, kit: Kit) -> None:
    """So many requests, or a few more."""
    end = origin.counters().requests + requests
    deadline = time.monotonic() + SECONDS_MAX
    with Wrk(case, port, CONNECTIONS, kit.directory) as wrk:
        while origin.counters().requests < end:
            if time.monotonic() > deadline:
                raise Failure(f'{requests} requests take longer than {SECONDS_MAX} s')
            proxy.check()
            time.sleep(0.02)
        wrk.finish()


def read_dump(path: Path) -> tuple[int, list[tuple[str, int]]]:
    """All instructions of a dump, and each function's own. The format: callgrind-format(1)."""
    names: dict[str, str] = {}
    costs: Counter[str] = Counter()
    function, of_call = '', False
    for line in path.read_text().splitlines():
        named = re.match(r'(c?fn)=(\(\d+\))(?: (.+))?', line)
        if named:
            names.setdefault(named[2], named[3])
            function = named[2] if named[1] == 'fn' else function
        elif line.startswith('calls='):
            of_call = True  # the next line has the cost of what was called, counted there
        elif line[:1] in tuple('0123456789+-*'):
            if not of_call:
                costs[function] += int(line.split()[-1])
            of_call = False
    return sum(costs.values()), [(names[number], cost) for number, cost in costs.most_common()]


# --- what was recorded ------------------------------------------------------------------------

def recorded() -> dict[str, float]:
    return json.loads(RECORDED.read_text()) if RECORDED.exists() else {}


def record(counts: list[Count]) -> None:
    values = recorded() | {each.case.name: round(each.instructions) for each in counts}
    RECORDED.write_text(json.dumps(values, indent=1) + '\n')


def verdict(each: Count) -> str | None:
    """What is wrong with a count beside the recorded one; None where it is as it should be."""
    before = recorded().get(each.case.name)
    if before is None:
        return f'{each.case.name}: nothing is recorded: bench/profile instructions --record'
    rise = each.instructions / before - 1
    if rise > RISE_MAX:
        return (f'{each.case.name}: {each.instructions:.0f} instructions for each request are'
                f' {rise:.1%} more than the {before} that are recorded in {RECORDED.name}')
    return None
