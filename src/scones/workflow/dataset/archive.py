"""Read CIFAR-100's Python archive without trusting it: a tar of three Python 2 pickles.

The tar is read as a stream and never unpacked to disk. The pickles are read by an interpreter that cannot call
anything. Their contents are accepted only if types, shapes and values are those of images.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from scones.workflow.dataset.dataset import SPLITS, Split
from scones.workflow.dataset.errors import ArchiveError, UnknownClassError
from scones.workflow.dataset.unpickle import PickledArray, Pixels, text, unpickle

ROOT = "cifar-100-python"
MEMBER_LIMITS = {f"{ROOT}/meta": 1 << 20, f"{ROOT}/test": 1 << 26, f"{ROOT}/train": 1 << 28}
"""The archive members that are read, with the maximum bytes of each: at least twice its official size."""
UNPACKED_LIMIT = 1 << 30
"""Maximum bytes that the archive may unpack to; this stops gzip bombs."""
ROW = 3 * 32 * 32
"""Bytes of one image."""


@dataclass(frozen=True)
class ArchiveSplit:
    """One split: `pixels` is uint8 of shape (n, 3072). Each row has a red, a green and a blue plane of 32 by 32."""

    pixels: Pixels
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...]


@dataclass(frozen=True)
class CifarArchive:
    """An archive's contents: the names of its fine classes, and its two splits."""

    class_names: tuple[str, ...]
    splits: dict[Split, ArchiveSplit]

    def labels_of(self, classes: tuple[str, ...]) -> list[int]:
        """Return the fine labels of the named classes. Raises UnknownClassError with the closest names."""
        for name in classes:
            if name not in self.class_names:
                raise UnknownClassError(name, self.class_names)
        return [self.class_names.index(name) for name in classes]


def read_archive(path: Path) -> CifarArchive:
    """Read and check an archive (.tar.gz or .tar). Raises ArchiveError, or its subclass ForbiddenGlobalError."""
    try:
        members = dict(_members(path))
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ArchiveError(f"{path} is not a complete .tar.gz file ({error}); download it again.") from error
    missing = MEMBER_LIMITS.keys() - members.keys()
    if missing:
        raise ArchiveError(f"{path} has no {', '.join(sorted(missing))}; expected CIFAR-100's Python archive.")
    meta = unpickle(members[f"{ROOT}/meta"])
    names = _texts(meta, "fine_label_names", f"{ROOT}/meta")
    splits = {split: _read_split(unpickle(members.pop(f"{ROOT}/{split}")), split, len(names)) for split in SPLITS}
    return CifarArchive(names, splits)


class _LimitedStream(io.RawIOBase):
    """A stream that raises ArchiveError once more than `limit` unpacked bytes have been read."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self.stream = stream
        self.left = limit

    def read(self, size: int = -1, /) -> bytes:
        data = self.stream.read(min(size, self.left + 1) if size >= 0 else self.left + 1)
        self.left -= len(data)
        if self.left < 0:
            raise ArchiveError(f"The archive unpacks to more than {UNPACKED_LIMIT:,} bytes; it is not a CIFAR archive.")
        return data


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as packed:
        gzipped = packed.read(2) == b"\x1f\x8b"
        packed.seek(0)
        # GzipFile behaves like IO[bytes] but does not derive from it.
        plain: IO[bytes] = gzip.GzipFile(fileobj=packed) if gzipped else packed  # type: ignore[assignment]
        with tarfile.open(fileobj=_LimitedStream(plain, UNPACKED_LIMIT), mode="r|") as tar:
            seen = set()
            for member in tar:
                name = member.name.removeprefix("./")
                if name not in MEMBER_LIMITS:
                    continue
                if name in seen or not member.isreg() or member.size > MEMBER_LIMITS[name]:
                    raise ArchiveError(
                        f"{path} contains {name} twice, as a link, or with more than {MEMBER_LIMITS[name]:,} bytes."
                    )
                seen.add(name)
                file = tar.extractfile(member)
                assert file is not None
                yield name, file.read()


def _list(pickled: dict[str, Any], key: str, where: str) -> list[object]:
    value = pickled.get(key)
    if not isinstance(value, list) or not value:
        raise ArchiveError(f"{where} has no list {key}.")
    return value


def _texts(pickled: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    return tuple(text(value) for value in _list(pickled, key, where))


def _read_split(pickled: dict[str, Any], split: Split, classes: int) -> ArchiveSplit:
    where = f"{ROOT}/{split}"
    array = pickled.get("data")
    pixels = array.rows(ROW) if isinstance(array, PickledArray) else None
    if pixels is None:
        raise ArchiveError(f"{where} has no uint8 array `data` of shape (n, {ROW}).")
    labels = _list(pickled, "fine_labels", where)
    names = _texts(pickled, "filenames", where)
    if not len(pixels) == len(labels) == len(names):
        raise ArchiveError(f"{where} has {len(pixels)} images, {len(labels)} labels and {len(names)} file names.")
    if not all(type(label) is int and 0 <= label < classes for label in labels):
        raise ArchiveError(f"{where} has a label that is not an integer from 0 to {classes - 1}.")
    return ArchiveSplit(pixels, np.array(labels, np.int64), names)
