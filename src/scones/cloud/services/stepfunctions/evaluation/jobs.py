"""The jobs of a worker process. Only worker processes load JSONata and python-jsonpath."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scones.cloud.services.stepfunctions.asl import engines
from scones.cloud.services.stepfunctions.asl.queries import unpack_bindings
from scones.cloud.services.stepfunctions.asl.text import dumps, too_large
from scones.cloud.services.stepfunctions.evaluation import limits

Arguments = Mapping[str, Any]
MAX_FINDINGS = 101
"""Maximum findings about a definition that a job reports: one more than a response shows."""


def replies(kind: str, arguments: Arguments) -> Iterator[Any]:
    """Do a job and yield its replies: `value`, `undefined`, `unsupported`, `failed` with a message, or `too_large`."""
    engines.enable()
    yield from _KINDS[kind](arguments)


def _jsonata(arguments: Arguments) -> Iterator[Any]:
    """Evaluate `expressions` in order, up to the first without a value; the other arguments are their variables."""
    engine = engines.jsonata()
    bindings = unpack_bindings(arguments)
    for text in arguments["expressions"]:
        limits.allow(limits.EVALUATION_SECONDS)
        try:
            reply = _sized(engine.evaluate(text, bindings))
        except engine.UndefinedResultError:
            reply = {"undefined": True}
        except engine.UnsupportedResultError:
            reply = {"unsupported": True}
        except engine.EvaluationFailedError as error:
            reply = {"failed": str(error)}
        yield reply
        if "value" not in reply:
            return


def _jsonpath(arguments: Arguments) -> Iterator[Any]:
    engine = engines.jsonpath()
    limits.allow(limits.EVALUATION_SECONDS)
    try:
        yield _sized(engine.evaluate(arguments["query"], arguments["root"]))
    except engine.QueryFailedError as error:
        yield {"failed": str(error)}


def _function(arguments: Arguments) -> Iterator[Any]:
    """Call an intrinsic function."""
    from scones.cloud.services.stepfunctions.asl.functions import FAILURES, FUNCTIONS

    limits.allow(limits.EVALUATION_SECONDS)
    try:
        yield _sized(FUNCTIONS[arguments["name"]].run(*arguments["values"]))
    except FAILURES as error:
        yield {"failed": str(error)}


def _diagnose(arguments: Arguments) -> Iterator[Any]:
    from scones.cloud.services.stepfunctions.validation.definition import diagnose

    limits.allow(limits.DEFINITION_SECONDS)
    found = diagnose(arguments["definition"], arguments["type"])
    yield {"value": [[each.code, each.message, each.location] for each in found[:MAX_FINDINGS]]}


def _variables(arguments: Arguments) -> Iterator[Any]:
    from scones.cloud.services.stepfunctions.asl.variable_references import variable_references

    limits.allow(limits.DEFINITION_SECONDS)
    yield {"value": variable_references(arguments["definition"])}


def _sized(value: Any) -> dict[str, Any]:
    return {"too_large": True} if too_large(dumps(value)) else {"value": value}


_KINDS: dict[str, Callable[[Arguments], Iterator[Any]]] = {
    "jsonata": _jsonata,
    "jsonpath": _jsonpath,
    "function": _function,
    "diagnose": _diagnose,
    "variables": _variables,
}
