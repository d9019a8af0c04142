"""Parsing of a query into its commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from scones.cloud.services.logs.insights.commands import (
    MAX_RESULTS,
    Command,
    Dedup,
    Fields,
    Filter,
    Limit,
    NamedExpression,
    Parse,
    Query,
    Sort,
    Stats,
)
from scones.cloud.services.logs.insights.expressions import AggregateCall, Expression, ExpressionParser, TokenReader
from scones.cloud.services.logs.insights.tokens import Token, malformed, tokens

_UNSUPPORTED = ("pattern", "diff", "unmask", "anomaly", "filterindex", "lookup", "join", "source", "unnest", "where")


def parse_query(query: str) -> Query:
    """Parse a query; raises `ServiceError` (MalformedQueryException)."""
    reader = TokenReader(tokens(query), query)
    commands = [_command(reader)]
    while reader.accept("|"):
        commands.append(_command(reader))
    if reader.current.kind != "end":
        raise reader.unexpected()
    return Query(tuple(commands))


def _command(reader: TokenReader) -> Command:
    token = reader.take()
    name = token.text.lower()
    if token.kind != "name" or name not in _COMMANDS:
        if name in _UNSUPPORTED:
            raise malformed(f"The local cloud does not support the command {name}; AWS does.")
        reader.at -= token.kind != "end"
        raise reader.unexpected()
    return _COMMANDS[name](reader)


def _fields(reader: TokenReader) -> Command:
    return Fields(_named_list(reader), replaces_shown=False)


def _display(reader: TokenReader) -> Command:
    return Fields(_named_list(reader), replaces_shown=True)


def _filter(reader: TokenReader) -> Command:
    return Filter(ExpressionParser(reader).parse())


def _stats(reader: TokenReader) -> Command:
    aggregates: list[AggregateCall] = []
    named = _named_list(reader, aggregates)
    by = _named_list(reader) if reader.accept_word("by") else []
    return Stats(named, aggregates, by)


def _sort(reader: TokenReader) -> Command:
    keys: list[tuple[Expression, bool]] = []
    while not keys or reader.accept(","):
        key = ExpressionParser(reader).parse()
        keys.append((key, reader.accept_word("asc", "desc") != "desc"))
    return Sort(keys)


def _limit(reader: TokenReader) -> Command:
    token = reader.take()
    if token.kind != "number" or not token.text.isdecimal() or not 1 <= int(token.text) <= MAX_RESULTS:
        raise malformed(f"The command limit needs a number from 1 to {MAX_RESULTS}.")
    return Limit(int(token.text))


def _dedup(reader: TokenReader) -> Command:
    return Dedup(_names(reader))


def _parse(reader: TokenReader) -> Command:
    """Parse `parse FIELD "glob * glob" as a, b` or `parse FIELD /expression/`; FIELD is @message if it is missing."""
    source: Expression = lambda row: row.get("@message")  # noqa: E731
    if reader.current.kind == "name":
        name = reader.take().text
        source = lambda row: row.get(name)  # noqa: E731
    token = reader.take()
    if token.kind == "regex":
        return Parse(source, token.text, re.findall(r"\(\?P?<([A-Za-z_]\w*)>", token.text))
    if token.kind != "string":
        raise malformed("The command parse needs a text with stars, or a regular expression between slashes.")
    if reader.accept_word("as") is None:
        raise reader.unexpected()
    names = _names(reader)
    return Parse(source, _glob(token), names)


def _glob(token: Token) -> str:
    """Return the expression for a text with stars: each is a group with as few characters as possible."""
    parts = [re.escape(part).replace(r"\ ", " ") for part in token.text.split("*")]
    lazy = "(.*?)".join(parts)
    return f"{lazy.removesuffix('(.*?)')}(.*)" if lazy.endswith("(.*?)") else lazy


def _names(reader: TokenReader) -> list[str]:
    names: list[str] = []
    while not names or reader.accept(","):
        if reader.current.kind != "name":
            raise reader.unexpected()
        names.append(reader.take().text)
    return names


def _named_list(reader: TokenReader, aggregates: list[AggregateCall] | None = None) -> list[NamedExpression]:
    named: list[NamedExpression] = []
    while not named or reader.accept(","):
        first = reader.at
        expression = ExpressionParser(reader, aggregates).parse()
        written = _written(reader, reader.tokens[first : reader.at])
        plain = reader.at == first + 1 and reader.tokens[first].kind == "name"
        if reader.accept_word("as"):
            if reader.current.kind != "name":
                raise reader.unexpected()
            named.append(NamedExpression(reader.take().text, expression, computed=True))
        else:
            named.append(NamedExpression(written, expression, computed=not plain))
    return named


def _written(reader: TokenReader, found: Sequence[Token]) -> str:
    """Return the text of an expression in the query, which is the name of a field without `as`."""
    if len(found) == 1 and found[0].kind == "name":
        return found[0].text
    end = reader.current.position
    return reader.query[found[0].position : end].strip()


_COMMANDS: dict[str, Callable[[TokenReader], Command]] = {
    "fields": _fields,
    "display": _display,
    "filter": _filter,
    "stats": _stats,
    "sort": _sort,
    "limit": _limit,
    "head": _limit,
    "dedup": _dedup,
    "parse": _parse,
}
