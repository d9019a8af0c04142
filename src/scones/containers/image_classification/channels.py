"""Readers for the channels `train` and `validation`, in each format of the built-in algorithm.

application/x-image: images, with a .lst file in a separate channel. application/x-recordio: one .rec file, or the same
content through a pipe. An augmented manifest also arrives through a pipe: for each image, a record with its content and
a record with its label in JSON, as SageMaker wraps the attributes that the request names.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scones.containers.contract import Container, CustomerError
from scones.containers.image_classification.hyperparameters import Hyperparameters
from scones.containers.image_classification.images import ChannelImage, ImageSet, collect
from scones.containers.image_classification.labels import LabelFormat
from scones.containers.image_classification.lst import listed
from scones.containers.image_classification.recordio import RecordError, records, unpack

FORMATS = {"multi-hot": False, "class-id": True}
"""Values of the content type's label-format: True if labels are class ids."""


def read_channel(
    container: Container,
    name: str,
    parameters: Hyperparameters,
    log: Callable[[str], None],
    warn: Callable[[str], None],
) -> ImageSet:
    """Read a channel and call `warn` for each damaged image. Raises `CustomerError` for an unusable channel."""
    config = container.config("inputdataconfig").get(name, {})
    folder, lists = container.channel(name), container.channel(f"{name}_lst")
    kind, _, rest = config.get("ContentType", "").partition(";")
    labels = LabelFormat(parameters.num_classes, bool(parameters.multi_label), _class_ids(rest, name))
    resize = parameters.resize
    if config.get("TrainingInputMode") == "Pipe":
        if config.get("RecordWrapperType") == "RecordIO":
            samples = _manifest_images(container.channel(f"{name}_0"), name, labels)
        else:
            samples, resize = _record_images(container.channel(f"{name}_0"), name, labels), None
    elif kind.strip() == "application/x-recordio" or (not lists.exists() and any(folder.glob("*.rec"))):
        samples, resize = _record_images(_find_records(folder), name, labels), None
    else:
        log(f"Searching for .lst files in {lists}.")
        samples = listed(folder, lists, labels)
    if parameters.resize != resize:
        warn(
            f"resize has no effect on channel {name}: it applies to images, and this channel contains RecordIO records."
        )
    return collect(samples, name, parameters.image_shape, resize, labels, warn)


def _class_ids(rest: str, channel: str) -> bool:
    key, _, value = rest.strip().partition("=")
    if key != "label-format":
        return False
    if value not in FORMATS:
        raise CustomerError(f"The {channel} channel's label-format must be multi-hot or class-id, not {value!r}.")
    return FORMATS[value]


def _find_records(folder: Path) -> Path:
    found = sorted(folder.glob("*.rec"))
    if len(found) != 1:
        raise CustomerError(f"The {folder.name} channel must contain exactly one .rec file; it contains {len(found)}.")
    return found[0]


def _record_images(path: Path, channel: str, labels: LabelFormat) -> Iterator[ChannelImage]:
    """Yield the images of a .rec file, or of a pipe with the content of one."""
    for number, record in _numbered(path, channel):
        where = f"Invalid .rec file in the {channel} channel. Record {number}"
        try:
            identity, values, content = unpack(record)
        except RecordError as error:
            raise CustomerError(f"{where} {error}.") from error
        yield ChannelImage(
            f"in record {number}, id {identity},", labels.read(values, where), functools.partial(bytes, content)
        )


def _manifest_images(path: Path, channel: str, labels: LabelFormat) -> Iterator[ChannelImage]:
    """Yield the images of an augmented manifest from a pipe."""
    found = _numbered(path, channel)
    for number, content in found:
        where = f"Invalid augmented manifest in the {channel} channel. The label of image {(number + 1) // 2}"
        _, label = next(found, (0, None))
        if label is None:
            raise CustomerError(f"{where} is missing; AttributeNames must list the image and then its label.")
        yield ChannelImage(
            f"{(number + 1) // 2}", labels.read(_numbers(label, where), where), functools.partial(bytes, content)
        )


def _numbers(text: bytes, where: str) -> list[float]:
    """Read a label or a list of labels in JSON, possibly encoded as a string: "0", "[1, 0]", 0 or [1, 0]."""
    try:
        value: Any = json.loads(text)
        value = json.loads(value) if isinstance(value, str) else value
        return [float(each) for each in (value if isinstance(value, list) else [value])]
    except (ValueError, TypeError) as error:
        shown = text[:40].decode(errors="replace")
        raise CustomerError(
            f"{where} is {shown!r}, which is neither a number nor a list of numbers; AttributeNames must list "
            "the image and then its label."
        ) from error


def _numbered(path: Path, channel: str) -> Iterator[tuple[int, bytes]]:
    """Yield the records of a file or pipe, numbered from 1."""
    number = 0
    with path.open("rb") as stream:
        found = records(stream)
        try:
            for record in found:
                number += 1
                yield number, record
        except RecordError as error:
            raise CustomerError(f"Invalid .rec file in the {channel} channel. Record {number + 1} {error}.") from error
    if not number:
        raise CustomerError(f"Unable to start training. Empty .rec file in {channel} channel.")  # in AWS's words
