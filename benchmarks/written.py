"""The existing document: a part that was not measured again keeps its figures.

The file with all rows (build/benchmarks.json) is not in the repository, but the document is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass
class Written:
    """Sections of a document by title, in its order, each with the text below its heading."""

    sections: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Written:
        """Split a document at its headings of the second level."""
        _, *parts = re.split(r"^## (.+)\n\n", text, flags=re.MULTILINE)
        return cls({title: body.strip() for title, body in zip(parts[::2], parts[1::2], strict=True)})

    def lines(self, title: str) -> list[list[str]]:
        """Return the cells of a section's table, without its head; empty if there is no such section."""
        rows = [line for line in self.sections.get(title, "").splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in row.removeprefix("|").removesuffix("|").split("|")] for row in rows[2:]]
