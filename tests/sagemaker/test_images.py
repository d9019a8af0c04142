"""Container images: the program that runs for an image URI."""

from __future__ import annotations

import sys

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


def test_users_name_programs_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCONES_IMAGES", "mine=package.module, team/other=/programs/other.py,image-classification=own")
    assert images.command("registry.example.com/mine:2", "serve") == [
        sys.executable,
        "-P",
        "-m",
        "package.module",
        "serve",
    ]
    assert images.command("team/other:1", "serve") == [sys.executable, "/programs/other.py", "serve"]
    assert images.command("image-classification:1", "train")[3] == "own"


def test_an_unknown_image_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCONES_IMAGES", raising=False)
    with pytest.raises(images.UnknownImageError, match=r'"kmeans:1".*has .*image-classification.*kmeans=MODULE'):
        images.command("kmeans:1", "train")
