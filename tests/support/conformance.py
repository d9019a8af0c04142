"""Script that replays recordings of AWS against a local cloud and writes the table of docs/reference/conformance.md.

`python tests/support/conformance.py` starts a new cloud, replays every case and replaces the table, which counts the
cases of each area and kind.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import newer_recordings

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT.parent / "shared" / "conformance"
PAGE = ROOT / "docs" / "reference" / "conformance.md"
MARKS = ("<!-- table: written by tests/support/conformance.py -->", "<!-- end of the table -->")
LEVELS = ("L1", "L2", "L3")
_NOT_OFFERED = "## Services and runtimes that the local cloud does not have"
_GROUPS = {
    "executions": ("execution", "sync_execution", "express_async"),
    "invalid definitions": ("create_error", "validate"),
    "TestState": ("test_state",),
    "other operations of Step Functions": ("api",),
    "invocations of functions": ("lambda_invoke",),
}
"""The kinds of cases, as the first table groups them."""
_COLUMNS = "cases | status and error | output and cause | whole answer or history |"


@dataclass(frozen=True)
class Result:
    """Result of one case: the levels that it reached, and the first difference."""

    id: str
    area: str
    kind: str
    reached: tuple[bool, bool, bool]
    why: str

    @property
    def whole(self) -> bool:
        return all(self.reached)

    @property
    def timed_out(self) -> bool:
        """True if the case did not end in time, as on a busy machine; a difference is never a timeout."""
        return any(
            message in self.why for message in ("timeout: still RUNNING", "Read timeout", "no terminal log event")
        )


def replay(environment: dict[str, str], folder: Path) -> list[Result]:
    """Run all cases with the comparison script of the recordings; return one result per case.

    Answers that newer recordings contradict are replaced first. Cases that did not end in time, as on a busy machine,
    run once more, unless the page lists them: a case that differs from its recording fails at once.
    """
    results, known = _compare(environment, folder), listed()
    late = [result.id for result in results if result.timed_out and result.id not in known]
    if not late:
        return results
    again = _compare(environment, folder, "--ids", "^(" + "|".join(map(re.escape, late)) + ")$")
    return [result for result in results if result.id not in late] + again


def _compare(environment: dict[str, str], folder: Path, *options: str) -> list[Result]:
    cases, out = folder / "cases.jsonl", folder / "results.jsonl"
    cases.write_text("".join(json.dumps(case) + "\n" for case in recorded()), encoding="utf-8")
    command = [sys.executable, str(RECORDINGS / "compare.py"), str(cases), "--out", str(out)]
    subprocess.run(
        [*command, "--jobs", "2", "--timeout", "30", *options],
        env=environment,
        check=True,
        capture_output=True,
        timeout=1500,
    )
    return [_result(json.loads(line)) for line in out.read_text().splitlines()]


def recorded() -> list[dict[str, Any]]:
    """Return all recorded cases, with AWS's newest answers."""
    lines = (RECORDINGS / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    cases: list[dict[str, Any]] = [json.loads(line) for line in lines]
    for case in cases:
        newer_recordings.update(case)
    return cases


def _result(line: dict[str, Any]) -> Result:
    first, second, third = (bool(line[level]) for level in LEVELS)
    return Result(line["id"], line["area"], line["kind"], (first, second, third), str(line.get("why") or ""))


def listed() -> set[str]:
    """Return the IDs of the cases that the page lists as not reached."""
    return _ids(PAGE.read_text(encoding="utf-8"))


def not_offered() -> set[str]:
    """Return the IDs of the cases that need a service or a runtime that the local cloud does not have."""
    _, rest = PAGE.read_text(encoding="utf-8").split(_NOT_OFFERED)
    return _ids(rest.split("\n## ")[0])


def _ids(text: str) -> set[str]:
    return set(re.findall(r"^- `([^`]+)`", text, re.MULTILINE))


def tables(results: list[Result]) -> str:
    """Return the page's tables: the shares of each group, and the number of cases of each area, per level."""
    areas: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        areas[result.area, result.kind].append(result)
    shares = [(name, [result for result in results if result.kind in kinds]) for name, kinds in _GROUPS.items()]
    return "\n".join(
        [
            f"| group | {_COLUMNS}",
            "|---|" + "---:|" * 4,
            *(_share(name, of) for name, of in shares),
            "",
            f"| area | kind | {_COLUMNS}",
            "|---|---|" + "---:|" * 4,
            *(_row(f"{area} | {kind}", of) for (area, kind), of in sorted(areas.items())),
            _row("**all** | ", results),
        ]
    )


def _share(name: str, results: list[Result]) -> str:
    shares = [100 * sum(result.reached[level] for result in results) / len(results) for level in range(3)]
    return f"| {name} | {len(results)} | {' | '.join(f'{share:.1f} %' for share in shares)} |"


def _row(label: str, results: list[Result]) -> str:
    counts = [sum(result.reached[level] for result in results) for level in range(3)]
    return f"| {label} | {len(results)} | {' | '.join(str(count) for count in counts)} |"


def rewrite(results: list[Result]) -> None:
    """Replace the tables in the page; cases that need what the local cloud does not have are left out."""
    missing = not_offered()
    results = [result for result in results if result.id not in missing]
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    PAGE.write_text(f"{before}{MARKS[0]}\n\n{tables(results)}\n\n{MARKS[1]}{after}", encoding="utf-8")


def main() -> None:
    """Replay every case on a new cloud, rewrite the table, and print the failing cases that the page does not list."""
    from scones.testing import LocalCloud

    with tempfile.TemporaryDirectory() as folder, LocalCloud() as cloud, cloud.activated():
        results = replay(dict(os.environ), Path(folder))
    rewrite(results)
    known = listed()
    for result in results:
        if not result.whole and result.id not in known:
            print(f"{result.id}\n    {result.reached} {result.why[:400]}")


if __name__ == "__main__":
    main()
