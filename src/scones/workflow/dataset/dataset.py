"""A dataset on disk: PNG files and the .lst files that SageMaker's image-classification algorithm reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")


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

    def digest(self) -> str:
        """Return the SHA-256 of everything that a training job reads: names, labels and images."""
        digest = hashlib.sha256()
        for split in SPLITS:
            digest.update(self.list_file(split).read_bytes())
            for image in self.images(split):
                digest.update(hashlib.sha256(self.path(image).read_bytes()).digest())
        return digest.hexdigest()

    def test_labels(self) -> dict[str, int]:
        """Return the true label of each test image by its content's SHA-256."""
        return {hashlib.sha256(self.path(image).read_bytes()).hexdigest(): image.label for image in self.test_images()}


@dataclass(frozen=True)
class UploadedDataset:
    """A dataset in a bucket, below a prefix that depends on its `digest`."""

    dataset: Dataset
    bucket: str
    digest: str

    @property
    def prefix(self) -> str:
        """Key prefix of the images and .lst files, without a slash at the end."""
        return f"datasets/{self.digest[:16]}"

    @property
    def uri(self) -> str:
        """S3 URI of the prefix."""
        return f"s3://{self.bucket}/{self.prefix}"
