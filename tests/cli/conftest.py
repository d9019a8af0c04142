"""The archive that the tests of `scones run` use."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import vehicles


@pytest.fixture
def small_archive(tmp_path: Path) -> Path:
    return vehicles.write(tmp_path / "vehicles.tar.gz")
