"""Images of any size and format, converted so that they fit into a state's payload."""

from __future__ import annotations

import io
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scones.workflow.functions.serialize_image import MAX_BYTES
from scones.workflow.target import Target
from scones.workflow.upload_image import NotAnImageError, upload_image


@pytest.fixture
def local_target(cloud: Any) -> Target:
    return Target(cloud.session(), cloud.url)


@pytest.fixture
def bucket(local_target: Target) -> str:
    name = f"incoming-{uuid.uuid4().hex}"
    local_target.client("s3").create_bucket(Bucket=name)
    return name


def delivered(local_target: Target, bucket: str, image: Path) -> tuple[str, bytes]:
    key = upload_image(local_target, bucket, image)
    return key, local_target.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def draw(path: Path, width: int, height: int, **options: Any) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(noise).save(path, **options)
    return path


def test_a_small_png_is_delivered_unchanged(local_target: Target, bucket: str, tmp_path: Path) -> None:
    image = draw(tmp_path / "small.PNG", 32, 32)
    key, content = delivered(local_target, bucket, image)
    assert content == image.read_bytes()
    assert key.startswith("incoming/")
    assert key.endswith(".png")
    assert upload_image(local_target, bucket, image) == key


def test_a_large_photograph_is_scaled_upright(local_target: Target, bucket: str, tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # EXIF orientation: the camera was held upright
    key, content = delivered(local_target, bucket, draw(tmp_path / "photo.jpg", 1600, 1200, quality=95, exif=turned))
    assert key.endswith(".jpg")
    assert len(content) <= MAX_BYTES
    assert Image.open(io.BytesIO(content)).size == (288, 384)


def test_other_image_formats_become_jpeg(local_target: Target, bucket: str, tmp_path: Path) -> None:
    key, content = delivered(local_target, bucket, draw(tmp_path / "picture.webp", 64, 64))
    assert key.endswith(".jpg")
    assert Image.open(io.BytesIO(content)).format == "JPEG"


def test_a_file_that_is_not_an_image_is_refused_by_name(local_target: Target, bucket: str, tmp_path: Path) -> None:
    text, half = tmp_path / "text.png", draw(tmp_path / "half.png", 32, 32)
    text.write_bytes(b"no image")
    half.write_bytes(half.read_bytes()[:1000])
    with pytest.raises(NotAnImageError, match=r"text\.png is not an image; specify PNG or JPEG files\.$"):
        upload_image(local_target, bucket, text)
    with pytest.raises(NotAnImageError, match=r"half\.png cannot be read \(image file is truncated.*\); specify PNG"):
        upload_image(local_target, bucket, half)
