"""Validation of parameters against a service model, with the messages of AWS's services."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache, lru_cache
from itertools import islice

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from scones.cloud.core.time_slices import sliced_if_on_thread
from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members, MemberValue
from scones.cloud.wire.model_patterns import model_pattern

SHORT = 128
"""Maximum characters of a value whose pattern check is cached; names recur often."""

FAILURES = 100
"""Number of invalid members after which the check of a list or map stops; AWS's limit is not known."""
MAX_QUOTED = 4096
"""Maximum characters of a value in a message; AWS's limit is not known."""

MemberCheck = Callable[[MemberValue, str], Collection[str]]
"""Function of a value and its path that returns constraint violations; the result is usually empty."""

_ENUM_ORDERS = {"InvokeMode": ("RESPONSE_STREAM", "BUFFERED"), "RecursiveLoop": ("Terminate", "Allow")}
"""Values of enumerations in AWS's messages, where their order was seen to differ from that of the service model."""


def validate(
    params: Members,
    shape: StructureShape,
    code: str,
    unvalidated_members: frozenset[str] = frozenset(),
    *,
    reports_null_members: bool = False,
) -> None:
    """Raise `ServiceError(code)` with a message that lists every invalid member.

    `unvalidated_members` are names of shapes that the service checks itself, with its own messages.
    `reports_null_members` is True if the service includes "Member must not be null" in the constraints of list and map
    items.
    """
    check = _check_of(shape, unvalidated_members, reports_null_members)
    if check is not None and (failures := check(params, "")):
        count = f"{len(failures)} validation error{'s' if len(failures) > 1 else ''} detected: "
        raise ServiceError(code, count + "; ".join(failures))


def violations(value: MemberValue, shape: Shape, unvalidated_members: frozenset[str] = frozenset()) -> Collection[str]:
    """Return the violations of a shape's constraints by a value."""
    check = _check_of(shape, unvalidated_members, False)
    return check(value, "") if check is not None else ()


# A shape's check is created once, from the constraints in the model, which are the same for every request. It is None
# if the shape has no constraints.


def _check_structure(value: Members, path: str, shape: StructureShape, own: frozenset[str], null: bool) -> list[str]:
    failures: list[str] = []
    for member, name, required, check in _members(shape, own, null):
        item = value.get(member)
        if item is not None:
            if check is not None:
                failures += check(item, f"{path}.{name}" if path else name)
        elif required:
            at = f"{path}.{name}" if path else name
            failures.append(f"Value null at '{at}' failed to satisfy constraint: Member must not be null")
    return failures


@cache
def _members(
    shape: StructureShape, own: frozenset[str], null: bool
) -> tuple[tuple[str, str, bool, MemberCheck | None], ...]:
    """Return the members with constraints: name, name in messages, whether required, and check."""
    found: list[tuple[str, str, bool, MemberCheck | None]] = []
    for member, member_shape in shape.members.items():
        check, required = _check_of(member_shape, own, null), member in shape.required_members
        if check is not None or required:
            found.append((member, member[0].lower() + member[1:], required, check))
    return tuple(found)


@cache
def _check_of(shape: Shape, own: frozenset[str], null: bool) -> MemberCheck | None:
    if shape.name in own:
        return None
    if isinstance(shape, StructureShape):  # members' checks are created on first use: a structure may contain itself
        return lambda value, path: _check_structure(value, path, shape, own, null)
    if isinstance(shape, ListShape):
        return _list_check(shape, own, null)
    if isinstance(shape, MapShape):
        return _map_check(shape, own, null)
    if isinstance(shape, StringShape):
        return _string_check(shape)
    if shape.type_name == "blob":
        check = _size_check(shape, "length", len)
        return check and (lambda value, path: check(value, path) if isinstance(value, bytes) else ())
    if shape.type_name in ("integer", "long", "float", "double"):
        return _size_check(shape, "value", lambda value: value)
    return None


def _list_check(shape: ListShape, own: frozenset[str], null: bool) -> MemberCheck | None:
    size = _size_check(shape, "length", len)
    if _is_scalar(shape.member):
        return _all_of(size, _scalars_check(shape, shape.member, "Member", null, iter))
    check = _check_of(shape.member, own, null)
    if check is None:
        return size

    def check_items(value: list[MemberValue], path: str) -> list[str]:
        found = (
            failure
            for index, item in enumerate(sliced_if_on_thread(value), 1)
            for failure in check(item, f"{path}.{index}.member")
        )
        return list(islice(found, FAILURES))

    return _all_of(size, check_items)


