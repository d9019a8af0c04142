"""Limits on a function's settings that AWS checks in addition to its service model, with AWS's error messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scones.cloud.errors import ServiceError

MAXIMA = {"Timeout": 900, "MemorySize": 10_240}
"""Maxima in seconds and in MB. The service model has the maxima of managed instances, which the local cloud does not
offer."""
LAYERS = 5


def check_settings(params: Mapping[str, Any]) -> None:
    """Refuse settings above their maximum, and layers that a function must not combine.

    Raises `ValidationException` for the former and `InvalidParameterValueException` for the latter.
    """
    for member, maximum in MAXIMA.items():
        if params.get(member, 0) > maximum:
            path = member[0].lower() + member[1:]
            raise ServiceError(
                "ValidationException",
                f"1 validation error detected: Value '{params[member]}' at '{path}' failed to satisfy constraint: "
                f"Member must have value less than or equal to {maximum}",
            )
    _check_layers(params.get("Layers", ()))


def _check_layers(arns: Sequence[str]) -> None:
    if len(arns) > LAYERS:
        raise _refused(f"Cannot reference more than {LAYERS} layers.")
    known: dict[str, str] = {}
    for arn in arns:
        other = known.setdefault(arn.rpartition(":")[0], arn)
        if other is not arn:
            raise _refused(
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{other} and {arn} are versions of the same layer."
            )


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message, Type="User")
