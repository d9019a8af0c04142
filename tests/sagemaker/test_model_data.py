from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from scones.cloud.services.sagemaker.archive import pack, unpack
from scones.cloud.services.sagemaker.objects import below, relative


def hostile(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """Return an archive with one member."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, link
        archive.addfile(member)
    return written.getvalue()


def test_a_folder_comes_back_from_its_archive(tmp_path: Path) -> None:
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "deep" / "a.txt").write_text("A")
    assert pack(tmp_path / "model", tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", tmp_path / "back")
    assert (tmp_path / "back" / "deep" / "a.txt").read_text() == "A"


def test_an_empty_folder_leaves_no_archive(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    assert not pack(tmp_path / "model", tmp_path / "model.tar.gz")
    assert not pack(tmp_path / "missing", tmp_path / "model.tar.gz")
    assert not (tmp_path / "model.tar.gz").exists()


@pytest.mark.parametrize(
    "archive",
    [
        hostile("../outside"),
        hostile("link", tarfile.SYMTYPE, "../../outside"),
        hostile("device", tarfile.CHRTYPE),
        b"no archive",
        hostile("cut short")[:-20],
    ],
    ids=["a path outside", "a link outside", "a device", "no archive", "cut short"],
)
def test_a_hostile_or_broken_archive_leaves_nothing(tmp_path: Path, archive: bytes) -> None:
    (tmp_path / "model.tar.gz").write_bytes(archive)
    with pytest.raises((tarfile.TarError, OSError)):
        unpack(tmp_path / "model.tar.gz", tmp_path / "model")
    assert not (tmp_path / "model").exists()
    assert not (tmp_path.parent / "outside").exists()


@pytest.mark.parametrize(
    ("key", "prefix", "path"),
    [
        ("data/train/a.png", "data/train/", "a.png"),
        ("data/train/a.png", "data/train", "a.png"),
        ("data/train/b/a.png", "data/train", "b/a.png"),
        ("data/train.lst", "data/train.lst", "train.lst"),
        ("data/train.lst", "data/train", "train.lst"),
        ("train.lst", "train.lst", "train.lst"),
        ("data/a.png", "", "data/a.png"),
        ("data/train/", "data/train/", ""),
    ],
)
def test_a_prefix_of_keys_becomes_a_channels_folder(key: str, prefix: str, path: str) -> None:
    assert relative(key, prefix) == path


def test_a_key_cannot_leave_its_channel(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no path below"):
        below(tmp_path, "../../etc/passwd")
