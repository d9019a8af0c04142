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

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT.parent / "shared" / "conformance"
PAGE = ROOT / "docs" / "reference" / "conformance.md"
MARKS = ("<!-- table: written by tests/support/conformance.py -->", "<!-- end of the table -->")
LEVELS = ("L1", "L2", "L3")


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


def replay(environment: dict[str, str], folder: Path, *options: str) -> list[Result]:
    """Run cases with the comparison script of the recordings; return one result per case."""
    out = folder / "results.jsonl"
    command = [sys.executable, str(RECORDINGS / "compare.py"), str(RECORDINGS / "cases.jsonl"), "--out", str(out)]
    subprocess.run(
        [*command, "--jobs", "2", "--timeout", "30", *options],
        env=environment,
        check=True,
        capture_output=True,
        timeout=540,
    )
    return [_result(json.loads(line)) for line in out.read_text().splitlines()]


def _result(line: dict[str, Any]) -> Result:
    first, second, third = (bool(line[level]) for level in LEVELS)
    return Result(line["id"], line["area"], line["kind"], (first, second, third), str(line.get("why") or ""))


def listed() -> set[str]:
    """Return the IDs of the cases that the page lists as not reached."""
    return set(re.findall(r"^- `([^`]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def table(results: list[Result]) -> str:
    """Return the page's table: the number of cases that reach each level, per area and kind."""
    areas: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        areas[result.area, result.kind].append(result)
    lines = [
        "| area | kind | cases | status and error | output and cause | whole answer or history |",
        "|---|---|" + "---:|" * 4,
    ]
    lines += [_row(f"{area} | {kind}", of) for (area, kind), of in sorted(areas.items())]
    lines.append(_row("**all** | ", results))
    return "\n".join(lines)


def _row(label: str, results: list[Result]) -> str:
    counts = [sum(result.reached[level] for result in results) for level in range(3)]
    return f"| {label} | {len(results)} | {' | '.join(str(count) for count in counts)} |"


def rewrite(results: list[Result]) -> None:
    """Replace the table in the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    PAGE.write_text(f"{before}{MARKS[0]}\n\n{table(results)}\n\n{MARKS[1]}{after}", encoding="utf-8")


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
