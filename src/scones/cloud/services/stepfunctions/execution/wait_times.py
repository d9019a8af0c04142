"""The time at which a Wait state ends."""

from __future__ import annotations

from typing import Any

from scones.cloud.services.stepfunctions.asl.definition import Wait
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope, Path
from scones.cloud.services.stepfunctions.asl.queries import JsonataQuery
from scones.cloud.services.stepfunctions.asl.text import dumps
from scones.cloud.services.stepfunctions.asl.timestamps import parse_timestamp


async def wait_end(state: Wait, entered: float, scope: EvaluationScope) -> float:
    """Return the time at which a Wait ends, in Unix seconds."""
    if isinstance(state.seconds, JsonataQuery):
        return entered + await state.seconds.whole(scope, 0)
    if isinstance(state.seconds, Path):
        return entered + _wait_seconds(state.seconds, scope)
    if state.seconds is not None:
        return entered + state.seconds
    given = state.timestamp
    if isinstance(given, JsonataQuery):
        text = await given.typed(scope, "string")
    else:
        text = _timestamp_at(given, scope) if isinstance(given, Path) else given
    moment = parse_timestamp(text) if isinstance(text, str) else None
    if moment is None and isinstance(given, JsonataQuery):
        raise EvaluationError(
            f"The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: {text}",
            "States.QueryEvaluationError",
            given.field,
            after_entry=True,
        )
    if moment is None:
        assert isinstance(given, Path)
        raise EvaluationError(
            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format "
            f"string: {given.text} == {text}"
        )
    return moment.timestamp()


def _timestamp_at(path: Path, scope: EvaluationScope) -> Any:
    try:
        return path.evaluate(scope)
    except EvaluationError:
        message = f"The TimestampPath parameter does not reference an input value: {path.text}"
        raise EvaluationError(message) from None


def _wait_seconds(path: Path, scope: EvaluationScope) -> int:
    try:
        value = path.evaluate(scope)
    except EvaluationError:
        raise EvaluationError(f"The SecondsPath parameter does not reference an input value: {path.text}") from None
    shown = value if isinstance(value, str) else dumps(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise EvaluationError(f"The SecondsPath parameter cannot be parsed as a long value: {path.text} == {shown}")
    if value < 0:
        raise EvaluationError(f"The SecondsPath parameter references a negative value: {path.text} == {shown}")
    return value
