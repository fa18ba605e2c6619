"""All cases by name, in the order in which they are measured, each with the module that measures
it: run(), seconds_of(). And what runs left of them."""

import json

import balance
import cases
import measure
import memory
from host import BENCH
from published import FORMAT

KINDS = ((measure, cases.CASES), (memory, memory.CASES), (balance, balance.CASES))
ALL_CASES = {name: (module, case) for module, table in KINDS for name, case in table.items()}

RESULTS = BENCH / 'results'


def results_left() -> list[dict]:
    """Of all cases that were ever measured here, the last one of each."""
    paths = (RESULTS / f'{name}.json' for name in ALL_CASES)
    contents = [json.loads(path.read_text()) for path in paths if path.exists()]
    return [each for each in contents if each.get('format') == FORMAT]
