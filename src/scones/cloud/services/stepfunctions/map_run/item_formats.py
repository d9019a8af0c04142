"""The formats of an object's items: CSV, JSON Lines, JSON arrays, and plain lines.

Each is a generator over a `TextWindow`; it yields items, and None when the window must be filled.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scones.cloud.services.stepfunctions.asl.distribution import ItemReader
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.map_run.header_order import header_order
from scones.cloud.services.stepfunctions.map_run.text_window import MAX_ITEM, TextWindow

MAX_HEADERS = 10 * 1024
"""Maximum bytes of a CSV file's headers, as on AWS (Developer Guide, "ItemReader (Map)")."""
PAGE = 1000
PAGE_CHARACTERS = 256 * 1024
"""Characters of items after which a page ends, so that pages stay small and quick to parse."""
_LINE_END = re.compile(r"\n")
_CSV_LINE_END = re.compile(r"\r\n?|\n")
_BLANK = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r'[\[\]{},:]|"(?:[^"\\]++|\\.)*+"|[^\s\[\]{},:"]++', re.DOTALL)
_DECODER = json.JSONDecoder()
csv.field_size_limit(MAX_ITEM)


@dataclass(frozen=True, slots=True)
class Item:
    """An item and its approximate number of characters."""

    value: Any
    size: int


Items = Iterator[Item | None]


def reader_failed(cause: str) -> StateFailedError:
    """Return the error States.ItemReaderFailed."""
    return StateFailedError("States.ItemReaderFailed", cause)


def items_in(reader: ItemReader, window: TextWindow) -> Items:
    """Yield the items of an object in the reader's format."""
    if reader.input_type == "CSV":
        return csv_items(window, reader.delimiter, reader.headers if reader.header_location == "GIVEN" else None)
    return json_lines(window) if reader.input_type == "JSONL" else json_array(window, reader.pointer)


def next_page(items: Items) -> tuple[list[Any], bool]:
    """Return the next page of items, and True if it is the last; a page is shorter if the window must be filled.

    Raises `StateFailedError` if the items cannot be parsed.
    """
    page: list[Any] = []
    size = 0
    try:
        for item in items:
            if item is None:
                return page, False
            page.append(item.value)
            size += item.size
            if len(page) == PAGE or size >= PAGE_CHARACTERS:
                return page, False
    except (csv.Error, ValueError, RecursionError) as error:
        raise reader_failed(f"The items could not be read: {error}") from error
    return page, True


def csv_items(window: TextWindow, delimiter: str, headers: Sequence[str] | None) -> Items:
    """Yield rows as objects; if no headers are given, the first row contains them.

    Cells beyond the headers are dropped, and missing cells are empty.
    """
    lines = _CsvLines(window)
    rows = csv.reader(lines, delimiter=delimiter)
    if headers is None:
        if window.low:
            yield None
        headers = next(rows, [])
    if len(set(headers)) < len(headers):
        raise reader_failed("CSV headers cannot contain duplicates.")
    size = sum(len(header.encode()) + 1 for header in headers)
    if size - 1 > MAX_HEADERS:  # AWS's message for this is unknown
        raise reader_failed(f"CSV headers cannot have more than {MAX_HEADERS} bytes.")
    order = header_order(headers)
    while True:
        if window.low:
            yield None
        lines.taken = 0
        row = next(rows, None)
        if row is None:
            return
        if row:
            value = {headers[column]: row[column] if column < len(row) else "" for column in order}
            yield Item(value, size + lines.taken)


class _CsvLines:
    """The lines of a CSV file; a row has several lines if a quoted field contains line ends."""

    def __init__(self, window: TextWindow) -> None:
        self._window = window
        self.taken = 0
        """Characters of the current row so far."""

    def __iter__(self) -> _CsvLines:
        return self

    def __next__(self) -> str:
        line = _line(self._window, _CSV_LINE_END, MAX_ITEM - self.taken)
        if not line:
            raise StopIteration
        self.taken += len(line)
        return line


def json_lines(window: TextWindow) -> Items:
    """Yield the JSON value of every line that is not blank."""
    for item in lines_of(window):
        yield item and Item(json.loads(item.value), item.size)


def lines_of(window: TextWindow) -> Items:
    """Yield every line that is not blank."""
    while True:
        if window.low:
            yield None
        line = _line(window, _LINE_END, MAX_ITEM)
        if not line:
            return
        if line.strip():
            yield Item(line, len(line))


