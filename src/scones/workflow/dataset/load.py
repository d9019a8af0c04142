"""Load: upload a dataset to a bucket in parallel, skipping objects that are unchanged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from scones.workflow.dataset.dataset import SPLITS, Dataset
from scones.workflow.dataset.errors import LoadError
from scones.workflow.observer import Progress, silent

if TYPE_CHECKING:  # stubs are not installed at run time
    from mypy_boto3_s3 import S3Client

UPLOAD_THREADS = 10
"""Number of upload threads, equal to botocore's default number of connections per client."""


@dataclass(frozen=True)
class LoadResult:
    """The result of a load: objects uploaded, objects unchanged, and bytes uploaded."""

    uploaded: int
    skipped: int
    bytes: int


def load(dataset: Dataset, s3: S3Client, bucket: str, prefix: str = "", *, progress: Progress = silent) -> LoadResult:
    """Upload images and .lst files to s3://bucket/prefix/…, each under its path below the dataset's folder.

    An object with the file's size and the file's MD5 as its ETag is skipped; one listing of the prefix finds these. The
    ETag is the MD5 of objects stored with one PutObject without KMS encryption; others are uploaded again. `progress`
    receives numbers of objects. Raises LoadError with S3's code and the object's key.
    """
    root = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    there = _list(s3, bucket, root)
    paths = list(_paths(dataset))
    uploaded = sent = 0
    progress(0, len(paths))
    with ThreadPoolExecutor(UPLOAD_THREADS) as threads:
        uploads = [threads.submit(_upload, s3, bucket, root + key, path, there) for key, path in paths]
        try:
            for done, upload in enumerate(as_completed(uploads), 1):
                size = upload.result()
                uploaded += size is not None
                sent += size or 0
                progress(done, len(paths))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    return LoadResult(uploaded, len(paths) - uploaded, sent)


def _paths(dataset: Dataset) -> Iterator[tuple[str, Path]]:
    for split in SPLITS:
        for image in dataset.images(split):
            yield image.key, dataset.path(image)
        yield f"{split}.lst", dataset.list_file(split)


def _list(s3: S3Client, bucket: str, root: str) -> dict[str, tuple[int, str]]:
    """Return size and ETag of every object below the prefix, by key."""
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=root)
        return {
            found["Key"]: (found["Size"], found["ETag"].strip('"'))
            for page in pages
            for found in page.get("Contents", [])
        }
    except ClientError as error:
        raise LoadError(f"Cannot list bucket {bucket}: {_reason(error)}.") from error
    except BotoCoreError as error:
        raise LoadError(f"Cannot list bucket {bucket}: {error}") from error


def _upload(s3: S3Client, bucket: str, key: str, path: Path, existing: dict[str, tuple[int, str]]) -> int | None:
    """Upload one file unless it is unchanged in the bucket. Returns the bytes sent, None if it was skipped."""
    content = path.read_bytes()
    if existing.get(key) == (len(content), hashlib.md5(content, usedforsecurity=False).hexdigest()):
        return None
    kind = "image/png" if path.suffix == ".png" else "text/tab-separated-values"
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=content, ContentType=kind)
    except ClientError as error:
        raise LoadError(f"Cannot upload s3://{bucket}/{key}: {_reason(error)}.") from error
    except (BotoCoreError, Boto3Error) as error:
        raise LoadError(f"Cannot upload s3://{bucket}/{key}: {error}") from error
    return len(content)


def _reason(error: ClientError) -> str:
    reason = error.response.get("Error", {})
    return f"{reason.get('Code', 'Unknown')} ({reason.get('Message', 'no message')})"
