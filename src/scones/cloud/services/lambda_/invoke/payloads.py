"""Checks that payloads of invocations are JSON, with the error messages of Jackson's byte parser.

Jackson stops at the first syntax error or UTF-8 error. An unknown token is quoted in the
message: its first byte is decoded as Latin-1, the others as UTF-8. Such messages are frequent, because the AWS CLI
decodes a payload as base64 by default: it sends arbitrary bytes if a user passes plain text.
"""

from __future__ import annotations

import json

from scones.cloud.core import jackson
from scones.cloud.errors import ServiceError

_BOM = b"\xef\xbb\xbf"


def check_payload(payload: bytes) -> None:
    """Raise `InvalidRequestContentException` if a payload is not JSON."""
    found = _fault(payload.removeprefix(_BOM))
    if found is None:
        return
    message, end = found
    if message.startswith("Unexpected character"):
        end -= 1  # Jackson names the position of the character, and in other errors the one after what it has read
    line, column = payload.count(b"\n", 0, end) + 1, end - payload.rfind(b"\n", 0, end)
    raise ServiceError(
        "InvalidRequestContentException",
        f"Could not parse request body into json: Could not parse payload into json: {message}\n"
        " at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); "
        f"line: {line}, column: {column}]",
        Type="User",
    )


def _fault(payload: bytes) -> tuple[str, int] | None:
    """Return the error message for an invalid payload and the number of bytes read until the error, or None."""
    utf8_error: UnicodeDecodeError | None = None
    try:
        json.loads(payload.decode(), parse_constant=jackson.refuse_constant)
    except UnicodeDecodeError as error:
        utf8_error = error
    except json.JSONDecodeError:
        pass
    except (ValueError, RecursionError):  # too many digits or too deep for Python's parser, but not for AWS's
        return None
    else:
        return None
    text = payload.decode("latin-1")  # one character per byte: a non-ASCII byte is in a string or is an error
    try:
        json.loads(text, parse_constant=jackson.refuse_constant)
    except json.JSONDecodeError as error:
        if utf8_error is None or (error.pos <= utf8_error.start and not error.msg.startswith("Unterminated string")):
            token = error.msg.startswith("Expecting value") and jackson.IDENTIFIER.match(text, error.pos)
            return _unknown_token(payload, error.pos) if token else jackson.describe_error(text, error)
    return _undecodable(utf8_error) if utf8_error else None


def _unknown_token(payload: bytes, position: int) -> tuple[str, int]:
    """Read an unknown token and the character after it; return the error message and the new position."""
    token, position = chr(payload[position]), position + 1
    while position < len(payload):
        try:
            character = payload[position : position + 4].decode()[0]
        except UnicodeDecodeError as error:
            if error.start == 0:
                return _undecodable(error, position)
            character = payload[position : position + error.start].decode()[0]
        position += len(character.encode())
        if not jackson.IDENTIFIER.fullmatch(token + character):
            break
        token += character
    return f"Unrecognized token '{token}': was expecting {jackson.VALUES}", position


def _undecodable(error: UnicodeDecodeError, offset: int = 0) -> tuple[str, int]:
    if error.reason == "invalid start byte":
        return f"Invalid UTF-8 start byte 0x{error.object[error.start]:02x}", offset + error.start + 1
    if error.end < len(error.object):
        return f"Invalid UTF-8 middle byte 0x{error.object[error.end]:02x}", offset + error.end + 1
    return "Unexpected end-of-input", offset + error.end
