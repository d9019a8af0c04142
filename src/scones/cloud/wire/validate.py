"""Validation of parameters against a service model, in the words of AWS's own services."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Any

import regex
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from scones.cloud.errors import ServiceError


def validate(
    params: dict[str, Any],
    shape: StructureShape,
    code: str,
    own_checks: Collection[str] = (),
    *,
    tells_of_null: bool = False,
) -> None:
    """Raise `ServiceError(code)` that names every member which the model forbids.

    `own_checks` are names of shapes that the service checks itself, with messages of its own. `tells_of_null` is
    whether the service says of what a list or map may hold that it must not be null.
    """
    failures = list(_check(params, shape, "", own_checks, null=tells_of_null))
    if failures:
        count = f"{len(failures)} validation error{'s' if len(failures) > 1 else ''} detected: "
        raise ServiceError(code, count + "; ".join(failures))


def _check(value: Any, shape: Shape, path: str, own: Collection[str], *, null: bool) -> Iterator[str]:
    if shape.name in own:
        return
    if isinstance(shape, StructureShape):
        yield from _check_structure(value, shape, path, own, null=null)
    elif isinstance(shape, ListShape):
        yield from _check_size(value, len(value), shape, path, "length")
        if _is_scalar(shape.member):
            yield from _check_scalars(value, value, shape.member, shape, path, "Member", null=null)
        else:
            for index, item in enumerate(value, 1):
                yield from _check(item, shape.member, f"{path}.{index}.member", own, null=null)
    elif isinstance(shape, MapShape):
        yield from _check_size(value, len(value), shape, path, "length")
        yield from _check_scalars(value, value, shape.key, shape, path, "Map keys", null=null)
        if _is_scalar(shape.value):
            yield from _check_scalars(value, value.values(), shape.value, shape, path, "Map value", null=null)
        else:
            for key, item in value.items():
                yield from _check(item, shape.value, f"{path}.{key}.member", own, null=null)
    elif isinstance(shape, StringShape):
        yield from _check_string(value, shape, path)
    elif shape.type_name == "blob":
        if isinstance(value, bytes):
            yield from _check_size(value, len(value), shape, path, "length")
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _check_size(value, value, shape, path, "value")


def _check_structure(
    value: dict[str, Any], shape: StructureShape, path: str, own: Collection[str], *, null: bool
) -> Iterator[str]:
    required = shape.required_members
    for member, member_shape in shape.members.items():
        if value.get(member) is not None:
            yield from _check(value[member], member_shape, _join(path, member), own, null=null)
        elif member in required:
            yield f"Value null at '{_join(path, member)}' failed to satisfy constraint: Member must not be null"


def _is_scalar(shape: Shape) -> bool:
    return not isinstance(shape, StructureShape | ListShape | MapShape)


def _check_scalars(
    value: Any, items: Iterable[Any], shape: Shape, whole: Shape, path: str, what: str, *, null: bool
) -> Iterator[str]:
    """Check what a list or map holds; the failure shows it whole, with everything that its items must be."""
    if any(True for item in items for _ in _check(item, shape, path, (), null=null)):
        constraints = [*_constraints(shape), *(["Member must not be null"] if null else [])]
        yield _failure(value, whole, path, f"{what} must satisfy constraint: [{', '.join(constraints)}]")


def _constraints(shape: Shape) -> Iterator[str]:
    what = "length" if isinstance(shape, StringShape) else "value"
    bounds = shape.metadata
    if "max" in bounds:
        yield f"Member must have {what} less than or equal to {bounds['max']}"
    if "min" in bounds or ("max" in bounds and what == "length"):
        yield f"Member must have {what} greater than or equal to {bounds.get('min', 0)}"
    if isinstance(shape, StringShape) and shape.enum:
        yield f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
    if "pattern" in bounds:
        yield f"Member must satisfy regular expression pattern: {bounds['pattern']}"


def _check_string(value: str, shape: StringShape, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        values = ", ".join(shape.enum)
        yield _failure(value, shape, path, f"Member must satisfy enum value set: [{values}]")
        return
    yield from _check_size(value, len(value), shape, path, "length")
    pattern = shape.metadata.get("pattern")
    if pattern and not _compile(pattern).fullmatch(value):
        yield _failure(value, shape, path, f"Member must satisfy regular expression pattern: {pattern}")


def _check_size(value: Any, size: float, shape: Shape, path: str, what: str) -> Iterator[str]:
    if size < shape.metadata.get("min", size):
        bound = shape.metadata["min"]
        yield _failure(value, shape, path, f"Member must have {what} greater than or equal to {bound}")
    if size > shape.metadata.get("max", size):
        bound = shape.metadata["max"]
        yield _failure(value, shape, path, f"Member must have {what} less than or equal to {bound}")


def _failure(value: Any, shape: Shape, path: str, constraint: str) -> str:
    if shape.metadata.get("sensitive"):  # AWS does not repeat it
        return f"Value at '{path}' failed to satisfy constraint: {constraint}"
    if isinstance(value, bytes):
        value = "***"
    return f"Value '{_shown(value, shape)}' at '{path}' failed to satisfy constraint: {constraint}"


def _shown(value: Any, shape: Shape) -> str:
    """Return a value as AWS's services, which are Java, print it."""
    if isinstance(value, list) and isinstance(shape, ListShape):
        return f"[{', '.join(_shown(each, shape.member) for each in value)}]"
    if isinstance(value, dict) and isinstance(shape, MapShape):
        return f"{{{', '.join(f'{name}={_shown(each, shape.value)}' for name, each in value.items())}}}"
    if isinstance(value, dict) and isinstance(shape, StructureShape):
        members = ", ".join(f"{name}={_shown(each, shape.members[name])}" for name, each in value.items())
        return f"{shape.name}({members})"
    return str(value)


def _join(path: str, member: str) -> str:
    name = member[0].lower() + member[1:]
    return f"{path}.{name}" if path else name


@lru_cache(maxsize=512)
def _compile(pattern: str) -> regex.Pattern[str]:
    """Compile one of AWS's patterns: Java's dialect, which `regex` reads where `re` does not."""
    return regex.compile(pattern, regex.DOTALL if pattern == ".*" else 0)
