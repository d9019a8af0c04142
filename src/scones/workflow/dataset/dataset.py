"""A dataset on disk: PNG files and the .lst files that SageMaker's image-classification algorithm reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

Progress = Callable[[int, int | None], None]
"""Callback with the amount done and the total (None if unknown): bytes for `extract`, images or objects elsewhere."""

S3Client = Any
"""boto3's S3 client: its class is generated at run time, so only a stub package has its type."""

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")


def silent(done: int, total: int | None) -> None:
    """Progress callback that reports nothing."""


class LabelledImage(NamedTuple):
    """One labelled image: `key` is its path below the folder and the bucket's prefix, like `test/bike_s_1.png`."""

    key: str
    label: int


@dataclass(frozen=True)
class Dataset:
    """Labelled RGB images of 32 by 32 pixels below `folder`: train/*.png, test/*.png, train.lst and test.lst.

    `name` is "cifar-100" or "synthetic"; state it next to every result from these images. A label is an index into
    `classes`. `archive_sha256` is the digest of the source archive, None for drawn images.
    """

    name: Literal["cifar-100", "synthetic"]
    classes: tuple[str, ...]
    folder: Path
    train: int
    test: int
    archive_sha256: str | None = None

    @property
    def synthetic(self) -> bool:
        """True if the images are drawn, not photographs."""
        return self.name == "synthetic"

    def images(self, split: Split) -> Iterator[LabelledImage]:
        """Yield the images of one split, in the order of its .lst file."""
        with self.list_file(split).open(encoding="utf-8") as lines:
            for line in lines:
                _, label, name = line.rstrip("\n").split("\t")
                yield LabelledImage(f"{split}/{name}", int(label))

    def test_images(self) -> Iterator[LabelledImage]:
        """Yield the images that no training job has seen; executions and accuracy use them."""
        return self.images("test")

    def path(self, image: LabelledImage) -> Path:
        """Return an image's path on this machine."""
        return self.folder / image.key

    def list_file(self, split: Split) -> Path:
        """Return the path of a split's .lst file: index, label and file name on each line, separated by tabs."""
        return self.folder / f"{split}.lst"
