"""Checkpoints: a folder of the container kept the same as a prefix in S3, both ways."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.services.sagemaker.objects import Location, Objects, below, relative

INTERVAL = 5.0
"""Seconds between two looks for changed files."""


@dataclass
class Checkpoints:
    """The checkpoint folder of one job; without a CheckpointConfig every method does nothing."""

    objects: Objects
    folder: Path
    place: Location | None
    _stored: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, request: dict[str, Any], objects: Objects, base: Path, mounts: dict[str, Path]) -> Checkpoints:
        """Return a job's checkpoints, and mount their folder where it is not below /opt/ml."""
        config = request.get("CheckpointConfig")
        if config is None:
            return cls(objects, base, None)
        local = config.get("LocalPath", "/opt/ml/checkpoints").rstrip("/")
        if local.startswith("/opt/ml/"):
            folder = below(mounts["/opt/ml"], local.removeprefix("/opt/ml/"))
        else:
            folder = mounts[local] = base / "checkpoints"
        folder.mkdir(parents=True, exist_ok=True)
        return cls(objects, folder, Location.of(config["S3Uri"]))

    async def restore(self) -> None:
        """Download what an earlier job left."""
        if self.place is None:
            return
        files = []
        with contextlib.suppress(ServiceError):  # no such bucket: nothing to restore, and the upload will tell
            async for key in self.objects.keys(self.place):
                if path := relative(key, self.place.key):
                    files.append((Location(self.place.bucket, key), below(self.folder, path)))
        await self.objects.download_all(files)
        self._stored = await asyncio.to_thread(self._look)

    async def follow(self) -> None:
        """Upload changed files again and again, until cancelled."""
        while self.place is not None:
            await asyncio.sleep(INTERVAL)
            with contextlib.suppress(ServiceError, OSError):  # a file was replaced meanwhile: the next look finds it
                await self._store(self.place)

    async def finish(self) -> None:
        """Upload what has changed since; raises `ServiceError`."""
        if self.place is not None:
            await self._store(self.place)

    async def _store(self, place: Location) -> None:
        for name, state in (await asyncio.to_thread(self._look)).items():
            if self._stored.get(name) != state:
                await self.objects.upload(self.folder / name, place.join(name))
                self._stored[name] = state

    def _look(self) -> dict[str, tuple[int, int]]:
        files = [(path, path.stat()) for path in self.folder.rglob("*") if path.is_file()]
        return {path.relative_to(self.folder).as_posix(): (stat.st_mtime_ns, stat.st_size) for path, stat in files}
