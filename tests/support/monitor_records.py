"""Synthetic captures in the form that an endpoint writes."""

from __future__ import annotations

import base64
import io
import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image

START = datetime(2026, 11, 23, 13, 59, 58, tzinfo=UTC)
"""Two seconds before the hour, so that captures continue in the next hour's folder."""


def draw_image(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), (seed * 37 % 256, seed * 91 % 256, seed * 53 % 256)).save(buffer, "PNG")
    return buffer.getvalue()


def capture_line(
    scores: Sequence[float] = (0.97, 0.03), moment: datetime = START, seed: int = 0, event_id: str | None = None
) -> dict[str, Any]:
    """Return a capture record as AWS writes it for an image: the input in BASE64, the output in JSON."""
    return {
        "captureData": {
            "endpointInput": {
                "observedContentType": "image/png",
                "mode": "INPUT",
                "data": base64.b64encode(draw_image(seed)).decode(),
                "encoding": "BASE64",
            },
            "endpointOutput": {
                "observedContentType": "application/json",
                "mode": "OUTPUT",
                "data": json.dumps(list(scores)),
                "encoding": "JSON",
            },
        },
        "eventMetadata": {
            "eventId": event_id or str(uuid.uuid4()),
            "inferenceTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "eventVersion": "0",
    }


def file_name(moment: datetime) -> str:
    """Return the name of a SageMaker capture file whose first record has the time `moment`."""
    return f"{moment:%Y/%m/%d/%H/%M-%S}-{moment.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"


def write_lines(path: Path, lines: Sequence[dict[str, Any] | str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = (line if isinstance(line, str) else json.dumps(line, separators=(",", ":")) for line in lines)
    path.write_text("".join(text + "\n" for text in texts))


def write_captures(folder: Path, answers: Sequence[Sequence[float]]) -> Path:
    """Write a record per answer, one second apart and three per file, into hourly folders of a new folder."""
    folder.mkdir()
    for first in range(0, len(answers), 3):
        moments = [START + timedelta(seconds=first + offset) for offset in range(len(answers[first : first + 3]))]
        lines = [
            capture_line(answers[first + offset], moment, first + offset, f"event-{first + offset}")
            for offset, moment in enumerate(moments)
        ]
        write_lines(folder / file_name(moments[0]), lines)
    return folder
