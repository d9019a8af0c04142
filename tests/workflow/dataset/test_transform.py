"""Transform: an archive becomes PNG files and the lists that the image-classification algorithm reads."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scones.workflow.dataset import Archive, ArchiveError, Dataset, TooFewClassesError, UnknownClassError, transform
from support.cifar_archives import split_of, write_archive


def from_file(path: Path) -> Archive:
    return Archive(path, "0" * 64, str(path), verified=False)


def test_images_of_the_classes_become_png_files_and_lists(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    reported: list[tuple[int, int | None]] = []
    archive = from_file(write_archive(tmp_path / "a.tar.gz"))
    dataset = transform(archive, folder, progress=lambda *pair: reported.append(pair))
    assert dataset == Dataset("cifar-100", ("bicycle", "motorcycle"), folder, 5, 2, "0" * 64)
    assert not dataset.synthetic
    assert reported[0] == (0, 7)
    assert reported[-1] == (7, 7)
    names = [f"picture_s_{number:06}.png" for number in (0, 1, 3, 4, 5)]
    labels = [0, 1, 1, 0, 0]
    lines = [f"{index}\t{label}\t{name}\n" for index, (label, name) in enumerate(zip(labels, names, strict=True))]
    assert (folder / "train.lst").read_text() == "".join(lines)
    assert sorted(path.name for path in (folder / "train").iterdir()) == names
    assert [tuple(drawn) for drawn in dataset.test_images()] == [
        ("test/picture_s_000000.png", 1),
        ("test/picture_s_000001.png", 0),
    ]


def test_a_png_has_the_archive_s_pixels(tmp_path: Path) -> None:
    dataset = transform(from_file(write_archive(tmp_path / "a.tar.gz")), tmp_path)
    planes = split_of([48, 8, 0], seed=1)[b"data"][1].reshape(3, 32, 32)
    with Image.open(tmp_path / "test" / "picture_s_000001.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (32, 32))
        assert np.array_equal(np.asarray(image), planes.transpose(1, 2, 0))
    assert dataset.test == 2


def test_labels_follow_the_order_of_the_classes(tmp_path: Path) -> None:
    classes = ("motorcycle", "apple", "bicycle", "apple")
    dataset = transform(from_file(write_archive(tmp_path / "a.tar.gz")), tmp_path, classes)
    assert dataset.classes == ("motorcycle", "apple", "bicycle")
    assert [drawn.label for drawn in dataset.test_images()] == [0, 2, 1]


def test_for_an_unknown_class_the_error_suggests_similar_ones(tmp_path: Path) -> None:
    with pytest.raises(
        UnknownClassError, match=r"Unknown class 'bycicle' .the archive has 100 classes.\. Did you mean bicycle\?"
    ):
        transform(from_file(write_archive(tmp_path / "a.tar.gz")), tmp_path, ("bycicle", "motorcycle"))


def test_one_class_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(TooFewClassesError, match="bicycle given"):
        transform(from_file(write_archive(tmp_path / "a.tar.gz")), tmp_path, ("bicycle", "bicycle"))


@pytest.mark.parametrize(
    ("classes", "reported"),
    [
        (("class_01", "class_02"), "no train image of class_01 or class_02"),
        (("bicycle", "class_01", "apple"), r"no train image of class_01\.$"),
    ],
)
def test_a_class_without_images_is_reported(tmp_path: Path, classes: tuple[str, ...], reported: str) -> None:
    with pytest.raises(ArchiveError, match=reported):
        transform(from_file(write_archive(tmp_path / "a.tar.gz")), tmp_path, classes)


def test_a_class_without_test_images_is_reported(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a.tar.gz", test=pickle.dumps(split_of([48, 48]), 2))
    with pytest.raises(ArchiveError, match=r"no test image of bicycle\.$"):
        transform(from_file(archive), tmp_path)


def test_unchanged_files_are_kept_and_the_others_are_rewritten(tmp_path: Path) -> None:
    archive = from_file(write_archive(tmp_path / "a.tar.gz"))
    folder = tmp_path / "data"
    transform(archive, folder)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    stamps = {path: path.stat().st_mtime_ns for path in files}
    broken, gone = folder / "train/picture_s_000000.png", folder / "test/picture_s_000000.png"
    content = broken.read_bytes()
    broken.write_bytes(content[:10])
    gone.unlink()
    transform(archive, folder)
    assert broken.read_bytes() == content
    assert gone.exists()
    untouched = set(files) - {broken, gone}
    assert len(untouched) >= 3
    assert [path for path in untouched if path.stat().st_mtime_ns != stamps[path]] == []


@pytest.mark.parametrize("name", ["../evil.png", "/tmp/evil.png", "a\tb.png", ".hidden.png", "a\0.png", "evil.sh"])
def test_a_name_that_points_outside_the_folder_is_rejected(tmp_path: Path, name: str) -> None:
    split = split_of([8, 48]) | {b"filenames": [name.encode(), b"good.png"]}
    archive = from_file(write_archive(tmp_path / "a.tar.gz", train=pickle.dumps(split, 2)))
    with pytest.raises(ArchiveError, match="not a plain PNG file name"):
        transform(archive, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_two_images_of_one_name_are_two_files(tmp_path: Path) -> None:
    split = split_of([8, 48]) | {b"filenames": [b"same.png", b"same.png"]}
    archive = from_file(write_archive(tmp_path / "a.tar.gz", train=pickle.dumps(split, 2)))
    dataset = transform(archive, tmp_path)
    assert [drawn.key for drawn in dataset.images("train")] == ["train/same.png", "train/same-1.png"]


def test_the_real_archive_gives_1200_images(archive: Path, tmp_path: Path) -> None:
    dataset = transform(from_file(archive), tmp_path)
    assert (dataset.train, dataset.test) == (1000, 200)
    for split in ("train", "test"):
        drawn_images = list(dataset.images(split))
        assert sum(drawn.label for drawn in drawn_images) * 2 == len(drawn_images)
        assert all(dataset.path(drawn).is_file() for drawn in drawn_images)
