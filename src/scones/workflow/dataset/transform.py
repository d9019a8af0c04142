"""Transform: write an archive's images of some classes as PNG files, with .lst files for image-classification."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from scones.workflow.dataset.archive import ArchiveSplit, read_archive
from scones.workflow.dataset.dataset import SPLITS, Dataset, Split
from scones.workflow.dataset.errors import ArchiveError, TooFewClassesError
from scones.workflow.dataset.extract import Archive
from scones.workflow.dataset.unpickle import Pixels
from scones.workflow.observer import Progress, silent

DEFAULT_CLASSES = ("bicycle", "motorcycle")


class ImageToWrite(NamedTuple):
    """An image to write: its file name, its label, and uint8 pixels of shape (32, 32, 3)."""

    name: str
    label: int
    pixels: Pixels


def transform(
    archive: Archive, folder: Path, classes: Sequence[str] = DEFAULT_CLASSES, *, progress: Progress = silent
) -> Dataset:
    """Write the archive's images of `classes` below `folder`. Labels follow the order of `classes`.

    A file with the same content is not written again. `progress` receives numbers of images. Raises UnknownClassError
    for a name that the archive does not have. Raises ArchiveError for an archive that is unreadable or malicious, or
    that has a split without an image of a class.
    """
    classes = distinct(classes)
    cifar = read_archive(archive.path)
    labels = cifar.labels_of(classes)
    chosen = {split: list(_select(cifar.splits[split], labels)) for split in SPLITS}
    for split in SPLITS:
        present = {image.label for image in chosen[split]}
        if missing := [name for label, name in enumerate(classes) if label not in present]:
            raise ArchiveError(f"{archive.path} has no {split} image of {' or '.join(missing)}.")
    write(folder, chosen, progress)
    return Dataset("cifar-100", classes, folder, len(chosen["train"]), len(chosen["test"]), archive.sha256)


def distinct(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the class names without duplicates. Raises TooFewClassesError if fewer than two remain."""
    names = tuple(dict.fromkeys(classes))
    if len(names) < 2:
        raise TooFewClassesError(names)
    return names


def _select(images: ArchiveSplit, labels: list[int]) -> Iterator[ImageToWrite]:
    taken: set[str] = set()
    for index in np.flatnonzero(np.isin(images.labels, labels)).tolist():
        name = _safe(images.names[index], index, taken)
        taken.add(name)
        planes = images.pixels[index].reshape(3, 32, 32)
        yield ImageToWrite(name, labels.index(int(images.labels[index])), planes.transpose(1, 2, 0))


def _safe(name: str, index: int, taken: set[str]) -> str:
    """Return the archive's file name, with the row's number if it is taken. Raises ArchiveError if it is unsafe."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._'+-]{0,199}\.png", name):
        raise ArchiveError(f"The archive contains an image named {name!r}, which is not a plain PNG file name.")
    return name if name not in taken else f"{name.removesuffix('.png')}-{index}.png"


def write(folder: Path, splits: dict[Split, list[ImageToWrite]], progress: Progress) -> None:
    """Write each split's PNG files and then its .lst file. `progress` receives numbers of images."""
    total = sum(len(images) for images in splits.values())
    done = 0
    progress(0, total)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        for split, images in splits.items():
            (folder / split).mkdir(parents=True, exist_ok=True)
            paths = [folder / split / image.name for image in images]
            for _ in threads.map(_write_png, paths, (image.pixels for image in images)):
                done += 1
                progress(done, total)
            _write_if_changed(folder / f"{split}.lst", _list_file(images))


def _list_file(images: Iterable[ImageToWrite]) -> bytes:
    lines = (f"{index}\t{image.label}\t{image.name}\n" for index, image in enumerate(images))
    return "".join(lines).encode()


def _write_png(path: Path, pixels: Pixels) -> None:
    packed = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(packed, "png")
    _write_if_changed(path, packed.getvalue())


def _write_if_changed(path: Path, content: bytes) -> None:
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)
