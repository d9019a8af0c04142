"""JSONata with AWS's behaviour where jsonata-python differs: arithmetic, number picture strings and size limits.

Measured on AWS by third parties: floci-io/floci, issue 2737 and pull request 2783.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from jsonata import Jsonata
from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.utils import Utils

TOO_MUCH = "memory"
"""The local cloud's error code for an expression whose value exceeds a size limit; JSONata has no such code."""
_MAX_ITEMS = 873_782
_MAX_TEXT = 8 * _MAX_ITEMS


class JsonataExpression(Jsonata):  # type: ignore[misc]  # jsonata has no types
    """An expression with JavaScript's arithmetic, which fails if a range or string exceeds AWS's size limits."""

    def evaluate(self, input: Any, bindings: Any = None) -> Any:  # noqa: A002 - jsonata-python's name
        """Make this the current expression, which functions that read the time or call others use, and evaluate it."""
        Jsonata.CURRENT.jsonata = self
        return super().evaluate(input, bindings)

    def evaluate_numeric_expression(self, lhs: Any, rhs: Any, op: Any) -> Any:
        """Compute as JavaScript does, including division by zero and remainders of fractions."""
        if not (Utils.is_numeric(lhs) and Utils.is_numeric(rhs)):
            return super().evaluate_numeric_expression(lhs, rhs, op)  # undefined, or an error
        return _number(_OPERATIONS[op](float(lhs), float(rhs)))

    def validate_arguments(self, signature: Any, args: Any, context: Any) -> Any:
        """Reject a null if the function does not accept one."""
        types: Any = getattr(signature, "signature", None)
        some_null = types is not None and any(arg is Utils.NULL_VALUE for arg in args)
        if some_null and not types._regex.fullmatch(_symbols(types, args)):
            raise JException("T0410", -1)
        return super().validate_arguments(signature, args, context)

    def apply_inner(self, proc: Any, args: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """Call a function; if an argument does not match its signature, add the argument's number to the error."""
        try:
            return super().apply_inner(proc, args, input, environment)
        except JException as error:
            if error.error != "T0410" or error.extra is not None:
                raise
            signature = getattr(proc, "signature", None)
            misfit = JException(
                "T0410", -1, _mismatched_argument(signature, args), getattr(proc, "function_name", None)
            )
            misfit.extra = "numbered"
            raise misfit from error

    def evaluate_range_expression(self, lhs: Any, rhs: Any) -> Any:
        """Reject a range with more items than AWS allows."""
        items = super().evaluate_range_expression(lhs, rhs)
        _check(0 if items is None else rhs - lhs + 1, _MAX_ITEMS)
        return items

    def evaluate_string_concat(self, lhs: Any, rhs: Any) -> Any:
        """Reject a string that is longer than AWS allows."""
        _check_finite(lhs)
        _check_finite(rhs)
        text = super().evaluate_string_concat(lhs, rhs)
        _check(len(text), _MAX_TEXT)
        return text


def _symbols(signature: Any, args: Any) -> str:
    """Return one type letter per argument; jsonata-python's own method treats null as undefined."""
    return "".join("l" if arg is Utils.NULL_VALUE else signature.get_symbol(arg) for arg in args) if signature else ""


def _mismatched_argument(signature: Any, args: Any) -> int:
    """Return the number, from 1, of the first argument that does not match a signature; 1 if all match."""
    given = _symbols(signature, args)
    if signature is None or signature._regex.fullmatch(given):
        return 1
    pattern, fitting = "", 0
    for parameter in signature._params:
        pattern += parameter.regex
        found = re.match(pattern, given)
        if found is None:
            break
        fitting = found.end()
    return fitting + 1


def _check_finite(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise JException("D3001", -1)


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise JException(TOO_MUCH)


def _number(value: float) -> float:
    return int(value) if math.isfinite(value) and value.is_integer() else value


def _quotient(number: float, by: float) -> float:
    if by:
        return number / by
    return math.copysign(math.inf, number) * math.copysign(1, by) if number else math.nan


def _remainder(number: float, by: float) -> float:
    return math.fmod(number, by) if by else math.nan


_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quotient,
    "%": _remainder,
}


_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[Ee][-+]?[0-9]+)?")
_BASED = re.compile(r"0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+")


