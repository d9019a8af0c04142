"""Payload templates, compiled once: Parameters, ResultSelector, ItemSelector, Assign, and the fields with JSONata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scones.cloud.core.text_size import utf8_size
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError
from scones.cloud.services.stepfunctions.asl.intrinsics import Expression, compile_expression
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope, Path
from scones.cloud.services.stepfunctions.asl.queries import JsonataQuery, evaluate_all, query_text
from scones.cloud.services.stepfunctions.asl.text import LIMIT, dumps


@dataclass(frozen=True, slots=True)
class ConstantTemplate:
    """A template without expressions; its value is returned unchanged."""

    value: Any

    async def evaluate(self, _scope: EvaluationScope) -> Any:
        """Return the value."""
        return self.value


@dataclass(frozen=True, slots=True)
class PathField:
    """A field whose name ends in `.$`."""

    field: str
    expression: Expression

    async def evaluate(self, scope: EvaluationScope) -> Any:
        """Return the expression's value; raise `EvaluationError` with AWS's message if the path is not in the input."""
        if not isinstance(self.expression, Path):
            return await self.expression.evaluate(scope)
        try:
            return self.expression.evaluate(scope)
        except EvaluationError:
            raise EvaluationError(
                f"The JSONPath '{self.expression.text}' specified for the field '{self.field}' could not be found "
                f"in the input '{dumps(scope.input)}'"
            ) from None


@dataclass(frozen=True, slots=True)
class Placeholder:
    """The position of an expression's value in a template."""

    index: int


@dataclass(frozen=True, slots=True)
class JsonPathTemplate:
    """A template with expressions; `form` has a `Placeholder` at the position of each expression's value."""

    skeleton: Any
    queries: tuple[PathField, ...]

    async def evaluate(self, scope: EvaluationScope) -> Any:
        """Return the payload; raise `StateFailedError` if the values exceed 256 KiB in total."""
        values: list[Any] = []
        size = 0
        for query in self.queries:
            value = await query.evaluate(scope)
            values.append(value)
            if len(self.queries) > 1:  # a single value is no larger than the value that it refers to
                size += _size(value)
                if size > LIMIT:
                    raise scope.data_limit_failure()
        return _fill(self.skeleton, values)


@dataclass(frozen=True, slots=True)
class JsonataTemplate:
    """A template with JSONata; `form` has a `Placeholder` at the position of each expression's value."""

    skeleton: Any
    queries: tuple[JsonataQuery, ...]

    async def evaluate(self, scope: EvaluationScope) -> Any:
        """Return the payload; raise `StateFailedError` if the values exceed 256 KiB in total."""
        values = await evaluate_all(self.queries, scope)
        if sum(map(_size, values)) > LIMIT:
            raise scope.data_limit_failure()
        return _fill(self.skeleton, values)


Template = ConstantTemplate | JsonPathTemplate | JsonataTemplate | JsonataQuery


def compile_template(payload: Any) -> Template:
    """Compile a payload template. Raises ValueError if a `.$` field does not contain an expression."""
    queries: list[PathField] = []
    form = _template_form(payload, queries)
    return JsonPathTemplate(form, tuple(queries)) if queries else ConstantTemplate(payload)


def compile_jsonata(payload: Any, field: str) -> Template:
    """Compile a JSONata state's field: every `{% … %}` string in it is an expression."""
    text = query_text(payload)
    if text is not None:
        return JsonataQuery(field, text)
    queries: list[JsonataQuery] = []
    form = _jsonata_form(payload, field, queries)
    return JsonataTemplate(form, tuple(queries)) if queries else ConstantTemplate(payload)


def _template_form(payload: Any, queries: list[PathField]) -> Any:
    if isinstance(payload, list):
        return [_template_form(item, queries) for item in payload]
    if not isinstance(payload, dict):
        return payload
    form = {}
    for name, value in payload.items():
        if name.endswith(".$"):
            if not isinstance(value, str):
                raise ValueError(f"field {name!r} does not contain an expression")
            form[name[:-2]] = _slot(PathField(name, compile_expression(value)), queries)
        else:
            form[name] = _template_form(value, queries)
    return form


def _jsonata_form(payload: Any, field: str, queries: list[JsonataQuery]) -> Any:
    text = query_text(payload)
    if text is not None:
        return _slot(JsonataQuery(field, text), queries)
    if isinstance(payload, dict):
        return {name: _jsonata_form(value, f"{field}/{name}", queries) for name, value in payload.items()}
    if isinstance(payload, list):
        return [_jsonata_form(item, f"{field}[{index}]", queries) for index, item in enumerate(payload)]
    return payload


def _slot(query: Any, queries: list[Any]) -> Placeholder:
    queries.append(query)
    return Placeholder(len(queries) - 1)


def _fill(form: Any, values: Sequence[Any]) -> Any:
    if isinstance(form, Placeholder):
        return values[form.index]
    if isinstance(form, dict):
        return {name: _fill(member, values) for name, member in form.items()}
    if isinstance(form, list):
        return [_fill(item, values) for item in form]
    return form


def _size(value: Any) -> int:
    """Return the number of bytes in a value's JSON; the quotes and escapes of a string are not counted."""
    if isinstance(value, (dict, list)):
        return utf8_size(dumps(value))
    return utf8_size(value) if isinstance(value, str) else 1
