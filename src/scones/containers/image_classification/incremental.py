"""Incremental training: weights of an earlier job's model from the `model` channel."""

from __future__ import annotations

import tarfile
from pathlib import Path

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import Tensor

from scones.containers.contract import CustomerError

ARCHIVE, MODEL = "model.tar.gz", "model.onnx"

Weights = dict[str, Tensor]
"""Tensors by their names in the network's state."""


def load_initial_weights(channel: Path) -> Weights | None:
    """Return the weights of the model in a channel's folder, a model.onnx or an archive; None without the channel.

    Raises `CustomerError` if there is no such model.
    """
    if not channel.is_dir():
        return None
    try:
        model = onnx.load_from_string(_content(channel))
    except (OSError, KeyError, tarfile.TarError, DecodeError) as error:
        raise CustomerError(
            "The channel model does not contain a model of this algorithm: specify the S3 URI of a job's "
            f"{ARCHIVE}. ({error})"
        ) from error
    return {value.name: torch.from_numpy(numpy_helper.to_array(value).copy()) for value in model.graph.initializer}


def _content(channel: Path) -> bytes:
    archives = sorted(channel.rglob(f"*{ARCHIVE.removeprefix('model')}"))
    if not archives:
        return (channel / MODEL).read_bytes()
    with tarfile.open(archives[0]) as archive:
        member = archive.extractfile(MODEL)
        if member is None:
            raise KeyError(f"{MODEL} is not a file")
        return member.read()
