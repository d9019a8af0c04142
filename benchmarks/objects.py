"""S3: small objects, of a picture's size."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import Any

from benchmarks.clouds import Cloud

SIZE = 2500
"""Bytes of a CIFAR picture as PNG."""


def cases(cloud: Cloud) -> list[tuple[str, Callable[[], Any], int]]:
    """Return PUT and GET of one object at a time."""
    s3, body, numbers = cloud.client("s3"), os.urandom(SIZE), itertools.count()
    s3.create_bucket(Bucket="benchmark")
    s3.put_object(Bucket="benchmark", Key="one", Body=body)

    def put() -> None:
        s3.put_object(Bucket="benchmark", Key=f"objects/{next(numbers)}", Body=body)

    def get() -> None:
        assert len(s3.get_object(Bucket="benchmark", Key="one")["Body"].read()) == SIZE

    return [("S3 PutObject, 2.5 KB", put, 1000), ("S3 GetObject, 2.5 KB", get, 1000)]
