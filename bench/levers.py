"""The levers of bench/tune: one row is one thing that an operator can set, the case in which it
matters most, and the values that are held against its default."""

import re
from dataclasses import dataclass, replace

from cases import CASES, Case
from figures import Result, spread
from proxies import PROXIES, SUBJECT, Proxy, Setup

BEGIN, END = '<!-- bench/tune begins -->', '<!-- bench/tune ends -->'

# What ratios are told of, and what a title of its column says.
FIGURES = {'cpu_us': 'CPU for a request', 'requests_per_second': 'requests/s'}


@dataclass(frozen=True)
class Lever:
    directive: str
    default: str
    values: tuple[str, ...]
    case: Case
    flag: str | None = None  # that goes with a file; None: there is none, it is written to http


LEVERS = {each.directive: each for each in (
    Lever('ring_entries', '4096', ('64', '512', '32768'), CASES['small'], '--ring-entries'),
    Lever('receive_buffers', '32 32k', ('8 32k', '128 32k', '128 8k'), CASES['1m'],
          '--receive-buffers'),
    Lever('send_high_water', '128k', ('32k', '512k', '2m'), CASES['1m'], '--send-high-water'),
    Lever('send_zerocopy', 'off', ('16k', '64k', '128k'), CASES['1m'], '--send-zerocopy'),
    # With few connections the proxy often waits, which is when it polls.
    Lever('busy_poll', '0', ('10', '50', '200'),
          replace(CASES['small-few'], title='128 B, kept alive, plain client, TLS upstream'),
          '--busy-poll'),
    # With one ticket most handshakes are full ones: that is the figure, and no failure.
    Lever('proxy_ssl_session_tickets', '32', ('1', '8', '256'),
          replace(CASES['fresh-resumed'], figure='resumed_share')),
)}


@dataclass(frozen=True)
class Tuned(Proxy):
    """ringway with one lever at one value."""
    lever: Lever | None = None
    value: str = ''

    def command(self, setup: Setup) -> list[str]:
        command = super().command(setup)
        if self.lever.flag:
            return [*command, self.lever.flag, self.value]
        path = setup.directory / f'{setup.name}.conf'
        line = f'http {{\n    {self.lever.directive} {self.value};\n'
        path.write_text(path.read_text().replace('http {\n', line, 1))
        return command


def runners_of(lever: Lever) -> list[Proxy]:
    """The default, and each value."""
    subject = next(each for each in PROXIES if each.name == SUBJECT)
    return [subject, *(Tuned(name_of(value), SUBJECT, subject.binary, (), lever, value)
                       for value in lever.values)]


def name_of(value: str) -> str:
    """Of a runner, whose files are called so as well."""
    return value.replace(' ', 'x')


# --- what is told -----------------------------------------------------------------------------

def told_of(lever: Lever, result: Result) -> dict:
    """Of each value: the ratio to the default in the same round, for each figure."""
    rows = [{'value': value,
             **{field: spread([turns[name_of(value)][field] / turns[SUBJECT][field]
                               for turns in result.rounds]) for field in FIGURES},
             'resumed_share': spread([turns[name_of(value)]['resumed_share']
                                      for turns in result.rounds])}
            for value in lever.values]
    return {'directive': lever.directive, 'default': lever.default, 'case': result.title,
            'rounds': len(result.rounds), 'quiet': result.quiet, 'rows': rows}


def ratio_text(values: dict[str, float]) -> str:
    return f"{values['median']:.2f} ({values['min']:.2f} to {values['max']:.2f})"


def lines(told: dict) -> list[str]:
    """For a terminal."""
    head = f"{told['directive']} (default {told['default']}): {told['case']}"
    rows = [f"  {row['value']:>8}" + ''.join(f'  {title} {ratio_text(row[field])}'
                                             for field, title in FIGURES.items())
            for row in told['rows']]
    return [head, *rows, *([] if told['quiet'] else ['  NOT QUIET: do not trust the numbers'])]


def table(content: dict) -> str:
    """In Markdown: what README says."""
    rows = ['| directive | value, against the default | case | '
            + ' | '.join(FIGURES.values()) + ' |', '| --- | --- | --- | --- | --- |']
    for told in content['levers']:
        for i, row in enumerate(told['rows']):
            cells = [f"`{told['directive']}`" if i == 0 else '',
                     f"`{row['value']}`, against `{told['default']}`",
                     told['case'] if i == 0 else '',
                     *(ratio_text(row[field]) for field in FIGURES)]
            rows.append(f"| {' | '.join(cells)} |")
    machine = content['machine']
    noise = '' if all(told['quiet'] for told in content['levers']) else ' It was not quiet.'
    return '\n'.join([*rows, '', f"Measured on {machine['cpu']}, {machine['cores']} cores,"
                      f" Linux {machine['kernel']}; {content['time'][:10]}.{noise}"])


def rewritten(text: str, between: str) -> str:
    """A text with a new table between the two marks; ValueError where it has not both, once."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise ValueError(f'no place for the table: {BEGIN} and {END}, each once')
    return re.sub(f'{BEGIN}.*{END}', lambda _: f'{BEGIN}\n{between}\n{END}', text, flags=re.S)
