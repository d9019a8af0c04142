"""References in a JSONata expression, read from its syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scones.cloud.services.stepfunctions.asl.jsonata_engine import FUNCTIONS, compile_query


def free_variables(text: str) -> set[str]:
    """Return the names of an expression's free variables, except `$states` and functions."""
    used: set[str] = set()
    bound = {"", "$", "states"}
    seen: set[int] = set()

    def visit(node: Any) -> None:
        if isinstance(node, (list, tuple)):
            for each in node:
                visit(each)
        if not hasattr(node, "procedure") or id(node) in seen:
            return
        seen.add(id(node))
        if node.type == "variable":
            used.add(node.value)
        elif node.type == "bind":
            bound.add(node.lhs.value)
        elif node.type == "lambda":
            bound.update(argument.value for argument in node.arguments)
        for name, part in vars(node).items():
            if name != "procedure" or part is None or part.type != "variable":
                visit(part)

    visit(compile_query(text).ast)
    return used - bound - FUNCTIONS


def unsupported_references(text: str, *, caught: bool) -> list[str]:
    """Return distinct messages about unsupported references in an expression.

    An expression has no context value: at its top level `$` and bare names refer to nothing. `caught` is true if it
    belongs to a Catch; only there is `$states.errorOutput` defined. Raises ValueError if the expression does not parse.
    """
    return list(dict.fromkeys(_references(compile_query(text).ast, nested=False, caught=caught)))


_CONTEXT_ONLY = ("stages", "predicate", "group", "pattern", "update", "delete", "terms")
"""Parts of a node that are evaluated on the items that the node matched."""


def _references(node: Any, *, nested: bool, caught: bool) -> Iterator[str]:
    if isinstance(node, (list, tuple)):
        for each in node:
            yield from _references(each, nested=nested, caught=caught)
        return
    if not hasattr(node, "procedure"):
        return
    if node.type == "variable" and node.value == "$":  # AWS rejects it too; its message is not known
        yield "Reference to '$$' is not supported."
    elif not nested and (node.type == "name" or (node.type == "variable" and node.value == "")):
        yield f"Reference to '{node.value or '$'}' at the top level is not supported."
    if node.type == "path":
        steps = node.steps
        if not caught and [step.value for step in steps[:2]] == ["states", "errorOutput"]:
            # AWS rejects it too; its message is not known.
            yield "Reference to '$states.errorOutput' is only supported in a Catch."
        for index, step in enumerate(steps):
            yield from _references(step, nested=nested or index > 0, caught=caught)
    for name, part in vars(node).items():
        if name != "steps" and name not in ("_outer_instance", "ancestor", "slot"):
            yield from _references(part, nested=nested or name in _CONTEXT_ONLY, caught=caught)
