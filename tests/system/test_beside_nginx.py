"""ringway does what nginx does: both are started on the same text and asked the same.

What is asked stands in beside_cases/, what may differ in beside_allowed.py.
"""
import importlib
import pkgutil
import re

import pytest

import beside
import beside_allowed
import beside_cases
import beside_uncompared
import ringway

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


def used_text():
    """All that cases put into configurations."""
    texts = ["pid error_log events http server listen access_log"]  # World.configuration()
    for _, one in CASES:
        texts += [one.main, one.http, one.server or "", one.listen, one.whole, *one.files.values()]
    return "\n".join(texts)


def known_names():
    """Directives by their names, variables with a dollar before them."""
    for line in ringway.run("help").stdout.splitlines():
        yield line.split()[0]
    header = (ringway.TREE / "include/conf/template.h").read_text()
    for name in re.findall(r'X\(\w+, "(\w+)"\)', header):
        yield "$" + name


def is_used(name, text):
    """A family ends in an underscore."""
    if name.startswith("$"):
        end = "" if name.endswith("_") else r"(?!\w)"
        return re.search(rf"\$\{{?{name[1:]}{end}", text)
    return re.search(rf"(?<![\w$-]){name}(?=[\s;])", text)


def test_every_directive_and_variable_is_compared():
    text = used_text()
    excused = {name for names, _, _ in beside_uncompared.UNCOMPARED for name in names}
    missing = {name for name in known_names() if not is_used(name, text)}
    assert missing == excused, "compared after all, or nowhere: " + str(missing ^ excused)


def test_what_is_not_compared_has_a_test():
    folder = ringway.TREE / "tests/system"
    for names, why, file in beside_uncompared.UNCOMPARED:
        for name in names if file else ():
            assert name in (folder / file).read_text(), f"{name} ({why}) is not in {file}"


def test_names_of_cases_are_used_once():
    for topic, module in TOPICS.items():
        names = [one.name for one in getattr(module, "CASES", ())]
        assert len(names) == len(set(names)), topic
