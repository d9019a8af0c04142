"""Reading the channels: a .lst file and the pictures that it names."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from scones.algorithm.failure import CustomerError

DAMAGED_SHARE = 0.05
"""The share of a channel's pictures that may be damaged; with more, the job fails."""
UNREADABLE = (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError)
"""What Pillow raises for damaged files, as 12,000 files with wrong bytes showed."""
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures of one size, shape (n, height, width, 3), with their labels, shape (n,), in the order of the list."""

    pixels: Pixels
    labels: NDArray[np.int64]


def read_channel(
    pictures: Path, lists: Path, shape: tuple[int, int, int], classes: int, warn: Callable[[str], None]
) -> Pictures:
    """Read a channel by the one .lst file of its list channel; `warn` is told of every damaged picture.

    Raises `CustomerError` for a list or pictures that cannot be used.
    """
    entries = _read_list(_find_list(lists, pictures.name), pictures.name, classes)
    pixels: list[Pixels] = []
    labels: list[int] = []
    for label, name in entries:
        try:
            pixels.append(_fit((_find(pictures, name)).read_bytes(), shape, name))
        except UNREADABLE as error:
            warn(f"The picture {name} of the {pictures.name} channel is left out: {error}")
            continue
        labels.append(label)
    damaged = len(entries) - len(pixels)
    if damaged:
        warn(f"{damaged} of {len(entries)} pictures of the {pictures.name} channel are left out.")
    if damaged > DAMAGED_SHARE * len(entries):
        raise CustomerError(
            f"{damaged} of {len(entries)} pictures of the {pictures.name} channel cannot be read; at most 5 % may be."
        )
    return Pictures(np.stack(pixels), np.array(labels))


def _find_list(folder: Path, channel: str) -> Path:
    found = sorted(folder.glob("*.lst"))
    if len(found) != 1:
        raise CustomerError(f"The {channel}_lst channel must hold exactly one .lst file; it holds {len(found)}.")
    return found[0]


def _read_list(path: Path, channel: str, classes: int) -> list[tuple[int, str]]:
    """Read lines of index, label and path, parted by tabs."""
    entries: list[tuple[int, str]] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise CustomerError(f"Invalid lst file in the {channel} channel. {path.name} is not text in UTF-8.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        columns = line.split("\t")
        try:
            _, label, name = columns
            value = float(label)
        except ValueError as error:
            raise CustomerError(
                f"Invalid lst file in the {channel} channel. Line {number} is not index, label and path, by tabs."
            ) from error
        if not value.is_integer() or not 0 <= value < classes:
            raise CustomerError(
                f"Invalid lst file in the {channel} channel. Line {number} has the label {label}; "
                f"num_classes={classes} allows 0 to {classes - 1}."
            )
        entries.append((int(value), name))
    if not entries:
        raise CustomerError(f"Invalid lst file in the {channel} channel. {path.name} is empty.")
    return entries


def _find(folder: Path, name: str) -> Path:
    """Return a picture's path; one that repeats the channel's folder, as people's lists do, is found too."""
    path = folder / name
    if not path.exists() and "/" in name:
        inside = folder / name.split("/", 1)[1]
        return inside if inside.exists() else path
    return path


def to_rgb(picture: Image.Image) -> Image.Image:
    """Return a picture in RGB with 8 bits; Pillow's own conversion turns most of a picture of 16 bits white."""
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    return picture.convert("RGB")


def _fit(content: bytes, shape: tuple[int, int, int], name: str) -> Pixels:
    """Decode a picture and cut out its middle, as the built-in does."""
    _, height, width = shape
    with Image.open(io.BytesIO(content)) as opened:
        picture = to_rgb(opened)
    if picture.height < height or picture.width < width:
        raise CustomerError(
            f"{name} is {picture.width} by {picture.height} pixels, smaller than image_shape's {width} by {height}."
        )
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return np.asarray(picture.crop((left, top, left + width, top + height)))
