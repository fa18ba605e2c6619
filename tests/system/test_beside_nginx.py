"""ringway does what nginx does: both are started on the same text and asked the same.

What is asked stands in beside_cases/, what may differ in beside_allowed.py.
"""
import importlib
import pkgutil

import pytest

import beside
import beside_allowed
import beside_cases

TOPICS = {module.name: importlib.import_module(f"beside_cases.{module.name}")
          for module in pkgutil.iter_modules(beside_cases.__path__)}
CASES = [(topic, one) for topic, module in TOPICS.items()
         for one in getattr(module, "CASES", ())]
REFUSED = [(topic, name, text) for topic, module in TOPICS.items()
           for name, text in getattr(module, "REFUSED", {}).items()]


class Comparison:
    """Topics are compared when the first of their cases is wanted, and only once."""

    def __init__(self, folder, pki, nginx):
        self.world = beside.World(folder / "beside", pki, nginx)
        self.nginx = nginx
        self.topics, self.refused = {}, {}

    def of_case(self, topic, name):
        if topic not in self.topics:
            self.topics[topic] = self.world.compare(topic, TOPICS[topic].CASES)
        return self.topics[topic][name]

    def of_text(self, topic, name, text):
        key = f"{topic}/{name}"
        if key not in self.refused:
            nginx, own = beside.refusals(self.nginx, self.world.folder, text)
            self.refused[key] = [] if nginx == own else [
                beside.Difference(key, "-t", "refusal", str(nginx), str(own))]
        return self.refused[key]

    def all(self):
        for topic, one in CASES:
            yield from self.of_case(topic, one.name)
        for topic, name, text in REFUSED:
            yield from self.of_text(topic, name, text)


@pytest.fixture(scope="module")
def comparison(folder, pki):
    nginx = beside.nginx_binary()
    if not nginx:
        pytest.skip("no nginx to compare with")
    made = Comparison(folder, pki, nginx)
    yield made
    made.world.close()


def nothing_else_differs(found):
    rest = [str(each) for each in found if not beside_allowed.allowed_by(each)]
    assert not rest, "differences that nobody meant:\n" + "\n".join(rest)


@pytest.mark.parametrize("topic, one", CASES, ids=[f"{t}-{one.name}" for t, one in CASES])
def test_answers_as_nginx_does(comparison, topic, one):
    nothing_else_differs(comparison.of_case(topic, one.name))


@pytest.mark.parametrize("topic, name, text", REFUSED, ids=[f"{t}-{n}" for t, n, _ in REFUSED])
def test_refuses_as_nginx_does(comparison, topic, name, text):
    nothing_else_differs(comparison.of_text(topic, name, text))


def test_every_allowed_difference_still_occurs(comparison):
    version = beside.nginx_version(comparison.nginx)
    used = {id(beside_allowed.allowed_by(each)) for each in comparison.all()}
    idle = [str(row) for row in beside_allowed.ALLOWED
            if version < row.until and id(row) not in used]
    assert not idle, "allowed, but it does not occur:\n" + "\n".join(idle)


def test_names_of_cases_are_used_once():
    for topic, module in TOPICS.items():
        names = [one.name for one in getattr(module, "CASES", ())]
        assert len(names) == len(set(names)), topic
