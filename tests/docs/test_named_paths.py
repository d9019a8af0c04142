"""Files, folders and modules that documents name exist."""

from __future__ import annotations

import re

import pytest

from support.documents import NAMES, ROOT, codes

CURRENT = [name for name in NAMES if name != "CHANGELOG.md" and "/decisions/" not in name]
"""Documents about the present state. A changelog and a decision describe the past."""
BASES = [ROOT, ROOT / "src/scones", ROOT / "src/scones/cloud", ROOT / "src/scones/cloud/services"]
PATH = re.compile(r"(?:src|tests|docs|benchmarks|examples|core|gateway|process|wire|services|workspace)/[\w./-]*\w/?")
MODULE = re.compile(r"scones(?:\.[a-z_]\w*)+")
PLACEHOLDER = re.compile("[A-Z]{4,}/")
NOT_MODULES = {"scones.images", "scones.toml", "scones.json"}


@pytest.mark.parametrize("name", CURRENT)
def test_paths_exist(name: str) -> None:
    paths = {code for code in codes(ROOT / name) if PATH.fullmatch(code) and not PLACEHOLDER.search(code)}
    assert [path for path in sorted(paths) if not any((base / path).exists() for base in BASES)] == []


@pytest.mark.parametrize("name", CURRENT)
def test_modules_exist(name: str) -> None:
    modules = {code for code in codes(ROOT / name) if MODULE.fullmatch(code)} - NOT_MODULES
    files = {module: ROOT / "src" / module.replace(".", "/") for module in modules}
    assert [name for name, path in files.items() if not (path.is_dir() or path.with_suffix(".py").exists())] == []


def test_paths_and_modules_are_found() -> None:
    found = set(codes(ROOT / "docs/explanation/architecture.md"))
    assert any(PATH.fullmatch(code) for code in found)
    assert any(MODULE.fullmatch(code) for code in found)
