"""No module of `scones` imports itself through others, not even inside functions or under `TYPE_CHECKING`."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import scones

SOURCES = Path(scones.__file__).parent
HEAVY = ("scones.workflow", "scones.testing", "scones.cli.cloudwatch_log")
"""Packages and modules of scones that load boto3."""


def test_there_are_no_import_cycles():
    graph = grimp.build_graph("scones", cache_dir=None, exclude_type_checking_imports=False)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert sum(map(len, imports.values())) > 1000  # the graph is that of the whole package
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' imports '.join(reversed(error.args[1]))}")


def test_each_import_only_for_type_checking_has_a_reason_and_is_of_a_heavy_package():
    """A module of scones may be imported in this way only where it loads boto3, as `scones.workflow` does."""
    for path in SOURCES.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for block in ast.walk(ast.parse(text)):
            if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
                assert " # " in text.splitlines()[block.lineno - 1], f"{path}: state the reason beside TYPE_CHECKING"
                modules = [each.module or "" for each in block.body if isinstance(each, ast.ImportFrom)]
                assert len(modules) == len(block.body), f"{path}: only imports may be under TYPE_CHECKING"
                for module in modules:
                    assert not module.startswith("scones.") or module.startswith(HEAVY), f"{path}: {module}"
