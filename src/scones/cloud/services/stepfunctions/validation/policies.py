"""Validation of the Retry and Catch of a state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scones.cloud.services.stepfunctions.asl.fields import CATCHER, LANGUAGES, RETRIER, unsupported_in_language
from scones.cloud.services.stepfunctions.validation.state_graph import entries
from scones.cloud.services.stepfunctions.validation.values import (
    Fault,
    bounded,
    expected,
    is_a,
    one_of,
    reference_fault,
    template_faults,
    typed,
)
from scones.cloud.wire.members import Members

_INTEGERS = {"IntervalSeconds": (0, 99_999_999), "MaxAttempts": (0, 99_999_999), "MaxDelaySeconds": (1, 31_622_400)}
"""Minimum and maximum by field, as measured on AWS (badmintoncryer/cdk-preflight, rules of Step Functions)."""


def policy_faults(state: dict[str, Any], at: str, language: str) -> Iterator[Fault]:
    """Yield the faults in the retriers and catchers of a state."""
    for field in ("Retry", "Catch"):
        found = entries(state, field)
        for index, entry in enumerate(found):
            where = f"{at}/{field}[{index}]"
            yield from _errors(entry, where, last=index == len(found) - 1)
            yield from _retrier(entry, where) if field == "Retry" else _catcher(entry, where, language)


def _errors(entry: Members, at: str, *, last: bool) -> Iterator[Fault]:
    if "ErrorEquals" not in entry:
        yield "These fields are required: [ErrorEquals]", at
        return
    errors, where = entry["ErrorEquals"], f"{at}/ErrorEquals"
    if not is_a(errors, list):
        yield expected(list), where
    elif not errors:
        yield "Value cannot be empty", where
    elif not all(isinstance(error, str) for error in errors):
        yield expected(str), where
    elif "States.ALL" in errors and (len(errors) > 1 or not last):
        yield "States.ALL must appear alone and at end of list", f"{where}[{errors.index('States.ALL')}]"


def _retrier(entry: Members, at: str) -> Iterator[Fault]:
    for field in entry:
        if field not in RETRIER:
            yield f"Field '{field}' is not supported", at
    for field, (least, most) in _INTEGERS.items():
        yield from bounded(entry, field, at, int, least, most)
    yield from bounded(entry, "BackoffRate", at, float, 1.0, None)
    yield from one_of(entry, "JitterStrategy", ("NONE", "FULL"), at)


def _catcher(entry: Members, at: str, language: str) -> Iterator[Fault]:
    if "Next" not in entry:
        yield "These fields are required: [Next]", at
    yield from typed(entry, ("Next",), at, str)
    for field in entry:
        if message := unsupported_in_language(field, language, CATCHER):
            yield message, at
    if language != LANGUAGES[0]:
        return
    if entry.get("ResultPath") is not None and (message := reference_fault(entry["ResultPath"], variables=False)):
        yield message, f"{at}/ResultPath"
    if "Assign" in entry:
        yield from template_faults(entry["Assign"], f"{at}/Assign")
