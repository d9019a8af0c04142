"""Formats that AWS's inference toolkit reads and writes if a script has no input_fn or output_fn."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np

JSON = "application/json"
CSV = "text/csv"
NPY = "application/x-npy"
NPZ = "application/x-npz"
ANY = "*/*"
TEXT = frozenset({JSON, CSV})
"""Content types whose bodies a handler receives as str."""


class UnsupportedFormatError(Exception):
    """A content type that cannot be read (HTTP 415) or written (HTTP 406)."""

    def __init__(self, content_type: str, status: int = 415) -> None:
        super().__init__(
            f"Content type {content_type} is not supported by this framework.\n\n"
            "Please implement input_fn to to deserialize the request data or an output_fn to\n"
            "serialize the response. For more information, see the SageMaker Python SDK README."
        )
        self.status = status


def bare(content_type: str) -> str:
    """Return a content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def decode(body: Any, content_type: str) -> Any:
    """Return the array in a body; raises `UnsupportedFormatError`."""
    match bare(content_type):
        case "application/json":
            return np.array(json.loads(body))
        case "text/csv":
            text = body.decode() if isinstance(body, bytes) else body
            return np.genfromtxt(io.StringIO(text), delimiter=",")
        case "application/x-npy":
            return np.load(io.BytesIO(body), allow_pickle=True)
        case "application/x-npz":
            from scipy import sparse

            return sparse.load_npz(io.BytesIO(body))
    raise UnsupportedFormatError(content_type)


def encode(prediction: Any, content_type: str) -> str | bytes:
    """Return an array or array-like value as a body; raises `UnsupportedFormatError`."""
    try:
        write = _WRITERS[bare(content_type)]
    except KeyError:
        raise UnsupportedFormatError(content_type, 406) from None
    return write(prediction)


def _to_json(prediction: Any) -> str:
    return json.dumps(prediction, default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value))


def _to_csv(prediction: Any) -> str:
    written = io.StringIO()
    np.savetxt(written, np.atleast_1d(prediction), delimiter=",", fmt="%s")
    return written.getvalue()


def _to_npy(prediction: Any) -> bytes:
    written = io.BytesIO()
    np.save(written, prediction)
    return written.getvalue()


_WRITERS: dict[str, Callable[[Any], str | bytes]] = {JSON: _to_json, CSV: _to_csv, NPY: _to_npy}


def accepted(accept: str) -> str:
    """Return the first type of an Accept header that can be written; raises `UnsupportedFormatError`."""
    for offered in accept.split(","):
        if bare(offered) in _WRITERS:
            return bare(offered)
        if bare(offered) == ANY:
            return JSON
    raise UnsupportedFormatError(accept, 406)
