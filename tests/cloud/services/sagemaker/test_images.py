"""Container images: the program that runs for an image URI."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scones.cloud.process import container_images as images


@pytest.mark.parametrize(
    "uri",
    [
        "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1",
        "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification@sha256:0123",
        "localhost:5000/image-classification",
        "image-classification:latest",
        "image-classification",
    ],
)
def test_the_repositorys_name_finds_the_program(uri: str) -> None:
    assert images.command(uri, "train") == [
        sys.executable,
        "-P",
        "-m",
        "scones.containers.image_classification",
        "train",
    ]


def test_users_name_programs_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.touch()
    monkeypatch.setenv("SCONES_IMAGES", f"mine=json.tool, team/other={other},image-classification=json")
    assert images.command("registry.example.com/mine:2", "serve") == [
        sys.executable,
        "-P",
        "-m",
        "json.tool",
        "serve",
    ]
    assert images.command("team/other:1", "serve") == [sys.executable, str(other), "serve"]
    assert images.command("image-classification:1", "train")[3] == "json"


@pytest.mark.parametrize("program", ["json.moved", "no_such_package.train", "json.tool.train", "missing.py"])
def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Without this check, a job would fail with an empty reason: Python writes "No module named" only to its log."""
    monkeypatch.setenv("SCONES_IMAGES", f"mine={program}")
    with pytest.raises(images.UnknownImageError, match=f'The program of the image "mine:1" is missing: "{program}"'):
        images.command("mine:1", "train")


def test_an_unknown_container_image_is_reported_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCONES_IMAGES", raising=False)
    with pytest.raises(images.UnknownImageError, match=r'"kmeans:1".*Available: .*image-classification.*kmeans=MODULE'):
        images.command("kmeans:1", "train")
