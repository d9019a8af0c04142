"""Untrusted archives: hostile pickles, hostile tar files, and damaged files."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import pickle
import pickletools
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scones.workflow.dataset import ArchiveError, ForbiddenGlobalError
from scones.workflow.dataset.archive import read_archive
from scones.workflow.dataset.unpickle import unpickle
from support.cifar_archives import NAMES, split_of, write_archive, write_tar


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_every_pickle_protocol_gives_the_same_images(tmp_path: Path, protocol: int) -> None:
    split = split_of([8, 48, 0])
    cifar = read_archive(write_archive(tmp_path / "a.tar.gz", train=pickle.dumps(split, protocol)))
    assert cifar.class_names == tuple(NAMES)
    train = cifar.splits["train"]
    assert np.array_equal(train.pixels, split[b"data"])
    assert train.labels.tolist() == [8, 48, 0]
    assert train.names == ("picture_s_000000.png", "picture_s_000001.png", "picture_s_000002.png")


def test_text_keys_and_fortran_order_are_read_as_well(tmp_path: Path) -> None:
    split = {key.decode(): value for key, value in split_of([8, 48]).items()}
    split["data"] = np.asfortranarray(split["data"])
    cifar = read_archive(write_archive(tmp_path / "a.tar.gz", train=pickle.dumps(split, 2)))
    assert np.array_equal(cifar.splits["train"].pixels, split["data"])


def test_the_real_archive_is_read(archive: Path) -> None:
    cifar = read_archive(archive)
    assert {split: images.pixels.shape for split, images in cifar.splits.items()} == {
        "train": (1000, 3072),
        "test": (200, 3072),
    }
    assert cifar.labels_of(("motorcycle", "bicycle")) == [48, 8]


class Calls:
    """An object whose pickle calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.arguments


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    ("function", "argument", "name"),
    [
        (os.system, "touch {}", "posix.system"),
        (eval, "open({!r}, 'w')", "eval"),
        (exec, "open({!r}, 'w')", "exec"),
        (np.fromfile, "{}", "fromfile"),
        (np.load, "{}", "numpy.load"),
        (io.open, "{}", "open"),
        (getattr, "{}", "getattr"),
    ],
)
def test_code_in_a_pickle_is_named_and_never_run(
    tmp_path: Path, function: Any, argument: str, name: str, protocol: int
) -> None:
    proof = tmp_path / "proof"
    attack = pickle.dumps({b"data": Calls(function, argument.format(str(proof)))}, protocol)
    with pytest.raises(ForbiddenGlobalError, match="could run code") as raised:
        read_archive(write_archive(tmp_path / "a.tar.gz", train=attack))
    assert raised.value.name.endswith(name)
    assert not proof.exists()


# Pickles written as opcodes, for attacks that a pickler cannot produce.
GLOBALS = {
    "a nested attribute": b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
    "a module's module": b"cnumpy\n_core.multiarray.os.system\n.",
    "a sibling of what is admitted": b"cnumpy.core.multiarray\nscalar\n.",
    "an admitted name of another module": b"cos\nencode\n.",
}


