"""The JSONata evaluator (jsonata-python), with Step Functions' additional functions and limits.

Only worker processes load this module (`evaluation/`); they limit its time and memory.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.utils import Utils

from scones.cloud.services.stepfunctions.asl import functions
from scones.cloud.services.stepfunctions.asl.evaluators import MESSAGES
from scones.cloud.services.stepfunctions.asl.jsonata_expression import REPLACED_FUNCTIONS, JsonataExpression
from scones.cloud.services.stepfunctions.asl.jsonata_messages import evaluation_message, parse_message
from scones.cloud.services.stepfunctions.asl.jsonata_references import to_jsonata_number

_NO_TIME_LIMIT = 10**9
"""Milliseconds; in effect no limit, because the worker process limits the time."""
_MAX_DEPTH = 100
"""Maximum nesting of an expression on AWS (floci-io/floci, issue 2737: five kinds, each limited at 99 to 101)."""


class UndefinedResultError(Exception):
    """Raised if an expression matches nothing."""


class UnsupportedResultError(Exception):
    """Raised if the value of an expression is not JSON, such as a function."""


class EvaluationFailedError(Exception):
    """Raised if JSONata cannot evaluate an expression; the text completes AWS's message about it."""


def evaluate(text: str, bindings: Mapping[str, Any]) -> Any:
    """Return an expression's value as plain JSON; raise one of the errors above if it has none."""
    try:
        expression = compile_query(text)
        frame = expression.create_frame()
        frame.set_runtime_bounds(_NO_TIME_LIMIT, _MAX_DEPTH)
        for name, function in _FUNCTIONS.items():
            frame.bind(name, Jsonata.JLambda(function))
        for name, native in REPLACED_FUNCTIONS.items():
            frame.bind(name, native)
        for name, value in bindings.items():  # a variable hides the function of its name
            frame.bind(name, _with_nulls(value))
        result = expression.evaluate(None, frame)
        if result is None:
            raise UndefinedResultError
        return _to_json(result)
    except RecursionError as error:
        raise EvaluationFailedError(evaluation_message(JException("D1011", -1))) from error
    except (JException, ArithmeticError, AttributeError, TypeError, ValueError, LookupError, RuntimeError) as error:
        raise EvaluationFailedError(evaluation_message(error)) from error


@lru_cache(maxsize=1024)
def compile_query(text: str) -> Any:
    """Compile an expression. Raises ValueError with JSONata's message if the text is not valid."""
    try:
        expression = JsonataExpression(text)
    except JException as error:
        raise ValueError(parse_message(error)) from error
    except RecursionError as error:
        raise ValueError(MESSAGES["depth"]) from error
    except RuntimeError as error:  # an invalid function signature
        raise ValueError(str(error)) from error
    except KeyError as error:  # jsonata-python does not know the operator
        raise ValueError(f'Unknown operator: "{error.args[0]}"') from error
    except IndexError as error:  # jsonata-python reads past the end
        code = "S0207" if text.rstrip().endswith("*/") else "S0106" if "/*" in text else "S0302"
        raise ValueError(JException.error_codes[code]) from error
    expression.set_output_convert_nulls(False)  # to distinguish null from undefined
    return expression


def _with_nulls(value: Any) -> Any:
    """Replace None with the evaluator's null, because None means undefined to it; a value without null is not copied.

    Each evaluation passes all the values that its expression may refer to; it is called only for containers.
    """
    if value is None:
        return Utils.NULL_VALUE
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    changed: dict[Any, Any] = {}
    for key, item in pairs:
        if item is None:
            changed[key] = Utils.NULL_VALUE
        elif isinstance(item, (dict, list)):
            new = _with_nulls(item)
            if new is not item:
                changed[key] = new
    if not changed:
        return value
    copy = value.copy()
    for key, new in changed.items():
        copy[key] = new
    return copy


def _to_json(value: Any) -> Any:
    """Return a result as plain JSON, without the evaluator's own types for null and lists."""
    if value is Utils.NULL_VALUE:
        return None
    if isinstance(value, dict):
        return {name: _to_json(item) for name, item in value.items()}
    if isinstance(value, (list, range)):
        return [_to_json(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return to_jsonata_number(value)
    raise UnsupportedResultError


def _random(seed: Any = None) -> float:
    """Return a random number in [0, 1), the same one for the same seed."""
    return random.SystemRandom().random() if seed is None else random.Random(seed).random()


def _range(first: Any, last: Any, step: Any) -> Any:
    """Return a range of integers; a range of one integer is that integer, as on AWS."""
    numbers = functions.array_range(first, last, step)
    return numbers[0] if len(numbers) == 1 else numbers


def _parse(text: Any = None) -> Any:
    """Parse a JSON text; its nulls become the evaluator's null, not undefined."""
    return None if text is None else _with_nulls(functions.string_to_json(text))


def _reject_eval(*_: Any) -> Any:
    """Raise the error for $eval, the one JSONata function that Step Functions does not have."""
    raise JException("T1006")


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "eval": _reject_eval,
    "partition": functions.array_partition,
    "range": _range,
    "hash": functions.hash_,
    "random": _random,
    "uuid": functions.uuid_,
    "parse": _parse,
}
FUNCTIONS = frozenset({*Jsonata.static_frame.bindings, *_FUNCTIONS})
"""Names of all functions, including JSONata's built-in ones."""
