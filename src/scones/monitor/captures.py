"""Capture records: an endpoint's requests and responses, as stored by SageMaker's data capture.

Files are stored under `<prefix>/<endpoint>/<variant>/YYYY/MM/DD/HH/MM-SS-mmm-<uuid>.jsonl`, named after the UTC time of
their first record. A file holds one or more records, one per line. AWS writes a record's time in whole seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from scones.monitor.capture_record import CaptureRecord, InvalidLine, parse_file

if TYPE_CHECKING:  # stubs are not installed at run time
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2RequestPaginateTypeDef

Progress = Callable[[int, int | None], None]
"""Callback with the number of records found so far and the expected number (None if unknown)."""

LONGEST_FILE = timedelta(hours=1)
"""Maximum time span of a file (60 s on AWS). Older files cannot contain newer records, so they are not read."""


@dataclass(frozen=True)
class CaptureFile:
    """A listed capture file; `version` changes when the file is rewritten."""

    name: str
    version: str


class CaptureSource(Protocol):
    """A source that lists capture files and returns their bytes; several threads call `read`."""

    def files(self, since: datetime | None) -> list[CaptureFile]:
        """List the files, except those that are certainly older than `since`."""

    def read(self, name: str) -> bytes:
        """Return a listed file's bytes."""


@dataclass(frozen=True)
class S3Captures:
    """One variant's captures in a bucket: `client` is a boto3 S3 client, `prefix` the key in DestinationS3Uri."""

    client: S3Client
    bucket: str
    prefix: str
    endpoint_name: str
    variant: str = "AllTraffic"

    @property
    def root(self) -> str:
        """Key prefix of the hourly folders, with a trailing slash."""
        parts = [self.prefix.strip("/"), self.endpoint_name, self.variant]
        return "/".join(part for part in parts if part) + "/"

    def files(self, since: datetime | None = None) -> list[CaptureFile]:
        """List the capture files page by page, starting one hour before `since`."""
        request: ListObjectsV2RequestPaginateTypeDef = {"Bucket": self.bucket, "Prefix": self.root}
        if since is not None:
            request["StartAfter"] = self.root + _hour_folder(since - LONGEST_FILE)
        pages = self.client.get_paginator("list_objects_v2").paginate(**request)
        objects = (item for page in pages for item in page.get("Contents", []))
        return [CaptureFile(item["Key"], item["ETag"]) for item in objects if item["Key"].endswith(".jsonl")]

    def read(self, name: str) -> bytes:
        """Download one file."""
        return self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read()


@dataclass(frozen=True)
class FolderCaptures:
    """Captures in a local folder, nested or flat, as downloaded by `aws s3 sync`."""

    folder: Path

    def files(self, since: datetime | None = None) -> list[CaptureFile]:  # noqa: ARG002
        """List every `.jsonl` file below the folder. `since` is ignored, because a copy may lack the hourly folders."""
        return [self._listed(path) for path in sorted(self.folder.rglob("*.jsonl")) if path.is_file()]

    def _listed(self, path: Path) -> CaptureFile:
        status = path.stat()
        return CaptureFile(path.relative_to(self.folder).as_posix(), f"{status.st_size}-{status.st_mtime_ns}")

    def read(self, name: str) -> bytes:
        """Read one file."""
        return (self.folder / name).read_bytes()


@dataclass(frozen=True)
class Captures:
    """The result of reading: records sorted by time, and every invalid line."""

    records: tuple[CaptureRecord, ...] = ()
    invalid_lines: tuple[InvalidLine, ...] = ()
    files: int = 0


@dataclass
class CaptureReader:
    """Reads a source repeatedly, downloading only new and rewritten files; `since` is rounded down to whole seconds."""

    source: CaptureSource
    since: datetime | None = None
    workers: int = 8
    _read: dict[str, tuple[str, list[CaptureRecord], list[InvalidLine]]] = field(default_factory=dict, init=False)

    def refresh(self) -> Captures:
        """List the source, download new and rewritten files in parallel, and return everything read so far."""
        listed = self.source.files(self.since)
        new = [file for file in listed if file.name not in self._read or self._read[file.name][0] != file.version]
        if new:
            with ThreadPoolExecutor(min(self.workers, len(new)), thread_name_prefix="captures") as pool:
                for file, content in zip(new, pool.map(self.source.read, [file.name for file in new]), strict=True):
                    self._read[file.name] = (file.version, *parse_file(file.name, content))
        return self._captures()

    def _captures(self) -> Captures:
        parsed = [self._read[name] for name in sorted(self._read)]
        records = sorted(self._recent(record for _, found, _ in parsed for record in found), key=_time)
        return Captures(tuple(records), tuple(bad for _, _, lines in parsed for bad in lines), len(parsed))

    def _recent(self, records: Iterable[CaptureRecord]) -> Iterable[CaptureRecord]:
        if self.since is None:
            return records
        first = self.since.replace(microsecond=0)
        return (record for record in records if record.inference_time >= first)


def read_captures(source: CaptureSource, since: datetime | None = None, workers: int = 8) -> Captures:
    """Read all records of a source, or those since a moment (with a time zone)."""
    return CaptureReader(source, since, workers).refresh()


def wait_for(
    source: CaptureSource,
    count: int,
    timeout: float,
    *,
    since: datetime | None = None,
    progress: Progress | None = None,
    interval: float = 0.5,
) -> Captures:
    """Return all records since a moment as soon as there are `count`, or those found after `timeout` seconds.

    Captures are written some time after the response: within seconds on the local cloud, within minutes on AWS.
    """
    reader = CaptureReader(source, since)
    deadline = time.monotonic() + timeout
    while True:
        captures = reader.refresh()
        if progress is not None:
            progress(len(captures.records), count)
        left = deadline - time.monotonic()
        if len(captures.records) >= count or left <= 0:
            return captures
        time.sleep(min(interval, left))


def _time(record: CaptureRecord) -> datetime:
    return record.inference_time


def _hour_folder(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y/%m/%d/%H")
