"""Calls of intrinsic functions such as `States.Format('{}', $.name)`, parsed once and evaluated on a scope."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scones.cloud.core.text_size import utf8_size
from scones.cloud.services.stepfunctions.asl.evaluators import MESSAGES, EvaluationJob, JobStoppedError
from scones.cloud.services.stepfunctions.asl.failures import EvaluationError
from scones.cloud.services.stepfunctions.asl.functions import FAILURES, FUNCTIONS
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope, Path, PathQuery, check_path, compile_path
from scones.cloud.services.stepfunctions.asl.text import LIMIT, dumps

_NAME = re.compile(r"States\.[A-Za-z0-9]+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_PATH = re.compile(r"""\$(?:[^\s,()\[\]'"]|\[(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\]'"])*\])*""")
_LITERALS = {"true": True, "false": False, "null": None}
_MAX_CHARACTERS = 8 * 1024
"""Maximum length of the arguments of a call in this process, in bytes; it takes a few milliseconds at most."""
_MAX_NESTING = 10
"""Maximum depth of nested intrinsic functions in one field, on AWS."""


@dataclass(frozen=True, slots=True)
class LiteralArgument:
    """A literal argument."""

    value: Any


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call of an intrinsic function; `text` is its text in the definition."""

    text: str
    name: str
    function: Callable[..., Any]
    arguments: tuple[LiteralArgument | Path | PathQuery | FunctionCall, ...]

    async def evaluate(self, scope: EvaluationScope) -> Any:
        """Return the function's result, or raise `EvaluationError` with States.IntrinsicFailure."""
        values: list[Any] = []
        room = _MAX_CHARACTERS
        for argument in self.arguments:
            values.append(await _evaluate(argument, scope))
            room -= _approximate_size(values[-1])
            if room < -LIMIT:
                raise self._failed("the arguments exceed 256 KiB")
        return self._call(values) if room >= 0 else await self._call_in_worker(values, scope)

    def _call(self, values: list[Any]) -> Any:
        try:
            return self.function(*values)
        except FAILURES as error:
            raise self._failed(error) from error

    async def _call_in_worker(self, values: list[Any], scope: EvaluationScope) -> Any:
        """Call the function in a worker process, because it is slow on large values."""
        try:
            (reply,) = await scope.perform(EvaluationJob("function", {"name": self.name, "values": values}))
        except JobStoppedError as stopped:
            raise self._failed(MESSAGES[stopped.limit]) from stopped
        if "too_large" in reply:
            raise scope.data_limit_failure()
        if "failed" in reply:
            raise self._failed(reply["failed"])
        return reply["value"]

    def _failed(self, why: object) -> EvaluationError:
        message = f"The function '{self.text}' had the following error: {why}"
        return EvaluationError(message, "States.IntrinsicFailure")


async def _evaluate(argument: Argument, scope: EvaluationScope) -> Any:
    if isinstance(argument, LiteralArgument):
        return argument.value
    return argument.evaluate(scope) if isinstance(argument, Path) else await argument.evaluate(scope)


def _approximate_size(value: Any) -> int:
    """Return the approximate number of bytes in a value's JSON; the escapes of a string are not counted."""
    if isinstance(value, (dict, list)):
        return utf8_size(dumps(value))
    return utf8_size(value) if isinstance(value, str) else 1


Argument = LiteralArgument | Path | PathQuery | FunctionCall
Expression = Path | PathQuery | FunctionCall


def check_expression(expression: Argument) -> None:
    """Raise ValueError if a path in an expression does not parse (see `check_path`)."""
    if isinstance(expression, FunctionCall):
        for argument in expression.arguments:
            check_expression(argument)
    elif not isinstance(expression, LiteralArgument):
        check_path(expression)


def compile_expression(text: str) -> Expression:
    """Compile the value of a field that ends in `.$`: a path or a call. Raises ValueError if it is invalid."""
    if not text.startswith("States."):
        return compile_path(text)
    parser = _Parser(text)
    call = parser.call()
    parser.blanks()
    if parser.at != len(text):
        raise ValueError(f"{text!r} has characters after its closing parenthesis.")
    return call


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match[0]

    def accept(self, character: str) -> bool:
        self.blanks()
        found = self.text.startswith(character, self.at)
        self.at += found
        return found

    def expect(self, character: str) -> None:
        if not self.accept(character):
            raise ValueError(f"{self.text!r} is missing {character!r} at position {self.at}.")

    def call(self) -> FunctionCall:
        begin = self.at
        name = self.take(_NAME)
        if name is None or name not in FUNCTIONS:
            raise ValueError(f"{self.text!r} does not name an intrinsic function.")
        self.expect("(")
        self.depth += 1
        if self.depth > _MAX_NESTING:
            raise ValueError(f"{self.text!r} nests more than {_MAX_NESTING} intrinsic functions.")
        arguments: list[Argument] = []
        if not self.accept(")"):
            arguments.append(self.argument(template=name == "States.Format"))
            while self.accept(","):
                arguments.append(self.argument())
            self.expect(")")
        self.depth -= 1
        function = FUNCTIONS[name]
        if not function.accepts(len(arguments)):
            raise ValueError(f"{name} takes {function.describe()} arguments; {self.text!r} has {len(arguments)}.")
        return FunctionCall(self.text[begin : self.at], name, function.run, tuple(arguments))

    def argument(self, *, template: bool = False) -> Argument:
        self.blanks()
        if self.text.startswith("'", self.at):
            return LiteralArgument(self.string(template=template))
        if self.text.startswith("States.", self.at):
            return self.call()
        if path := self.take(_PATH):
            return compile_path(path)
        if number := self.take(_NUMBER):
            return LiteralArgument(float(number) if re.search(r"[.eE]", number) else int(number))
        for literal, value in _LITERALS.items():
            if self.text.startswith(literal, self.at):
                self.at += len(literal)
                return LiteralArgument(value)
        raise ValueError(f"{self.text!r} has no valid argument at position {self.at}.")

    def string(self, *, template: bool) -> str:
        """Read a string literal; a template keeps its escapes, so that States.Format can detect placeholders."""
        self.at += 1
        characters: list[str] = []
        while self.at < len(self.text):
            character = self.text[self.at]
            self.at += 1
            if character == "'":
                return "".join(characters)
            if character == "\\":
                if self.at == len(self.text) or self.text[self.at] not in "'{}\\":
                    raise ValueError(f"{self.text!r} escapes a character that cannot be escaped.")
                following = self.text[self.at]
                self.at += 1
                character = "\\" + following if template and following != "'" else following
            characters.append(character)
        raise ValueError(f"{self.text!r} has an unterminated string.")
