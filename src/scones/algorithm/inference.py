"""The trained model, and pictures turned into what it takes; loads onnxruntime and no PyTorch."""

from __future__ import annotations

import contextlib
import io
import timeit
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, UnidentifiedImageError

from scones.algorithm.pictures import to_rgb

CONTENT_TYPES = {"image/png", "image/jpeg", "application/x-image"}
PIXEL_LIMIT = 64_000_000
"""Pixels of a picture: what decodes to more is refused before it is decoded."""
AT_ONCE = 0.002
"""Seconds that the event loop may be held up: what takes no longer is done on it, without the way to a thread and back.

More than twice what the default model takes: it is not to hang on what else a machine does while the model is loaded.
"""
SMALL_FILE = 16 << 10
SMALL_PICTURE = 128 * 128
"""Pixels of a picture, and bytes of its file, that are decoded in so short a time."""


class RequestError(Exception):
    """A request that cannot be answered, with the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Model:
    """The ONNX model, and pictures turned into what it takes."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # two threads were slower than one, and requests come side by side
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        _, self._height, self._width, _ = self._session.get_inputs()[0].shape
        self._blank = _blank(self._width, self._height)
        self.try_out()
        self._quick = min(timeit.repeat(self.try_out, number=1, repeat=5)) < AT_ONCE

    def try_out(self) -> None:
        """Classify an empty picture; raises whatever keeps the model from answering."""
        if not np.isfinite(self.classify(self._blank)).all():
            raise ValueError("the model answers with numbers that are none")

    def classify(self, content: bytes) -> list[float]:
        """Return the probability of each class for one encoded picture; raises `RequestError`."""
        with _opened(content) as picture:
            fitting = self._fit(picture)
        return self._infer(fitting)

    def classify_at_once(self, content: bytes) -> list[float] | None:
        """Do the same where that takes about a millisecond at most: a small model, a small picture; else None."""
        if not self._quick or len(content) > SMALL_FILE:
            return None
        with _opened(content) as picture:
            if picture.width * picture.height > SMALL_PICTURE:
                return None
            fitting = self._fit(picture)
        return self._infer(fitting)

    def _fit(self, picture: Image.Image) -> Image.Image:
        return to_rgb(picture).resize((self._width, self._height), Image.Resampling.BILINEAR)

    def _infer(self, fitting: Image.Image) -> list[float]:
        (answers,) = self._session.run(None, {"pictures": np.asarray(fitting)[None]})
        probabilities: list[float] = answers[0].astype(np.float64).tolist()
        return probabilities


@contextlib.contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    """Open an encoded picture; raises `RequestError` where that fails, and where decoding it within the block does."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > PIXEL_LIMIT:
                raise RequestError(400, "unable to evaluate payload provided: the picture has too many pixels")
            yield picture
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RequestError(400, "unable to evaluate payload provided") from error


def _blank(width: int, height: int) -> bytes:
    """Return an empty picture, to run everything once before the first request."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()
