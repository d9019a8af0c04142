"""Single values of a definition: their types, bounds, paths and templates, and what AWS says of wrong ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from scones.cloud.services.states.language.intrinsics import check_expression, compile_expression
from scones.cloud.services.states.language.paths import Path, compile_path

Fault = tuple[str, ...]
"""A message and its location; AWS's code for it where that is not the usual one."""
_NAMES: dict[type, str] = {
    bool: "Boolean", dict: "Object", float: "Float", int: "Integer", list: "Array", str: "String"
}  # fmt: skip


def expected(kind: type) -> str:
    """Return the message for a value of another type."""
    return f"Expected value of type {_NAMES[kind]}"


def is_a(value: Any, kind: type) -> bool:
    """Whether a JSON value is of a type: an integer is a float too, and a boolean is no number."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float)) if kind is float else isinstance(value, kind)


def typed(holder: dict[str, Any], fields: Iterable[str], at: str, kind: type) -> Iterator[Fault]:
    """Yield the fields that hold a value of another type."""
    for field in fields:
        if field in holder and not is_a(holder[field], kind):
            yield expected(kind), f"{at}/{field}"


def one_of(holder: dict[str, Any], field: str, values: tuple[str, ...], at: str) -> Iterator[Fault]:
    """Yield a fault where a field has another value than these."""
    if field not in holder:
        return
    if not isinstance(holder[field], str):
        yield expected(str), f"{at}/{field}"
    elif holder[field] not in values:
        yield f"The field '{field}' should have one of these values: [{', '.join(values)}]", f"{at}/{field}"


def bounded(
    holder: dict[str, Any], field: str, at: str, kind: type, least: float, most: float | None
) -> Iterator[Fault]:
    """Yield a fault where a field is no number or is out of bounds, both of which AWS allows."""
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
    """Return what is wrong with a path, or where it may be one, a call of an intrinsic function."""
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
    """Return what is wrong with a reference path, which points at one value."""
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
    """Yield the fields of a payload template that end in `.$` and hold neither a path nor a call."""
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
