"""Numbers of a Map that may be computed, such as MaxConcurrency and MaxItems."""

from __future__ import annotations

import re

from scones.cloud.services.stepfunctions.asl.distribution import Number
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope, Path
from scones.cloud.services.stepfunctions.asl.queries import JsonataQuery
from scones.cloud.services.stepfunctions.asl.text import dumps


async def whole_number(
    field: str, given: Number | None, scope: EvaluationScope, *, negative: bool = False
) -> int | None:
    """Return an integer, or None if none is given; a path may refer to a string of digits, as recorded on AWS.

    Raises `EvaluationError` for another value, and for a negative number unless `negative` is true.
    """
    if given is None:
        return None
    if isinstance(given, Path):
        number = _at_path(field, given, scope)
    else:
        number = await given.whole(scope) if isinstance(given, JsonataQuery) else int(given)
    if number < 0 and not negative:
        raise EvaluationError(f"{field} cannot be negative.")
    return number


def _at_path(field: str, path: Path, scope: EvaluationScope) -> int:
    value = path.evaluate(scope)
    number = int(value) if isinstance(value, str) and re.fullmatch("-?[0-9]{1,18}", value) else value
    if isinstance(number, bool) or not isinstance(number, int):
        raise _invalid(field, path, value, "integer")
    return number


async def percentage(field: str, given: Number | None, scope: EvaluationScope) -> float | None:
    """Return a number from 0 to 100, or None if none is given; raise `EvaluationError` for another value."""
    if given is None or isinstance(given, (int, float)):
        return given
    if isinstance(given, JsonataQuery):
        number = float(await given.typed(scope, "number"))
    else:
        value = given.evaluate(scope)
        try:
            number = float("nan" if isinstance(value, bool) else value)
        except (TypeError, ValueError):
            raise _invalid(field, given, value, "float") from None
    if not 0 <= number <= 100:
        raise EvaluationError(f"{field} must be between 0 and 100.")
    return number


def _invalid(field: str, path: Path, value: object, kind: str) -> EvaluationError:
    shown = value if isinstance(value, str) else dumps(value)
    return EvaluationError(f'The {field}Path field refers to value "{shown}" which is not a valid {kind}: {path.text}')
