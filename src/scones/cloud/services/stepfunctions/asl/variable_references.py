"""Variables that the states of a definition refer to, as DescribeStateMachine returns them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from scones.cloud.services.stepfunctions.asl import engines
from scones.cloud.services.stepfunctions.asl.queries import query_text

_LITERAL = re.compile(r"'(?:\\.?|[^'\\])*+(?:'|\Z)", re.DOTALL)
_VARIABLE = re.compile(r"(?<!\$)\$([A-Za-z_][A-Za-z0-9_]*)")
_GROUPS = frozenset({"Branches", "ItemProcessor", "Iterator"})


def variable_references(definition: str) -> dict[str, list[str]]:
    """Return the variables that each state refers to, without `$`; states that refer to none are omitted.

    The API Reference does not say whether AWS includes the `$`. Raises `EngineNeededError` in the cloud's own process
    if a state contains JSONata.
    """
    return {state: names for state, names in _group(json.loads(definition), "JSONPath") if names}


def _group(group: dict[str, Any], language: str) -> Iterator[tuple[str, list[str]]]:
    language = group.get("QueryLanguage", language)
    for name, state in group["States"].items():
        spoken = state.get("QueryLanguage", language)
        texts = [text for field, value in state.items() if field not in _GROUPS for text in _texts(field, value)]
        yield name, sorted({variable for field, text in texts for variable in _variables(field, text, spoken)})
        for inner in (*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")):
            if inner is not None:
                yield from _group(inner, language)


def _texts(field: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield every string in a field, with the name of the field that directly contains it."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(name, each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(field, each)


def _variables(field: str, text: str, language: str) -> set[str]:
    if language == "JSONata":
        query = query_text(text)
        if query is None:
            return set()
        engines.jsonata()
        from scones.cloud.services.stepfunctions.asl import jsonata_trees

        return jsonata_trees.free_variables(query)
    if field.endswith((".$", "Path")) or field == "Variable":
        return set(_VARIABLE.findall(_LITERAL.sub("", text)))
    return set()
