"""Benchmark figures: numbers, ratios, goals, tables and charts."""

from __future__ import annotations

import pytest
from benchmarks.figures import Row, Scale, collected, interleaved, number, spread
from benchmarks.tables import goals, tables

from benchmarks import chart


def row(*, less_is_better: bool = True, **cells: list[float] | str) -> Row:
    return Row("Part", "what", "ms", dict(cells), less_is_better=less_is_better)


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "0.12"), (12.34, "12.3"), (1234.5, "1,234"), (3.0, "3"), (-0.5, "-0.50")]
)
def test_a_figure_has_three_significant_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_a_cell_shows_the_median_and_range_or_the_reason_of_a_failure() -> None:
    assert spread([3.0, 1.0, 2.0]) == "2 (1 … 3)"
    assert spread([2.0]) == spread([2.0, 2.0]) == "2"
    assert spread("no such thing") == "no such thing"
    assert spread([]) == spread(None) == "-"


def test_a_ratio_is_how_many_times_better_if_less_or_more_is_better() -> None:
    assert row(ours=[2.0], theirs=[6.0]).ratio("ours", "theirs") == 3
    assert row(less_is_better=False, ours=[6.0], theirs=[2.0]).ratio("ours", "theirs") == 3
    assert row(ours=[2.0], theirs="failed").ratio("ours", "theirs") is None


def test_subjects_alternate_and_a_failed_one_does_not_stop_the_others() -> None:
    turns: list[str] = []

    def broken() -> float:
        turns.append("b")
        raise ValueError("no\nluck")

    def sound() -> float:
        turns.append("a")
        return len(turns)

    cells = interleaved({"a": sound, "b": broken}, repeats=3)
    assert turns == ["a", "b", "a", "a"]
    assert cells == {"a": [1, 3, 4], "b": "failed: ValueError: no luck"}


def test_the_reason_of_a_failure_is_shown_once() -> None:
    def broken() -> dict[str, float]:
        raise OSError("gone")

    cells = collected({"a": lambda: {"p50": 1.0}, "b": broken}, ["p50", "p99"], repeats=1)
    assert cells == {"p50": {"a": [1.0], "b": "failed: OSError: gone"}, "p99": {"a": [], "b": "failed"}}


@pytest.mark.parametrize(("ours", "met"), [(4.0, True), (4.1, False)])
def test_goals_against_the_best_of_the_others(ours: float, met: bool) -> None:
    judged = row(ours=[ours], slow=[90.0], fast=[12.0], broken="failed")
    judged.want_times("ours", 3, ["slow", "fast", "broken"])
    (verdict,) = judged.verdicts
    assert verdict.met is met
    assert verdict.goal == "≥ 3 times the best peer"
    assert verdict.reached.endswith("times fast")


def test_the_bound_of_a_row_is_not_a_rival() -> None:
    """`rivals` leaves out the row's `bound`, a subject that is a limit and not a competitor."""
    judged = Row("Part", "what", "ms", {"Scones": [2.0], "peer": [6.0], "limit": [1.0]}, bound="limit")
    judged.want_times("Scones", 3, judged.rivals())
    assert judged.rivals() == ["peer"]
    assert judged.verdicts[0].met


def test_goals_of_limits_shares_and_differences() -> None:
    judged = row(less_is_better=False, ours=[70.0], floor=[100.0])
    judged.want_at_most("ours", 70)
    judged.want_share("ours", 0.7, "floor")
    judged.want_added("ours", -31, "floor")
    judged.want_at_most("nobody", 70)
    assert [(verdict.reached, verdict.met) for verdict in judged.verdicts] == [
        ("70 ms", True),
        ("70%", True),
        ("-30.00 ms", False),
        ("no figure", False),
    ]


def test_a_row_is_restored_from_its_json() -> None:
    judged = row(ours=[1.0], theirs="failed")
    judged.want_at_most("ours", 2)
    assert Row.from_json(judged.as_json()) == judged


def test_few_subjects_are_columns_with_a_ratio() -> None:
    (table,) = tables([row(Scones=[2.0], slow=[9.0], fast=[6.0])])
    assert table.head == ["", "unit", "Scones", "slow", "fast", "times better than the best other"]
    assert table.lines == [["what", "ms", "2", "9", "6", "3"]]


def test_many_subjects_are_rows() -> None:
    (table,) = tables([row(Scones=[1.0], b=[2.0], c=[], d=[4.0], e=[5.0], f="failed", g=[7.0])])
    assert table.head == ["", "what, ms", "Scones, what: times better"]
    expected = {"Scones": ["1", "1"], "b": ["2", "2"], "d": ["4", "4"], "e": ["5", "5"], "f": ["failed", "-"]}
    assert {line[0]: line[1:] for line in table.lines} == expected | {"g": ["7", "7"]}


def test_missed_goals_are_marked_in_the_table() -> None:
    judged = row(ours=[3.0])
    judged.want_at_most("ours", 2)
    assert "| Part | what | ours | ≤ 2 ms | 3 ms | **missed** |" in goals([judged]).markdown()


def test_a_quick_benchmark_makes_fewer_calls_but_at_least_five() -> None:
    quick = Scale(repeats=1, share=0.1)
    assert (quick.calls(300), quick.calls(10)) == (30, 5)


def test_curves_of_growth_are_drawn(tmp_path):
    rows = [
        Row("Growth", f"{what}, among {size:,} executions", "ms", {"Scones": [1.0], "moto": [size / 100]})
        for what in ("newest", "oldest")
        for size in (1_000, 200_000)
    ]
    assert chart.draw_growth(rows, tmp_path / "growth.svg")
    assert "<svg" in (tmp_path / "growth.svg").read_text()
    assert not chart.draw_growth([], tmp_path / "none.svg")
