"""What bench/tune makes of its rounds: ratios inside of each, and README's table."""
import sys

import pytest

import ringway

sys.path.append(str(ringway.TREE / "bench"))

# pylint: disable=wrong-import-position
import levers  # noqa: E402
from figures import Column, Result, Runner  # noqa: E402
from host import Certificates  # noqa: E402
from proxies import Setup  # noqa: E402

LEVER = levers.Lever("send_high_water", "128k", ("32k", "1 m"), levers.CASES["1m"], "--flag")


def turn(cpu, rate):
    return {"cpu_us": cpu, "requests_per_second": rate, "resumed_share": 1.0}


def told(*rounds, quiet=True):
    column = Column("cpu_us", "CPU", ".2f")
    runners = [Runner(name, "ringway") for name in ("ringway", "32k", "1xm")]
    return levers.told_of(LEVER, Result("1m", "a case", column, (column,), runners, list(rounds),
                                        [], quiet))


def rounds():
    """The machine is twice as slow in the second one, which no ratio shows."""
    return ({"ringway": turn(10, 100), "32k": turn(11, 90), "1xm": turn(9, 110)},
            {"ringway": turn(20, 50), "32k": turn(24, 40), "1xm": turn(18, 55)})


def test_each_value_is_held_against_the_default_of_the_same_round():
    low, high = told(*rounds())["rows"]
    assert (low["value"], high["value"]) == ("32k", "1 m")
    assert low["cpu_us"] == {"median": pytest.approx(1.15), "min": 1.1, "max": 1.2}
    assert high["requests_per_second"]["min"] == high["requests_per_second"]["max"] == 1.1


def test_the_table_has_a_row_for_each_value_and_names_the_machine():
    content = {"levers": [told(*rounds())], "time": "2026-01-02T03:04:05Z",
               "machine": {"cpu": "a CPU", "cores": 2, "kernel": "6.1"}}
    lines = levers.table(content).splitlines()
    assert lines[2] == ("| `send_high_water` | `32k`, against `128k` | a case | 1.15 (1.10 to 1.20)"
                        " | 0.85 (0.80 to 0.90) |")
    assert lines[3].startswith("|  | `1 m`, against `128k` |  | 0.90 ")
    assert lines[-1] == "Measured on a CPU, 2 cores, Linux 6.1; 2026-01-02."
    content["levers"].append(told(*rounds(), quiet=False))
    assert levers.table(content).endswith("2026-01-02. It was not quiet.")


def test_a_table_stands_between_its_two_marks_or_nowhere():
    text = f"before\n{levers.BEGIN}\nold\n{levers.END}\nbehind"
    assert levers.rewritten(text, "new") == f"before\n{levers.BEGIN}\nnew\n{levers.END}\nbehind"
    for wrong in ("", levers.BEGIN, f"{levers.END} {levers.BEGIN}", text + text):
        with pytest.raises(ValueError):
            levers.rewritten(wrong, "new")


def test_the_value_of_a_lever_reaches_the_command_line_or_the_file(tmp_path):
    files = Certificates(*[tmp_path] * len(Certificates.__dataclass_fields__))
    for name, lever in levers.LEVERS.items():
        for proxy in levers.runners_of(lever)[1:]:
            setup = Setup(lever.case, tmp_path, 1, 2, files, proxy.name)
            command = proxy.command(setup)
            text = (tmp_path / f"{proxy.name}.conf").read_text()
            if lever.flag:
                assert command[-2:] == [lever.flag, proxy.value]
            else:
                assert f"http {{\n    {name} {proxy.value};\n" in text


def test_each_lever_is_a_directive_and_its_default_is_the_one_that_help_names():
    for name, lever in levers.LEVERS.items():
        said = ringway.run("help", name).stdout
        assert f"Default:    {name} {lever.default};\n" in said
        assert "Not nginx:  ringway's own\n" in said
