"""What the bench says: a line that moves while it runs, a table and a JSON file for each case."""

import json
import os
import platform
import sys
import time
from dataclasses import asdict, fields
from pathlib import Path
from statistics import median

from cases import Case
from measure import Options, Result, Turn
from proxies import FLOOR, SUBJECT

# A field of a turn, its title, its format.
COLUMNS = (
    ('cpu_us', 'CPU µs', '.2f'),
    ('user_us', 'user', '.2f'),
    ('system_us', 'system', '.2f'),
    ('requests_per_second', 'requests/s', '.0f'),
    ('p50_us', 'p50 µs', '.0f'),
    ('p99_us', 'p99 µs', '.0f'),
    ('proxy_core', 'its core', '.0%'),
    ('load_core', 'load core', '.0%'),
)

CASE_SECONDS = 0.6  # what starting, checking and stopping the processes of a case take, about


class Progress:
    """One line on stderr that shows the time left; now and then a line where no terminal is."""

    def __init__(self, cases: int, proxies: int, options: Options):
        self.proxies = proxies
        self.options = options
        self.cases_left = cases
        self.moves = sys.stderr.isatty()
        self.spoken = 0.0

    def case_begins(self, case: Case) -> None:
        self.case = case
        self.cases_left -= 1

    def turn_begins(self, rounds_done: int, turns_done: int, name: str) -> None:
        rounds = self.options.rounds
        turns = (self.cases_left + 1) * rounds * self.proxies
        turns -= rounds_done * self.proxies + turns_done
        left = int(turns * self.options.turn_seconds() + self.cases_left * CASE_SECONDS)
        line = (f'{self.case.name}: round {rounds_done + 1} of {rounds}, {name};'
                f' {left // 60}:{left % 60:02} left')
        if self.moves:
            print(f'\r\033[K{line}', end='', file=sys.stderr, flush=True)
        elif time.monotonic() - self.spoken >= 5:
            self.spoken = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    def case_ends(self) -> None:
        if self.moves:
            print('\r\033[K', end='', file=sys.stderr, flush=True)


# --- numbers ----------------------------------------------------------------------------------

def spread(values: list[float]) -> dict[str, float]:
    return {'median': median(values), 'min': min(values), 'max': max(values)}


def column(result: Result, name: str, field: str) -> list[float]:
    return [getattr(turns[name], field) for turns in result.rounds]


def ratios(result: Result, name: str, other: str) -> dict[str, float]:
    """CPU for each request of one proxy against another's in the same round."""
    return spread([turns[name].cpu_us / turns[other].cpu_us for turns in result.rounds])


def pairs(result: Result) -> list[tuple[str, str]]:
    """Who is held against whom: ringway against each other; without it, the rest by order."""
    names = list(result.rounds[0])
    names.sort(key=lambda name: name != SUBJECT)
    return [(names[0], other) for other in names[1:]]


def verdicts(result: Result) -> list[dict]:
    """Whether the case's targets hold: against the better of the others, and against the floor."""
    if SUBJECT not in result.rounds[0]:
        return []
    against = [(ratios(result, *pair)['median'], pair[1]) for pair in pairs(result)]
    targets = (
        (result.case.ratio_max, 'the better', [each for each in against if each[1] != FLOOR]),
        (result.case.floor_ratio_max, 'the floor', [each for each in against if each[1] == FLOOR]))
    return [{'ratio': max(group)[0], 'of': f'{words}, {max(group)[1]}', 'at_most': at_most,
             'holds': max(group)[0] <= at_most}
            for at_most, words, group in targets if at_most is not None and group]


# --- text -------------------------------------------------------------------------------------

def print_case(result: Result, options: Options) -> None:
    connections = options.connections_for(result.case)
    print(f'\n{result.case.name}: {result.case.title}; {connections} connections')
    names = list(result.rounds[0])
    print(f"  {'':10}" + ''.join(f'{title:>13}' for _, title, _ in COLUMNS))
    for name in names:
        cells = ''
        for field, _, form in COLUMNS:
            values = spread(column(result, name, field))
            text = format(values['median'], form)
            if field == 'cpu_us':
                text += f" ±{(values['max'] - values['min']) / 2:.2f}"
            cells += f'{text:>13}'
        print(f'  {name:10}{cells}')
    for name, other in pairs(result):
        ratio = ratios(result, name, other)
        print(f"  {name} / {other}: {ratio['median']:.2f} of its CPU"
              f" ({ratio['min']:.2f} to {ratio['max']:.2f})")
    for held in verdicts(result):
        print(f"  target: at most {held['at_most']:.2f} of {held['of']}:"
              f" {held['ratio']:.2f}, {'HOLDS' if held['holds'] else 'MISSED'}")
    if result.dropped:
        cores = ', '.join(f'{cores:.2f}' for cores in result.dropped)
        rounds = 'round' if len(result.dropped) == 1 else 'rounds'
        print(f'  dropped {len(result.dropped)} {rounds}: something else used {cores} cores')
    if not result.quiet:
        print('  NOT QUIET: something else used the machine in most rounds; these are the least'
              ' disturbed ones. Do not trust the numbers.')
    sys.stdout.flush()


# --- JSON -------------------------------------------------------------------------------------

def machine() -> dict[str, str | int]:
    model = [line.partition(':')[2].strip() for line in open('/proc/cpuinfo')
             if line.startswith('model name')]
    return {'cpu': model[0] if model else platform.machine(), 'cores': os.cpu_count(),
            'kernel': platform.release(),
            'congestion_control': Path('/proc/sys/net/ipv4/tcp_congestion_control').read_text()
            .strip()}


def write_json(result: Result, options: Options, versions: dict[str, str], path: Path) -> None:
    names = list(result.rounds[0])
    content = {
        'case': result.case.name,
        'title': result.case.title,
        'body_bytes': result.case.body_bytes,
        'machine': machine(),
        'time': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
        'options': {**asdict(options), 'connections': options.connections_for(result.case)},
        'quiet': result.quiet,
        'dropped_foreign_cores': result.dropped,
        'proxies': {
            name: {'version': versions[name],
                   **{f.name: spread(column(result, name, f.name)) for f in fields(Turn)}}
            for name in names},
        'cpu_ratios': {f'{name}/{other}': ratios(result, name, other)
                       for name, other in pairs(result)},
        'targets': verdicts(result),
        'rounds': [{name: asdict(turns[name]) for name in names} for turns in result.rounds],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + '\n')
