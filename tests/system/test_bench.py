"""The bench's arithmetic: which rounds count, what is held against what, and what README gets."""

import math
import sys
from xml.etree import ElementTree

import pytest

import ringway

sys.path.append(str(ringway.TREE / "bench"))

# pylint: disable=wrong-import-position
import balance  # noqa: E402
import catalogue  # noqa: E402
import figures  # noqa: E402
import host  # noqa: E402
import proxies  # noqa: E402
import published  # noqa: E402
from figures import Column, Result, Runner  # noqa: E402
from targets import BETTER, FLOOR, ITSELF, ONE_PLAIN, TARGETS, Target  # noqa: E402

CPU = Column("cpu_us", "CPU µs", ".2f")


def rows(foreign=0.0, **cpu):
    """A round in which something else used so many cores, and each runner so much CPU."""
    return {name.replace("_", "+"): {"cpu_us": value, "foreign_cores": foreign}
            for name, value in cpu.items()}


def result(*rounds, runners=None):
    runners = runners or [Runner(name, name, is_subject=name == "ringway") for name in rounds[0]]
    return Result("small", "a case", CPU, (CPU,), runners, list(rounds), [], True)


def test_a_round_with_a_tenth_of_a_core_used_by_others_counts_and_one_with_more_does_not():
    limit = figures.FOREIGN_CORES_MAX
    assert figures.is_quiet(rows(limit, nginx=1, ringway=1))
    assert not figures.is_quiet(rows(limit + 0.001, nginx=1, ringway=1))


def test_one_disturbed_turn_disturbs_its_round():
    turns = rows(nginx=1, ringway=1)
    turns["nginx"]["foreign_cores"] = 0.5
    assert not figures.is_quiet(turns)


def test_half_of_the_rounds_being_quiet_is_enough_and_the_others_are_dropped():
    quiet, loud = rows(nginx=1), rows(0.3, nginx=2)
    assert figures.choose_rounds([quiet] * 2, [loud] * 4, 4) == ([quiet] * 2, [0.3] * 4, True)


def test_with_fewer_quiet_rounds_the_least_disturbed_are_used_and_said_not_to_be_quiet():
    quiet, some, more, most = (rows(cores, nginx=1) for cores in (0, 0.2, 0.3, 0.4))
    used, dropped, is_quiet = figures.choose_rounds([quiet], [most, some, more], 3)
    assert (used, dropped, is_quiet) == ([quiet, some, more], [0.4], False)


def test_ratios_are_taken_inside_of_a_round():
    # A machine that is twice as slow in the second round: the ratio stays.
    found = figures.ratios(result(rows(nginx=10, ringway=6), rows(nginx=20, ringway=12),
                                  rows(nginx=10, ringway=7)), "ringway", "nginx")
    assert found == {"median": 0.6, "min": 0.6, "max": 0.7}


def test_a_ratio_against_nothing_is_not_a_number():
    found = figures.ratios(result(rows(nginx=0, ringway=1)), "ringway", "nginx")
    assert math.isnan(found["median"])


def test_ringway_is_held_against_the_better_of_the_others():
    one = result(rows(nginx=10, haproxy=20, relay=5, ringway=6))
    met, missed, floor = figures.verdicts(one, [
        Target("small", BETTER, 0.6), Target("small", BETTER, 0.59), Target("small", FLOOR, 1.1)])
    assert (met.value, met.is_met, met.words) == (0.6, True, "of the better, nginx")
    assert not missed.is_met
    assert (floor.value, floor.is_met, floor.words) == (1.2, False, "of the floor, relay")


def test_a_newer_peer_counts_among_the_others_and_a_build_of_ours_does_not():
    runners = [Runner("nginx", "nginx"), Runner("ringway", "ringway", is_subject=True),
               Runner("new", "nginx"), Runner("before", "ringway")]
    one = result(rows(nginx=10, ringway=4, new=8, before=2), runners=runners)
    assert figures.verdicts(one, [Target("small", BETTER, 0.5)])[0].words == "of the better, new"


def test_a_second_instance_is_held_against_the_first_of_the_same_proxy():
    runners = [Runner("nginx", "nginx"), Runner("nginx+idle", "nginx", plain="nginx"),
               Runner("ringway", "ringway", is_subject=True),
               Runner("ringway+idle", "ringway", plain="ringway")]
    one = result(rows(nginx=10, nginx_idle=30, ringway=4, ringway_idle=5), runners=runners)
    assert figures.verdicts(one, [Target("idle", ONE_PLAIN, 1.25)])[0].value == 1.25
    assert figures.pairs(one) == [("ringway", "nginx"), ("nginx+idle", "nginx"),
                                  ("ringway+idle", "ringway")]


@pytest.mark.parametrize("limit, is_met", [(0.98, True), (0.99, True), (0.995, False)])
def test_a_target_that_is_the_least_is_met_from_there_on(limit, is_met):
    one = result(rows(ringway=0.99))
    found = figures.verdicts(one, [Target("churn", ITSELF, limit, is_least=True)])
    assert [each.is_met for each in found] == [is_met]


