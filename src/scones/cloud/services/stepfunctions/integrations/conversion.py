"""Conversion between a state's JSON and an operation's parameters and responses, by botocore's shapes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.text import dumps
from scones.cloud.services.stepfunctions.asl.timestamps import format_timestamp
from scones.cloud.services.stepfunctions.integrations.naming import pascal

TimeFormat = Callable[[float], Any]


def to_parameters(given: Any, shape: Shape) -> Any:
    """Convert a state's value to an operation's parameters: the model's names, and JSON text for strings and blobs.

    Members that are null are omitted, as on AWS. Raises `StateFailedError` for a member that the operation does not
    have, and for an invalid timestamp.
    """
    if isinstance(shape, StructureShape) and isinstance(given, dict) and not shape.is_document_type:
        return _structure(given, shape)
    if isinstance(shape, ListShape) and isinstance(given, list):
        return [to_parameters(item, shape.member) for item in given]
    if isinstance(shape, MapShape) and isinstance(given, dict):
        return {key: to_parameters(item, shape.value) for key, item in given.items()}
    match shape.type_name:
        case "blob":
            # A streamed body is always JSON: a string keeps its quotes, as recorded on AWS for S3.
            raw = isinstance(given, str) and not shape.serialization.get("streaming")
            return given.encode() if raw else dumps(given).encode()
        case "string" if not isinstance(given, str):
            return dumps(given)
        case "timestamp" if isinstance(given, str):
            return _moment(given)
        case "timestamp" if isinstance(given, int | float):
            return datetime.fromtimestamp(given, UTC)
    return given


def _structure(given: dict[str, Any], shape: StructureShape) -> dict[str, Any]:
    known = {pascal(name): name for name in shape.members}
    found = {}
    for key, value in given.items():
        name = known.get(pascal(key))
        if name is None:
            raise StateFailedError(
                "States.Runtime", f'The field "{key}" is not supported by Step Functions', fatal=True
            )
        if value is not None:
            found[name] = to_parameters(value, shape.members[name])
    return found


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise StateFailedError("States.Runtime", f"{text!r} is not a timestamp", fatal=True) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def to_state_json(response: dict[str, Any], shape: Shape | None, time: TimeFormat) -> dict[str, Any]:
    """Convert a response for a state: capitalised names, bytes as text, and times in the format of `time`."""
    if not isinstance(shape, StructureShape):
        return {}
    result = {
        pascal(name): _to_state_value(response[name], member, time)
        for name, member in shape.members.items()
        if response.get(name) is not None
    }
    for name, member in shape.members.items():  # a map of headers is present even if it is empty
        if member.serialization.get("location") == "headers":
            result.setdefault(pascal(name), {})
    return result


def _to_state_value(value: Any, shape: Shape, time: TimeFormat) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return value if shape.is_document_type else to_state_json(value, shape, time)
    if isinstance(shape, ListShape):
        return [_to_state_value(item, shape.member, time) for item in value]
    if isinstance(shape, MapShape):
        return {key: _to_state_value(item, shape.value, time) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if shape.type_name == "timestamp":
        return time(value.timestamp() if isinstance(value, datetime) else float(value))
    return value


def iso_timestamp(seconds: float) -> str:
    """Format Unix seconds as the SDK for Java does."""
    return format_timestamp(seconds)


def milliseconds(seconds: float) -> int:
    """Convert Unix seconds to milliseconds, which optimized integrations show."""
    return round(seconds * 1000)
