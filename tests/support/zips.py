"""Zip archives in memory: functions' code, layers, wheels, and archives that a service must reject."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

FILE = 0o100644


def zip_of(
    files: Mapping[str, str | bytes], *, modes: Mapping[str, int] | None = None, compression: int | None = None
) -> bytes:
    """Return a zip of files by name; `modes` are Unix file modes, `compression` is a Deflate level."""
    method = zipfile.ZIP_STORED if compression is None else zipfile.ZIP_DEFLATED
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method, compresslevel=compression) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = (modes or {}).get(name, FILE) << 16
            archive.writestr(member, content, method)
    return buffer.getvalue()
