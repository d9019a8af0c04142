"""Validation of single values in a definition: types, bounds, paths and templates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from scones.cloud.services.stepfunctions.asl.intrinsics import check_expression, compile_expression
from scones.cloud.services.stepfunctions.asl.paths import Path, compile_path

Fault = tuple[str, ...]
"""A message, its location, and AWS's code if it is not `SCHEMA`."""
_NAMES: dict[type, str] = {
    bool: "Boolean",
    dict: "Object",
    float: "Float",
    int: "Integer",
    list: "Array",
    str: "String",
}


def expected(kind: type) -> str:
    """Return the message for a value that is not of type `kind`."""
    return f"Expected value of type {_NAMES[kind]}"


def is_a(value: Any, kind: type) -> bool:
    """Return True if a JSON value is of a type; an integer is also a float, and a boolean is not a number."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float)) if kind is float else isinstance(value, kind)


def typed(holder: dict[str, Any], fields: Iterable[str], at: str, kind: type) -> Iterator[Fault]:
    """Yield a fault for each field whose value is not of type `kind`."""
    for field in fields:
        if field in holder and not is_a(holder[field], kind):
            yield expected(kind), f"{at}/{field}"


def one_of(holder: dict[str, Any], field: str, values: tuple[str, ...], at: str) -> Iterator[Fault]:
    """Yield a fault if a field has a value that is not in `values`."""
    if field not in holder:
        return
    if not isinstance(holder[field], str):
        yield expected(str), f"{at}/{field}"
    elif holder[field] not in values:
        yield f"Value should be one of the following: [{', '.join(values)}]", f"{at}/{field}"


def bounded(
    holder: dict[str, Any], field: str, at: str, kind: type, least: float, most: float | None
) -> Iterator[Fault]:
    """Yield a fault if a field is not of type `kind` or is out of bounds; `least` and `most` are inclusive."""
    if field not in holder:
        return
    value, where = holder[field], f"{at}/{field}"
    if not is_a(value, kind):
        yield expected(kind), where
    elif value < least:
        yield f"Minimum value is {least}", where
    elif most is not None and value > most:
        yield f"Maximum value is {most}", where


def path_fault(text: Any, *, calls: bool) -> str | None:
    """Return the fault in a path, or None; `calls` also allows a call of an intrinsic function."""
    try:
        if not isinstance(text, str):
            return expected(str)
        check_expression(compile_expression(text) if calls else compile_path(text))
    except ValueError:
        return (
            "Value must be a valid JSONPath or a valid intrinsic function call"
            if calls
            else ("Value must be a valid JSONPath.")
        )
    return None


def reference_fault(text: Any, *, context: bool = False, variables: bool = True) -> str | None:
    """Return the fault in a reference path, which refers to one value, or None.

    `context` allows paths into the context object, and `variables` allows paths into variables.
    """
    if not isinstance(text, str):
        return expected(str)
    if not text.startswith("$"):
        return "Value is not a Reference Path: Reference path didn't start with '$'"
    try:
        path = compile_path(text)
    except ValueError:
        return "Value is not a Reference Path"
    foreign = (path.variable == "$$" and not context) or (path.variable not in ("$", "$$") and not variables)
    return None if isinstance(path, Path) and not foreign else "Value is not a Reference Path"


def template_faults(payload: Any, at: str) -> Iterator[Fault]:
    """Yield a fault for each `.$` field of a payload template that contains neither a path nor a call."""
    if isinstance(payload, dict):
        for name, value in payload.items():
            if not name.endswith(".$"):
                yield from template_faults(value, f"{at}/{name}")
            elif path_fault(value, calls=True):
                yield (
                    f"The value for the field '{name}' must be a valid JSONPath or a valid intrinsic function call",
                    at,
                )
    elif isinstance(payload, list):
        for index, item in enumerate(payload):
            yield from template_faults(item, f"{at}[{index}]")
