"""JSONata's error messages in the wording of its reference implementation (jsonata-js), which AWS uses.

jsonata-python has the codes and the details; in its messages "function" reads "Object", and values lack quotes.
Measured on AWS by third parties: floci-io/floci, issues 2668, 2736, 2737 and 2745.
"""

from __future__ import annotations

import re

from jsonata.jexception import JException
from jsonata.utils import Utils

from scones.cloud.services.stepfunctions.asl.evaluators import MESSAGES
from scones.cloud.services.stepfunctions.asl.jsonata_expression import TOO_MUCH
from scones.cloud.services.stepfunctions.asl.text import dumps

_TYPES = {"a": "arrays", "b": "booleans", "f": "functions", "n": "numbers", "o": "objects", "s": "strings"}
_BOUNDS = {"D1011": MESSAGES["depth"], "D1012": MESSAGES["time"], TOO_MUCH: MESSAGES["memory"]}
"""AWS's messages for an expression that exceeds a limit; they have no code."""
_PYTHON = (
    (re.compile(r"could not convert string to float: '(.*)'", re.DOTALL), "D3030"),
    (re.compile(r"Invalid isoformat string: '(.*)'", re.DOTALL), "D3110"),
    (re.compile(r"('<') not supported between instances of .*"), "D3070"),
    (re.compile(r"(Second argument of replace function) cannot be an empty string.*"), "D3010"),
)
"""Python's errors that jsonata-python does not translate, for example those of $number and $toMillis."""
_QUOTED = re.compile("D30[89]|D313[35]|S021[67]")
"""Messages with single quotes in jsonata-js and double quotes in jsonata-python."""


def parse_message(error: JException) -> str:
    """Return the message about an expression that does not parse, without JSONata's code."""
    # jsonata-python gives an invalid escape the code of an empty regular expression.
    code = "S0103" if error.error == "S0301" and error.current is not None else error.error
    return _message(code, _details(error))


def evaluation_message(error: Exception) -> str:
    """Return the end of AWS's message about a failed expression: `. T2001: …`, or `: …` if there is no code."""
    if isinstance(error, JException):
        if error.error in _BOUNDS:
            return f": {_BOUNDS[error.error]}"
        return f". {error.error}: {_message(error.error, _details(error))}"
    for pattern, code in _PYTHON:
        if match := pattern.fullmatch(str(error)):
            return f". {code}: {_message(code, [match[1]])}"
    return f". {error}"


def _message(code: str, details: list[object]) -> str:
    template = JException.error_codes.get(code)
    if template is None:
        return str(details[0]) if details else code
    if template == "{{{message}}}":
        return str(details[0])
    if _QUOTED.match(code):
        template = template.replace('"', "'")
    elif code == "D2014":
        template = template.replace("1e6", "1e7")
    left = iter(details)
    return re.sub(r"\{\{\w+\}\}", lambda _: _shown(next(left, None)), template.replace("Object", "function"))


def _details(error: JException) -> list[object]:
    """Return the values for the placeholders of a message, in order."""
    details = [error.current, error.expected, error.extra]
    if error.error == "D1002":  # the operator is first in this message
        return details[1:]
    if error.error == "S0213" and error.current is None:
        return [Utils.NULL_VALUE]
    if error.error == "D3100":
        return [error.location]
    if error.error == "T2007":
        return [error.expected, error.current]
    if error.error == "T0411":
        return [error.expected, None]
    if error.error == "T0412":
        return [error.current, error.expected, _TYPES.get(str(error.extra), error.extra)]
    return details


def _shown(value: object) -> str:
    if value is None:
        return "undefined"
    if value is Utils.NULL_VALUE:
        return "null"
    try:
        return dumps(value)
    except TypeError:
        return dumps(str(value))
