"""Checks of the form and size of event patterns, with the messages of event-ruler, the library behind EventBridge.

event-ruler is public (github.com/aws/event-ruler). Where its messages differ from those that were recorded on AWS,
these are the recorded ones.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from scones.cloud.core import jackson
from scones.cloud.core.wildcards import WildcardError, check_wildcard
from scones.cloud.patterns.cidr import CidrError, check_cidr
from scones.cloud.patterns.locations import Step, location_of
from scones.cloud.wire import json_document

OR = "$or"
IGNORE_CASE = "equals-ignore-case"
MAX_DEPTH = 100
"""Maximum nesting depth of a pattern's objects. AWS's parser has a limit too, but AWS does not publish it."""
COMBINATIONS = 1000
"""Maximum number of rules without `$or` that a pattern may expand to (EventBridge User Guide, "$or matching")."""
_COMPARISONS = {"=": "equals", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
"""Operators of `numeric`, with their names in messages."""
_UNEXPECTED = "Unexpected character"
"""First words of an error whose location is that of the character itself, as in Jackson since version 2.17."""
_TOP = ("<", "<=")
_TOO_DEEP = f"It has more than {MAX_DEPTH} levels of nested objects"
_ONE_KEY = "Only one key allowed in match expression"
_TOO_MANY = "Too many elements in numeric expression"  # event-ruler also says this of anything-but
_TEXTS = {
    "prefix": "prefix/suffix match pattern must be a string",
    "suffix": "prefix/suffix match pattern must be a string",
    "wildcard": "wildcard match pattern must be a string",
    IGNORE_CASE: f"Inside anything-but/{IGNORE_CASE} list, number|start|null|boolean is not supported.",
}
"""Operators that may follow `anything-but`, with the message for a value that is not a text."""


class PatternError(Exception):
    """A pattern that AWS refuses; the message gives the reason.

    `steps` lead to the refused value, if AWS tells its location; `ended` is True if AWS has read the value to its end.
    `location` is the location in AWS's words, or "".
    """

    def __init__(
        self, reason: str, *steps: Step, located: bool = True, ended: bool = False, again: bool = False
    ) -> None:
        super().__init__(reason)
        self.steps = list(steps)
        self.located = located
        self.ended = ended
        self.again = again
        """True if AWS tells the location twice."""
        self.location = ""


def check_pattern(text: str) -> dict[str, Any]:
    """Parse and check a pattern; raises `PatternError` if AWS would refuse it."""
    try:
        pattern = json_document.load_text(text)
    except ValueError as error:
        raise _syntax_error(text, error) from error
    try:
        if not isinstance(pattern, dict):
            raise PatternError("Filter is not an object")
        _check_group(pattern, MAX_DEPTH)
    except PatternError as error:
        if error.located:
            error.location = location_of(text, error.steps, ended=error.ended) * (2 if error.again else 1)
        raise
    if _combinations(pattern) > COMBINATIONS:
        raise PatternError(f"Rule is too complex - $or has more than {COMBINATIONS} combinations")
    return pattern


def is_alternatives(wanted: Any) -> bool:
    """Return True if the value of `$or` is a list of alternatives; otherwise `$or` is an ordinary field name."""
    return isinstance(wanted, list) and len(wanted) > 1 and all(isinstance(each, dict) for each in wanted)


def _syntax_error(text: str, error: ValueError) -> PatternError:
    try:
        json.loads(text, parse_constant=jackson.refuse_constant)
    except json.JSONDecodeError as known:
        found = jackson.convert_error(text, known)
        if found.message.startswith(_UNEXPECTED):
            found = replace(found, column=found.column - 1)
        refusal = PatternError(found.message)
        refusal.location = f"\n at {jackson.source_location(text, found)}"
        return refusal
    except (ValueError, RecursionError):
        pass
    return PatternError(f"not valid JSON: {error}")


def _combinations(pattern: dict[str, Any]) -> int:
    """Return the number of rules without `$or` that a pattern expands to."""
    return math.prod(
        sum(map(_combinations, expected)) if key == OR and is_alternatives(expected) else _combinations(expected)
        for key, expected in pattern.items()
        if isinstance(expected, dict) or (key == OR and is_alternatives(expected))
    )


@contextmanager
def _below(step: Step) -> Iterator[None]:
    """Put a step before those of an error that is raised within it."""
    try:
        yield
    except PatternError as error:
        error.steps.insert(0, step)
        raise


def _check_group(pattern: dict[str, Any], depth: int) -> None:
    if not pattern:
        raise PatternError("Empty objects are not allowed", ended=True)
    for key, expected in pattern.items():
        left = depth - 1 - key.count(".")  # `a.b` is a level more than `a`
        if left < 0:
            raise PatternError(_TOO_DEEP, located=False)
        with _below(key):
            if key == OR and is_alternatives(expected):
                for number, each in enumerate(expected):
                    with _below(number):
                        _check_group(each, left)
            elif isinstance(expected, dict):
                _check_group(expected, left)
            elif isinstance(expected, list):
                _check_rules(expected)
            else:
                raise PatternError(f'"{key}" must be an object or an array')


def _check_rules(rules: list[Any]) -> None:
    if not rules:
        raise PatternError("Empty arrays are not allowed", ended=True)
    for number, rule in enumerate(rules):
        if isinstance(rule, list | dict):
            with _below(number):
                _check_rule(rule)


def _check_rule(rule: Any) -> None:
    if isinstance(rule, list):
        raise PatternError("Match value must be String, number, true, false, or null")
    if not rule:
        raise PatternError("Match expression name not found", ended=True)
    operator, operand = next(iter(rule.items()))
    with _below(operator):
        match operator:
            case "exists":
                if not isinstance(operand, bool):
                    raise PatternError("exists match pattern must be either true or false.")
            case "numeric":
                _check_numeric(operand)
            case "anything-but":
                _check_anything_but(operand)
            case "cidr":
                _check_network(operand)
            case "prefix" | "suffix" if isinstance(operand, dict):
                _check_ignoring_case(operator, operand)
            case "prefix" | "suffix" | "equals-ignore-case" | "wildcard" | "exactly":
                _check_text(operator, operand)
            case _:
                raise PatternError(f"Unrecognized match type {operator}")
    _check_one_key(rule, _TOO_MANY if operator in ("numeric", "anything-but") else _ONE_KEY)


def _check_one_key(rule: Iterable[str], message: str) -> None:
    _, *others = rule
    if others:
        raise PatternError(message, others[0])


def _check_ignoring_case(operator: str, operand: dict[str, Any]) -> None:
    """Check the object after `prefix` or `suffix`."""
    name = next(iter(operand), None)
    if name is None:
        raise PatternError(f"{operator.capitalize()} expression name not found", ended=True)
    with _below(name):
        if name != IGNORE_CASE:
            raise PatternError(f"Unsupported {operator} pattern: {name}")
        _check_text(IGNORE_CASE, operand[IGNORE_CASE])
    _check_one_key(operand, _ONE_KEY)


def _check_text(operator: str, operand: Any) -> None:
    if not isinstance(operand, str):
        named = "exact" if operator == "exactly" else operator
        raise PatternError(f"{named} match pattern must be a string")
    if operator == "wildcard":
        _check_wildcard(operand)


def _check_wildcard(text: str) -> None:
    try:
        check_wildcard(text)
    except WildcardError as error:
        raise PatternError(str(error), ended=True) from error


def _check_numeric(operand: Any) -> None:
    if not isinstance(operand, list):
        raise PatternError("Value of numeric must be an array.")
    if not operand or not isinstance(operand[0], str):
        shown = json.dumps(operand[0]) if operand else "]"
        raise _in_array(operand, 0, f"Invalid member in numeric match: {shown}")
    operator = operand[0]
    if operator not in _COMPARISONS:
        raise _in_array(operand, 1, f"Unrecognized numeric range operator: {operator}")
    _check_limit(operand, 1, _COMPARISONS[operator])
    if len(operand) == 2:
        return
    if operator not in (">", ">="):
        raise PatternError(_TOO_MANY, 2)
    if not isinstance(operand[2], str):
        raise PatternError(f"Bad value in numeric range: {json.dumps(operand[2])}", 2, ended=True)
    if operand[2] not in _TOP:
        raise PatternError(f"Bad numeric range operator: {operand[2]}", 2, ended=True)
    _check_limit(operand, 3, operand[2])
    if len(operand) > 4:
        raise PatternError("Too many terms in numeric range expression", 4)
    if operand[1] >= operand[3]:
        raise PatternError("Bottom must be less than top", ended=True)


def _check_limit(operand: list[Any], index: int, operator: str) -> None:
    if index >= len(operand) or not _is_number(operand[index]):
        raise _in_array(operand, index, f"Value of {operator} must be numeric")


def _in_array(array: list[Any], index: int, message: str) -> PatternError:
    """Return the error for an element of an array, which is the end of the array if it has no such element."""
    return PatternError(message, index) if index < len(array) else PatternError(message, ended=True)


def _check_anything_but(operand: Any) -> None:
    if isinstance(operand, dict):
        if not operand:
            raise PatternError("Anything-But expression name not found", ended=True)
        operator, texts = next(iter(operand.items()))
        with _below(operator):
            if operator not in _TEXTS:
                raise PatternError(f"Unsupported anything-but pattern: {operator}")
            _check_excluded(texts)
            _check_excluded_texts(operator, texts)
        _check_one_key(operand, _TOO_MANY)
        return
    _check_excluded(operand)
    if isinstance(operand, list):
        for number, value in enumerate(operand):
            if not isinstance(value, str) and not _is_number(value):
                message = "Inside anything but list, start|null|boolean is not supported."
                raise PatternError(message, number, again=True)
        if len({isinstance(value, str) for value in operand}) != 1:
            raise PatternError(
                "Inside anything but list, either all values are number or string, mixed type is not supported",
                ended=True,
            )


def _check_excluded(operand: Any) -> None:
    if not isinstance(operand, str | list) and not _is_number(operand):
        raise PatternError("Value of anything-but must be an array or single string/number value.")


def _check_excluded_texts(operator: str, texts: Any) -> None:
    if not isinstance(texts, list):
        _check_excluded_text(operator, texts)
        return
    for number, text in enumerate(texts):
        with _below(number):
            try:
                _check_excluded_text(operator, text)
            except PatternError as error:
                error.again = True
                raise


def _check_excluded_text(operator: str, text: Any) -> None:
    if not isinstance(text, str):
        raise PatternError(_TEXTS[operator])
    if operator == "wildcard":
        _check_wildcard(text)
    elif not text and operator != IGNORE_CASE:
        raise PatternError("Null prefix/suffix not allowed", ended=True)


def _check_network(operand: Any) -> None:
    if not isinstance(operand, str):
        raise PatternError("prefix match pattern must be a string")  # event-ruler's words
    try:
        check_cidr(operand)
    except CidrError as error:
        raise PatternError(str(error), located=False) from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
