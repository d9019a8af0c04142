"""Archives of model data, and the paths of S3 objects in a channel."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from scones.cloud.process.untrusted_files import GB, Listing, UntrustedFolder
from scones.cloud.services.sagemaker import archive as archives
from scones.cloud.services.sagemaker.archive import pack, unpack
from scones.cloud.services.sagemaker.s3_access import below, relative


def hostile(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """Return an archive with one empty member of a given name, type and link target."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, link
        archive.addfile(member)
    return written.getvalue()


def listing(folder: Path) -> Listing:
    return UntrustedFolder(folder).files(limit=GB)


def members(*names: str, size: int = 0, content: bytes | None = None) -> bytes:
    """Return an archive of files that contain `content`, or `size` zero bytes if there is none."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz", compresslevel=1) as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = size
            archive.addfile(member, io.BytesIO(bytes(size) if content is None else content))
    return written.getvalue()


def large_header() -> bytes:
    """Return an archive whose first header, a long name, is 8 MB long."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("a" * (8 << 20)))
    return written.getvalue()


def behind_a_link() -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "."
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("link/file"))
    return written.getvalue()


def test_a_folder_is_restored_from_its_archive(tmp_path: Path) -> None:
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "deep" / "a.txt").write_text("A")
    assert pack([listing(tmp_path / "model")], tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", tmp_path / "back")
    assert (tmp_path / "back" / "deep" / "a.txt").read_text() == "A"


def test_an_empty_folder_leaves_no_archive(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    assert not pack([listing(tmp_path / "model")], tmp_path / "model.tar.gz")
    assert not pack([UntrustedFolder(tmp_path).files("missing", limit=GB)], tmp_path / "model.tar.gz")
    assert not (tmp_path / "model.tar.gz").exists()


@pytest.mark.parametrize(
    "archive",
    [
        hostile("../outside"),
        hostile("link", tarfile.SYMTYPE, "../../outside"),
        hostile("link", tarfile.SYMTYPE, "sub/../../outside"),
        hostile("link", tarfile.SYMTYPE, "/etc/passwd"),
        hostile("link", tarfile.LNKTYPE, "../../outside"),
        hostile("link", tarfile.LNKTYPE, "/etc/passwd"),
        hostile("device", tarfile.CHRTYPE),
        hostile("pipe", tarfile.FIFOTYPE),
        hostile("d/" * 65 + "deep"),
        large_header(),
        behind_a_link(),
        b"no archive",
        hostile("cut short")[:-20],
    ],
    ids=[
        "a path outside",
        "a link outside",
        "a link outside through a folder",
        "an absolute link",
        "a hard link outside",
        "an absolute hard link",
        "a device",
        "a pipe",
        "too deep",
        "a large header",
        "behind a link",
        "no archive",
        "cut short",
    ],
)
def test_a_malicious_or_damaged_archive_leaves_nothing(tmp_path: Path, archive: bytes) -> None:
    (tmp_path / "model.tar.gz").write_bytes(archive)
    with pytest.raises((tarfile.TarError, OSError)):
        unpack(tmp_path / "model.tar.gz", tmp_path / "model")
    assert not (tmp_path / "model").exists()
    assert not (tmp_path.parent / "outside").exists()


@pytest.mark.parametrize("damage", ["a bit", "the checksum", "more behind it"])
def test_an_archive_is_read_to_its_checksum(tmp_path: Path, damage: str) -> None:
    content = bytearray(members("weights", size=100_000, content=os.urandom(100_000)))
    if damage == "a bit":
        content[50_000] ^= 1
    elif damage == "the checksum":
        del content[-8:]
    else:
        content += b"x" * 100
    (tmp_path / "model.tar.gz").write_bytes(content)
    with pytest.raises(tarfile.TarError, match="the archive is damaged"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_an_error_names_the_archive_member_but_not_the_host_folder(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(members("n" * 300))
    with pytest.raises(tarfile.TarError) as error:
        unpack(tmp_path / "model.tar.gz", tmp_path / "model")
    assert str(error.value) == f"'{'n' * 100}…' cannot be written: File name too long."


def test_an_archive_must_not_unpack_to_much_more_than_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED", 1 << 20)
    (tmp_path / "model.tar.gz").write_bytes(members("zeros", size=32 << 20))
    with pytest.raises(tarfile.TarError, match="unpacked size exceeds 1"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model.tar.gz"]


def test_an_archive_may_not_have_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FILES_LIMIT", 10)
    (tmp_path / "model.tar.gz").write_bytes(members(*(f"file-{index}" for index in range(11))))
    with pytest.raises(tarfile.TarError, match="more than 10 members"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "model")


def test_links_inside_an_archive_are_kept(tmp_path: Path) -> None:
    (tmp_path / "left" / "deep").mkdir(parents=True)
    (tmp_path / "left" / "deep" / "a.txt").write_text("A")
    (tmp_path / "left" / "latest").symlink_to("deep")
    (tmp_path / "left" / "same.txt").symlink_to("deep/a.txt")
    assert pack([listing(tmp_path / "left")], tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", tmp_path / "back")
    assert (tmp_path / "back" / "latest" / "a.txt").read_text() == "A"
    assert (tmp_path / "back" / "same.txt").read_text() == "A"


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
    with pytest.raises(ValueError, match="outside the target folder"):
        below(tmp_path, "../../etc/passwd")