def test_without_ringway_or_the_one_it_is_held_against_nothing_is_judged():
    assert not figures.verdicts(result(rows(nginx=1, haproxy=2)), list(TARGETS[:1]))
    assert not figures.verdicts(result(rows(ringway=1)), [Target("small", BETTER, 1)])


# --- what is published ------------------------------------------------------------------------

def content(*runners, figure=CPU, **more):
    """What a run leaves of a case: runners are (name, plain, median of the figure)."""
    return {"case": "small", "title": "128 B", "quiet": True, "notes": [],
            "time": "2026-01-02T03:04:05Z",
            "machine": {"cpu": "a CPU", "cores": 2, "kernel": "6.1"},
            "figure": {"field": figure.field, "title": figure.title, "form": figure.form},
            "runners": [{"name": name, "kind": name, "version": "1.2", "plain": plain,
                         "is_subject": name == "ringway",
                         "fields": {figure.field: {"median": value}}}
                        for name, plain, value in runners],
            "targets": [{"value": 0.654, "low": 0.61, "high": 0.7, "limit": 0.6, "is_least": False,
                         "is_met": False, "words": "of the better, nginx"}], **more}


def test_the_table_has_ringway_first_and_each_target_with_its_verdict():
    table = published.table([content(("nginx", None, 10), ("ringway", None, 6.54),
                                     ("relay", None, 5))])
    assert table.splitlines()[0] == "|  | ringway 1.2 | nginx 1.2 | target |  |"
    assert table.splitlines()[2] == ("| 128 B: CPU µs | 6.54 | 10.00 | ≤ 0.6 of the better, nginx"
                                     " | 0.654 (0.61 to 0.7), not met |")
    assert table.splitlines()[-1] == "Measured on a CPU, 2 cores, Linux 6.1; 2026-01-02."


def test_the_table_shows_a_second_instance_behind_the_first():
    table = published.table([content(("ringway", None, 6), ("ringway+idle", "ringway", 7))])
    assert "| 6.00 → 7.00 |" in table
    assert "+idle" not in table


def test_the_table_tells_what_a_run_notes_about_itself():
    table = published.table([content(("ringway", None, 6), notes=["17952 idle clients"])])
    assert table.splitlines()[2].startswith("| 128 B; 17952 idle clients: CPU µs | 6.00 |")


def test_the_table_says_where_the_machine_was_not_quiet():
    assert "not quiet" in published.table([content(("ringway", None, 6), quiet=False)])


def test_the_table_has_an_empty_cell_for_a_proxy_that_was_not_measured():
    table = published.table([content(("ringway", None, 6), ("new", None, 9)),
                             content(("ringway", None, 6))])
    assert table.splitlines()[3].startswith("| 128 B: CPU µs | 6.00 |  | ")


def test_only_what_stands_between_the_marks_is_rewritten():
    before = f"a\n{published.BEGIN}\nold\n{published.END}\nb\n"
    after = published.rewritten(before, "new")
    assert after == f"a\n{published.BEGIN}\nnew\n{published.END}\nb\n"
    assert published.rewritten(after, "new") == after


@pytest.mark.parametrize("text", [
    "no marks", f"{published.BEGIN} alone", f"{published.END} {published.BEGIN}",
    f"{published.BEGIN} {published.END} {published.BEGIN} {published.END}"])
def test_a_text_without_both_marks_once_is_refused(text):
    with pytest.raises(ValueError):
        published.rewritten(text, "new")


def test_readme_has_a_place_for_the_table():
    assert "new" in published.rewritten((ringway.TREE / "README.md").read_text(), "new")


def test_a_chart_is_well_formed_and_has_the_longest_bar_for_the_largest_figure():
    drawn = published.charts([content(("nginx", None, 10), ("ringway & co", None, 5))])["cpu_us"]
    root = ElementTree.fromstring(drawn)
    widths = [float(each.get("width")) for each in root.iter() if each.get("height") == "12"]
    assert max(widths) == 540
    assert min(widths) == 270


# --- arguments and balance --------------------------------------------------------------------

def test_a_peer_is_a_name_a_kind_and_a_binary():
    found = proxies.peer_of("new=nginx:/bin/true")
    assert (found.name, found.kind, found.binary) == ("new", "nginx", "/bin/true")


@pytest.mark.parametrize("text", [
    "new=/bin/true", "new=apache:/bin/true", "new=relay:/bin/true", "nginx=nginx:/bin/true",
    "new=nginx:/no/such/program", "=nginx:/bin/true", "a/b=nginx:/bin/true"])
def test_a_peer_that_cannot_run_beside_the_others_is_refused(text):
    with pytest.raises(host.Failure):
        proxies.peer_of(text)


@pytest.mark.parametrize("counts, workers, imbalance", [
    ([4, 4], 2, 1), ([6, 2], 2, 1.5), ([8], 4, 4), ([5, 3, 4, 4], 4, 1.25)])
def test_imbalance_is_the_busiest_against_the_even_share(counts, workers, imbalance):
    assert balance.imbalance(counts, workers) == imbalance


def test_each_target_is_about_a_case_that_there_is():
    assert {target.case for target in TARGETS} <= set(catalogue.ALL_CASES)
