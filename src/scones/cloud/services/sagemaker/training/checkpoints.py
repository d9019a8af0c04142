"""Checkpoints: a folder of the container, restored from a prefix in S3 and uploaded to it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from scones.cloud.errors import ServiceError
from scones.cloud.process.untrusted_files import GB, VOLUME_GB, UntrustedFile, UntrustedFilesError, UntrustedFolder
from scones.cloud.services.sagemaker.s3_access import S3Access, S3Location, below, relative
from scones.cloud.wire.members import Members

INTERVAL = 5.0
"""Seconds between two checks for changed files."""


@dataclass
class CheckpointSync:
    """The checkpoint folder of one job; without a CheckpointConfig every method does nothing."""

    objects: S3Access
    root: UntrustedFolder
    folder: str
    """Path of the checkpoint folder below the root of `left`."""
    location: S3Location | None
    limit: int = VOLUME_GB * GB
    """Maximum size of the folder in bytes."""
    _stored: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Members, objects: S3Access, base: Path, mounts: dict[str, Path]) -> CheckpointSync:
        """Return a job's checkpoints; add their folder to `mounts` if it is not below /opt/ml."""
        config = request.get("CheckpointConfig")
        if config is None:
            return cls(objects, UntrustedFolder(base), "", None)
        local = config.get("LocalPath", "/opt/ml/checkpoints").rstrip("/")
        if local.startswith("/opt/ml/"):
            left, folder = UntrustedFolder(mounts["/opt/ml"]), local.removeprefix("/opt/ml/")
        else:
            left, folder = UntrustedFolder(base / "checkpoints", container_path=local), ""
            mounts[local] = left.root
        below(left.root, folder).mkdir(parents=True, exist_ok=True)
        limit = request["ResourceConfig"].get("VolumeSizeInGB", VOLUME_GB) * GB
        return cls(objects, left, folder, S3Location.of(config["S3Uri"]), limit)

    async def restore(self) -> None:
        """Download the checkpoints that an earlier job stored."""
        if self.location is None:
            return
        files = []
        with contextlib.suppress(ServiceError):  # no such bucket: nothing to restore; the upload will fail
            async for key in self.objects.keys(self.location):
                if path := relative(key, self.location.key):
                    files.append((S3Location(self.location.bucket, key), below(self.root.root / self.folder, path)))
        await self.objects.download_all(files)
        self._stored = {file.name: (file.changed, file.size) for file in await self._files()}

    async def follow(self) -> None:
        """Upload changed files every `INTERVAL` seconds, until cancelled."""
        while self.location is not None:
            await asyncio.sleep(INTERVAL)
            # The next check finds a file that was replaced during its upload; `finish` raises errors that remain.
            with contextlib.suppress(ServiceError, OSError, UntrustedFilesError):
                await self._store(self.location)

    async def finish(self) -> None:
        """Upload the files that have changed since the last check; raises `ServiceError` or `UntrustedFilesError`."""
        if self.location is not None:
            await self._store(self.location)

    async def _store(self, location: S3Location) -> None:
        for file in await self._files():
            state = file.changed, file.size
            if self._stored.get(file.name) != state:
                await self.objects.upload_untrusted(file, location.join(file.name))
                self._stored[file.name] = state

    async def _files(self) -> list[UntrustedFile]:
        return (await asyncio.to_thread(self.root.files, self.folder, limit=self.limit)).files