def _map_check(shape: MapShape, own: frozenset[str], null: bool) -> MemberCheck | None:
    size = _size_check(shape, "length", len)
    keys = _scalars_check(shape, shape.key, "Map keys", False, iter)
    if _is_scalar(shape.value):
        return _all_of(size, keys, _scalars_check(shape, shape.value, "Map value", null, dict.values))
    check = _check_of(shape.value, own, null)
    if check is None:
        return _all_of(size, keys)

    def check_items(value: Members, path: str) -> list[str]:
        found = (failure for key, item in value.items() for failure in check(item, f"{path}.{key[:MAX_QUOTED]}.member"))
        return list(islice(found, FAILURES))

    return _all_of(size, keys, check_items)


def _is_scalar(shape: Shape) -> bool:
    return not isinstance(shape, StructureShape | ListShape | MapShape)


def _scalars_check(
    whole: Shape, shape: Shape, what: str, null: bool, items: Callable[[MemberValue], Iterable[MemberValue]]
) -> MemberCheck | None:
    """Check a list's or map's items; a failure shows the complete value and all constraints of its items."""
    check = _check_of(shape, frozenset(), null)
    if check is None:
        return None
    constraints = ", ".join([*_constraints(shape), *(["Member must not be null"] if null else [])])

    def check_scalars(value: MemberValue, path: str) -> Collection[str]:
        if any(check(item, path) for item in items(value)):
            return (_failure(value, whole, path, f"{what} must satisfy constraint: [{constraints}]"),)
        return ()

    return check_scalars


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


def _string_check(shape: StringShape) -> MemberCheck | None:
    pattern_check = _pattern_check(shape) if shape.metadata.get("pattern") else None
    otherwise = _all_of(_size_check(shape, "length", len), pattern_check)
    if not shape.enum:
        return otherwise
    allowed, constraints = frozenset(shape.enum), ", ".join(_ENUM_ORDERS.get(shape.name, shape.enum))

    def check_enum(value: str, path: str) -> Collection[str]:
        if value not in allowed:
            return (_failure(value, shape, path, f"Member must satisfy enum value set: [{constraints}]"),)
        return otherwise(value, path) if otherwise is not None else ()

    return check_enum


def _pattern_check(shape: StringShape) -> MemberCheck:
    pattern = shape.metadata["pattern"]

    def check_pattern(value: str, path: str) -> Collection[str]:
        if _fits(pattern, value) if len(value) <= SHORT else model_pattern(pattern).fits(value):
            return ()
        return (_failure(value, shape, path, f"Member must satisfy regular expression pattern: {pattern}"),)

    return check_pattern


def _size_check(shape: Shape, what: str, measure: Callable[[MemberValue], float]) -> MemberCheck | None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is None and most is None:
        return None

    def check_size(value: MemberValue, path: str) -> Collection[str]:
        size = measure(value)
        if least is not None and size < least:
            return (_failure(value, shape, path, f"Member must have {what} greater than or equal to {least}"),)
        if most is not None and size > most:
            return (_failure(value, shape, path, f"Member must have {what} less than or equal to {most}"),)
        return ()

    return check_size


def _all_of(*checks: MemberCheck | None) -> MemberCheck | None:
    """Combine several checks into one; None stands for no constraints."""
    asked = [check for check in checks if check is not None]
    if len(asked) < 2:
        return asked[0] if asked else None
    return lambda value, path: [failure for check in asked for failure in check(value, path)]


def _failure(value: MemberValue, shape: Shape, path: str, constraint: str) -> str:
    if shape.metadata.get("sensitive"):  # AWS does not repeat sensitive values
        return f"Value at '{path}' failed to satisfy constraint: {constraint}"
    if isinstance(value, bytes):
        value = "***"
    shown = "".join(islice(_shown(value, shape), MAX_QUOTED))[:MAX_QUOTED]
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: {constraint}"


def _shown(value: MemberValue, shape: Shape) -> Iterator[str]:
    """Yield a value in pieces, in the format of AWS's Java services; no piece is longer than `MAX_QUOTED`."""
    if isinstance(value, list) and isinstance(shape, ListShape):
        yield "["
        for index, each in enumerate(value):
            yield ", " if index else ""
            yield from _shown(each, shape.member)
        yield "]"
    elif isinstance(value, dict) and isinstance(shape, MapShape | StructureShape):
        yield "{" if isinstance(shape, MapShape) else f"{shape.name}("
        for index, (name, each) in enumerate(value.items()):
            yield f"{', ' if index else ''}{name[:MAX_QUOTED]}="
            yield from _shown(each, shape.value if isinstance(shape, MapShape) else shape.members[name])
        yield "}" if isinstance(shape, MapShape) else ")"
    else:
        yield value[:MAX_QUOTED] if isinstance(value, str) else str(value)


@lru_cache(maxsize=1024)
def _fits(pattern: str, value: str) -> bool:
    return model_pattern(pattern).fits(value)
