"""Default handlers of AWS's scikit-learn framework image."""

from __future__ import annotations

from typing import Any

import numpy as np

from scones.containers.frameworks.codec import TEXT, bare, decode, encode


def model_fn(model_dir: str) -> Any:
    """Raise `NotImplementedError`: the image has no default model format."""
    raise NotImplementedError(
        "The Scikit-learn image has no default model format: define model_fn(model_dir) in the script to load "
        f"the model from {model_dir}."
    )


def input_fn(body: Any, content_type: str) -> Any:
    """Return the array in a request; numbers in text become 32-bit floats."""
    array = decode(body, content_type)
    return array.astype(np.float32) if bare(content_type) in TEXT else array


def predict_fn(data: Any, model: Any) -> Any:
    """Return the model's predictions."""
    return model.predict(data)


def output_fn(prediction: Any, accept: str) -> str | bytes:
    """Return a prediction in the requested format."""
    return encode(prediction, accept)
