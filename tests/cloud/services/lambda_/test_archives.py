"""Function archives: sizes are limited, and an archive that cannot be unzipped leaves no files."""

from __future__ import annotations

from pathlib import Path

import pytest

from scones.cloud.errors import ServiceError
from scones.cloud.services.lambda_.functions import code
from scones.cloud.services.lambda_.functions.code import CodeStore
from support.zips import zip_of


def zipped(*names: str, content: bytes = b"") -> bytes:
    return zip_of(dict.fromkeys(names, content), compression=6)


def test_too_many_members_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "MEMBERS_LIMIT", 10)
    CodeStore(tmp_path).add(zipped(*map(str, range(10))))
    with pytest.raises(ServiceError, match="more than 10 files"):
        CodeStore(tmp_path).add(zipped(*map(str, range(11))))


def test_an_archive_with_a_false_size_is_rejected(tmp_path: Path) -> None:
    archive = bytearray(zipped("zeros", content=bytes(300 << 20)))
    with pytest.raises(ServiceError, match="Unzipped size must be smaller than 262144000 bytes"):
        CodeStore(tmp_path).add(bytes(archive))
    size = (300 << 20).to_bytes(4, "little")
    archive = archive.replace(size, (100).to_bytes(4, "little"))
    with pytest.raises(ServiceError, match="Could not unzip uploaded file"):
        CodeStore(tmp_path).add(bytes(archive))


def test_an_archive_that_cannot_be_unzipped_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = CodeStore(tmp_path)
    package = store.add(zipped("a.py", "b.py", content=b"1234"))
    monkeypatch.setattr(code, "UNZIPPED_LIMIT", 5)
    with pytest.raises(ServiceError, match="larger than its directory states"):
        store.contents((package.digest,))
    assert list((tmp_path / "tasks").iterdir()) == []


def test_deep_contents_are_swept(tmp_path: Path) -> None:
    store = CodeStore(tmp_path)
    names = ["/".join("d" * depth) + "/file" for depth in range(1, 1010, 100)]
    store.contents((store.add(zipped(*names)).digest,))
    store.sweep(set())
    assert list((tmp_path / "tasks").iterdir()) == []
