"""Handlers of BlazingText's classifier: requests are JSON with `instances`, or JSON Lines with a `source` each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import floret

from scones.containers.frameworks import codec

ACCEPT = codec.ANY
"""By default, a response has the content type of its request."""
JSON_LINES = "application/jsonlines"
MODEL = "model.bin"


class BadRequestError(codec.UnsupportedFormatError):
    """A body that is not in BlazingText's format (HTTP 400)."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)
        self.status = 400


@dataclass(frozen=True, slots=True)
class ClassificationRequest:
    """Texts, the number of labels to return for each, and the content type of the body."""

    texts: list[str]
    counts: list[int]
    content_type: str


def model_fn(model_dir: str) -> Any:
    """Load model.bin."""
    return floret.load_model(str(Path(model_dir, MODEL)))


def input_fn(body: Any, content_type: str) -> ClassificationRequest:
    """Return the texts of a request; raises `BadRequestError` and `UnsupportedFormatError`."""
    kind = codec.bare(content_type)
    if kind not in (codec.JSON, JSON_LINES):
        raise codec.UnsupportedFormatError(content_type)
    try:
        text = body if isinstance(body, str) else bytes(body).decode()
        documents = [json.loads(line) for line in (text.splitlines() if kind == JSON_LINES else [text]) if line.strip()]
    except ValueError as error:
        raise BadRequestError(f"The body is not {kind}: {error}.") from error
    if kind == JSON_LINES:
        if not documents or not all(
            isinstance(line, dict) and isinstance(line.get("source"), str) for line in documents
        ):
            raise BadRequestError('Each line of the body must be an object with a text: {"source": "text"}.')
        return ClassificationRequest(
            [line["source"] for line in documents], [_count(line.get("k", 1)) for line in documents], kind
        )
    given = documents[0] if documents and isinstance(documents[0], dict) else {}
    texts, settings = given.get("instances"), given.get("configuration", {})
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise BadRequestError('The body must be an object with a list of texts: {"instances": ["text"]}.')
    if not isinstance(settings, dict):
        raise BadRequestError('The configuration must be an object, as in "configuration": {"k": 2}.')
    return ClassificationRequest(texts, [_count(settings.get("k", 1))] * len(texts), kind)


def _count(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise BadRequestError(f"k is {json.dumps(given)}; it must be an integer of at least 1.")
    return given


def predict_fn(data: ClassificationRequest, model: Any) -> tuple[list[dict[str, Any]], str]:
    """Return the most probable labels of each text with their probabilities, and the content type of the request."""
    found = []
    for text, count in zip(data.texts, data.counts, strict=True):
        # Not model.predict: floret 0.10.5 returns one probability for all labels of a text in a list, and fails with
        # NumPy 2 on a single text.
        likeliest = model.f.predict(" ".join(text.splitlines()) + "\n", count, 0.0, "strict")
        found.append(
            {"label": [label for _, label in likeliest], "prob": [min(chance, 1.0) for chance, _ in likeliest]}
        )
    return found, data.content_type


def output_fn(prediction: tuple[list[dict[str, Any]], str], accept: str) -> tuple[str, str]:
    """Return the response in the requested format; raises `UnsupportedFormatError`."""
    found, requested = prediction
    kind = requested if codec.bare(accept) == codec.ANY else codec.bare(accept)
    if kind == JSON_LINES:
        return "".join(f"{json.dumps(each)}\n" for each in found), kind
    if kind == codec.JSON:
        return json.dumps(found), kind
    raise codec.UnsupportedFormatError(accept, 406)