class _Functions:
    """Replacements for jsonata-python's functions that differ from AWS's."""

    @staticmethod
    def count(items: Any) -> int:
        if items is None:  # undefined
            return 0
        return len(items) if isinstance(items, (list, range)) else 1  # a null is an item too, as on AWS

    @staticmethod
    def number(value: Any) -> Any:
        if isinstance(value, str):
            if _BASED.fullmatch(value):
                return int(value, 0)
            if not _NUMBER.fullmatch(value) or not math.isfinite(float(value)):
                raise JException("D3030", -1, value)
        return Functions.number(value)

    @staticmethod
    def string(value: Any, indented: Any) -> Any:
        _check_finite(value)
        return Functions.string(value, indented)

    @staticmethod
    def format_integer(value: Any, picture: Any) -> Any:
        try:
            return Functions.format_integer(value, picture)
        except RuntimeError as error:
            raise JException("D3130", -1, picture) from error

    @staticmethod
    def power(base: Any, exponent: Any) -> Any:
        if base is None or exponent is None:
            return None
        try:
            return _number(math.pow(base, exponent))
        except (OverflowError, ValueError) as error:
            raise JException("D3061", -1, base, exponent) from error

    @staticmethod
    def parse_integer(text: Any, picture: Any) -> Any:
        if text is None or picture is None:
            return None
        try:
            return Functions.parse_integer(text, picture)
        except (ValueError, LookupError):
            return math.nan

    @staticmethod
    def format_number(value: Any, picture: Any, options: Any) -> Any:
        if value is None or picture is None:
            return None
        pictures = picture.split((options or {}).get("pattern-separator", ";"))
        if len(pictures) <= 2:  # jsonata-python rejects more than two
            for part in pictures:
                if broken := _broken_rule(part, options or {}):
                    raise JException(broken)
            value = _rounded(value, pictures[-1 if value < 0 else 0], options or {})
        return Functions.format_number(value, picture, options)


def _broken_rule(picture: str, options: Mapping[str, str]) -> str | None:
    """Return the code of the last of XPath's rules (F&O, 4.7.3) that a number's picture string breaks, or None."""
    point, grouping = options.get("decimal-separator", "."), options.get("grouping-separator", ",")
    exponent, optional = options.get("exponent-separator", "e"), options.get("digit", "#")
    percent, per_mille = options.get("percent", "%"), options.get("per-mille", "‰")
    zero = ord(options.get("zero-digit", "0"))
    digits = {chr(zero + n) for n in range(10)}
    placed = {*digits, point, grouping, optional}
    ends = [index for index, char in enumerate(picture) if char in placed]
    active = picture[ends[0] : ends[-1] + 1] if ends else picture
    if ends and picture[ends[-1] + 1 :].startswith(exponent):
        active += exponent
    mantissa, split, power = active.partition(exponent)
    whole, _, fraction = mantissa.partition(point)
    beside = {point + grouping, grouping + point}
    rules = {
        "D3081": picture.count(point) > 1,
        "D3082": picture.count(percent) > 1,
        "D3083": picture.count(per_mille) > 1,
        "D3084": percent in picture and per_mille in picture,
        "D3085": not any(char in digits or char == optional for char in mantissa),
        "D3086": any(char not in placed and char != exponent for char in active),
        "D3087": any(pair in picture for pair in beside),
        "D3088": point not in picture and whole.endswith(grouping),
        "D3089": 2 * grouping in picture,
        "D3090": optional in whole and any(char in digits for char in whole[: whole.index(optional)]),
        "D3091": optional in fraction and any(char in digits for char in fraction[fraction.index(optional) :]),
        "D3092": bool(split) and (percent in picture or per_mille in picture),
        "D3093": bool(split) and (not power or any(char not in digits for char in power)),
    }
    return next((code for code, broken in reversed(rules.items()) if broken), None)


def _rounded(value: float, picture: str, options: Mapping[str, str]) -> float:
    """Round half to even to the decimals of the picture string; jsonata-python rounds the binary fraction."""
    _, _, fraction = picture.partition(options.get("decimal-separator", "."))
    zero = ord(options.get("zero-digit", "0"))
    decimals = sum(0 <= ord(char) - zero < 10 or char == options.get("digit", "#") for char in fraction)
    if options.get("exponent-separator", "e") in picture or not math.isfinite(value):
        return value
    decimals += 2 * (options.get("percent", "%") in picture) + 3 * (options.get("per-mille", "‰") in picture)
    rounded: float = Functions.round(value, decimals)
    return rounded


def _native(name: str, signature: str, method: str) -> Any:
    return Jsonata.JNativeFunction(name, signature, _Functions, method)


REPLACED_FUNCTIONS: dict[str, Any] = {
    "count": _native("count", "<x:n>", "count"),
    "formatInteger": _native("formatInteger", "<n-s:s>", "format_integer"),
    "formatNumber": _native("formatNumber", "<n-so?:s>", "format_number"),
    "parseInteger": _native("parseInteger", "<s-s:n>", "parse_integer"),
    "number": _native("number", "<(nsb)-:n>", "number"),
    "power": _native("power", "<n-n:n>", "power"),
    "string": _native("string", "<x-b?:s>", "string"),
}
