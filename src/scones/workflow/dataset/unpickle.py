"""Read an untrusted pickle: an interpreter for the opcodes that build arrays and plain containers.

Python's own unpickler can restrict globals, but still allocates any memo index, hashes any key, and calls an admitted
global with any arguments. This interpreter cannot import or call anything, hashes only strings, and never holds
more than a small multiple of the pickle's own size. `pickletools` splits the pickle into opcodes and checks lengths.
"""

from __future__ import annotations

import pickletools
from typing import Any

import numpy as np
import numpy.typing as npt

from scones.workflow.dataset.errors import ArchiveError, ForbiddenGlobalError

Pixels = npt.NDArray[np.uint8]

CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
INTEGERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1")
TEXTS = ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
BYTES = ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8")
LITERALS = frozenset([*INTEGERS, *TEXTS, *BYTES])
PYTHON2_STRINGS = frozenset(["BINSTRING", "SHORT_BINSTRING"])
SMALL_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}

ADMITTED = {
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "numpy.core.multiarray _reconstruct": "reconstruct",
    "numpy._core.multiarray _reconstruct": "reconstruct",
    "numpy.core.numeric _frombuffer": "frombuffer",
    "numpy._core.numeric _frombuffer": "frombuffer",
    "_codecs encode": "encode",
}
"""Globals in pickles of arrays, and of bytes in old protocols. The interpreter treats them as symbols only."""


def unpickle(data: bytes) -> dict[str, Any]:
    """Load a pickled dict of strings to arrays and plain containers; Python 2's strings become bytes.

    An array becomes a PickledArray. Raises ForbiddenGlobalError for a global that no array needs, else ArchiveError.
    """
    try:
        loaded = _PickleInterpreter(len(data)).run(data)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        raise ArchiveError(f"The archive's pickle cannot be read ({type(error).__name__}: {error}).") from error
    if not isinstance(loaded, dict):
        raise ArchiveError("The archive's pickle does not contain a dict.")
    return {text(key): value for key, value in loaded.items()}


