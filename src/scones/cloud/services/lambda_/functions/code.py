"""Deployment packages: zip archives stored by their digest, and their contents as folders to mount."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import itertools
import lzma
import os
import struct
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from scones.cloud.errors import ServiceError
from scones.cloud.process.untrusted_files import remove_tree

ZIPPED_LIMIT, UNZIPPED_LIMIT = 52_428_800, 262_144_000
"""Maximum bytes of an archive in a request, and of a function's unzipped code (AWS's quotas of 50 MB and 250 MB)."""
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    OverflowError,
    ValueError,
)
"""Exceptions that `zipfile` raises for damaged, truncated, encrypted and unknown archives."""
MEMBERS_LIMIT = 100_000
"""Maximum number of files in an archive; AWS states no maximum."""
_MEMBER = b"PK\x01\x02"
"""First bytes of a member's entry in the archive's central directory."""
_MAX_NAME, _MAX_PATH = 255, 2048
"""Maximum bytes of a name, and of a path below the code's folder. Linux allows 255 for a name and 4,096 for a full
path."""


@dataclass(frozen=True, slots=True)
class Package:
    """A stored archive: `digest` is its SHA-256 in hexadecimal, `size` its bytes."""

    digest: str
    size: int

    @property
    def code_sha256(self) -> str:
        """The digest in the format of CodeSha256: base64."""
        return base64.b64encode(bytes.fromhex(self.digest)).decode()


class CodeStore:
    """Archives in one folder, by SHA-256; their contents are unzipped when first needed."""

    def __init__(self, folder: Path) -> None:
        self._archives = folder / "code"
        self._contents = folder / "tasks"
        for path in (self._archives, self._contents):
            path.mkdir(parents=True, exist_ok=True)

    def add(self, archive: bytes) -> Package:
        """Check and store an archive; it is on disk when this returns. Blocks: call it in a thread.

        Raises `InvalidParameterValueException` for an archive that is damaged or too large.
        """
        _check(archive)
        package = Package(hashlib.sha256(archive).hexdigest(), len(archive))
        path = self.archive(package.digest)
        if not path.exists():
            with tempfile.NamedTemporaryFile(dir=self._archives, delete=False) as draft:
                draft.write(archive)
                draft.flush()
                os.fsync(draft.fileno())
            Path(draft.name).replace(path)
            folder = os.open(self._archives, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        return package

    def archive(self, digest: str) -> Path:
        """Return the path of an archive."""
        return self._archives / f"{digest}.zip"

    def contents(self, digests: tuple[str, ...]) -> Path:
        """Return a folder with the contents of archives; files of later archives replace those of earlier ones.

        Blocks: call it in a thread.
        """
        name = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
        folder = self._contents / name
        if not folder.exists():
            draft = Path(tempfile.mkdtemp(dir=self._contents))
            try:
                for digest in digests:
                    _extract(self.archive(digest), draft)
                draft.chmod(0o755)
                with contextlib.suppress(OSError):  # another call was faster
                    draft.rename(folder)
            finally:
                remove_tree(draft)
        return folder

    def unzipped(self, digests: tuple[str, ...]) -> int:
        """Return the total bytes of archives when unzipped. Blocks: call it in a thread."""
        size = 0
        for digest in digests:
            with zipfile.ZipFile(self.archive(digest)) as file:
                size += _size(file)
        return size

    def sweep(self, used: set[str]) -> None:
        """Remove archives whose digests are not in `used`, and all unzipped contents."""
        for path in self._archives.iterdir():
            if path.stem not in used:
                path.unlink()
        for path in self._contents.iterdir():
            remove_tree(path)


def _size(file: zipfile.ZipFile) -> int:
    return sum(member.file_size for member in file.infolist())


def _check(archive: bytes) -> None:
    if archive.count(_MEMBER) > MEMBERS_LIMIT:  # checked before zipfile creates an object for each
        message = f"The archive has more than {MEMBERS_LIMIT} files, the local cloud's limit."
        raise ServiceError("InvalidParameterValueException", message, Type="User")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            if _size(file) > UNZIPPED_LIMIT:
                message = f"Unzipped size must be smaller than {UNZIPPED_LIMIT} bytes"
                raise ServiceError("InvalidParameterValueException", message, Type="User")
            _check_paths(file)
            if damaged := file.testzip():
                raise zipfile.BadZipFile(damaged)
    except _UNREADABLE as error:
        raise ServiceError(
            "InvalidParameterValueException",
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
            Type="User",
        ) from error


def _check_paths(file: zipfile.ZipFile) -> None:
    """Raise `BadZipFile` if a member's name is too long, or if a file and a folder have the same path."""
    files: set[str] = set()
    folders: set[str] = set()
    for member in file.infolist():
        parts = [part for part in member.filename.split("/") if part not in ("", ".", "..")]
        names = [os.fsencode(part) for part in parts]
        if sum(map(len, names)) + len(names) > _MAX_PATH or max(map(len, names), default=0) > _MAX_NAME:
            raise zipfile.BadZipFile(f"the name of {member.filename[:64]!r} is too long")
        above = list(itertools.accumulate(parts, "{}/{}".format))
        (folders if member.is_dir() else files).update(above[-1:] or [""])
        folders.update(above[:-1])
    if "" in files or files & folders:
        raise zipfile.BadZipFile("a file and a folder have the same name")


def _extract(archive: Path, folder: Path) -> None:
    """Unzip an archive with its file modes; `zipfile` keeps members inside the folder."""
    left = UNZIPPED_LIMIT
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            left -= member.file_size
            if left < 0:
                raise ServiceError(
                    "InvalidParameterValueException", f"{archive.name} is larger than its directory states."
                )
            path = Path(file.extract(member, folder))
            mode = (member.external_attr >> 16) & 0o777
            path.chmod((mode or 0o644) | (0o555 if member.is_dir() else 0o444))
