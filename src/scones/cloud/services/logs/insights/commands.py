"""Commands of a query: each turns a stream of rows into another one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import islice

import re2

from scones.cloud.services.logs.insights.aggregates import AGGREGATES, Accumulator, Budget
from scones.cloud.services.logs.insights.expressions import AggregateCall, Expression
from scones.cloud.services.logs.insights.tokens import malformed
from scones.cloud.services.logs.insights.values import Row, Value, is_true, order_key, text

MAX_RESULTS = 10_000
"""Maximum number of results, and of rows that are sorted: API reference, "StartQuery"."""
MAX_SORTED = 64 << 20
"""Maximum number of characters of the rows that are sorted."""
MAX_GROUPS = 10_000
"""Maximum number of groups of a command `stats`."""
_SEARCHED = 65_536
"""Number of bytes of a field in which `parse` searches."""


class Command(ABC):
    """A command of a query."""

    shown: tuple[str, ...] | None = None
    """Fields that the results show after this command, or None if it does not change them."""
    replaces_shown = False
    """True if the fields that earlier commands show are not shown any more."""

    @abstractmethod
    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Return the rows after the command."""


@dataclass(frozen=True, slots=True)
class NamedExpression:
    """An expression and the name of the field that has its value; `computed` is False for a plain field."""

    name: str
    expression: Expression
    computed: bool


class Fields(Command):
    """`fields` and `display`: show fields, and compute those with an expression."""

    def __init__(self, named: Sequence[NamedExpression], *, replaces_shown: bool) -> None:
        self.shown = tuple(each.name for each in named)
        self.replaces_shown = replaces_shown
        self._computed = [each for each in named if each.computed]

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Compute fields."""
        for row in rows:
            for each in self._computed:
                row.fields[each.name] = each.expression(row)
            yield row


class Filter(Command):
    """`filter`: keep the rows that meet a condition."""

    def __init__(self, condition: Expression) -> None:
        self._condition = condition

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Keep the rows that meet the condition."""
        return (row for row in rows if is_true(self._condition(row)))


class Parse(Command):
    """`parse`: take new fields from the text of a field with a glob or with the named groups of an expression."""

    def __init__(self, source: Expression, pattern: str, names: Sequence[str]) -> None:
        self._source = source
        self._names = names
        options = re2.Options()
        options.log_errors = False
        options.max_mem = 1 << 20
        options.dot_nl = True
        try:
            self._compiled = re2.compile(pattern.encode(errors="replace"), options)
        except re2.error as error:
            raise malformed(f"invalid regular expression /{pattern}/") from error
        if self._compiled.groups < len(names):
            raise malformed("The number of names and of groups in the command parse differ.")

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Set the fields of rows that match; the others lack them."""
        for row in rows:
            searched = text(self._source(row)).encode(errors="replace")[:_SEARCHED]
            if found := self._compiled.search(searched):
                for number, name in enumerate(self._names, 1):
                    value = found[number]
                    row.fields[name] = None if value is None else value.decode(errors="replace")
            yield row


class Stats(Command):
    """`stats`: aggregate rows by the values of expressions."""

    def __init__(
        self, named: Sequence[NamedExpression], aggregates: Sequence[AggregateCall], by: Sequence[NamedExpression]
    ) -> None:
        self.shown = (*(each.name for each in by), *(each.name for each in named))
        self.replaces_shown = True
        self._named = named
        self._aggregates = aggregates
        self._by = by

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Return one row per group, in the order in which the groups were found."""
        budget = Budget()
        groups: dict[tuple[str, ...], tuple[list[Value], list[Accumulator]]] = {}
        for row in rows:
            values = [each.expression(row) for each in self._by]
            key = tuple(map(text, values))
            if key not in groups:
                if len(groups) >= MAX_GROUPS:
                    raise malformed(f"The local cloud supports at most {MAX_GROUPS} groups of the command stats.")
                groups[key] = values, [AGGREGATES[each.name](budget) for each in self._aggregates]
            time = row.get("@timestamp")
            at = float(time) if isinstance(time, int | float) else 0.0
            for call, accumulator in zip(self._aggregates, groups[key][1], strict=True):
                accumulator.add([argument(row) for argument in call.arguments], at)
        if not groups and not self._by:
            groups[()] = [], [AGGREGATES[each.name](budget) for each in self._aggregates]
        for values, accumulators in groups.values():
            yield self._result(values, accumulators)

    def _result(self, values: Sequence[Value], accumulators: Sequence[Accumulator]) -> Row:
        slots = {
            call.slot: accumulator.result() for call, accumulator in zip(self._aggregates, accumulators, strict=True)
        }
        grouped = {each.name: value for each, value in zip(self._by, values, strict=True)}
        computed = Row({**slots, **grouped})
        return Row({**grouped, **{each.name: each.expression(computed) for each in self._named}})


class Sort(Command):
    """`sort`: the first rows in an order; missing values are first in ascending order."""

    def __init__(self, keys: Sequence[tuple[Expression, bool]]) -> None:
        self._keys = keys

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Return the first `MAX_RESULTS` rows in the order."""
        directions = [1 if ascending else -1 for _, ascending in self._keys]

        def compare(one: _Keyed, other: _Keyed) -> int:
            for left, right, direction in zip(one[0], other[0], directions, strict=True):
                if left != right:
                    return direction if left > right else -direction
            return 0

        kept: list[_Keyed] = []
        size = 0
        for row in rows:
            kept.append(([order_key(key(row)) for key, _ in self._keys], row))
            size += row.size
            if len(kept) >= 2 * MAX_RESULTS or size > MAX_SORTED:
                kept = sorted(kept, key=cmp_to_key(compare))[:MAX_RESULTS]
                size = sum(row.size for _, row in kept)
                if size > MAX_SORTED:
                    raise malformed(f"The local cloud sorts at most {MAX_SORTED >> 20} MiB of events.")
        return (row for _, row in sorted(kept, key=cmp_to_key(compare))[:MAX_RESULTS])


_Keyed = tuple[list[tuple[int, float, str]], Row]


class Limit(Command):
    """`limit`: the first rows."""

    def __init__(self, number: int) -> None:
        self._number = number

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Return the first rows."""
        return islice(rows, self._number)


class Dedup(Command):
    """`dedup`: the first row for each combination of the values of fields."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Return rows with new values."""
        budget, seen = Budget(), set()
        for row in rows:
            key = tuple(text(row.get(name)) for name in self._names)
            if key not in seen:
                budget.take()
                seen.add(key)
                yield row


@dataclass(frozen=True, slots=True)
class Query:
    """The commands of a query, in order."""

    commands: tuple[Command, ...]

    def shown(self) -> tuple[str, ...]:
        """Return the fields that the results show."""
        fields: tuple[str, ...] = ()
        for command in self.commands:
            if command.shown is not None:
                fields = command.shown if command.replaces_shown else (*fields, *command.shown)
        return tuple(dict.fromkeys(fields)) or ("@timestamp", "@message")

    @property
    def is_aggregate(self) -> bool:
        """Return True if the results are groups, which have no pointer to an event."""
        return any(isinstance(command, Stats) for command in self.commands)

    def run(self, rows: Iterable[Row], limit: int) -> Iterator[Row]:
        """Return the results for the rows of events."""
        found = iter(rows)
        for command in self.commands:
            found = command.apply(found)
        return islice(found, limit)
