"""Data capture: requests and answers of endpoints as JSON lines in S3, in AWS's layout.

A record is appended to a spool file before its request is answered, so that what was answered is captured even if the
cloud is killed at once. What the disk does not take waits in memory, of a bounded size, until it does; beyond that,
records are dropped as AWS drops them ("Data Capture stops capturing requests at high levels of disk usage"), and the
cloud's log and the endpoint's say how many.

A spool file holds the records of one object: its first line says which, so that uploading it a second time after a
crash replaces the object by itself. Failed invocations are not captured: no page of AWS's was found that says whether
they are there, and none of the recorded captures is one of a failure.
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
from typing import Any, NamedTuple

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError
from scones.cloud.resumption import Leftover, describe
from scones.cloud.services.sagemaker.loglines import LogStream, log_group
from scones.cloud.services.sagemaker.objects import Location, Objects
from scones.cloud.uuids import uuid4

log = logging.getLogger(__name__)

HELD_LIMIT = 64 << 20
"""Bytes of records that wait in memory for a disk that takes none."""
LARGEST = 4 << 20
"""Bytes after which a spool file is closed; one record may go beyond."""
RETRY_EVERY = 10.0
"""Seconds before an object that could not be stored is tried again."""


_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Captured(NamedTuple):
    """One side of an invocation."""

    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, eq=False)
class CaptureTarget:
    """What one variant captures, and where to; equal to itself alone, for each deployment has files of its own."""

    endpoint: str
    variant: str
    place: Location
    percentage: int
    modes: frozenset[str]
    csv: frozenset[str]
    json: frozenset[str]

    @classmethod
    def of(cls, config: dict[str, Any] | None, endpoint: str, variant: str) -> CaptureTarget | None:
        """Read a DataCaptureConfig; None where nothing is captured. EnableCapture counts as true where it is absent."""
        if config is None or not config.get("EnableCapture", True):
            return None
        types = config.get("CaptureContentTypeHeader", {})
        modes: set[str] = set()
        for option in config["CaptureOptions"]:
            mode = option["CaptureMode"]
            modes |= {"Input", "Output"} if mode == "InputAndOutput" else {mode}
        return cls(
            endpoint,
            variant,
            Location.of(config["DestinationS3Uri"]),
            config["InitialSamplingPercentage"],
            frozenset(modes),
            frozenset(map(str.lower, types.get("CsvContentTypes", []))),
            frozenset(map(str.lower, types.get("JsonContentTypes", []))),
        )

    def sampled(self) -> bool:
        """Draw whether an invocation is captured."""
        return self.percentage >= 100 or random.random() * 100 < self.percentage

    def record(
        self, request: Captured, answer: Captured, moment: float, inference_id: str | None, attributes: str | None
    ) -> bytes:
        """Return one line of an invocation that came at a moment: the keys in AWS's order, without spaces."""
        sides: list[bytes] = []
        if "Input" in self.modes:
            sides.append(b'"endpointInput":' + self._side(request, b"INPUT"))
        if "Output" in self.modes:
            sides.append(b'"endpointOutput":' + self._side(answer, b"OUTPUT"))
        metadata = f'"eventId":"{uuid4()}"'
        if attributes is not None:  # a list in AWS's pre-processor class; its place among the keys is not known
            metadata += f',"customAttributes":{_json([attributes])}'
        if inference_id is not None:
            metadata += f',"inferenceId":{_json(inference_id)}'
        metadata += f',"inferenceTime":"{_to_the_second(int(moment))}"'
        return b'{"captureData":{%b},"eventMetadata":{%b},"eventVersion":"0"}\n' % (b",".join(sides), metadata.encode())

    def _side(self, side: Captured, mode: bytes) -> bytes:
        """Return the JSON of one side; Base64 goes into it as it is, for a JSON encoder would look at each letter."""
        data, encoding = self._encode(side)
        kind = _json(side.content_type).encode()
        return b'{"observedContentType":%b,"mode":"%b","data":%b,"encoding":"%b"}' % (kind, mode, data, encoding)

    def _encode(self, side: Captured) -> tuple[bytes, bytes]:
        """Return the body as a JSON string, and how it is encoded."""
        media = side.content_type.partition(";")[0].strip().lower()
        encoding = b"CSV" if media in self.csv else b"JSON" if media in self.json else b""
        if encoding:
            try:
                return _json(side.body.decode()).encode(), encoding
            except UnicodeDecodeError:
                pass  # called text, and none: kept as it is
        return b'"%b"' % base64.b64encode(side.body), b"BASE64"

    def key(self, moment: float) -> str:
        """Return the key of a file whose first record is of `moment`."""
        at = datetime.fromtimestamp(moment, UTC)
        name = f"{at:%M-%S}-{at.microsecond // 1000:03d}-{uuid4()}.jsonl"
        return self.place.join(self.endpoint, self.variant, f"{at:%Y/%m/%d/%H}", name).key


@lru_cache(16)  # many requests come in one second
def _to_the_second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


_Slot = tuple[CaptureTarget, float]
"""Whose records a spool file has, and of which hour since 1970."""


