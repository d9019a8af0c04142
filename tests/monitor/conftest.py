"""Folders of captures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from monitor_records import START, capture_line, file_name, write_lines


@pytest.fixture
def capture_folder(tmp_path: Path) -> Callable[..., Path]:
    """Write one record per answer, a second apart and three to a file, into hourly folders; returns the folder."""

    def write(answers: Sequence[Sequence[float]], name: str = "captures") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for first in range(0, len(answers), 3):
            moments = [START + timedelta(seconds=first + place) for place in range(len(answers[first : first + 3]))]
            lines = [
                capture_line(answers[first + place], moment, first + place, f"event-{first + place}")
                for place, moment in enumerate(moments)
            ]
            write_lines(folder / file_name(moments[0]), lines)
        return folder

    return write
