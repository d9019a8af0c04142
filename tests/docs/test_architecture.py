"""The diagram of the architecture shows the packages, their imports, and what the import contracts allow."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from support.documents import ROOT

SOURCES = ROOT / "src" / "scones"
PAGE = (ROOT / "docs/explanation/architecture.md").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"
DIAGRAM = ElementTree.parse(ROOT / "docs/images/architecture.svg").getroot()
BOXES = {box.get("id", ""): box for box in DIAGRAM.iter(f"{SVG}rect") if box.get("id")}
IMPORTS = [path for path in DIAGRAM.iter(f"{SVG}path") if path.get("class") == "import"]
ARROWS = {(path.get("data-from", ""), path.get("data-to", "")) for path in IMPORTS}
ROWS = {name: float(box.get("y", "")) for name, box in BOXES.items()}
"""Vertical position of each package's box."""


def package(path: Path) -> str:
    return path.relative_to(SOURCES).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of scones that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "scones":
            yield from (f"scones.{name.name}" for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@cache
def packages() -> frozenset[str]:
    """Return the modules and packages directly below `scones`."""
    found = {package(path) for path in SOURCES.rglob("*.py")}
    return frozenset(found - {"__init__", "__main__"})


def imports() -> set[tuple[str, str]]:
    """Return the pairs of packages of which the first imports the second."""
    pairs = {
        (package(path), name.split(".")[1])
        for path in SOURCES.rglob("*.py")
        for name in imported(path)
        if name.startswith("scones.")
    }
    return {(one, other) for one, other in pairs if one != other and {one, other} <= packages()}


def forbids(contract: dict[str, Any], one: str, other: str) -> bool:
    """Return True if an import contract forbids the import of a package by another one."""
    kind = contract["type"]
    if kind == "forbidden":
        return covers(contract["source_modules"], one) and covers(contract["forbidden_modules"], other)
    if kind == "independence":
        return covers(contract["modules"], one) and covers(contract["modules"], other)
    layers = [siblings(layer, contract.get("containers", [])) for layer in contract.get("layers", [])]
    level = {name: number for number, layer in enumerate(layers) for name in layer}
    if f"scones.{one}" not in level or f"scones.{other}" not in level:
        return False
    above, below = level[f"scones.{other}"], level[f"scones.{one}"]
    return above < below or (above == below and "|" in contract["layers"][above])


def siblings(layer: str, containers: list[str]) -> list[str]:
    names = [name.strip(" ()") for name in re.split(r"[|:]", layer)]
    return [f"{container}.{name}" for container in containers for name in names] or names


def covers(modules: list[str], name: str) -> bool:
    return any(module in ("scones", f"scones.{name}") for module in modules)


@cache
def contracts() -> list[dict[str, Any]]:
    """Return the import contracts."""
    found: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    return found


def forbidden() -> set[tuple[str, str]]:
    """Return the pairs of packages whose import some contract forbids."""
    return {
        (one, other)
        for one, other in product(packages(), repeat=2)
        if one != other and any(forbids(contract, one, other) for contract in contracts())
    }


def layers(container: str) -> list[list[str]]:
    """Return the modules in each layer of a package."""
    contract = next(each for each in contracts() if each.get("containers") == [container])
    assert contract["exhaustive"]
    return [siblings(layer, []) for layer in contract["layers"]]


def documented_rows(introduction: str) -> list[list[str]]:
    """Return the names in the first column of the page's table that follows an introduction."""
    table = PAGE.split(introduction, 1)[1].split("|---|", 1)[1].split("\n\n", 1)[0]
    return [re.findall(r"`(\w+)`", line.split("|")[1]) for line in table.splitlines()[1:]]


def test_each_package_has_a_box_and_each_box_a_package() -> None:
    assert BOXES.keys() == packages()


def test_each_import_has_an_arrow_and_each_arrow_an_import() -> None:
    assert imports() == ARROWS


def test_the_contracts_allow_each_arrow() -> None:
    assert not ARROWS & forbidden()


def test_the_contracts_forbid_imports_from_the_same_row_or_from_a_row_above() -> None:
    allowed = set(product(BOXES, repeat=2)) - forbidden()
    assert [(one, other) for one, other in allowed if one != other and ROWS[one] >= ROWS[other]] == []


def test_the_rows_of_the_cloud_are_the_layers_of_its_contract() -> None:
    assert documented_rows("`scones.cloud` has the following packages") == layers("scones.cloud")


def test_the_rows_of_step_functions_are_the_layers_of_its_contract() -> None:
    rows = documented_rows("`services/stepfunctions/` has these packages")
    assert rows == layers("scones.cloud.services.stepfunctions")


def test_the_rows_of_the_services_are_the_layers_of_their_contract() -> None:
    assert documented_rows("Another contract orders the packages in `services`") == layers("scones.cloud.services")


def test_arrows_point_downwards_from_box_to_box() -> None:
    for path in IMPORTS:
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", path.get("d", ""))]
        assert touches(BOXES[path.get("data-from", "")], numbers[:2], "bottom"), path.attrib
        assert touches(BOXES[path.get("data-to", "")], numbers[-2:], "top"), path.attrib


def test_each_box_has_its_name_in_the_diagram() -> None:
    width, height = (float(number) for number in DIAGRAM.get("viewBox", "").split()[2:])
    for name, box in BOXES.items():
        left, top, wide, high = sides(box)
        assert 0 <= left <= left + wide <= width, name
        assert 0 <= top <= top + high <= height, name
        title = next(text for text in DIAGRAM.iter(f"{SVG}text") if text.text == name)
        assert left < float(title.get("x", "")) < left + wide, name
        assert top < float(title.get("y", "")) < top + high, name


def touches(box: ElementTree.Element, point: list[float], edge: str) -> bool:
    left, top, width, height = sides(box)
    return left <= point[0] <= left + width and point[1] == (top if edge == "top" else top + height)


def sides(box: ElementTree.Element) -> tuple[float, ...]:
    return tuple(float(box.get(name, "")) for name in ("x", "y", "width", "height"))
