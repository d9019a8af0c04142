"""The programs in `examples/` run, and print what their docstrings say."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = [
    "human_review.py",
    "bucket_to_queue.py",
    "confidence_gate/main.py",
    "train_and_deploy.py",
    "run_workflow.py",
]
SLOW = PROGRAMS[1:]


def run(*command: str) -> str:
    """Run a Python command from the repository's root, and return its output."""
    done = subprocess.run([sys.executable, *command], cwd=EXAMPLES.parent, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in PROGRAMS]
)
def test_an_example_prints_the_output_in_its_docstring(name):
    if name == "train_and_deploy.py":
        pytest.importorskip("xgboost")
    docstring = ast.get_docstring(ast.parse((EXAMPLES / name).read_text()))
    *_, commands, printed = re.findall(r"(?:^    .*\n?)+", docstring + "\n", re.MULTILINE)
    assert f"python examples/{name}" in commands
    assert run(f"examples/{name}") == textwrap.dedent(printed)


@pytest.mark.slow
def test_the_test_file_passes(monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    printed = run(
        "-m",
        "pytest",
        "-p",
        "scones.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "--rootdir",
        "examples",
        "examples/test_state_machine.py",
    )
    assert "2 passed" in printed


def test_the_readme_lists_every_program():
    listed = set(re.findall(r"\]\(([\w/]+\.py)\)", (EXAMPLES / "README.md").read_text()))
    assert listed == {*PROGRAMS, "test_state_machine.py"}
    found = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py")}
    assert found == {*listed, "confidence_gate/container.py"}
