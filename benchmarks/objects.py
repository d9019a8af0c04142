"""S3: objects of an image's size, one at a time and as a folder."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import ceiling
from benchmarks.clouds import OURS, Cloud
from benchmarks.figures import Row, Scale, interleaved, timed

PART = "S3"
SIZE = ceiling.SIZE
FILES = 1200
BUCKET = "benchmark"


class ObjectStore:
    """One cloud's S3."""

    def __init__(self, cloud: Cloud, scale: Scale, files: Path) -> None:
        self._cloud, self._scale, self._files = cloud, scale, files
        self._s3, self._body, self._numbers = cloud.client("s3"), os.urandom(SIZE), itertools.count()
        self._s3.create_bucket(Bucket=BUCKET)
        self._s3.put_object(Bucket=BUCKET, Key="one", Body=self._body)

    def put(self) -> float:
        """Return objects written per second by one client."""

        def work() -> None:
            self._s3.put_object(Bucket=BUCKET, Key=f"objects/{next(self._numbers)}", Body=self._body)

        return _rate(timed(work, self._scale.calls(600), warm_up=self._scale.calls(60)))

    def get(self) -> float:
        """Return objects read per second by one client."""

        def work() -> None:
            assert len(self._s3.get_object(Bucket=BUCKET, Key="one")["Body"].read()) == SIZE

        return _rate(timed(work, self._scale.calls(600), warm_up=self._scale.calls(60)))

    def sync(self) -> float:
        """Return the seconds that `aws s3 sync` takes to upload the folder, including its own start."""
        prefix = f"sync-{next(self._numbers)}"
        aws = str(Path(sys.executable).with_name("aws"))
        command = [aws, "s3", "sync", "--quiet", str(self._files), f"s3://{BUCKET}/{prefix}/"]
        begun = time.perf_counter()
        subprocess.run(command, env=self._cloud.environment(), check=True, capture_output=True)
        seconds = time.perf_counter() - begun
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
        assert sum(page["KeyCount"] for page in pages) == FILES
        return seconds


def measure(clouds: Sequence[Cloud], scale: Scale, folder: Path) -> list[Row]:
    """Return the rows of S3."""
    files = folder / "files"
    files.mkdir(parents=True)
    for index in range(FILES):
        (files / f"{index:04}.png").write_bytes(os.urandom(SIZE))
    stores = {cloud.name: ObjectStore(cloud, scale, files) for cloud in clouds}
    rows = []
    for what, method in (("PutObject of 2.5 KB, one client", "put"), ("GetObject of 2.5 KB, one client", "get")):
        cells = interleaved({name: getattr(store, method) for name, store in stores.items()}, scale.repeats)
        rows.append(Row(PART, what, "per s", cells, less_is_better=False, bound=ceiling.NAME))
    cells = interleaved({name: store.sync for name, store in stores.items()}, scale.repeats)
    rows.append(Row(PART, f"`aws s3 sync` of {FILES:,} files of 2.5 KB", "s", cells, bound=ceiling.NAME))
    for row in rows:
        row.want_times(OURS, 2, row.rivals())
    return rows


def _rate(times: list[float]) -> float:
    return 1e3 * len(times) / sum(times)
