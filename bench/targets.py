"""What ringway is to reach: one row is one claim, judged by each run of its case."""

from dataclasses import dataclass

BETTER = 'the better'      # of nginx and HAProxy, all versions in the run
FLOOR = 'the floor'        # relay.c
ONE_PLAIN = 'itself'       # ringway without what the second instance bears
ITSELF = 'no other'        # the figure as it is


@dataclass(frozen=True)
class Target:
    case: str
    against: str
    limit: float            # of the ratio, or of the figure itself
    is_least: bool = False  # else it is the most


TARGETS = (
    Target('small', BETTER, 0.60),
    Target('small', FLOOR, 1.15),
    Target('small-tls', BETTER, 0.58),
    Target('16k', BETTER, 0.65),
    Target('1m', BETTER, 0.70),
    Target('1m-tls', BETTER, 0.60),
    Target('fresh-resumed', BETTER, 0.50),
    Target('fresh-full', BETTER, 0.40),
    Target('client-resumed', BETTER, 0.60),
    Target('client-full', BETTER, 0.60),
    Target('half-load', BETTER, 1.0),
    Target('churn', ITSELF, 0.995, is_least=True),
    Target('idle', ONE_PLAIN, 1.05),
    Target('workers', ONE_PLAIN, 1.05),
    Target('memory-plain', ITSELF, 0.5),
    Target('memory-tls', ITSELF, 6.0),
    Target('memory-upstream', ITSELF, 6.0),
)


def targets_of(name: str) -> list[Target]:
    return [target for target in TARGETS if target.case == name]
