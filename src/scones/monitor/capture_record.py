"""One capture record: a line of a capture file, validated and decoded."""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime

Fields = dict[str, object]
"""The members of a JSON object, whose types are checked when they are taken."""


@dataclass(frozen=True)
class CaptureRecord:
    """One invocation: its image (None if only outputs are captured) and its scores (empty if only inputs are)."""

    event_id: str
    inference_time: datetime
    inference_id: str | None
    content_type: str | None
    image: bytes | None
    scores: list[float]
    file: str
    line: int

    @property
    def predicted(self) -> int | None:
        """Index of the highest score, the first one if several are equal."""
        return self.scores.index(max(self.scores)) if self.scores else None

    @property
    def confidence(self) -> float | None:
        """Highest score, 0 to 1."""
        return max(self.scores) if self.scores else None


@dataclass(frozen=True)
class InvalidLine:
    """An invalid line: the file, the line number from 1, and the reason."""

    file: str
    line: int
    reason: str


def parse_file(name: str, content: bytes) -> tuple[list[CaptureRecord], list[InvalidLine]]:
    """Parse a capture file's lines. Skips empty lines and reports invalid ones."""
    records: list[CaptureRecord] = []
    bad_lines: list[InvalidLine] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            records.append(parse_line(line, name, number))
        except ValueError as error:
            bad_lines.append(InvalidLine(name, number, str(error)))
    return records, bad_lines


def parse_line(line: bytes, file: str = "", number: int = 1) -> CaptureRecord:
    """Parse one line. Raises ValueError with a phrase that describes the fault."""
    record = _mapping(_json(line, "the line"), "the line")
    data = _mapping(record.get("captureData"), "captureData")
    event = _mapping(record.get("eventMetadata"), "eventMetadata")
    if not {"endpointInput", "endpointOutput"} & data.keys():
        raise ValueError("captureData has neither endpointInput nor endpointOutput")
    request, response = data.get("endpointInput"), data.get("endpointOutput")
    side = None if request is None else _mapping(request, "endpointInput")
    return CaptureRecord(
        event_id=_text(event, "eventId"),
        inference_time=_moment(_text(event, "inferenceTime")),
        inference_id=_optional_text(event, "inferenceId"),
        content_type=None if side is None else _optional_text(side, "observedContentType"),
        image=None if side is None else _content(side, "endpointInput"),
        scores=[] if response is None else _scores(_mapping(response, "endpointOutput")),
        file=file,
        line=number,
    )


def _content(side: Fields, name: str) -> bytes:
    """Return a request's or response's body: BASE64 encodes any content, JSON and CSV keep the original text."""
    data, encoding = _text(side, "data"), side.get("encoding")
    if encoding in ("JSON", "CSV"):
        return data.encode()
    if encoding != "BASE64":
        raise ValueError(f"{name} has the unknown encoding {encoding!r}")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{name} is not valid BASE64") from error


def _scores(side: Fields) -> list[float]:
    """Parse a response such as `[0.98, 0.02]` or `0.98,0.02`. The encoding describes the storage, not the content."""
    text = _content(side, "endpointOutput").decode("utf-8", "replace").strip()
    as_csv = side["encoding"] == "CSV" or "csv" in str(side.get("observedContentType", "")).lower()
    values = text.split(",") if as_csv else _json(text, "endpointOutput")
    if isinstance(values, list) and len(values) == 1 and isinstance(values[0], list):
        values = values[0]  # a batch of one
    if not isinstance(values, list) or not values:
        raise ValueError(f"endpointOutput is not a list of scores: {_shorten(text)}")
    return [_score(value, text) for value in values]


def _score(value: object, text: str) -> float:
    try:
        score = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        score = math.nan
    # Rounding to single precision can make a probability slightly larger than one.
    if isinstance(value, bool) or not -1e-6 <= score <= 1 + 1e-6:
        raise ValueError(f"endpointOutput contains a score that is not a number from 0 to 1: {_shorten(text)}")
    return min(max(score, 0.0), 1.0)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"inferenceTime is not a valid time: {_shorten(text)}") from error


def _json(text: bytes | str, name: str) -> object:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not valid JSON") from error
    return found


def _mapping(value: object, name: str) -> Fields:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is missing or not an object")
    return value


def _text(values: Fields, name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is missing or not text")
    return value


def _optional_text(values: Fields, name: str) -> str | None:
    """Return a member that is text, or None: nothing depends on it."""
    value = values.get(name)
    return value if isinstance(value, str) else None


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
