"""Expressions of the query language: parsing into functions of a row."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from scones.cloud.core.expressions import RegularExpression, RegularExpressionError
from scones.cloud.services.logs.insights.aggregates import AGGREGATES
from scones.cloud.services.logs.insights.functions import (
    FUNCTIONS,
    call_function,
    ceil_time,
    floor_time,
    period_of,
)
from scones.cloud.services.logs.insights.tokens import Token, malformed
from scones.cloud.services.logs.insights.values import Row, Value, is_true, number, text

Expression = Callable[[Row], Value]
MAX_DEPTH = 50
"""Maximum nesting of an expression."""
_ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
    "^": math.pow,
}
_TIME_FUNCTIONS = {"bin": floor_time, "datefloor": floor_time, "dateceil": ceil_time}


class AggregateCall(NamedTuple):
    """A call of an aggregate function; its value is in the field `slot` of the group's row."""

    name: str
    arguments: tuple[Expression, ...]
    slot: str


@dataclass(slots=True)
class TokenReader:
    """Tokens of a query, and the position of the next one."""

    tokens: list[Token]
    query: str
    at: int = 0
    depth: int = field(default=0)

    @property
    def current(self) -> Token:
        """Return the next token."""
        return self.tokens[self.at]

    def take(self) -> Token:
        """Consume the next token."""
        token = self.current
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def accept(self, *symbols: str) -> str | None:
        """Consume a symbol if it is next, and return it."""
        token = self.current
        if token.kind == "symbol" and token.text in symbols:
            return self.take().text
        return None

    def accept_word(self, *words: str) -> str | None:
        """Consume a keyword if it is next, and return it in lower case."""
        return self.take().text.lower() if self.current.is_word(*words) else None

    def expect(self, symbol: str) -> None:
        """Consume a symbol; raises `ServiceError` if another token is next."""
        if self.accept(symbol) is None:
            raise self.unexpected()

    def unexpected(self) -> Exception:
        """Return the error for the next token."""
        token = self.current
        line = self.query.count("\n", 0, token.position) + 1
        column = token.position - self.query.rfind("\n", 0, token.position) - 1
        return malformed(f"unexpected symbol found {token.text or '<EOF>'} at line {line} and position {column}")


