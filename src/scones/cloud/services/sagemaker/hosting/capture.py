"""Data capture: requests and responses of endpoints as JSON lines in S3, in AWS's layout.

A capture record is appended to a spool file before its request is answered, so that a record survives even if the cloud
is killed right after the response. Records that cannot be written to disk wait in memory, up to `MEMORY_LIMIT`. Further
records are dropped, as on AWS ("Data Capture stops capturing requests at high levels of disk usage"), and the logs of
the cloud and of the endpoint report their number.

A spool file holds the records of one object. Its first line names the object, so that a second upload after a crash
replaces the object with the same content. Failed invocations are not captured: we found no AWS page that says whether
AWS captures them, and our samples of AWS's captures contain none.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import random
import time
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from scones.cloud.context import CloudContext
from scones.cloud.core.clock import iso_seconds
from scones.cloud.core.resumption import ResumableWork, describe
from scones.cloud.core.uuids import uuid4
from scones.cloud.errors import ServiceError
from scones.cloud.services.sagemaker.log_stream import LogStream, log_group
from scones.cloud.services.sagemaker.s3_access import S3Access, S3Location
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)

MEMORY_LIMIT = 64 << 20
"""Maximum bytes of records that wait in memory while the disk accepts no writes."""
CLOSE_BYTES = 4 << 20
"""Bytes at which a spool file is closed; its last record may exceed this size."""
RETRY_EVERY = 10.0
"""Seconds before a failed upload is tried again."""


_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class CapturedMessage(NamedTuple):
    """The request or the response of an invocation."""

    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CaptureTarget:
    """The capture settings of one variant; compared by identity, because each deployment has its own spool files."""

    endpoint: str
    variant: str
    location: S3Location
    percentage: int
    modes: frozenset[str]
    csv: frozenset[str]
    json: frozenset[str]

    @classmethod
    def of(cls, config: Members | None, endpoint: str, variant: str) -> CaptureTarget | None:
        """Read a DataCaptureConfig; return None if capture is off. An absent EnableCapture counts as true."""
        if config is None or not config.get("EnableCapture", True):
            return None
        types = config.get("CaptureContentTypeHeader", {})
        modes: set[str] = set()
        for option in config["CaptureOptions"]:
            mode = option["CaptureMode"]
            modes |= {"Input", "Output"} if mode == "InputAndOutput" else {mode}
        return cls(
            endpoint=endpoint,
            variant=variant,
            location=S3Location.of(config["DestinationS3Uri"]),
            percentage=config["InitialSamplingPercentage"],
            modes=frozenset(modes),
            csv=frozenset(map(str.lower, types.get("CsvContentTypes", []))),
            json=frozenset(map(str.lower, types.get("JsonContentTypes", []))),
        )

    def sampled(self) -> bool:
        """Return True if an invocation is to be captured, at random with the sampling percentage."""
        return self.percentage >= 100 or random.random() * 100 < self.percentage

    def record(
        self,
        request: CapturedMessage,
        response: CapturedMessage,
        moment: float,
        inference_id: str | None,
        attributes: str | None,
    ) -> bytes:
        """Return the capture record of an invocation, with its newline; the keys have AWS's order, without spaces.

        `moment` is the time of the request in seconds since 1970.
        """
        sides: list[bytes] = []
        if "Input" in self.modes:
            sides.append(b'"endpointInput":' + self._side(request, b"INPUT"))
        if "Output" in self.modes:
            sides.append(b'"endpointOutput":' + self._side(response, b"OUTPUT"))
        metadata = f'"eventId":"{uuid4()}"'
        if (
            attributes is not None
        ):  # a list, as in AWS's pre-processor class; its position among AWS's keys is not known
            metadata += f',"customAttributes":{_json([attributes])}'
        if inference_id is not None:
            metadata += f',"inferenceId":{_json(inference_id)}'
        metadata += f',"inferenceTime":"{_to_the_second(int(moment))}"'
        return b'{"captureData":{%b},"eventMetadata":{%b},"eventVersion":"0"}\n' % (b",".join(sides), metadata.encode())

    def _side(self, side: CapturedMessage, mode: bytes) -> bytes:
        """Return the JSON of one side; inserts Base64 directly, because a JSON encoder would check each character."""
        data, encoding = self._encode(side)
        kind = _json(side.content_type).encode()
        return b'{"observedContentType":%b,"mode":"%b","data":%b,"encoding":"%b"}' % (kind, mode, data, encoding)

    def _encode(self, side: CapturedMessage) -> tuple[bytes, bytes]:
        """Return the body as a JSON string, and the name of its encoding."""
        media = side.content_type.partition(";")[0].strip().lower()
        encoding = b"CSV" if media in self.csv else b"JSON" if media in self.json else b""
        if encoding:
            try:
                return _json(side.body.decode()).encode(), encoding
            except UnicodeDecodeError:
                pass  # not UTF-8 despite its content type: kept as Base64
        return b'"%b"' % base64.b64encode(side.body), b"BASE64"

    def key(self, moment: float) -> str:
        """Return the key of an object whose first record has the time `moment`, in seconds since 1970."""
        at = datetime.fromtimestamp(moment, UTC)
        name = f"{at:%M-%S}-{at.microsecond // 1000:03d}-{uuid4()}.jsonl"
        return self.location.join(self.endpoint, self.variant, f"{at:%Y/%m/%d/%H}", name).key


@lru_cache(16)  # many requests share a second
def _to_the_second(seconds: int) -> str:
    return iso_seconds(datetime.fromtimestamp(seconds, UTC))


_Slot = tuple[CaptureTarget, float]
"""The key of a spool file: the target of its records, and their hour since 1970."""


class _Spool:
    """An open spool file; raises `OSError` if its first line cannot be written."""

    def __init__(self, folder: Path, target: CaptureTarget, moment: float) -> None:
        self.path = folder / f"{uuid4()}.spool"
        self.endpoint = target.endpoint
        self.begun = time.monotonic()
        head = json.dumps({"bucket": target.location.bucket, "key": target.key(moment)}).encode() + b"\n"
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = 0
        try:
            self.append(head)
        except OSError:
            self.close()
            self.path.unlink()
            raise

    def append(self, line: bytes) -> None:
        """Write a complete line; raises `OSError` and removes a partly written line if the disk is full."""
        written = os.write(self._file, line)
        if written < len(line):
            os.ftruncate(self._file, self.size)
            raise OSError(f"only {written} of {len(line)} bytes could be written")
        self.size += written

    def close(self) -> None:
        os.close(self._file)


class CaptureWriter:
    """The spool files of a cloud, and their uploads to S3."""

    def __init__(self, cloud: CloudContext) -> None:
        self._s3 = S3Access(cloud)
        self._cloud = cloud
        self._folder = cloud.settings.data_dir / "sagemaker" / "capture"
        self._open: dict[_Slot, _Spool] = {}
        self._closed: list[Path] = []
        self._held: deque[tuple[CaptureTarget, bytes, float]] = deque()
        self._held_bytes = 0
        self._lost: Counter[str] = Counter()
        self._uploading = asyncio.Lock()
        self._next_try = 0.0
        self._logged: set[str] = set()

    async def start(self) -> None:
        """Plan to upload the spool files of an earlier process, and start the task that closes and uploads files."""
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        spools = sorted(self._folder.glob("*.spool"))
        self._cloud.resumption.plan(
            ResumableWork("capture file", path.name, partial(self._resume_spool, path)) for path in spools
        )
        self._cloud.spawn(self._follow(), "data capture")

    async def _resume_spool(self, path: Path) -> None:
        self._closed.append(path)

    async def stop(self) -> None:
        """Upload all capture records, and log the number of those that were lost."""
        await self.flush()
        if self._held:
            log.error(
                "%d capture records were lost: they could not be written to disk before the cloud stopped",
                len(self._held),
            )

    def add(self, target: CaptureTarget, line: bytes, moment: float) -> None:
        """Append a record to the spool file of its hour: one write to the page cache, which takes microseconds."""
        try:
            self._append(target, line, moment)
        except OSError as error:
            self._keep_in_memory(target, line, moment, error)

    def _append(self, target: CaptureTarget, line: bytes, moment: float) -> None:
        slot = target, moment // 3600
        spool = self._open.get(slot)
        if spool is None:
            spool = self._open[slot] = _Spool(self._folder, target, moment)
        spool.append(line)
        if spool.size >= CLOSE_BYTES:
            self._close(slot)

    def _keep_in_memory(self, target: CaptureTarget, line: bytes, moment: float, reason: OSError) -> None:
        if self._held_bytes + len(line) > MEMORY_LIMIT:
            self._lost[target.endpoint] += 1
            return
        if not self._held:
            log.warning("Capture records cannot be written and wait in memory: %s", reason)
        self._held.append((target, line, moment))
        self._held_bytes += len(line)

    def _write_held(self) -> None:
        """Write the records that wait in memory until the disk fails again, and log the number of dropped records."""
        while self._held:
            try:
                self._append(*self._held[0])
            except OSError:
                break
            _, line, _ = self._held.popleft()
            self._held_bytes -= len(line)
        lost, self._lost = self._lost, Counter()
        for endpoint, count in lost.items():
            message = f"{count} capture records were dropped: the disk is not writable, and the memory buffer is full."
            log.error("Endpoint %s: %s", endpoint, message)
            LogStream(self._cloud, log_group(endpoint), "data-capture").write(message)

    def _close(self, slot: _Slot) -> None:
        spool = self._open.pop(slot)
        spool.close()
        self._closed.append(spool.path)

    async def flush(self, endpoint: str | None = None) -> None:
        """Upload the capture records of one endpoint, or of all."""
        self._write_held()
        for slot, spool in list(self._open.items()):
            if endpoint in (None, spool.endpoint):
                self._close(slot)
        await self._upload_closed()

    async def _follow(self) -> None:
        seconds = self._cloud.settings.capture_seconds
        while True:
            await asyncio.sleep(min(seconds / 4, 1.0))
            self._write_held()
            now = time.monotonic()
            for slot, spool in list(self._open.items()):
                if now - spool.begun >= seconds:
                    self._close(slot)
            if self._closed and now >= self._next_try:
                await self._upload_closed()

    async def _upload_closed(self) -> None:
        async with self._uploading:
            left: list[Path] = []
            while self._closed:
                path = self._closed.pop(0)
                try:
                    await self._store(path)
                except (ValueError, KeyError) as error:
                    aside = path.rename(path.with_suffix(".damaged"))
                    log.error("The capture records in %s could not be stored: %s", aside, describe(error))
                except (ServiceError, OSError) as error:
                    left.append(path)
                    self._log_once(str(error), f"Capture records are waiting in {path.parent}: {error}")
            self._closed = left + self._closed
            if left:
                self._next_try = time.monotonic() + RETRY_EVERY

    async def _store(self, path: Path) -> None:
        content = await asyncio.to_thread(path.read_bytes)
        head, _, lines = content.partition(b"\n")
        whole = lines[: lines.rfind(b"\n") + 1]  # without a last line that a kill cut off; its request was not answered
        if whole:
            location = json.loads(head)
            await self._s3.write(whole, S3Location(location["bucket"], location["key"]))
        await asyncio.to_thread(path.unlink)

    def _log_once(self, about: str, message: str) -> None:
        if about not in self._logged:
            self._logged.add(about)
            log.warning("%s", message)
