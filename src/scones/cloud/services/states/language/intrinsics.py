"""Intrinsic functions: `States.Format('{}', $.name)` and the others, parsed once and called on a scope."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scones.cloud.services.states.language.failures import EvaluationError
from scones.cloud.services.states.language.functions import FUNCTIONS
from scones.cloud.services.states.language.paths import Path, Scope, compile_path

_NAME = re.compile(r"States\.[A-Za-z0-9]+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_PATH = re.compile(r"""\$(?:[^\s,()\[\]'"]|\[(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\]'"])*\])*""")
_WORDS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal argument."""

    value: Any

    def evaluate(self, _scope: Scope) -> Any:
        """Return the literal."""
        return self.value


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call of an intrinsic function; `text` is as the definition spells it."""

    text: str
    name: str
    function: Callable[..., Any]
    arguments: tuple[Constant | Path | FunctionCall, ...]

    def evaluate(self, scope: Scope) -> Any:
        """Return the function's result, or raise `EvaluationError` with States.IntrinsicFailure."""
        values = [argument.evaluate(scope) for argument in self.arguments]
        try:
            return self.function(*values)
        except (ValueError, TypeError, ArithmeticError, LookupError) as error:
            raise EvaluationError(
                f"The function '{self.text}' had the following error: {error}", "States.IntrinsicFailure"
            ) from error


Expression = Path | FunctionCall


def compile_expression(text: str) -> Expression:
    """Compile the value of a field that ends in `.$`: a path or a call. Raises ValueError."""
    if not text.startswith("States."):
        return compile_path(text)
    parser = _Parser(text)
    call = parser.call()
    parser.blanks()
    if parser.at != len(text):
        raise ValueError(f"{text!r} goes on after its closing parenthesis.")
    return call


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

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
            raise ValueError(f"{self.text!r} lacks {character!r} at position {self.at}.")

    def call(self) -> FunctionCall:
        begin = self.at
        name = self.take(_NAME)
        if name is None or name not in FUNCTIONS:
            raise ValueError(f"{self.text!r} names no intrinsic function.")
        self.expect("(")
        arguments: list[Constant | Path | FunctionCall] = []
        if not self.accept(")"):
            arguments.append(self.argument(template=name == "States.Format"))
            while self.accept(","):
                arguments.append(self.argument())
            self.expect(")")
        function = FUNCTIONS[name]
        if not function.accepts(len(arguments)):
            raise ValueError(f"{name} takes {function.describe()} arguments, and {self.text!r} gives {len(arguments)}.")
        return FunctionCall(self.text[begin : self.at], name, function.run, tuple(arguments))

    def argument(self, *, template: bool = False) -> Constant | Path | FunctionCall:
        self.blanks()
        if self.text.startswith("'", self.at):
            return Constant(self.string(template=template))
        if self.text.startswith("States.", self.at):
            return self.call()
        if path := self.take(_PATH):
            return compile_path(path)
        if number := self.take(_NUMBER):
            return Constant(float(number) if re.search(r"[.eE]", number) else int(number))
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return Constant(value)
        raise ValueError(f"{self.text!r} has no valid argument at position {self.at}.")

    def string(self, *, template: bool) -> str:
        """Read a literal; a template keeps its escaped braces, which States.Format tells from placeholders."""
        self.at += 1
        characters: list[str] = []
        while self.at < len(self.text):
            character = self.text[self.at]
            self.at += 1
            if character == "'":
                return "".join(characters)
            if character == "\\":
                if self.at == len(self.text) or self.text[self.at] not in "'{}\\":
                    raise ValueError(f"{self.text!r} escapes a character that needs no escape.")
                following = self.text[self.at]
                self.at += 1
                character = "\\" + following if template and following != "'" else following
            characters.append(character)
        raise ValueError(f"{self.text!r} has a string that does not end.")
