"""JSON syntax errors with the messages of Jackson, the parser of AWS's services."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass

VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
MAX_QUOTED = 500
"""Maximum number of characters, or bytes, of a document that Jackson quotes."""
IDENTIFIER = re.compile(r"(?:[^\W\d]|\$)[\w$]*")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKET = re.compile(r"[][{}]")
_CONSTANT_PREFIX = "not a JSON number: "


@dataclass(frozen=True, slots=True)
class JacksonError:
    """Jackson's message for a document, and the position at which it stopped reading; line and column start at 1."""

    message: str
    line: int
    column: int


def convert_error(text: str, error: json.JSONDecodeError) -> JacksonError:
    """Return Jackson's form of an error from Python's parser."""
    message, end = describe_error(text, error)
    return JacksonError(message, text.count("\n", 0, end) + 1, end - text.rfind("\n", 0, end))


def source_location(text: str, found: JacksonError) -> str:
    """Return the source location of a fault, as Jackson prints it for a document in a string."""
    more = len(text) - MAX_QUOTED
    shown = f'"{text[:MAX_QUOTED]}"' + (f"[truncated {more} chars]" if more > 0 else "")
    return f"[Source: (String){shown}; line: {found.line}, column: {found.column}]"


def describe_error(text: str, error: json.JSONDecodeError) -> tuple[str, int]:
    """Return Jackson's message for an error from Python's parser, and the number of characters that it has read."""
    position, reason = error.pos, error.msg
    if not text.strip():
        return "No content to map due to end-of-input", len(text)
    if reason.startswith("Unterminated string"):
        return "Unexpected end-of-input: was expecting closing quote for a string value", len(text)
    if reason.startswith(_CONSTANT_PREFIX):
        token = reason.removeprefix(_CONSTANT_PREFIX)
        feature = "enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow"
        return f"Non-standard token '{token}': {feature}", text.find(token) + len(token)
    if position >= len(text):
        kind = {"{": "Object", "[": "Array"}.get(_open(text)[-1:])
        return f"Unexpected end-of-input: expected close marker for {kind}", len(text)
    if reason.startswith("Expecting value") and (found := IDENTIFIER.match(text, position)):
        return f"Unrecognized token '{found[0]}': was expecting {VALUES}", found.end()
    if reason.startswith("Invalid \\"):
        return f"Unrecognized character escape {_describe_character(text[position + 1])}", position + 2
    return _unexpected(text, position, reason), position + 1


def _unexpected(text: str, position: int, reason: str) -> str:
    if reason.startswith("Invalid control"):
        escaped = "has to be escaped using backslash to be included in string value"
        return f"Illegal unquoted character ({_describe_character(text[position])}): {escaped}"
    expectation = f"expected a valid value {VALUES}"
    if reason.startswith("Expecting property name"):
        expectation = "was expecting double-quote to start field name"
    elif reason.startswith("Expecting ':'"):
        expectation = "was expecting a colon to separate field name and value"
    elif reason.startswith("Expecting ','"):
        kind = "Object" if _open(text[:position]).endswith("{") else "Array"
        expectation = f"was expecting comma to separate {kind} entries"
    elif reason.startswith("Extra data"):
        expectation = "Expected space separating root-level values"
    return f"Unexpected character ({_describe_character(text[position])}): {expectation}"


def _describe_character(character: str) -> str:
    code = ord(character)
    if unicodedata.category(character) == "Cc":
        return f"(CTRL-CHAR, code {code})"
    return f"'{character}' (code {code}{f' / 0x{code:x}' if code > 255 else ''})"


def _open(text: str) -> str:
    """Return the braces and brackets that are still open at the end of a text."""
    found: list[str] = []
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        if bracket in "{[":
            found.append(bracket)
        elif found:
            found.pop()
    return "".join(found)


def refuse_constant(name: str) -> None:
    """Raise `JSONDecodeError` for NaN and Infinity, which Python's parser accepts by default."""
    raise json.JSONDecodeError(_CONSTANT_PREFIX + name, "", 0)
