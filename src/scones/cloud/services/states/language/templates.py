"""Payload templates, compiled once: Parameters, ResultSelector, ItemSelector, Assign, and JSONata's fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scones.cloud.services.states.language.failures import EvaluationError
from scones.cloud.services.states.language.intrinsics import Expression, compile_expression
from scones.cloud.services.states.language.paths import Path, Scope
from scones.cloud.services.states.language.queries import JsonataQuery, query_text
from scones.cloud.services.states.language.text import dumps


@dataclass(frozen=True, slots=True)
class Literal:
    """A part without expressions: handed out as it is."""

    value: Any

    def evaluate(self, _scope: Scope) -> Any:
        """Return the value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Query:
    """A field whose name ends in `.$`."""

    field: str
    expression: Expression

    def evaluate(self, scope: Scope) -> Any:
        """Return what the expression gives; an input that lacks the path fails as AWS words it."""
        if not isinstance(self.expression, Path):
            return self.expression.evaluate(scope)
        try:
            return self.expression.evaluate(scope)
        except EvaluationError:
            raise EvaluationError(
                f"The JSONPath '{self.expression.text}' specified for the field '{self.field}' could not be found "
                f"in the input '{dumps(scope.input)}'"
            ) from None


@dataclass(frozen=True, slots=True)
class Fields:
    """An object with expressions somewhere below."""

    members: tuple[tuple[str, Template], ...]

    def evaluate(self, scope: Scope) -> Any:
        """Return the object with every expression replaced."""
        return {name: member.evaluate(scope) for name, member in self.members}


@dataclass(frozen=True, slots=True)
class Items:
    """An array with expressions somewhere below."""

    items: tuple[Template, ...]

    def evaluate(self, scope: Scope) -> Any:
        """Return the array with every expression replaced."""
        return [item.evaluate(scope) for item in self.items]


Template = Literal | Query | JsonataQuery | Fields | Items


def compile_template(payload: Any) -> Template:
    """Compile a payload template. Raises ValueError where a `.$` field holds no expression."""
    if isinstance(payload, dict):
        members = tuple(_member(name, value) for name, value in payload.items())
        if all(isinstance(member, Literal) for _, member in members):
            return Literal(payload)
        return Fields(members)
    if isinstance(payload, list):
        items = tuple(compile_template(item) for item in payload)
        return Literal(payload) if all(isinstance(item, Literal) for item in items) else Items(items)
    return Literal(payload)


def compile_jsonata(payload: Any, field: str) -> Template:
    """Compile a JSONata state's field: every `{% … %}` string in it is an expression."""
    text = query_text(payload)
    if text is not None:
        return JsonataQuery(field, text)
    if isinstance(payload, dict):
        members = tuple((name, compile_jsonata(value, f"{field}/{name}")) for name, value in payload.items())
        return Literal(payload) if all(isinstance(part, Literal) for _, part in members) else Fields(members)
    if isinstance(payload, list):
        items = tuple(compile_jsonata(item, f"{field}[{index}]") for index, item in enumerate(payload))
        return Literal(payload) if all(isinstance(part, Literal) for part in items) else Items(items)
    return Literal(payload)


def _member(name: str, value: Any) -> tuple[str, Template]:
    if not name.endswith(".$"):
        return name, compile_template(value)
    if not isinstance(value, str):
        raise ValueError(f"the field {name!r} holds no expression")
    return name[:-2], Query(name, compile_expression(value))
