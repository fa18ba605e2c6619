"""The numbers of a case, without a clock or a process: which rounds count, ratios, targets.

A round has a row of fields for each runner: a proxy, or a second instance of one that bears
something more. Only rows of one round are compared with each other.
"""

import math
from dataclasses import dataclass
from statistics import median

from targets import BETTER, FLOOR, ITSELF, ONE_PLAIN, Target

# What anybody else may use of the machine, in cores, before a round is dropped.
FOREIGN_CORES_MAX = 0.1

Row = dict[str, float]
Round = dict[str, Row]  # by the runner's name


@dataclass(frozen=True)
class Column:
    field: str
    title: str
    form: str  # of format()


@dataclass(frozen=True)
class Runner:
    name: str
    kind: str  # the proxy's: 'nginx', 'haproxy', 'ringway', 'relay'
    version: str = ''
    is_subject: bool = False   # the ringway that the others are held against
    plain: str | None = None   # a second instance: the name of the first


@dataclass(frozen=True)
class Result:
    name: str
    title: str
    figure: Column          # the one of the columns that ratios and targets are about
    columns: tuple[Column, ...]
    runners: list[Runner]
    rounds: list[Round]
    dropped: list[float]    # foreign cores of each round that was dropped
    quiet: bool             # False: there were too few quiet rounds, and disturbed ones are in use
    notes: tuple[str, ...] = ()


def is_quiet(turns: Round) -> bool:
    return foreign_cores(turns) <= FOREIGN_CORES_MAX


def foreign_cores(turns: Round) -> float:
    return max(row['foreign_cores'] for row in turns.values())


def choose_rounds(quiet: list[Round], disturbed: list[Round],
                  wanted: int) -> tuple[list[Round], list[float], bool]:
    """The quiet ones, if they are half of what was asked for; else the least disturbed ones too.
    Which they are, the foreign cores of the dropped ones, and whether all used ones are quiet."""
    if len(quiet) * 2 >= wanted:
        return quiet, [foreign_cores(turns) for turns in disturbed], True
    disturbed = sorted(disturbed, key=foreign_cores)
    missing = wanted - len(quiet)
    rest = disturbed[missing:]
    return quiet + disturbed[:missing], [foreign_cores(turns) for turns in rest], False


def spread(values: list[float]) -> dict[str, float]:
    return {'median': median(values), 'min': min(values), 'max': max(values)}


def column(result: Result, name: str, field: str) -> list[float]:
    return [turns[name][field] for turns in result.rounds]


def ratios(result: Result, name: str, other: str) -> dict[str, float]:
    """Of the case's figure: one runner's against another's in the same round. Against nothing it
    is not a number."""
    field = result.figure.field
    return spread([turns[name][field] / (turns[other][field] or math.nan)
                   for turns in result.rounds])


def pairs(result: Result) -> list[tuple[str, str]]:
    """Who is held against whom: the subject against each other, without it the rest by order; and
    each second instance against the first of the same proxy."""
    first = sorted((each for each in result.runners if not each.plain),
                   key=lambda each: not each.is_subject)
    return ([(first[0].name, other.name) for other in first[1:]] +
            [(each.name, each.plain) for each in result.runners if each.plain])


# --- targets ----------------------------------------------------------------------------------

@dataclass(frozen=True)
class Verdict:
    value: float  # the median of the rounds
    low: float
    high: float
    limit: float
    is_least: bool
    is_met: bool
    words: str  # what the value is


def verdicts(result: Result, targets: list[Target]) -> list[Verdict]:
    """Of those targets that this run can judge: without ringway, or the one that it is held
    against, there is none."""
    subject = next((each.name for each in result.runners if each.is_subject), None)
    found = [verdict(result, target, subject) for target in targets] if subject else []
    return [each for each in found if each]


def verdict(result: Result, target: Target, subject: str) -> Verdict | None:
    if target.against == ITSELF:
        values = spread(column(result, subject, result.figure.field))
        return judged(target, values, result.figure.title)
    if target.against == ONE_PLAIN:
        loaded = [each.name for each in result.runners if each.plain == subject]
        return judged(target, ratios(result, loaded[0], subject),
                      f'of {subject} itself') if loaded else None
    kinds = {BETTER: ('nginx', 'haproxy'), FLOOR: ('relay',)}[target.against]
    others = [each.name for each in result.runners if each.kind in kinds and not each.plain]
    if not others:
        return None
    other = max(others, key=lambda name: ratios(result, subject, name)['median'])
    return judged(target, ratios(result, subject, other), f'of {target.against}, {other}')


def judged(target: Target, values: dict[str, float], words: str) -> Verdict:
    value = values['median']
    is_met = value >= target.limit if target.is_least else value <= target.limit
    return Verdict(value, values['min'], values['max'], target.limit, target.is_least, is_met,
                   words)
