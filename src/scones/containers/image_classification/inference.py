"""Inference with the trained ONNX model; loads onnxruntime and no PyTorch."""

from __future__ import annotations

import contextlib
import io
import timeit
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, UnidentifiedImageError

from scones.containers.image_classification.images import to_rgb

CONTENT_TYPES = {"image/png", "image/jpeg", "application/x-image"}
PIXEL_LIMIT = 64_000_000
"""Maximum number of pixels of an image; larger images are rejected before they are decoded."""
AT_ONCE = 0.002
"""Seconds that a classification may take on the event loop; a slower model runs on threads.

The limit is more than twice what the default model takes, so that load on the machine while the model is loaded does
not change the outcome.
"""
SMALL_FILE = 16 << 10
SMALL_IMAGE = 128 * 128
"""Maximum number of pixels of an image that may be decoded on the event loop; `SMALL_FILE` limits the bytes of its
file."""


class RequestError(Exception):
    """A request that cannot be answered; `status` is the HTTP status of the response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class OnnxModel:
    """The ONNX model, with the decoding and scaling of its input images."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # two threads were slower than one, and requests run concurrently
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        _, self._height, self._width, _ = self._session.get_inputs()[0].shape
        self._blank = _blank(self._width, self._height)
        self.check()
        self._is_fast = min(timeit.repeat(self.check, number=1, repeat=5)) < AT_ONCE

    def check(self) -> None:
        """Classify a blank image; raises an exception if the model cannot answer."""
        if not np.isfinite(self.classify(self._blank)).all():
            raise ValueError("the model returns NaN or infinite values")

    def classify(self, content: bytes) -> list[float]:
        """Return the probability of each class for one encoded image; raises `RequestError`."""
        with _open_image(content) as image:
            fitting = self._fit(image)
        return self._infer(fitting)

    def classify_if_fast(self, content: bytes) -> list[float] | None:
        """Like `classify`, for small images and a fast model (about a millisecond); return None otherwise."""
        if not self._is_fast or len(content) > SMALL_FILE:
            return None
        with _open_image(content) as image:
            if image.width * image.height > SMALL_IMAGE:
                return None
            fitting = self._fit(image)
        return self._infer(fitting)

    def _fit(self, image: Image.Image) -> Image.Image:
        return to_rgb(image).resize((self._width, self._height), Image.Resampling.BILINEAR)

    def _infer(self, fitting: Image.Image) -> list[float]:
        (answers,) = self._session.run(None, {"pictures": np.asarray(fitting)[None]})
        probabilities: list[float] = answers[0].astype(np.float64).tolist()
        return probabilities


@contextlib.contextmanager
def _open_image(content: bytes) -> Iterator[Image.Image]:
    """Open an encoded image; raises `RequestError` if opening it fails, or decoding it within the block."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            if image.width * image.height > PIXEL_LIMIT:
                raise RequestError(400, "unable to evaluate payload provided: the image has too many pixels")
            yield image
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RequestError(400, "unable to evaluate payload provided") from error


def _blank(width: int, height: int) -> bytes:
    """Return a blank PNG image, for a trial run before the first request."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()
