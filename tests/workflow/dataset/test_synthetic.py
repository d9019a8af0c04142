"""The synthetic dataset: reproducible from its seed, and too difficult for a linear model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scones.workflow.dataset import Dataset, Split, UndrawableClassError, draw
from scones.workflow.dataset.synthetic import SIZES


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return draw(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reduce the training images to 100, a tenth; each image depends only on its number, so the 100 are the same."""
    monkeypatch.setitem(SIZES, "train", 100)


def pixels(dataset: Dataset, split: Split) -> tuple[np.ndarray, np.ndarray]:
    drawn_images = list(dataset.images(split))
    rows = [np.asarray(Image.open(dataset.path(image))).ravel() for image in drawn_images]
    return np.stack(rows).astype(float) / 255, np.array([image.label for image in drawn_images])


def test_the_synthetic_dataset_has_1200_images_marked_as_synthetic(drawn: Dataset) -> None:
    assert (drawn.name, drawn.synthetic, drawn.train, drawn.test) == ("synthetic", True, 1000, 200)
    assert drawn.archive_sha256 is None
    for split, count in (("train", 1000), ("test", 200)):
        rows, labels = pixels(drawn, split)
        assert rows.shape == (count, 3072)
        assert 0.4 < labels.mean() < 0.6


def test_no_two_images_are_equal(drawn: Dataset) -> None:
    rows = np.concatenate([pixels(drawn, "train")[0], pixels(drawn, "test")[0]])
    assert len(np.unique(rows, axis=0)) == 1200


def test_a_linear_model_on_the_pixels_has_a_low_accuracy(drawn: Dataset) -> None:
    train, labels = pixels(drawn, "train")
    test, truth = pixels(drawn, "test")
    mean = train.mean(axis=0)
    for ridge in (1.0, 30.0, 1000.0):
        inner = train - mean
        weights = inner.T @ np.linalg.solve(inner @ inner.T + ridge * np.eye(len(inner)), labels - labels.mean())
        accuracy = np.mean(((test - mean) @ weights + labels.mean() > 0.5) == truth)
        assert accuracy < 0.75


@pytest.mark.usefixtures("fewer")
def test_the_images_depend_only_on_the_seed(drawn: Dataset, tmp_path: Path) -> None:
    reported: list[tuple[int, int | None]] = []
    again = draw(tmp_path / "again", progress=lambda *pair: reported.append(pair))
    other = draw(tmp_path / "other", seed=1)
    assert reported[-1] == (300, 300)
    assert [*again.images("train")] == [*drawn.images("train")][:100]
    for image in [*drawn.test_images(), *again.images("train")]:
        assert again.path(image).read_bytes() == drawn.path(image).read_bytes()
    assert not np.array_equal(pixels(other, "test")[0], pixels(drawn, "test")[0])


@pytest.mark.usefixtures("fewer")
def test_labels_follow_the_order_of_the_classes(tmp_path: Path) -> None:
    dataset = draw(tmp_path, ("motorcycle", "bicycle"))
    assert dataset.classes == ("motorcycle", "bicycle")
    assert {(image.key.partition("_")[0], image.label) for image in dataset.test_images()} == {
        ("test/motorcycle", 0),
        ("test/bicycle", 1),
    }


def test_other_classes_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(UndrawableClassError, match=r"not 'apple': specify CIFAR-100's archive with --source\."):
        draw(tmp_path, ("bicycle", "apple"))
    assert not list(tmp_path.iterdir())
