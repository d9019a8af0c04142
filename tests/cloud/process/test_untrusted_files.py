"""Reading files that a program left: links, pipes, races, and limits of size and depth."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from scones.cloud.process import untrusted_files
from scones.cloud.process.untrusted_files import GB, LeadsOutError, UntrustedFilesError, UntrustedFolder, remove_tree


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    """A folder in place of /opt/ml, next to a folder with a secret."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "credentials.json").write_text("the keys")
    (tmp_path / "ml" / "model").mkdir(parents=True)
    return tmp_path / "ml"


def names(ml: Path, folder: str = "model") -> list[str]:
    return [file.name for file in UntrustedFolder(ml).files(folder, limit=GB).files]


def test_files_are_listed_by_their_names_below_the_folder(ml: Path) -> None:
    (ml / "model" / "deep").mkdir()
    (ml / "model" / "deep" / "b").write_text("B")
    (ml / "model" / "a").write_text("A")
    assert names(ml) == ["a", "deep/b"]
    with UntrustedFolder(ml).files("model", limit=GB).files[1].open() as file:
        assert file.read() == b"B"


@pytest.mark.parametrize(
    "target",
    [
        "{secret}/credentials.json",
        "../../secret/credentials.json",
        "/opt/ml/../../secret/credentials.json",
        "loop",
        ".",
    ],
)
def test_links_that_lead_out_or_nowhere_are_left_out(ml: Path, target: str) -> None:
    (ml / "model" / "loop").symlink_to(target.format(secret=ml.parent / "secret"))
    assert names(ml) == []
    assert UntrustedFolder(ml).read("model/loop", 100) is None


def test_a_folder_that_became_a_link_is_not_entered(ml: Path) -> None:
    (ml / "model").rmdir()
    (ml / "model").symlink_to(ml.parent / "secret")
    listing = UntrustedFolder(ml).files("model", limit=GB)
    assert listing.files == []
    assert listing.omitted == ["/opt/ml/model: leads outside /opt/ml"]
    with pytest.raises(LeadsOutError):
        UntrustedFolder(ml).open("model/credentials.json")


@pytest.mark.parametrize("target", ["../checkpoints/1", "/opt/ml/checkpoints/1"])
def test_a_link_to_a_file_of_the_archive_is_read_as_that_file(ml: Path, target: str) -> None:
    (ml / "checkpoints").mkdir()
    (ml / "checkpoints" / "1").write_text("state")
    (ml / "model" / "best").symlink_to(target)
    assert names(ml) == ["best"]
    assert UntrustedFolder(ml).read("model/best", 100) == b"state"


def test_special_files_are_skipped_without_blocking(ml: Path) -> None:
    os.mkfifo(ml / "model" / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(ml / "model" / "socket"))
        assert names(ml) == []
        assert len(UntrustedFolder(ml).files("model", limit=GB).omitted) == 2
        assert UntrustedFolder(ml).read("model/pipe", 100) is None


def test_a_folder_replaced_by_a_link_exposes_no_other_folder(ml: Path) -> None:
    (ml / "model" / "folder").mkdir()
    (ml / "model" / "folder" / "credentials.json").write_text("mine")
    (ml / "model" / "link").symlink_to(ml.parent / "secret")
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            (ml / "model" / "folder").rename(ml / "model" / "aside")
            (ml / "model" / "link").rename(ml / "model" / "folder")
            (ml / "model" / "folder").rename(ml / "model" / "link")
            (ml / "model" / "aside").rename(ml / "model" / "folder")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        read = {UntrustedFolder(ml).read("model/folder/credentials.json", 100) for _ in range(3000)}
    finally:
        done.set()
        swapping.join()
    assert read == {b"mine", None}


def test_size_number_and_depth_are_bounded(ml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (ml / "model" / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UntrustedFilesError, match="1099511627776 bytes"):
        names(ml)
    (ml / "model" / "sparse").unlink()
    monkeypatch.setattr(untrusted_files, "FILES_LIMIT", 5)
    for index in range(6):
        (ml / "model" / str(index)).touch()
    with pytest.raises(UntrustedFilesError, match="more than 5 files"):
        names(ml)
    monkeypatch.undo()
    (ml / "output" / "/".join("d" * 70)).mkdir(parents=True)
    with pytest.raises(UntrustedFilesError, match="more than 64 levels deep"):
        names(ml, "output")


def test_names_that_are_not_utf_8_are_skipped(ml: Path) -> None:
    Path(os.fsdecode(os.fsencode(ml / "model") + b"/\xff")).touch()
    assert names(ml) == []
    assert "UTF-8" in UntrustedFolder(ml).files("model", limit=GB).omitted[0]


def test_a_very_deep_folder_can_be_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    (top / "removed-1").mkdir()
    (top / "removed-1" / "file").touch()
    (top / "link").symlink_to(tmp_path)
    descriptor = os.open(top, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("d", dir_fd=descriptor)
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    (top / "d").chmod(0)
    remove_tree(top)
    remove_tree(top)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def ordinary_folder():
    """A folder of an ordinary user. The test runs as that user, because root can read everything."""
    with tempfile.TemporaryDirectory() as name:
        if root := os.geteuid() == 0:
            os.chown(name, 65534, -1)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "O_PATH"), reason="O_PATH is Linux's")
@pytest.mark.parametrize("mode", [0o000, 0o100, 0o200, 0o400])
def test_files_without_read_permission_are_read_and_removed(ordinary_folder, mode):
    root = ordinary_folder / "ml"
    inner = root / "model" / "inner"
    inner.mkdir(parents=True)
    for file in (root / "model" / "weights", inner / "weights"):
        file.write_bytes(b"kept")
        file.chmod(mode)
    (root / "model" / "link").symlink_to("/etc/shadow")
    for folder in (inner, root / "model", root):
        folder.chmod(mode)
    folder = UntrustedFolder(root)
    found = folder.files("model", limit=GB)
    assert [file.name for file in found.files] == ["inner/weights", "weights"]
    assert [folder.read(f"model/{file.name}", 10) for file in found.files] == [b"kept", b"kept"]
    assert len(found.omitted) == 1
    for path in (inner / "weights", inner, root / "model", root):
        path.chmod(mode)
    remove_tree(root)
    assert not root.exists()
