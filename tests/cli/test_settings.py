"""Settings of the workflow: where they come from, and messages for wrong ones."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest


def test_settings_come_from_the_file_the_environment_and_the_command_line(scones: Any) -> None:
    (scones.folder / "scones.toml").write_text("treshold = 0.9\n")
    assert "Unknown setting 'treshold' (in scones.toml); did you mean 'threshold'?" in scones("run").stderr
    (scones.folder / "scones.toml").write_text('epochs = "many"\n')
    assert "epochs is 'many' in scones.toml; it must be an integer of at least 1." in scones("run").stderr
    (scones.folder / "scones.toml").unlink()
    assert "threshold is 'x' in SCONES_THRESHOLD" in scones("run", SCONES_THRESHOLD="x").stderr


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_settings_that_are_not_a_file_are_named(scones: Any, make: Any) -> None:
    make(scones.folder / "scones.toml")
    assert "scones.toml is not a regular file" in scones("run").stderr


def test_messages_are_complete_without_docstrings() -> None:
    program = (
        "import scones.settings as s\ntry: s.load({'threshold': 2})\nexcept s.SettingsError as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-OO", "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "threshold is 2 on the command line; it must be a number greater than 0 and at most 1.\n"
