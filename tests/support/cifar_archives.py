"""Valid and hostile archives in CIFAR-100's format."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

NAMES = [f"class_{number:02}" for number in range(100)]
NAMES[8], NAMES[48], NAMES[0] = "bicycle", "motorcycle", "apple"


def split_of(labels: list[int], seed: int = 0) -> dict[bytes, Any]:
    """Return a split in CIFAR-100's format, with random pixels."""
    pixels = np.random.default_rng(seed).integers(0, 256, (len(labels), 3072), np.uint8)
    names = [f"picture_s_{index:06}.png".encode() for index in range(len(labels))]
    return {b"data": pixels, b"fine_labels": labels, b"filenames": names}


def write_archive(path: Path, **members: bytes) -> Path:
    """Write an archive; members that are not given are valid."""
    good = {
        "meta": pickle.dumps({b"fine_label_names": [name.encode() for name in NAMES]}, 2),
        "train": pickle.dumps(split_of([8, 48, 0, 48, 8, 8]), 2),
        "test": pickle.dumps(split_of([48, 8, 0], seed=1), 2),
    }
    write_tar(path, [(f"cifar-100-python/{name}", content) for name, content in (good | members).items()])
    return path


def write_tar(path: Path, entries: list[tuple[str | tarfile.TarInfo, bytes]]) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for entry, content in entries:
            info = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            if info.isreg():
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    path.write_bytes(gzip.compress(packed.getvalue(), 1, mtime=0))
