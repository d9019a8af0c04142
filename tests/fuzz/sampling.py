"""Parameters that an operation's model allows, most of which refer to existing resources."""

from __future__ import annotations

import copy
import random
import time
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape

from .templates import NAMES, TEMPLATES
from .world import World

DEPTH = 6
"""Maximum nesting depth at which optional parameters are generated."""


def sample(operation: OperationModel, world: World, rng: random.Random) -> dict[str, Any]:
    """Return parameters from a template, or the required parameters of the model and some optional ones."""
    shape = operation.input_shape
    if shape is None:
        return {}
    if (own := world.of_services.get((operation.service_model.service_name, operation.name))) and rng.random() < 0.6:
        return copy.deepcopy(rng.choice(own))
    fitting = [each for each in TEMPLATES.get(operation.name, ()) if each.keys() <= shape.members.keys()]
    if fitting and rng.random() < 0.75:
        found: dict[str, Any] = _filled(copy.deepcopy(rng.choice(fitting)), world, rng)
        if rng.random() < 0.2 and (more := _members(shape, world, rng, 0, 0.1)):
            found = {**more, **found}
        return found
    return _members(shape, world, rng, 0, rng.choice((0.0, 0.1, 0.1, 0.4)))


def _filled(value: Any, world: World, rng: random.Random) -> Any:
    """Return a template with its placeholders replaced."""
    if isinstance(value, dict):
        return {name: _filled(each, world, rng) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, world, rng) for each in value]
    if value == "NOW":
        return int(time.time() * 1000)
    if value == "fuzz-1":
        return f"fuzz-{rng.randrange(1, 60)}"
    return world.words.get(value, value) if isinstance(value, str) else value


def _members(shape: StructureShape, world: World, rng: random.Random, depth: int, more: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, member in shape.members.items():
        if name in shape.required_members or (depth < DEPTH and rng.random() < more):
            found[name] = _value(member, name, world, rng, depth + 1, more / 2)
    return found


def _value(shape: Shape, name: str, world: World, rng: random.Random, depth: int, more: float) -> Any:
    known = world.known.get(name.lower())
    if (
        known
        and not isinstance(shape, StructureShape | MapShape)
        and isinstance(known[0], list) == isinstance(shape, ListShape)
    ):
        return rng.choice(known)
    if isinstance(shape, StructureShape):
        return (
            _members(shape, world, rng, depth, more if shape.required_members else max(more, 0.3))
            if depth < DEPTH
            else {}
        )
    if isinstance(shape, ListShape):
        count = max(shape.metadata.get("min", 1), 1 if depth < DEPTH else 0)
        return [_value(shape.member, name.removesuffix("s"), world, rng, depth + 1, more) for _ in range(min(count, 3))]
    if isinstance(shape, MapShape):
        key = (
            rng.choice(shape.key.enum)
            if isinstance(shape.key, StringShape) and shape.key.enum
            else rng.choice(("a", "fuzz"))
        )
        return {key: _value(shape.value, name, world, rng, depth + 1, more)}
    return _scalar(shape, rng)


def _scalar(shape: Shape, rng: random.Random) -> Any:
    least = shape.metadata.get("min", 0)
    match shape.type_name:
        case "string":
            if isinstance(shape, StringShape) and shape.enum:
                return rng.choice(shape.enum)
            return rng.choice(NAMES).ljust(least, "x")
        case "integer" | "long":
            return max(least, rng.choice((1, 2, 3)))
        case "float" | "double":
            return max(least, rng.choice((0.5, 1.0)))
        case "boolean":
            return rng.random() < 0.5
        case "timestamp":
            return rng.choice((1_760_000_000, 1_760_000_000.5))
        case "blob":
            return b"{}"
    return "fuzz"