def text(value: object) -> str:
    """Return a string, decoded if it is Python 2's bytes. Raises ArchiveError for any other type."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value
    raise ArchiveError(f"The archive's pickle has a {type(value).__name__} where text is expected.")


class PickledArray:
    """An array as its pickle describes it, not yet validated."""

    def __init__(self) -> None:
        self.shape: object = None
        self.dtype: object = None
        self.fortran: object = None
        self.buffer: object = None

    def rows(self, width: int) -> Pixels | None:
        """Return the array as uint8 of shape (n, width); None if it has another type or shape."""
        shape, buffer = self.shape, self.buffer
        if not isinstance(self.dtype, _Dtype) or self.dtype.name not in ("u1", b"u1"):
            return None
        if not isinstance(buffer, bytes | bytearray) or not isinstance(shape, tuple):
            return None
        if shape != (len(buffer) // width, width) or not buffer or len(buffer) % width:
            return None
        return np.frombuffer(buffer, np.uint8).reshape(len(buffer) // width, width, order="F" if self.fortran else "C")


class _Dtype:
    """`numpy.dtype(name)`; the rest of its state does not affect bytes."""

    def __init__(self, name: object) -> None:
        self.name = name


class _Global:
    """An admitted global, on the stack."""

    def __init__(self, full_name: str) -> None:
        self.name = full_name


class _PickleInterpreter:
    """The pickle interpreter: a stack, marks in it, and a memo."""

    def __init__(self, size: int) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.encodable = size  # what a pickler wrote as text cannot encode to more bytes than the pickle has

    def run(self, data: bytes) -> Any:
        """Execute the opcodes and return the object that STOP leaves."""
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name == "STOP":
                break
            self.step(opcode.name, argument)
        return self.stack.pop()

    def step(self, name: str, argument: Any) -> None:
        """Execute one opcode. Raises ArchiveError for opcodes that create instances or refer to external objects."""
        stack = self.stack
        if name in LITERALS:
            stack.append(argument)
        elif name in PYTHON2_STRINGS:
            stack.append(argument.encode("latin-1"))
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name == "MARK":
            self.marks.append(len(stack))
        elif name in SMALL_TUPLES:
            stack.append(tuple(self.pop(SMALL_TUPLES[name])))
        elif name == "TUPLE":
            stack.append(tuple(self.pop_to_mark()))
        elif name in ("EMPTY_LIST", "EMPTY_DICT"):
            stack.append([] if name == "EMPTY_LIST" else {})
        elif name == "LIST":
            stack.append(self.pop_to_mark())
        elif name == "DICT":
            items = self.pop_to_mark()
            stack.append({})
            self.put_items(stack[-1], items)
        elif name in ("APPEND", "APPENDS"):
            items = self.pop(1) if name == "APPEND" else self.pop_to_mark()
            self.top(list).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = self.pop(2) if name == "SETITEM" else self.pop_to_mark()
            self.put_items(self.top(dict), items)
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            stack.append(self.resolve_global(argument if name == "GLOBAL" else " ".join(self.pop(2))))
        elif name == "REDUCE":
            stack.append(self.call(*self.pop(2)))
        elif name == "BUILD":
            self.build(*self.pop(1))
        elif name not in ("PROTO", "FRAME"):
            raise ArchiveError(f"The archive's pickle uses {name}, which arrays and plain containers do not need.")

    def pop(self, count: int) -> list[Any]:
        """Pop the topmost objects, lowest first."""
        if count > len(self.stack):
            raise IndexError("the stack is empty")
        start = len(self.stack) - count
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def pop_to_mark(self) -> list[Any]:
        """Pop the objects above the last mark."""
        return self.pop(max(0, len(self.stack) - self.marks.pop()))

    def top(self, kind: type) -> Any:
        """Return the topmost object, which must be of type `kind`."""
        if type(self.stack[-1]) is not kind:
            raise ArchiveError(f"The archive's pickle treats a {type(self.stack[-1]).__name__} as a {kind.__name__}.")
        return self.stack[-1]

    def put_items(self, target: dict[Any, Any], items: list[Any]) -> None:
        """Put alternating keys and values into a dict. A key must be str or bytes, whose hashes are not predictable."""
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in (str, bytes):
                raise ArchiveError(f"The archive's pickle has a key of type {type(key).__name__} instead of text.")
            target[key] = value

    def resolve_global(self, name: str) -> _Global:
        """Return the symbol of a global, given as "module name"."""
        if name not in ADMITTED:
            raise ForbiddenGlobalError(name.replace(" ", "."))
        return _Global(ADMITTED[name])

    def call(self, function: object, arguments: object) -> Any:
        """Evaluate a call of one of the admitted globals."""
        if not isinstance(function, _Global) or type(arguments) is not tuple:
            raise ArchiveError("The archive's pickle calls something that is not a function.")
        match function.name, arguments:
            case "reconstruct", _:
                return PickledArray()
            case "dtype", (name, *_):
                return _Dtype(name)
            case "frombuffer", (buffer, dtype, shape, order):
                return self.describe(PickledArray(), (shape, dtype, order == "F", buffer))
            case "encode", (str(characters), "latin1"):
                self.encodable -= len(characters)
                if self.encodable >= 0:
                    return characters.encode("latin-1")
        raise ArchiveError(f"The archive's pickle calls {function.name} in an unexpected way.")

    def build(self, state: object) -> None:
        """Set the state of an array or a dtype."""
        target = self.stack[-1]
        if isinstance(target, PickledArray) and type(state) is tuple and len(state) == 5:
            self.describe(target, state[1:])
        elif not isinstance(target, _Dtype):
            raise ArchiveError(f"The archive's pickle modifies a {type(target).__name__}, which is not allowed.")

    def describe(self, array: PickledArray, state: tuple[Any, ...]) -> PickledArray:
        """Store an array's state from the pickle."""
        array.shape, array.dtype, array.fortran, array.buffer = state
        return array
