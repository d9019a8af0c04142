"""Read CIFAR-100's python archive without trusting it: a tar of three Python 2 pickles.

The tar is read as a stream and nothing of it is written to disk. Each pickle is first read as a list of opcodes, which
must be ones that build arrays and plain containers; then an unpickler builds them, with stand-ins where the pickle
names NumPy's functions, so that no function which the pickle can name does anything but remember its arguments.
"""

from __future__ import annotations

import gzip
import io
import pickle
import pickletools
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
import numpy.typing as npt

from scones.workflow.dataset.dataset import SPLITS, Split
from scones.workflow.dataset.errors import ArchiveError, ForbiddenGlobalError, UnknownClassError

ROOT = "cifar-100-python"
MEMBER_LIMITS = {f"{ROOT}/meta": 1 << 20, f"{ROOT}/test": 1 << 26, f"{ROOT}/train": 1 << 28}
"""The members that are read and the most bytes of each: twice the official archive's, or more."""
UNPACKED_LIMIT = 1 << 30
"""Bytes that the whole archive may unpack to: a gzip bomb stops here."""
ROW = 3 * 32 * 32
MAX_TUPLES = 1_000
MAX_INTEGER = 1 << 31

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Pictures:
    """One split: `pixels` is uint8 of shape (n, 3072), row by row red, green, blue planes of 32 by 32."""

    pixels: Pixels
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Cifar:
    """An archive's contents: the names of its fine classes, and its two splits."""

    class_names: tuple[str, ...]
    splits: dict[Split, Pictures]

    def labels_of(self, classes: tuple[str, ...]) -> list[int]:
        """The fine labels of the classes named; raises UnknownClassError with the closest names."""
        for name in classes:
            if name not in self.class_names:
                raise UnknownClassError(name, self.class_names)
        return [self.class_names.index(name) for name in classes]


def read_archive(path: Path) -> Cifar:
    """Read and check an archive (.tar.gz or .tar); raises ArchiveError, ForbiddenGlobalError among them."""
    try:
        members = dict(_members(path))
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ArchiveError(f"{path} is no whole .tar.gz archive ({error}): get it again.") from error
    missing = MEMBER_LIMITS.keys() - members.keys()
    if missing:
        raise ArchiveError(f"{path} holds no {', '.join(sorted(missing))}: CIFAR-100's python archive does.")
    meta = unpickle(members[f"{ROOT}/meta"])
    names = _texts(meta, "fine_label_names", f"{ROOT}/meta")
    splits = {split: _pictures(unpickle(members.pop(f"{ROOT}/{split}")), split, len(names)) for split in SPLITS}
    return Cifar(names, splits)


