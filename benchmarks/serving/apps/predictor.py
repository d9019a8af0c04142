"""The peers' work per image: decode it, and run the model on one thread, as Scones' own model server does.

Each peer's application imports it in that peer's own environment, so it needs only numpy, Pillow and onnxruntime.
`MODEL` in the environment names the ONNX file, `WORKERS` the number of processes or threads.
"""

from __future__ import annotations

import io
import os

import numpy as np
import onnxruntime
from PIL import Image

WORKERS = int(os.environ.get("WORKERS", "1"))


class Predictor:
    """The model, which classifies one encoded image at a time."""

    def __init__(self, path: str | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            path or os.environ["MODEL"], options, providers=["CPUExecutionProvider"]
        )
        inputs = self._session.get_inputs()[0]
        self._name, (_, self._height, self._width, _) = inputs.name, inputs.shape

    def __call__(self, content: bytes) -> list[float]:
        """Return the probability of each class."""
        image = Image.open(io.BytesIO(content)).convert("RGB")
        if image.size != (self._width, self._height):
            image = image.resize((self._width, self._height), Image.Resampling.BILINEAR)
        answers = self._session.run(None, {self._name: np.asarray(image)[None]})[0]
        probabilities: list[float] = answers[0].astype(np.float64).tolist()
        return probabilities