class _Spool:
    """An open spool file; raises `OSError` where it cannot be begun."""

    def __init__(self, folder: Path, target: CaptureTarget, moment: float) -> None:
        self.path = folder / f"{uuid4()}.spool"
        self.endpoint = target.endpoint
        self.begun = time.monotonic()
        head = json.dumps({"bucket": target.place.bucket, "key": target.key(moment)}).encode() + b"\n"
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = 0
        try:
            self.append(head)
        except OSError:
            self.close()
            self.path.unlink()
            raise

    def append(self, line: bytes) -> None:
        """Write a line whole; raises `OSError` and leaves none of it where the disk is full."""
        written = os.write(self._file, line)
        if written < len(line):
            os.ftruncate(self._file, self.size)
            raise OSError(f"only {written} of {len(line)} bytes could be written")
        self.size += written

    def close(self) -> None:
        os.close(self._file)


class Captures:
    """The spool files of a cloud, and their way into S3."""

    def __init__(self, cloud: Cloud) -> None:
        self._objects = Objects(cloud)
        self._cloud = cloud
        self._folder = cloud.settings.data_dir / "sagemaker" / "capture"
        self._open: dict[_Slot, _Spool] = {}
        self._closed: list[Path] = []
        self._held: deque[tuple[CaptureTarget, bytes, float]] = deque()
        self._held_bytes = 0
        self._lost: Counter[str] = Counter()
        self._shipping = asyncio.Lock()
        self._next_try = 0.0
        self._told: set[str] = set()

    async def start(self) -> None:
        """Take up the spool files of an earlier run, and begin to follow the clock."""
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        spools = sorted(self._folder.glob("*.spool"))
        self._cloud.resumption.plan(
            Leftover("capture file", path.name, partial(self._take_up, path)) for path in spools
        )
        self._cloud.spawn(self._follow(), "data capture")

    async def _take_up(self, path: Path) -> None:
        self._closed.append(path)

    async def stop(self) -> None:
        """Store everything that was captured."""
        await self.flush()
        if self._held:
            log.error("%d captured records were lost: the disk took none until the cloud stopped", len(self._held))

    def add(self, target: CaptureTarget, line: bytes, moment: float) -> None:
        """Append a record to the file of its hour: a write into the page cache, some microseconds."""
        try:
            self._append(target, line, moment)
        except OSError as error:
            self._hold(target, line, moment, error)

    def _append(self, target: CaptureTarget, line: bytes, moment: float) -> None:
        slot = target, moment // 3600
        spool = self._open.get(slot)
        if spool is None:
            spool = self._open[slot] = _Spool(self._folder, target, moment)
        spool.append(line)
        if spool.size >= LARGEST:
            self._close(slot)

    def _hold(self, target: CaptureTarget, line: bytes, moment: float, reason: OSError) -> None:
        if self._held_bytes + len(line) > HELD_LIMIT:
            self._lost[target.endpoint] += 1
            return
        if not self._held:
            log.warning("Captured records wait in memory, for they cannot be written: %s", reason)
        self._held.append((target, line, moment))
        self._held_bytes += len(line)

    def _write_held(self) -> None:
        """Write what waits in memory as far as the disk takes it, and tell what found no room."""
        while self._held:
            try:
                self._append(*self._held[0])
            except OSError:
                break
            _, line, _ = self._held.popleft()
            self._held_bytes -= len(line)
        lost, self._lost = self._lost, Counter()
        for endpoint, count in lost.items():
            message = f"{count} captured records were dropped: the disk takes none, and the memory for them is full."
            log.error("Endpoint %s: %s", endpoint, message)
            LogStream(self._cloud, log_group(endpoint), "data-capture").write(message)

    def _close(self, slot: _Slot) -> None:
        spool = self._open.pop(slot)
        spool.close()
        self._closed.append(spool.path)

    async def flush(self, endpoint: str | None = None) -> None:
        """Store what was captured so far, of one endpoint or of all."""
        self._write_held()
        for slot, spool in list(self._open.items()):
            if endpoint in (None, spool.endpoint):
                self._close(slot)
        await self._ship()

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
                await self._ship()

    async def _ship(self) -> None:
        async with self._shipping:
            left: list[Path] = []
            while self._closed:
                path = self._closed.pop(0)
                try:
                    await self._store(path)
                except (ValueError, KeyError) as error:
                    aside = path.rename(path.with_suffix(".damaged"))
                    log.error("The captured records in %s are not stored: %s", aside, describe(error))
                except (ServiceError, OSError) as error:
                    left.append(path)
                    self._tell(str(error), f"Captured records wait in {path.parent}: {error}")
            self._closed = left + self._closed
            if left:
                self._next_try = time.monotonic() + RETRY_EVERY

    async def _store(self, path: Path) -> None:
        content = await asyncio.to_thread(path.read_bytes)
        head, _, lines = content.partition(b"\n")
        whole = lines[: lines.rfind(b"\n") + 1]  # a kill may tear the last record, whose request was not answered
        if whole:
            place = json.loads(head)
            await self._objects.write(whole, Location(place["bucket"], place["key"]))
        await asyncio.to_thread(path.unlink)

    def _tell(self, about: str, message: str) -> None:
        if about not in self._told:
            self._told.add(about)
            log.warning("%s", message)
