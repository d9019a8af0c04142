"""The rows of each part, kept in a file: a part taken anew leaves the others as they were."""

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
    """The rows of each part, with when and how long they were taken, and on what."""

    machine: dict[str, str]
    versions: dict[str, str]
    parts: dict[str, dict[str, Any]]

    @classmethod
    def begin(cls, kept: Path) -> Results:
        """Describe this machine, and take up the parts measured before, where some are kept."""
        parts = json.loads(kept.read_text())["parts"] if kept.exists() else {}
        return cls(machine.describe(), machine.versions(), parts)

    def put(self, name: str, rows: list[Row], seconds: float) -> None:
        """Keep a part in place of what was measured of it before."""
        moment = time.strftime("%Y-%m-%d %H:%M")
        self.parts[name] = {"when": moment, "seconds": seconds, "rows": [row.as_json() for row in rows]}

    def keep(self, path: Path) -> None:
        """Write everything to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.__dict__, indent=1) + "\n")

    def rows(self, *names: str) -> list[Row]:
        """Return the rows of the named parts that were measured, a part's together."""
        return [Row.from_json(row) for name in names if name in self.parts for row in self.parts[name]["rows"]]
