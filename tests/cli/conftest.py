"""Fixture for the tests of the command line: a small archive of images."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import vehicles


@pytest.fixture
def small_archive(tmp_path: Path) -> Path:
    return vehicles.write(tmp_path / "vehicles.tar.gz")
