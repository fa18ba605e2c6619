"""What the bench says: a line that moves while it runs, a table and a JSON file for each case."""

import json
import os
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path

from figures import Result, Verdict, column, pairs, ratios, spread
from measure import Options
from published import FORMAT


class Progress:
    """One line on stderr that shows the time left; now and then a line where no terminal is."""

    def __init__(self, seconds: dict[str, float]):
        self.seconds = seconds  # of each case that is still to come
        self.moves = sys.stderr.isatty()
        self.spoken = 0.0

    def case_begins(self, name: str) -> None:
        self.name = name
        self.here = self.seconds.pop(name)

    def told(self, what: str, share_done: float) -> None:
        left = int(sum(self.seconds.values()) + self.here * (1 - share_done))
        line = f'{self.name}: {what}; {left // 60}:{left % 60:02} left'
        if self.moves:
            print(f'\r\033[K{line}', end='', file=sys.stderr, flush=True)
        elif time.monotonic() - self.spoken >= 5:
            self.spoken = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    def case_ends(self) -> None:
        if self.moves:
            print('\r\033[K', end='', file=sys.stderr, flush=True)


# --- text -------------------------------------------------------------------------------------

def print_case(result: Result, found: list[Verdict]) -> None:
    print('\n' + '; '.join((f'{result.name}: {result.title}', *result.notes)))
    width = max(len(each.name) for each in result.runners) + 1
    print(f"  {'':{width}}" + ''.join(f' {each.title:>15}' for each in result.columns))
    for runner in result.runners:
        cells = ''
        for each in result.columns:
            values = spread(column(result, runner.name, each.field))
            text = format(values['median'], each.form)
            if each == result.figure and len(result.rounds) > 1:
                text += f" ±{format((values['max'] - values['min']) / 2, each.form)}"
            cells += f' {text:>15}'
        print(f'  {runner.name:{width}}{cells}')
    for name, other in pairs(result):
        ratio = ratios(result, name, other)
        print(f"  {name} / {other}: {ratio['median']:.2f} of its {result.figure.title}"
              f" ({ratio['min']:.2f} to {ratio['max']:.2f})")
    for each in found:
        bound = 'at least' if each.is_least else 'at most'
        print(f'  target: {bound} {each.limit:g} {each.words}: {each.value:.4g},'
              f" {'MET' if each.is_met else 'NOT MET'}")
    print_disturbances(result)
    sys.stdout.flush()


def print_disturbances(result: Result) -> None:
    if result.dropped:
        cores = ', '.join(f'{cores:.2f}' for cores in result.dropped)
        rounds = 'round' if len(result.dropped) == 1 else 'rounds'
        print(f'  dropped {len(result.dropped)} {rounds}: something else used {cores} cores')
    if not result.quiet:
        print('  NOT QUIET: something else used the machine in most rounds; these are the least'
              ' disturbed ones. Do not trust the numbers.')


# --- JSON -------------------------------------------------------------------------------------

def machine() -> dict[str, str | int]:
    model = [line.partition(':')[2].strip() for line in open('/proc/cpuinfo')
             if line.startswith('model name')]
    return {'cpu': model[0] if model else platform.machine(), 'cores': os.cpu_count(),
            'kernel': platform.release(),
            'congestion_control': Path('/proc/sys/net/ipv4/tcp_congestion_control').read_text()
            .strip()}


def write_json(result: Result, found: list[Verdict], options: Options, path: Path) -> None:
    names = [each.name for each in result.runners]
    fields = result.rounds[0][names[0]]
    content = {
        'format': FORMAT,
        'case': result.name,
        'title': result.title,
        'notes': result.notes,
        'machine': machine(),
        'time': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
        'options': asdict(options),
        'quiet': result.quiet,
        'dropped_foreign_cores': result.dropped,
        'figure': asdict(result.figure),
        'runners': [{**asdict(each),
                     'fields': {field: spread(column(result, each.name, field))
                                for field in fields}} for each in result.runners],
        'ratios': {f'{name}/{other}': ratios(result, name, other)
                   for name, other in pairs(result)},
        'targets': [asdict(each) for each in found],
        'rounds': result.rounds,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + '\n')
