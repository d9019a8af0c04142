"""Script that writes the table of settings in docs/reference/settings.md: `python docs/settings_table.py`.

Names and defaults come from the fields of `scones.settings.Settings`, and meanings from their docstrings.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
from pathlib import Path
from typing import Any

from scones.settings import CHECKS, PREFIX, Settings

PAGE = Path(__file__).with_name("reference") / "settings.md"
MARKS = ("<!-- table: written by docs/settings_table.py -->", "<!-- end of table -->")


def table() -> str:
    """Return the table of all settings in Markdown."""
    meanings = _docstrings()
    lines = ["| setting | variable | default | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{field.name}` | `{PREFIX}{field.name.upper()}` | {_shown(field.default)} "
        f"| {meanings[field.name]} Must be {CHECKS[field.name].expected}. |"
        for field in dataclasses.fields(Settings)
    ]
    return "\n".join(lines)


def page(text: str) -> str:
    """Return the text of the page with a new table."""
    before, _, rest = text.partition(MARKS[0])
    return f"{before}{MARKS[0]}\n\n{table()}\n\n{MARKS[1]}{rest.partition(MARKS[1])[2]}"


def _shown(default: Any) -> str:
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return "" if default in (None, "") else f"`{default}`"


def _docstrings() -> dict[str, str]:
    definition = ast.parse(inspect.getsource(Settings)).body[0]
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: " ".join(inspect.cleandoc(text.value.value).split())
        for field, text in zip(definition.body, definition.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
