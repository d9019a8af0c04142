"""Benchmark results and the report that is written from them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.figures import Row
from benchmarks.results import Results

from benchmarks import report

ORDER = ["start", "s3", "lambda"]


def row(part: str, value: float) -> Row:
    made = Row(part, "a call", "ms", {"Scones": [value], "peer": [4.0]})
    made.want_at_most("Scones", 2)
    return made


def results(**values: float) -> Results:
    found = Results({"processor": "fast"}, {"scones": "1"}, {})
    for name, value in values.items():
        found.put(name, [row(f"{name} part", value)], 7)
    return found


def test_a_partial_run_keeps_the_other_sections_without_the_file_of_rows(tmp_path: Path) -> None:
    report.write(results(start=1.0, s3=3.0, **{"lambda": 1.5}), tmp_path, ORDER)
    whole = (tmp_path / "reference" / "benchmarks.md").read_text()
    assert "2 of 3 are met." in whole
    report.write(results(s3=1.25), tmp_path, ORDER)
    lines = (tmp_path / "reference" / "benchmarks.md").read_text().splitlines()
    changed = [line for line in lines if line not in whole.splitlines()]
    assert changed == [
        "| s3 part | a call | Scones | ≤ 2 ms | 1.25 ms | met |",
        "3 of 3 are met.",
        "| a call | ms | 1.25 | 4 | 3.20 |",
    ]
    assert len(lines) == len(whole.splitlines())


def test_a_complete_report_and_a_partial_run(tmp_path: Path) -> None:
    report.write(results(start=1.0), tmp_path, ["start"])
    report.write(results(s3=3.0), tmp_path, ORDER)
    text = (tmp_path / "reference" / "benchmarks.md").read_text()
    assert text.index("## start part") < text.index("## s3 part") < text.index("## How to read it")
    report.write(results(s3=3.0), tmp_path, ["s3"])
    assert "start part" not in (tmp_path / "reference" / "benchmarks.md").read_text()
