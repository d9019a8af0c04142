"""JSONata in states: `{% … %}` strings, with `$states` and the variables bound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from scones.cloud.services.states.language.failures import EvaluationError
from scones.cloud.services.states.language.paths import MISSING, Scope
from scones.cloud.services.states.language.text import dumps

_EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class JsonataQuery:
    """An expression and the field that it stands in, as AWS names it (`Output/error`)."""

    field: str
    text: str

    def evaluate(self, scope: Scope) -> Any:
        """Return the expression's value; failures and undefined raise States.QueryEvaluationError."""
        from scones.cloud.services.states.language import jsonata_engine as engine

        states = {"input": scope.input, "context": scope.context}
        more = {"result": scope.result, "errorOutput": scope.error}
        states |= {name: value for name, value in more.items() if value is not MISSING}
        try:
            return engine.evaluate(self.text, {**scope.variables, "states": states})
        except engine.Undefined:
            raise self.failed("returned nothing (undefined).") from None
        except engine.Failed as error:
            raise self.failed(f"threw an error during evaluation{error}") from error

    def typed(self, scope: Scope, kind: str) -> Any:
        """Return the value where it is of the JSON type named."""
        value = self.evaluate(scope)
        if json_type(value) != kind:
            raise self.failed(
                f"returned an unexpected result type. Expected '{kind}', but was '{json_type(value)}' "
                f"for value: {dumps(value)}"
            )
        return value

    def whole(self, scope: Scope, least: int) -> int:
        """Return the value where it is an integer and not below `least`; AWS's words for others are not known to us."""
        value = self.typed(scope, "number")
        if not isinstance(value, int) or value < least:
            raise self.failed(f"returned {value}, and an integer of {least} or more was expected")
        return value

    def failed(self, what: str) -> EvaluationError:
        """Return the error that says so of this expression."""
        message = f"The JSONata expression '{self.text}' specified for the field '{self.field}' {what}"
        return EvaluationError(message, "States.QueryEvaluationError", self.field)


@dataclass(frozen=True, slots=True)
class Condition:
    """A Choice rule's Condition: a boolean, or JSONata that gives one."""

    value: bool | JsonataQuery

    def holds(self, scope: Scope) -> bool:
        """Whether the condition is true for this input."""
        if isinstance(self.value, bool):
            return self.value
        return bool(self.value.typed(scope, "boolean"))


def query_text(value: Any) -> str | None:
    """Return the JSONata in a `{% … %}` string, or None for anything else."""
    match = _EXPRESSION.fullmatch(value) if isinstance(value, str) else None
    return match[1].strip() if match else None


def json_type(value: Any) -> str:
    """Name a value's JSON type as AWS does."""
    if value is None:
        return "null"
    names = {bool: "boolean", int: "number", float: "number", str: "string", dict: "object"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "array")