class _Bounded(io.RawIOBase):
    """A stream that gives at most `limit` bytes, however few bytes they were packed into."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self.stream = stream
        self.left = limit

    def read(self, size: int = -1, /) -> bytes:
        data = self.stream.read(min(size, self.left + 1) if size >= 0 else self.left + 1)
        self.left -= len(data)
        if self.left < 0:
            raise ArchiveError(
                f"The archive unpacks to more than {UNPACKED_LIMIT:,} bytes, which no CIFAR archive does."
            )
        return data


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as packed:
        gzipped = packed.read(2) == b"\x1f\x8b"
        packed.seek(0)
        plain: IO[bytes] = gzip.GzipFile(fileobj=packed) if gzipped else packed  # type: ignore[assignment]
        with tarfile.open(fileobj=_Bounded(plain, UNPACKED_LIMIT), mode="r|") as tar:
            seen = set()
            for member in tar:
                name = member.name.removeprefix("./")
                if name not in MEMBER_LIMITS:
                    continue
                if name in seen or not member.isreg() or member.size > MEMBER_LIMITS[name]:
                    raise ArchiveError(
                        f"{path} holds {name} twice, as a link, or larger than {MEMBER_LIMITS[name]:,} bytes."
                    )
                seen.add(name)
                file = tar.extractfile(member)
                assert file is not None
                yield name, file.read()


# Opcodes that build None, booleans, integers, strings, lists, tuples, dicts and ADMITTED's objects. What is
# left out makes instances (OBJ, INST, NEWOBJ), reaches outside (PERSID, EXT, NEXT_BUFFER) or has no use here (DUP).
OPCODES = frozenset(
    """
    PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1
    STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 READONLY_BUFFER
    UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
    EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
    EMPTY_DICT DICT SETITEM SETITEMS PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET
    GLOBAL STACK_GLOBAL REDUCE BUILD
    """.split()  # noqa: SIM905 - fifty quoted words would be read by nobody
)


def _check_opcodes(data: bytes) -> None:
    """Refuse what an unpickler would choke on: it makes room for any memo index, and hashes any key of a dict.

    A shared tuple is refused because a tuple of twice the same tuple, forty times over, takes 2⁴⁰ steps to hash; great
    integers, because they can be chosen to have one hash, which makes a dict of them take quadratic time.
    """
    tuples, memoized, previous = 0, 0, ""
    tuple_slots: set[int] = set()
    argument: Any
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        name = opcode.name
        if name not in OPCODES:
            raise ArchiveError(f"The archive's pickle uses {name}, which no array or plain container needs.")
        if type(argument) is int and not -MAX_INTEGER <= argument <= MAX_INTEGER and name != "FRAME":
            raise ArchiveError(
                f"The archive's pickle holds the number {argument}, and no label or length is that great."
            )
        if "PUT" in name or name == "MEMOIZE":
            slot = memoized if name == "MEMOIZE" else argument
            memoized += 1
            if slot > count:
                raise ArchiveError(f"The archive's pickle numbers an object {slot:,} after {count:,} steps.")
            if previous in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"):
                tuple_slots.add(slot)
        elif "GET" in name and argument in tuple_slots:
            raise ArchiveError("The archive's pickle uses one tuple in several places, which no array needs.")
        tuples += name.startswith("TUPLE")
        if tuples > MAX_TUPLES:
            raise ArchiveError(f"The archive's pickle has more than {MAX_TUPLES:,} tuples, and an array has a few.")
        previous = name


class _StandIn:
    """What a pickle gets for a global that it names: callable as that is, and closed to everything else."""

    __slots__ = ()

    def __setstate__(self, state: object) -> NoReturn:
        raise ArchiveError("The archive's pickle tries to change a function.")


class _DtypeFunction(_StandIn):
    __slots__ = ()

    def __call__(self, name: object, *_: object) -> _Dtype:
        return _Dtype(name)


class _Dtype:
    """`numpy.dtype`, of which only the name matters: anything but bytes is refused later."""

    __slots__ = ("name",)

    def __init__(self, name: object) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None: ...


class _Array:
    """`numpy.ndarray` as its pickle describes it: shape, dtype, order and bytes, not yet believed."""

    __slots__ = ("buffer", "dtype", "fortran", "shape")

    def __init__(self) -> None:
        self.shape: object = None
        self.dtype: object = None
        self.fortran: object = None
        self.buffer: object = None

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise ArchiveError("The archive's pickle describes an array in a way that NumPy does not.")
        _, self.shape, self.dtype, self.fortran, self.buffer = state

    def rows(self, where: str) -> Pixels:
        """The array as uint8 of shape (n, 3072); raises ArchiveError if it is any other."""
        shape, dtype, buffer = self.shape, self.dtype, self.buffer
        good = (
            isinstance(dtype, _Dtype)
            and dtype.name in ("u1", b"u1")
            and isinstance(buffer, bytes | bytearray)
            and isinstance(shape, tuple)
            and len(shape) == 2
            and all(type(side) is int for side in shape)
            and shape[0] > 0
            and shape[1] == ROW
            and shape[0] * ROW == len(buffer)
        )
        if not good:
            raise ArchiveError(f"{where} holds no uint8 array of shape (n, {ROW}).")
        assert isinstance(buffer, bytes | bytearray)
        assert isinstance(shape, tuple)
        return np.frombuffer(buffer, np.uint8).reshape(shape, order="F" if self.fortran else "C")


class _Reconstruct(_StandIn):
    __slots__ = ()

    def __call__(self, *_: object) -> _Array:
        return _Array()


class _FromBuffer(_StandIn):
    __slots__ = ()

    def __call__(self, buffer: object, dtype: object, shape: object, order: object) -> _Array:
        array = _Array()
        array.__setstate__((1, shape, dtype, order == "F", buffer))
        return array


class _Encode(_StandIn):
    """`_codecs.encode`, by which Python 3 writes bytes in the old protocols; Latin-1 alone."""

    __slots__ = ()

    def __call__(self, text: object, encoding: object = "latin1") -> bytes:
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
            raise ArchiveError("The archive's pickle encodes a text in another way than bytes are written.")
        return text.encode("latin-1")


ADMITTED: dict[tuple[str, str], _StandIn] = {
    ("numpy", "ndarray"): _StandIn(),
    ("numpy", "dtype"): _DtypeFunction(),
    ("numpy.core.multiarray", "_reconstruct"): _Reconstruct(),
    ("numpy._core.multiarray", "_reconstruct"): _Reconstruct(),
    ("numpy.core.numeric", "_frombuffer"): _FromBuffer(),
    ("numpy._core.numeric", "_frombuffer"): _FromBuffer(),
    ("_codecs", "encode"): _Encode(),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for an admitted global; raises ForbiddenGlobalError for any other."""
        if (module, name) not in ADMITTED:
            raise ForbiddenGlobalError(f"{module}.{name}")
        return ADMITTED[module, name]


def unpickle(data: bytes) -> dict[str, Any]:
    """Load a pickled dict of arrays and plain containers, its keys as text; raises ArchiveError for all else."""
    try:
        _check_opcodes(data)
        loaded = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except ArchiveError:
        raise
    except Exception as error:  # a hostile pickle can make an unpickler raise nearly anything
        raise ArchiveError(f"The archive's pickle cannot be read ({type(error).__name__}: {error}).") from error
    if not isinstance(loaded, dict):
        raise ArchiveError("The archive's pickle holds no dict.")
    return {_text(key): value for key, value in loaded.items()}


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value
    raise ArchiveError(f"The archive's pickle has a {type(value).__name__} where a text belongs.")


def _list(pickled: dict[str, Any], key: str, where: str) -> list[object]:
    value = pickled.get(key)
    if not isinstance(value, list) or not value:
        raise ArchiveError(f"{where} holds no list {key}.")
    return value


def _texts(pickled: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    return tuple(_text(value) for value in _list(pickled, key, where))


def _pictures(pickled: dict[str, Any], split: Split, classes: int) -> Pictures:
    where = f"{ROOT}/{split}"
    array = pickled.get("data")
    if not isinstance(array, _Array):
        raise ArchiveError(f"{where} holds no array data.")
    pixels = array.rows(where)
    labels = _list(pickled, "fine_labels", where)
    names = _texts(pickled, "filenames", where)
    if not len(pixels) == len(labels) == len(names):
        raise ArchiveError(f"{where} holds {len(pixels)} pictures, {len(labels)} labels and {len(names)} file names.")
    if not all(type(label) is int and 0 <= label < classes for label in labels):
        raise ArchiveError(f"{where} holds a label that is no number from 0 to {classes - 1}.")
    return Pictures(pixels, np.array(labels, np.int64), names)
