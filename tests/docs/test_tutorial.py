"""Texts in the tutorial's output occur in the source code of the program."""

from __future__ import annotations

import re

from support.documents import ROOT, blocks

TUTORIAL = ROOT / "docs/tutorial/first-workflow.md"
PROGRAM = "".join(
    path.read_text(encoding="utf-8")
    for package in ("cli", "workflow")
    for path in sorted((ROOT / "src/scones" / package).glob("*.py"))
)
OUTPUT = "".join(block.text for block in blocks(TUTORIAL))


def test_each_step_has_the_title_that_the_program_prints() -> None:
    titles = dict(re.findall(r"^(\d/7)  (.+)$", OUTPUT, re.MULTILINE))
    assert sorted(titles) == [f"{number}/7" for number in range(1, 8)]
    assert [title for title in titles.values() if f'"{title}"' not in PROGRAM] == []


def test_the_summary_has_the_labels_that_the_program_prints() -> None:
    labels = re.findall(r"^  (\w[\w ]+): ", OUTPUT, re.MULTILINE)
    assert "Capture records" in labels
    assert [label for label in labels if f'"{label}"' not in PROGRAM] == []
