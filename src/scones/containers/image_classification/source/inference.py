"""Handlers for AWS's PyTorch image: each request is one image, and the response is its probabilities as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from scones.containers.image_classification.inference import CONTENT_TYPES, OnnxModel


def model_fn(model_dir: str) -> OnnxModel:
    """Load model.onnx."""
    return OnnxModel(Path(model_dir))


def input_fn(body: bytes | bytearray, content_type: str) -> bytes:
    """Return the encoded image."""
    if content_type.partition(";")[0].strip().lower() not in CONTENT_TYPES:
        raise ValueError(f"content type {content_type} is not one of {', '.join(sorted(CONTENT_TYPES))}")
    return bytes(body)


def predict_fn(content: bytes, model: OnnxModel) -> list[float]:
    """Return the probability of each class."""
    return model.classify(content)


def output_fn(probabilities: list[float], accept: str) -> tuple[str, str]:  # noqa: ARG001 - JSON is the only format
    """Return the probabilities as a JSON array, with its content type."""
    return json.dumps(probabilities), "application/json"
