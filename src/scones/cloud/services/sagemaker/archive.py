"""model.tar.gz: made from a folder after training, and extracted safely before hosting."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from pathlib import Path


def pack(folder: Path, target: Path) -> bool:
    """Write a folder's content, at the archive's root, as a tar.gz; False, and no file, where it is empty."""
    members = sorted(folder.iterdir()) if folder.is_dir() else []
    if not members:
        return False
    with tarfile.open(target, "w:gz", compresslevel=6) as archive:
        for member in members:
            archive.add(member, arcname=member.name)
    return True


def unpack(source: Path, folder: Path) -> None:
    """Extract an archive, with or without compression, into a new folder.

    Members that would leave the folder, links out of it and devices are refused. The folder appears whole or not
    at all. Raises `tarfile.TarError` or `OSError`.
    """
    draft = folder.with_name(folder.name + ".partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        with tarfile.open(source) as archive:
            archive.extractall(draft, filter="data")
    except (EOFError, zlib.error) as error:
        raise tarfile.ReadError(f"The archive is broken: {error}.") from error
    draft.rename(folder)
