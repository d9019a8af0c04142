"""A .lst file and the images that it names; its lines are index, label or labels, and path, separated by tabs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scones.containers.contract import CustomerError
from scones.containers.image_classification.images import ChannelImage
from scones.containers.image_classification.labels import LabelFormat


def listed(images: Path, lists: Path, labels: LabelFormat) -> Iterator[ChannelImage]:
    """Yield the images that a channel's only list names; raises `CustomerError` for an invalid list."""
    path = _find_list(lists, images.name)
    invalid = f"Invalid lst file in the {images.name} channel."
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise CustomerError(f"{invalid} {path.name} is not UTF-8 text.") from error
    entries = [_entry(line, labels, f"{invalid} Line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not entries:
        raise CustomerError(f"{invalid} {path.name} is empty.")
    for classes, name in entries:
        yield ChannelImage(name, classes, _find(images, name).read_bytes)


def _find_list(folder: Path, channel: str) -> Path:
    found = sorted(folder.glob("*.lst"))
    if len(found) != 1:
        raise CustomerError(f"The {channel}_lst channel must contain exactly one .lst file; it contains {len(found)}.")
    return found[0]


def _entry(line: str, labels: LabelFormat, where: str) -> tuple[tuple[int, ...], str]:
    columns = line.split("\t")
    try:
        _, first, *others, name = columns
        numbers = [float(value) for value in (first, *others)]
    except ValueError as error:
        raise CustomerError(f"{where} must be index, label and path, separated by tabs.") from error
    return labels.read(numbers, where), name


def _find(folder: Path, name: str) -> Path:
    """Return an image's path; a path that repeats the channel's folder, as in many users' lists, is accepted too."""
    path = folder / name
    if not path.exists() and "/" in name:
        inside = folder / name.split("/", 1)[1]
        return inside if inside.exists() else path
    return path
