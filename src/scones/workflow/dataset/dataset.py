"""A data set on disk: PNG files and the .lst files that SageMaker's image-classification algorithm reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

Progress = Callable[[int, int | None], None]
"""Told the amount done and the total, None where that is not known: bytes for `extract`, pictures elsewhere."""

S3Client = Any
"""boto3's client for S3: its class is made at run time, and its type exists in a stub package alone."""

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")


def silent(done: int, total: int | None) -> None:
    """A progress callback that tells nobody."""


class Picture(NamedTuple):
    """One labelled picture: `key` is its path below the folder and the bucket's prefix, like `test/bike_s_1.png`."""

    key: str
    label: int


@dataclass(frozen=True)
class Dataset:
    """Labelled RGB pictures of 32 by 32 pixels below `folder`: train/*.png, test/*.png, train.lst and test.lst.

    `name` is "cifar-100" or "synthetic" and belongs beside every result that these pictures feed. A label is the
    position in `classes`. `archive_sha256` is the digest of the archive that they came from, None if drawn.
    """

    name: Literal["cifar-100", "synthetic"]
    classes: tuple[str, ...]
    folder: Path
    train: int
    test: int
    archive_sha256: str | None = None

    @property
    def synthetic(self) -> bool:
        """Whether the pictures were drawn and not photographed."""
        return self.name == "synthetic"

    def pictures(self, split: Split) -> Iterator[Picture]:
        """Read one split's .lst file, in its order."""
        with self.list_file(split).open(encoding="utf-8") as lines:
            for line in lines:
                _, label, name = line.rstrip("\n").split("\t")
                yield Picture(f"{split}/{name}", int(label))

    def test_pictures(self) -> Iterator[Picture]:
        """The pictures that no training job has seen: what executions and accuracy are made of."""
        return self.pictures("test")

    def path(self, picture: Picture) -> Path:
        """Where a picture lies on this machine."""
        return self.folder / picture.key

    def list_file(self, split: Split) -> Path:
        """The .lst file of a split: index, label and file name on each line, with tabs between."""
        return self.folder / f"{split}.lst"
