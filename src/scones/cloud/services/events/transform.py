"""The input of a target: the event, a part of it, a constant, or a template filled from it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TypeAlias

import orjson

from scones.cloud.core.json_types import Json, JsonObject
from scones.cloud.core.surrogates import well_formed
from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members

INPUT_LIMIT = 1_048_576
"""Maximum bytes of a filled template: the size limit of an event.

AWS documents neither a limit for templates nor the error code that a dead-letter queue receives. The code used here,
`INVALID_PARAMETER`, is AWS's code for other invalid inputs.
"""

_PATH = re.compile(r"\$((\.[^.\[\]\s]+|\[[0-9]+\])*)")
_STEP = re.compile(r"\.([^.\[\]\s]+)|\[([0-9]+)\]")
_PLACEHOLDER = re.compile(r'<([^<>\s"]+)>')
_TOKEN = re.compile(r'<([^<>\s"]+)>|\\.|"')


class _Absence(Enum):
    MISSING = 0


_MISSING = _Absence.MISSING
"""The value of a path that is not in the event."""
_Value: TypeAlias = "Json | _Absence"
_Written = Callable[[_Value], str]


_RULE_ARN, _RULE_NAME, _INGESTION_TIME, _EVENT, _EVENT_JSON = _PREDEFINED = (
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event",
    "aws.events.event.json",
)
"""Placeholders that need no path."""
_VARIABLE_NAMES = {"detail-type": "detailType"}
"""Names in the value of `aws.events.event` that differ from those in the event."""


def unknown_placeholder(transformer: Members) -> str | None:
    """Return the name of a placeholder in a template that has no path, or None."""
    known = {*_PREDEFINED, *transformer.get("InputPathsMap", {})}
    return next((name for name in _PLACEHOLDER.findall(transformer["InputTemplate"]) if name not in known), None)


def is_path(text: str) -> bool:
    """Return True if a text is a path in EventBridge's dot notation."""
    return _PATH.fullmatch(text) is not None


def target_input(target: Members, event: JsonObject, rule_arn: str, rule_name: str) -> str:
    """Return a target's input: JSON, or any text if the target has a template.

    Raises `ServiceError` if a filled template exceeds `INPUT_LIMIT`.
    """
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        found = _find(target["InputPath"], event)
        return _dumps(None if found is _MISSING else found)
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        values: dict[str, _Value] = {
            name: _find(path, event) for name, path in transformer.get("InputPathsMap", {}).items()
        }
        values |= {
            _RULE_ARN: rule_arn,
            _RULE_NAME: rule_name,
            _INGESTION_TIME: event["time"],
            _EVENT: {_VARIABLE_NAMES.get(name, name): value for name, value in event.items() if name != "detail"},
            _EVENT_JSON: event,
        }
        return _render(transformer["InputTemplate"], values)
    return _dumps(event)


def _find(path: str, event: JsonObject) -> _Value:
    found: Json = event
    for name, index in _STEP.findall(path[1:]):
        if name and isinstance(found, dict) and name in found:
            found = found[name]
        elif index and isinstance(found, list) and int(index) < len(found):
            found = found[int(index)]
        else:
            return _MISSING
    return found


def _render(template: str, values: Mapping[str, _Value]) -> str:
    """Fill a template: a placeholder outside quotes becomes JSON, one inside quotes becomes escaped text.

    A template that begins with a brace or a bracket must become JSON; an array or an object inside quotes prevents
    that. Any other template becomes text if it does not become JSON. Raises `ServiceError`.
    """
    if template.lstrip()[:1] not in ("{", "["):
        filled = _render_limited(template, values, _writers(_as_json, _as_bare_text))
        return filled if _is_json(filled) else _render_limited(template, values, _writers(_as_text, _as_bare_text))
    filled = _render_limited(template, values, _writers(_as_json, _as_escaped_text))
    if not _is_json(filled):
        raise ServiceError("INVALID_PARAMETER", "The input of the target is not JSON after its template was filled.")
    return filled


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def _writers(outside: _Written, inside: _Written) -> Callable[[re.Match[str]], _Written]:
    """Return a function that chooses how to write a placeholder: one way outside quotes, and one way inside."""
    quoted = False

    def write(token: re.Match[str]) -> _Written:
        nonlocal quoted
        if token[0] == '"':
            quoted = not quoted
        return inside if quoted else outside

    return write


def _render_limited(template: str, values: Mapping[str, _Value], writer: Callable[[re.Match[str]], _Written]) -> str:
    """Return a template with its values filled in; raises `ServiceError` as soon as it exceeds `INPUT_LIMIT`.

    `writer` returns the function that formats a placeholder's value. Each value is formatted once per function.
    """
    written: dict[tuple[str, _Written], tuple[str, int]] = {}
    size = len(template.encode())

    def replace(token: re.Match[str]) -> str:
        nonlocal size
        write, name = writer(token), token[1]
        if name not in values:
            return token[0]
        if (name, write) not in written:
            text = write(values[name])
            written[name, write] = text, len(text.encode())
        text, length = written[name, write]
        size += length
        if size > INPUT_LIMIT:
            raise ServiceError("INVALID_PARAMETER", f"The input of the target has more than {INPUT_LIMIT} bytes.")
        return text

    return _TOKEN.sub(replace, template)


def _as_json(value: _Value) -> str:
    return '""' if value is _MISSING else _dumps(value)


def _as_escaped_text(value: _Value) -> str:
    return _dumps(value) if isinstance(value, dict | list) else _escaped(_as_text(value))


def _as_bare_text(value: _Value) -> str:
    """Return a value as escaped text; arrays and objects lose their quotes, as on AWS."""
    return _escaped(_as_text(value).replace('"', "") if isinstance(value, dict | list) else _as_text(value))


def _escaped(text: str) -> str:
    return well_formed(json.dumps(text, ensure_ascii=False))[1:-1]


def _as_text(value: _Value) -> str:
    """Return a value as text: "" if its path found nothing."""
    if value is _MISSING:
        return ""
    return well_formed(value) if isinstance(value, str) else _dumps(value)


def _dumps(value: Json) -> str:
    return well_formed(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
