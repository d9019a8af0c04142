"""The JSONata evaluator (jsonata-python), with Step Functions' own functions and its bounds.

Loaded by worker processes alone (`evaluation/`), which bound its time and memory.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.utils import Utils

from scones.cloud.services.states.language import functions
from scones.cloud.services.states.language.evaluators import MESSAGES
from scones.cloud.services.states.language.jsonata_expression import MENDED, Expression
from scones.cloud.services.states.language.jsonata_messages import evaluation_message, parse_message
from scones.cloud.services.states.language.jsonata_references import plain_number

_ENDLESS = 10**9
"""Milliseconds; the worker process in which this runs has the bound on time."""
_DEPTH = 100
"""How deep AWS lets an expression nest (floci-io/floci, issue 2737: each of five kinds ends between 99 and 101)."""


class Undefined(Exception):  # noqa: N818 - JSONata's own word
    """An expression that matched nothing."""


class Failed(Exception):  # noqa: N818
    """An expression that JSONata could not evaluate; the text ends AWS's sentence about it."""


def evaluate(text: str, bindings: Mapping[str, Any]) -> Any:
    """Return an expression's value as plain JSON; raise `Undefined` or `Failed`."""
    try:
        expression = compile_query(text)
        frame = expression.create_frame()
        frame.set_runtime_bounds(_ENDLESS, _DEPTH)
        for name, function in _FUNCTIONS.items():
            frame.bind(name, Jsonata.JLambda(function))
        for name, native in MENDED.items():
            frame.bind(name, native)
        for name, value in bindings.items():  # a variable hides the function of its name
            frame.bind(name, _with_nulls(value))
        result = expression.evaluate(None, frame)
        if result is None:
            raise Undefined
        return _plain(result)
    except RecursionError as error:
        raise Failed(evaluation_message(JException("D1011", -1))) from error
    except (JException, ArithmeticError, AttributeError, TypeError, ValueError, LookupError, RuntimeError) as error:
        raise Failed(evaluation_message(error)) from error


@lru_cache(maxsize=1024)
def compile_query(text: str) -> Any:
    """Compile an expression; raises ValueError, in JSONata's words, where a text is none."""
    try:
        expression = Expression(text)
    except JException as error:
        raise ValueError(parse_message(error)) from error
    except RecursionError as error:
        raise ValueError(MESSAGES["depth"]) from error
    except RuntimeError as error:  # about a function's signature
        raise ValueError(str(error)) from error
    except KeyError as error:  # jsonata-python knows no such operator
        raise ValueError(f'Unknown operator: "{error.args[0]}"') from error
    except IndexError as error:  # jsonata-python reads past the end
        code = "S0207" if text.rstrip().endswith("*/") else "S0106" if "/*" in text else "S0302"
        raise ValueError(JException.error_codes[code]) from error
    expression.set_output_convert_nulls(False)  # to tell null from undefined
    return expression


def _with_nulls(value: Any) -> Any:
    """Return plain JSON with the evaluator's null, as None is undefined to it; what has no null is returned itself.

    It goes through all that an expression may see, each time: what is no container costs no call.
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


def _plain(value: Any) -> Any:
    """Return a result as plain JSON: the evaluator has a null and a list of its own."""
    if value is Utils.NULL_VALUE:
        return None
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, range)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return plain_number(value)
    raise TypeError("the result is a function or another thing that is no JSON")


def _random(seed: Any = None) -> float:
    """Draw a number of [0, 1), the same one for the same seed."""
    return random.SystemRandom().random() if seed is None else random.Random(seed).random()


def _parse(text: Any = None) -> Any:
    """Read a JSON text, whose nulls are none of the evaluator's undefined."""
    return None if text is None else _with_nulls(functions.string_to_json(text))


def _left_out(*_: Any) -> Any:
    """Be the one function of JSONata that Step Functions has not, $eval."""
    raise JException("T1006")


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "eval": _left_out,
    "partition": functions.array_partition,
    "range": functions.array_range,
    "hash": functions.hash_,
    "random": _random,
    "uuid": functions.uuid_,
    "parse": _parse,
}
FUNCTIONS = frozenset({*Jsonata.static_frame.bindings, *_FUNCTIONS})
"""The names of all functions, JSONata's own among them."""