@pytest.mark.parametrize("attack", GLOBALS.values(), ids=GLOBALS.keys())
def test_a_global_that_is_not_allowed_is_rejected(attack: bytes) -> None:
    with pytest.raises(ForbiddenGlobalError):
        unpickle(attack)


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
ATTACKS = {
    "another codec": b"c_codecs\nencode\n(Vx\nVzip\ntR.",
    "a text encoded over and over": b"}Vd\n](V"
    + b"x" * 999
    + b"\np1\n"
    + b"c_codecs\nencode\n(g1\nVlatin1\ntR" * 99
    + b"es.",
    "a memo entry that is not there": b"h\x07.",
    "an instance": b"(i__main__\nCalls\n.",
    "an object of a class": b"(cnumpy\nndarray\no.",
    "a new object": b"cnumpy\nndarray\n)\x81.",
    "a persistent identifier": b"Pfile:///etc/passwd\n.",
    "an extension code": b"\x82\x01.",
    "an outside buffer": b"\x80\x05\x97.",
    "a changed function": RECONSTRUCT + b"}Vx\nI1\nsb.",
    "a function's replaced attributes": RECONSTRUCT + b"N}V__class__\nI1\ns\x86b.",
    "an array with no state": b"(dVdata\n" + RECONSTRUCT + b")R)b.",
    "an array in place of a function": RECONSTRUCT + b")R)R.",
    "no pickle at all": b"<html>log in to the wifi</html>",
    "a string cut short": b"\x80\x02T\xff\xff\xff\x7fabc.",
    "nothing": b"",
    "only a number": b"I1\n.",
    "integers made to collide": b"}(" + b"".join(b"I%d\nI0\n" % (n * (2**61 - 1)) for n in range(5)) + b"u.",
    "a key a million tuples deep": b"}" + b")" + b"\x85" * 1_000_000 + b"Ns.",
    "a key that takes for ever to hash": b"})q\x00" + b"".join(b"h%c\x86q%c" % (n, n + 1) for n in range(60)) + b"Ns.",
    "a key that is a list": b"}]Ns.",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_malicious_pickle_is_rejected(tmp_path: Path, attack: bytes) -> None:
    with pytest.raises(ArchiveError):
        read_archive(write_archive(tmp_path / "a.tar.gz", train=attack))


@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")  # pickletools, about Python 2 text
def test_a_pickle_changed_anywhere_is_read_or_rejected() -> None:
    rng = np.random.default_rng(0)
    for protocol in (0, 2, 4):
        good = pickle.dumps(split_of([8]) | {b"data": np.zeros((1, 8), np.uint8)}, protocol)
        for _ in range(500):
            changed = bytearray(good)
            for at in rng.integers(len(good), size=3):
                changed[at] = rng.integers(256)
            with contextlib.suppress(ArchiveError):
                unpickle(bytes(changed))


@pytest.mark.parametrize(
    "changes",
    [
        {b"data": None},
        {b"data": b"bytes"},
        {b"data": np.zeros((3, 3072), np.float32)},
        {b"data": np.zeros((3, 3071), np.uint8)},
        {b"data": np.zeros((2, 3072), np.uint8)},
        {b"data": np.array([object()] * 3)},
        {b"fine_labels": [8, 48]},
        {b"fine_labels": [8, 48, 100]},
        {b"fine_labels": [8, 48, -1]},
        {b"fine_labels": [8, 48, True]},
        {b"fine_labels": {}},
        {b"filenames": [b"a.png", b"b.png", 3]},
        {b"filenames": None},
    ],
)
def test_a_split_of_another_shape_or_type_is_rejected(tmp_path: Path, changes: dict[bytes, Any]) -> None:
    split = pickle.dumps(split_of([8, 48, 0]) | changes, 2)
    with pytest.raises(ArchiveError):
        read_archive(write_archive(tmp_path / "a.tar.gz", train=split))


def test_memory_is_not_allocated_for_an_array_with_a_false_shape(tmp_path: Path) -> None:
    honest = pickle.dumps(split_of([8, 48, 0]), 2)
    shape = next(at for op, arg, at in pickletools.genops(honest) if op.name == "BININT2" and arg == 3072)
    lie = honest[: shape - 2] + b"J\xff\xff\xff\x7f" + honest[shape:]
    with pytest.raises(ArchiveError, match="has no uint8 array"):
        read_archive(write_archive(tmp_path / "a.tar.gz", train=lie))


def test_other_archive_members_are_never_written(tmp_path: Path) -> None:
    link = tarfile.TarInfo("cifar-100-python/extra")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    path = tmp_path / "box" / "a.tar.gz"
    path.parent.mkdir()
    entries: list[tuple[str | tarfile.TarInfo, bytes]] = [("../evil", b"x"), ("/tmp/scones-evil", b"x"), (link, b"")]
    write_tar(path, entries + members(write_archive(tmp_path / "good.tar.gz")))
    assert len(read_archive(path).splits["train"].pixels) == 6
    assert not (tmp_path / "evil").exists()
    assert not Path("/tmp/scones-evil").exists()
    assert [file.name for file in path.parent.iterdir()] == ["a.tar.gz"]


def members(path: Path) -> list[tuple[str | tarfile.TarInfo, bytes]]:
    with tarfile.open(path) as tar:
        return [(member.name, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]


def test_an_archive_member_that_is_a_link_is_rejected(tmp_path: Path) -> None:
    link = tarfile.TarInfo("cifar-100-python/train")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    write_tar(tmp_path / "a.tar.gz", [(link, b"")])
    with pytest.raises(ArchiveError, match="as a link"):
        read_archive(tmp_path / "a.tar.gz")


def test_a_duplicate_archive_member_is_rejected(tmp_path: Path) -> None:
    entries = members(write_archive(tmp_path / "a.tar.gz"))
    write_tar(tmp_path / "a.tar.gz", [*entries, entries[0]])
    with pytest.raises(ArchiveError, match="twice"):
        read_archive(tmp_path / "a.tar.gz")


def test_an_archive_member_that_is_too_large_is_rejected_before_it_is_read(tmp_path: Path) -> None:
    header = tarfile.TarInfo("cifar-100-python/train")
    header.size = 1 << 40
    (tmp_path / "a.tar").write_bytes(header.tobuf())
    with pytest.raises(ArchiveError, match="with more than"):
        read_archive(tmp_path / "a.tar")


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_gzip_bomb_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: bytes) -> None:
    monkeypatch.setattr("scones.workflow.dataset.archive.UNPACKED_LIMIT", 8 << 20)
    header = tarfile.TarInfo("cifar-100-python/bomb")
    header.size, header.type = 3 << 30, kind
    with gzip.open(tmp_path / "a.tar.gz", "wb", 1) as packed:
        packed.write(header.tobuf())
        for _ in range(9):
            packed.write(bytes(1 << 20))
    with pytest.raises(ArchiveError, match="unpacks to more than 8,388,608 bytes"):
        read_archive(tmp_path / "a.tar.gz")


@pytest.mark.parametrize(
    "content",
    [b"", b"not an archive", gzip.compress(b"not a tar"), gzip.compress(b"\0" * 1024)],
    ids=["nothing", "text", "no tar in gzip", "zeros in gzip"],
)
def test_a_file_that_is_not_an_archive_is_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(ArchiveError):
        read_archive(tmp_path / "a.tar.gz")


def test_an_archive_cut_short_is_rejected(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "a.tar.gz")
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ArchiveError, match="download it again"):
        read_archive(path)