def _line(window: TextWindow, ends: re.Pattern[str], room: int) -> str:
    """Return the next line including its line end; empty at the end of the text."""
    start = window.at
    found = ends.search(window.text, start, start + room + 1)
    end = found.end() if found else len(window.text)
    if end - start > room:
        raise _too_large(window)
    window.at = end
    return window.text[start:end]


def json_array(window: TextWindow, pointer: str | None) -> Items:
    """Yield the items of a JSON array: the document, or the array in it that ItemsPointer (RFC 6901) names.

    The JSON after that array and the skipped JSON before it are not fully validated.
    """
    for step in (pointer or "").split("/")[1:]:
        found = yield from _enter_member(window, step.replace("~1", "/").replace("~0", "~"))
        if not found:
            raise reader_failed(f"The object has no value at ItemsPointer '{pointer}'.")
    yield from _blank(window)
    if window.next != "[":
        _value(window)
        raise reader_failed("Attempting to map over non-iterable node.")
    window.at += 1
    yield from _blank(window)
    more = window.next != "]"
    if not more:
        window.at += 1
    while more:
        start = window.at
        value = _value(window)
        yield Item(value, window.at - start)
        more = yield from _skip_separator(window, "]")
        yield from _blank(window)
    if not pointer and window.next:
        raise _invalid(window, "Extra data")


def _enter_member(window: TextWindow, name: str) -> Generator[None, None, bool]:
    """Move to the member `name` of the next object, or to that item of the next array; return False if none exists."""
    yield from _blank(window)
    opening = window.next
    if opening not in ("[", "{"):
        return False
    window.at += 1
    yield from _blank(window)
    more, index = window.next not in ("]", "}"), 0
    while more:
        here = str(index)
        if opening == "{":
            here = _value(window)
            yield from _blank(window)
            if not isinstance(here, str) or window.next != ":":
                raise _invalid(window, "Expecting a name and ':'")
            window.at += 1
        if here == name:
            return True
        yield from _skip(window)
        more = yield from _skip_separator(window, "]" if opening == "[" else "}")
        yield from _blank(window)
        index += 1
    return False


def _skip_separator(window: TextWindow, closing: str) -> Generator[None, None, bool]:
    """Skip the comma or the closing bracket after an item or a member; return False after the last one."""
    yield from _blank(window)
    found = window.next
    if found not in (",", closing):
        raise _invalid(window, f"Expecting ',' or '{closing}'")
    window.at += 1
    return found == ","


def _skip(window: TextWindow) -> Iterator[None]:
    """Skip a value of any size, token by token."""
    depth = 0
    while True:
        yield from _blank(window)
        token = _TOKEN.match(window.text, window.at)
        if token is None:
            raise _too_large(window) if window.next == '"' else _invalid(window, "Expecting value")
        if token.end() - window.at > MAX_ITEM:
            raise _too_large(window)
        window.at = token.end()
        kind = token[0]
        depth += (kind in "[{") - (kind in "]}")
        if depth < 0 or (depth == 0 and kind in ",:"):
            raise _invalid(window, "Expecting value")
        if depth == 0:
            return


def _blank(window: TextWindow) -> Iterator[None]:
    """Skip whitespace, and yield until the window is filled for the next item."""
    while True:
        blanks = _BLANK.match(window.text, window.at)
        assert blanks is not None
        window.at = blanks.end()
        if not window.low:
            return
        yield None


def _value(window: TextWindow) -> Any:
    """Return the next JSON value, and move past it."""
    start = window.at
    try:
        value, end = _DECODER.raw_decode(window.text, start)
    except json.JSONDecodeError as error:
        cut = not window.ended and (error.msg.startswith("Unterminated") or error.pos - start > MAX_ITEM)
        raise _too_large(window) if cut else _invalid(window, error.msg, error.pos) from error
    except (ValueError, RecursionError) as error:
        raise _invalid(window, str(error)) from error
    if end - start > MAX_ITEM:
        raise _too_large(window)
    window.at = end
    return value


def _invalid(window: TextWindow, why: str, at: int | None = None) -> StateFailedError:
    position = window.position(window.at if at is None else at)
    return reader_failed(f"The object is not valid JSON: {why} (char {position})")


def _too_large(window: TextWindow) -> StateFailedError:
    position = window.position(window.at)
    return reader_failed(
        f"An item that begins near character {position} exceeds {MAX_ITEM} characters, the local cloud's limit "
        "for one item."
    )
