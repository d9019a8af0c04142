"""A partial download: the bytes received so far, and the source and version they belong to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import IO


def digest(path: Path) -> str:
    """Return a file's SHA-256 as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class PartialDownload:
    """`<target>.part`, with its source and ETag in `<target>.json`; it becomes `target` when complete.

    Bytes of another source, or of a version without a strong ETag, are kept only if a digest will verify the complete
    file (`will_be_verified`).
    """

    def __init__(self, target: Path, source: str, *, will_be_verified: bool) -> None:
        self.target = target
        self.source = source
        self.path = target.with_name(target.name + ".part")
        self._record_path = target.with_name(target.name + ".json")
        record = self._read_record()
        self.known = record if record.get("source") == source else {}
        if not will_be_verified and not self._has_strong_etag():
            self.discard()

    @property
    def etag(self) -> str | None:
        """ETag of the version that these bytes belong to; None if the source did not send one."""
        return self.known.get("etag")

    @property
    def size(self) -> int:
        """Number of bytes received so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    def open(self, offset: int, etag: str | None) -> IO[bytes]:
        """Open the part for bytes from `offset` on: 0 truncates it, any other offset appends."""
        self.known = {"source": self.source, **({"etag": etag} if etag else {})}
        self._record_path.write_text(json.dumps(self.known), encoding="utf-8")
        return self.path.open("ab" if offset else "wb")

    def discard(self) -> None:
        """Delete the bytes received so far."""
        self.path.unlink(missing_ok=True)

    def complete(self, sha256: str) -> None:
        """Rename the part to the target atomically, and record its digest."""
        self.path.replace(self.target)
        self._record_path.write_text(json.dumps({**self.known, "sha256": sha256}), encoding="utf-8")

    def completed_etag(self) -> str | None:
        """Return the ETag of the target if an earlier run downloaded it completely from this source, or None."""
        whole = self.target.is_file() and self.known.get("sha256") == digest(self.target)
        return self.etag if whole else None

    def _has_strong_etag(self) -> bool:
        return self.etag is not None and not self.etag.startswith("W/")

    def _read_record(self) -> dict[str, str]:
        try:
            record = json.loads(self._record_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {k: v for k, v in record.items() if isinstance(v, str)} if isinstance(record, dict) else {}
