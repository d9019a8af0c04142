"""The rows of each part, stored in a file: a new measurement replaces only its own part."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.figures import Row


@dataclass
class Results:
    """The rows of each part, with the time and duration of their measurement, and the machine."""

    machine: dict[str, str]
    versions: dict[str, str]
    parts: dict[str, dict[str, Any]]

    @classmethod
    def begin(cls, kept: Path) -> Results:
        """Describe this machine, and load the stored parts, if any."""
        parts = json.loads(kept.read_text())["parts"] if kept.exists() else {}
        return cls(machine.describe(), machine.versions(), parts)

    def put(self, name: str, rows: list[Row], seconds: float) -> None:
        """Replace a part's rows."""
        moment = time.strftime("%Y-%m-%d %H:%M")
        self.parts[name] = {"when": moment, "seconds": seconds, "rows": [row.as_json() for row in rows]}

    def keep(self, path: Path) -> None:
        """Write everything to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.__dict__, indent=1) + "\n")

    def rows(self, *names: str) -> list[Row]:
        """Return the rows of the named parts that were measured, grouped by part."""
        return [Row.from_json(row) for name in names if name in self.parts for row in self.parts[name]["rows"]]