class ExpressionParser:
    """Parses expressions; with `aggregates`, calls of aggregate functions are collected there."""

    def __init__(self, reader: TokenReader, aggregates: list[AggregateCall] | None = None) -> None:
        self._reader = reader
        self._aggregates = aggregates

    def parse(self) -> Expression:
        """Parse an expression; raises `ServiceError` (MalformedQueryException)."""
        self._reader.depth += 1
        if self._reader.depth > MAX_DEPTH:
            raise malformed("The query is nested too deeply.")
        left = self._conjunction()
        while self._reader.accept_word("or"):
            left = _either(left, self._conjunction())
        self._reader.depth -= 1
        return left

    def _conjunction(self) -> Expression:
        left = self._negation()
        while self._reader.accept_word("and"):
            left = _both(left, self._negation())
        return left

    def _negation(self) -> Expression:
        if self._reader.accept_word("not"):
            self._reader.depth += 1
            if self._reader.depth > MAX_DEPTH:
                raise malformed("The query is nested too deeply.")
            inner = self._negation()
            self._reader.depth -= 1
            return lambda row: not is_true(inner(row))
        return self._comparison()

    def _comparison(self) -> Expression:
        reader, left = self._reader, self._sum()
        if symbol := reader.accept("=", "!=", "<", "<=", ">", ">="):
            return _compared(symbol, left, self._sum())
        if reader.accept("=~"):
            return _like(left, self._like_pattern())
        negated = bool(reader.accept_word("not"))
        if reader.accept_word("like"):
            found = _like(left, self._like_pattern())
        elif reader.accept_word("in"):
            found = self._membership(left)
        elif negated:
            raise reader.unexpected()
        else:
            return left
        return (lambda row: not found(row)) if negated else found

    def _like_pattern(self) -> RegularExpression | str:
        token = self._reader.current
        if token.kind == "regex":
            self._reader.take()
            return compiled(token.text)
        if token.kind == "string":
            return self._reader.take().text
        raise self._reader.unexpected()

    def _membership(self, left: Expression) -> Expression:
        self._reader.expect("[")
        members = [self._sum()]
        while self._reader.accept(","):
            members.append(self._sum())
        self._reader.expect("]")
        return lambda row: any(equal(left(row), member(row)) for member in members)

    def _sum(self) -> Expression:
        left = self._product()
        while symbol := self._reader.accept("+", "-"):
            left = _calculated(symbol, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._power()
        while symbol := self._reader.accept("*", "/", "%"):
            left = _calculated(symbol, left, self._power())
        return left

    def _power(self) -> Expression:
        left = self._unary()
        while self._reader.accept("^"):
            left = _calculated("^", left, self._unary())
        return left

    def _unary(self) -> Expression:
        if self._reader.accept("-"):
            operand = self._primary()
            return _calculated("-", lambda row: 0.0, operand)  # noqa: ARG005
        return self._primary()

    def _primary(self) -> Expression:
        reader = self._reader
        if reader.accept("("):
            inner = self.parse()
            reader.expect(")")
            return inner
        token = reader.current
        if token.kind == "number":
            reader.take()
            constant = float(token.text) * (_milliseconds(token) if token.unit else 1.0)
            return lambda row: constant  # noqa: ARG005
        if token.kind == "string":
            literal = reader.take().text
            return lambda row: literal  # noqa: ARG005
        if token.kind != "name":
            raise reader.unexpected()
        name = reader.take().text
        if reader.accept("("):
            return self._call(name)
        return lambda row: row.get(name)

    def _call(self, name: str) -> Expression:
        lower = name.lower()
        if lower in _TIME_FUNCTIONS:
            return self._time_call(lower)
        if lower in AGGREGATES and self._aggregates is not None:
            return self._aggregate_call(lower)
        if lower not in FUNCTIONS:
            raise malformed(f"The local cloud does not support the function {name} here.")
        arguments = self._arguments()
        return lambda row: call_function(lower, [argument(row) for argument in arguments])

    def _aggregate_call(self, name: str) -> Expression:
        assert self._aggregates is not None
        if self._reader.accept("*"):
            self._reader.expect(")")
            arguments: tuple[Expression, ...] = ()
        else:
            arguments = tuple(ExpressionParser(self._reader).arguments())
        if not arguments and name != "count":
            raise malformed(f"The function {name} needs an argument.")
        slot = f"\0{len(self._aggregates)}"
        self._aggregates.append(AggregateCall(name, arguments, slot))
        return lambda row: row.get(slot)

    def _time_call(self, name: str) -> Expression:
        """Parse `bin(5m)`, `bin(@timestamp, 5m)`, `datefloor(field, 1h)` or `dateceil(field, 1h)`."""
        reader, rounded = self._reader, _TIME_FUNCTIONS[name]
        value: Expression = lambda row: row.get("@timestamp")  # noqa: E731
        if reader.current.kind != "number":
            value = self._sum()
            reader.expect(",")
        token = reader.take()
        if token.kind != "number" or not token.unit:
            raise malformed(f"The function {name} needs a period, such as 5m.")
        reader.expect(")")
        period = _milliseconds(token) * float(token.text)
        return lambda row: rounded(value(row), period)

    def arguments(self) -> list[Expression]:
        """Parse the arguments of a call up to the closing parenthesis."""
        return self._arguments()

    def _arguments(self) -> list[Expression]:
        found: list[Expression] = []
        while not self._reader.accept(")"):
            if found:
                self._reader.expect(",")
            found.append(self.parse())
        return found


def compiled(pattern: str) -> RegularExpression:
    """Return a regular expression; raises `ServiceError` (MalformedQueryException)."""
    try:
        return RegularExpression(pattern)
    except RegularExpressionError as error:
        raise malformed(f"invalid regular expression /{pattern}/: {error}") from error


def equal(left: Value, right: Value) -> bool:
    """Return True if two values are equal as numbers, or else as texts."""
    if left is None or right is None:
        return left is right
    one, other = number(left), number(right)
    return one == other if one is not None and other is not None else text(left) == text(right)


def _milliseconds(token: Token) -> float:
    return period_of("1", token.unit)


def _either(left: Expression, right: Expression) -> Expression:
    return lambda row: is_true(left(row)) or is_true(right(row))


def _both(left: Expression, right: Expression) -> Expression:
    return lambda row: is_true(left(row)) and is_true(right(row))


def _compared(symbol: str, left: Expression, right: Expression) -> Expression:
    if symbol in ("=", "!="):
        return lambda row: equal(left(row), right(row)) is (symbol == "=")

    def ordered(row: Row) -> Value:
        one, other = number(left(row)), number(right(row))
        return one is not None and other is not None and _ORDER[symbol](one, other)

    return ordered


def _like(left: Expression, pattern: RegularExpression | str) -> Expression:
    if isinstance(pattern, str):
        return lambda row: pattern in text(left(row))
    return lambda row: pattern.matches_in(text(left(row)))


def _calculated(symbol: str, left: Expression, right: Expression) -> Expression:
    def calculated(row: Row) -> Value:
        one, other = number(left(row)), number(right(row))
        if one is None or other is None:
            return None
        try:
            return _ARITHMETIC[symbol](one, other)
        except (ArithmeticError, ValueError):
            return None

    return calculated
