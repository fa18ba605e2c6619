"""What README and the charts say, out of the JSON that runs left: pure functions over it."""

import chart
from proxies import FLOOR, SUBJECT

BEGIN, END = '<!-- bench/table begins -->', '<!-- bench/table ends -->'

FORMAT = 3  # of the JSON: results of another one are as if there were none

CHART_TITLES = {
    'cpu_us': 'CPU for each request, in microseconds',
    'p99_us': '99 % of answers take at most, in microseconds',
    'resumed_share': 'Share of handshakes upstream that resume',
    'kib': 'Memory of an idle connection, in KiB',
    'worst': 'Clients of the busiest worker against the even share',
}

Content = dict  # what report.write_json() wrote


def charts(results: list[Content]) -> dict[str, str]:
    """By the figure's field: an SVG with all cases that are about it."""
    found = {}
    for field, title in CHART_TITLES.items():
        groups = [(each['case'], rows_of_chart(each)) for each in results
                  if each['figure']['field'] == field]
        if groups:
            found[field] = chart.bars(title, groups)
    return found


def rows_of_chart(content: Content) -> list[tuple[str, float, str]]:
    runners = sorted(content['runners'], key=lambda each: not each['is_subject'])
    return [(each['name'], figure_of(content, each), formatted(content, each)) for each in runners]


def figure_of(content: Content, runner: dict) -> float:
    return runner['fields'][content['figure']['field']]['median']


def formatted(content: Content, runner: dict) -> str:
    return format(figure_of(content, runner), content['figure']['form'])


# --- the table --------------------------------------------------------------------------------

def table(results: list[Content]) -> str:
    """In Markdown, with a column for each proxy, ringway first."""
    versions = {each['name']: each['version'] for content in results
                for each in content['runners'] if not each['plain'] and each['kind'] != FLOOR}
    names = sorted(versions, key=lambda name: name != SUBJECT)
    heads = ['', *(f'{name} {versions[name]}'.strip() for name in names), 'target', '']
    lines = [f"| {' | '.join(heads)} |", '| --- ' * len(heads) + '|']
    for content in results:
        what = '; '.join((content['title'], *content['notes']))
        cells = [f"{what}: {content['figure']['title']}",
                 *(cell(content, name) for name in names), *judgement(content)]
        if not content['quiet']:
            cells[0] += ' (the machine was not quiet)'
        lines.append(f"| {' | '.join(cells)} |")
    return '\n'.join([*lines, '', circumstances(results)])


def cell(content: Content, name: str) -> str:
    """The figure of a proxy, and that of its second instance where the case has one."""
    return ' → '.join(formatted(content, each) for each in content['runners']
                      if name in (each['name'], each['plain']))


def judgement(content: Content) -> tuple[str, str]:
    limits = '; '.join(f"{'≥' if each['is_least'] else '≤'} {each['limit']:g} {each['words']}"
                       for each in content['targets'])
    values = '; '.join(f"{each['value']:.3g} ({each['low']:.3g} to {each['high']:.3g}),"
                       f" {'met' if each['is_met'] else 'not met'}"
                       for each in content['targets'])
    return limits, values


def circumstances(results: list[Content]) -> str:
    """Of the run, or of the runs where they were not one."""
    machines = dict.fromkeys('{cpu}, {cores} cores, Linux {kernel}'.format(**each['machine'])
                             for each in results)
    days = sorted({each['time'][:10] for each in results})
    span = days[0] if len(days) == 1 else f'{days[0]} to {days[-1]}'
    return f"Measured on {'; '.join(machines)}; {span}."


def rewritten(text: str, between: str) -> str:
    """A text with something new between its two marks; ValueError where it has not both, once."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise ValueError(f'no place for the table: {BEGIN} and {END}, each once')
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    return f'{head}{BEGIN}\n{between}\n{END}{tail}'
