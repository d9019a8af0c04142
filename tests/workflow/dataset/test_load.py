"""The load step, into the local cloud's S3 through an unmodified boto3."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from scones.workflow.dataset import Archive, Dataset, LoadError, LoadResult, NoSourceError, extract, load, transform
from support.cifar_archives import write_archive

KEYS = {
    "test.lst",
    "test/picture_s_000000.png",
    "test/picture_s_000001.png",
    "train.lst",
    *(f"train/picture_s_{number:06}.png" for number in (0, 1, 3, 4, 5)),
}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    archive = write_archive(tmp_path / "a.tar.gz")
    return transform(Archive(archive, "0" * 64, str(archive), verified=False), tmp_path / "data")


@pytest.fixture
def s3(cloud: Any) -> Any:
    return cloud.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"load-{uuid4().hex}"
    s3.create_bucket(Bucket=name)
    return name


def keys(s3: Any, bucket: str) -> set[str]:
    return {found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


@pytest.mark.parametrize(("prefix", "root"), [("", ""), ("scones", "scones/"), ("/a/b/", "a/b/")])
def test_images_and_lists_are_uploaded_below_the_prefix(
    dataset: Dataset, s3: Any, bucket: str, prefix: str, root: str
) -> None:
    reported: list[tuple[int, int | None]] = []
    loaded = load(dataset, s3, bucket, prefix, progress=lambda *pair: reported.append(pair))
    sizes = sum(path.stat().st_size for path in dataset.folder.rglob("*") if path.is_file())
    assert loaded == LoadResult(uploaded=9, skipped=0, bytes=sizes)
    assert reported == [(done, 9) for done in range(10)]
    assert keys(s3, bucket) == {root + key for key in KEYS}
    image = next(dataset.test_images())
    answer = s3.get_object(Bucket=bucket, Key=root + image.key)
    assert answer["ContentType"] == "image/png"
    assert answer["Body"].read() == dataset.path(image).read_bytes()


def test_unchanged_objects_are_not_uploaded_again(dataset: Dataset, s3: Any, bucket: str) -> None:
    load(dataset, s3, bucket, "p")
    s3.put_object(Bucket=bucket, Key="p/train.lst", Body=b"changed")
    s3.delete_object(Bucket=bucket, Key="p/test/picture_s_000000.png")
    again = load(dataset, s3, bucket, "p")
    assert (again.uploaded, again.skipped) == (2, 7)
    assert s3.get_object(Bucket=bucket, Key="p/train.lst")["Body"].read() == dataset.list_file("train").read_bytes()
    assert load(dataset, s3, bucket, "p") == LoadResult(0, 9, 0)


def test_a_missing_bucket_is_reported_in_a_sentence(dataset: Dataset, s3: Any) -> None:
    with pytest.raises(LoadError, match="Cannot list bucket nobody-s-bucket: NoSuchBucket"):
        load(dataset, s3, "nobody-s-bucket")


def test_an_archive_in_s3_is_a_source(s3: Any, bucket: str, tmp_path: Path) -> None:
    content = write_archive(tmp_path / "a.tar.gz").read_bytes()
    s3.put_object(Bucket=bucket, Key="archives/cifar 100#?.tar.gz", Body=content)
    url = f"s3://{bucket}/archives/cifar 100#?.tar.gz"
    first = extract(tmp_path / "folder", [url], s3=s3)
    assert first.path.read_bytes() == content
    stamp = first.path.stat().st_mtime_ns
    assert extract(tmp_path / "folder", [url], s3=s3) == first
    assert first.path.stat().st_mtime_ns == stamp


def test_an_interrupted_download_from_s3_resumes(s3: Any, bucket: str, tmp_path: Path) -> None:
    content = write_archive(tmp_path / "a.tar.gz").read_bytes()
    s3.put_object(Bucket=bucket, Key="a.tar.gz", Body=content)
    url = f"s3://{bucket}/a.tar.gz"
    folder = tmp_path / "folder"
    extract(folder, [url], s3=s3).path.rename(folder / "a.tar.gz.part")
    with (folder / "a.tar.gz.part").open("r+b") as part:
        part.truncate(1000)
    reported: list[tuple[int, int | None]] = []
    archive = extract(folder, [url], s3=s3, progress=lambda *pair: reported.append(pair))
    assert archive.path.read_bytes() == content
    assert reported[0] == (1000, len(content))


@pytest.mark.parametrize(
    ("key", "message"), [("none.tar.gz", "returned 404"), ("", "is not of the form s3://bucket/key")]
)
def test_a_missing_object_is_reported(s3: Any, bucket: str, tmp_path: Path, key: str, message: str) -> None:
    with pytest.raises(NoSourceError, match=message):
        extract(tmp_path, [f"s3://{bucket}/{key}"], s3=s3)
