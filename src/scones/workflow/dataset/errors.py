"""What can go wrong between a picture archive and a bucket.

DatasetError
├── SourceError             one source did not give the archive
│   ├── SlowSourceError     it gives, but so slowly that another one is worth trying
│   └── DigestError         it gave another file than was asked for
├── NoSourceError           none of the sources did; `failures` says why, one by one
├── ArchiveError            the file is not a CIFAR-100 python archive, or is one made to do harm
│   └── ForbiddenGlobalError    a pickle in it names code that no picture needs
├── UnknownClassError       a class name that the archive does not have
├── TooFewClassesError      fewer than two class names
├── UndrawableClassError    a class name that the synthetic set does not have
└── LoadError               the bucket did not take a file
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class DatasetError(Exception):
    """Anything that keeps the data set from being made; its text is one sentence for people."""


class SourceError(DatasetError):
    """One source did not give the archive."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class SlowSourceError(SourceError):
    """A source that delivers, but below the least rate asked of it."""


class DigestError(SourceError):
    """A source that gave a file whose SHA-256 is another than the one asked for."""


class NoSourceError(DatasetError):
    """No source gave the archive; `failures` holds each one's reason, in the order tried."""

    def __init__(self, failures: Sequence[SourceError]) -> None:
        sources: dict[str, list[str]] = {}
        for failure in failures:
            sources.setdefault(failure.reason, []).append(failure.source)
        reasons = "; ".join(f"{', '.join(named)}: {reason}" for reason, named in sources.items())
        super().__init__(f"No source gave the picture archive ({reasons}); name another one with --source.")
        self.failures = tuple(failures)


class ArchiveError(DatasetError):
    """The file cannot be read as a CIFAR-100 python archive, or was made to do harm."""


class ForbiddenGlobalError(ArchiveError):
    """A pickle in the archive names code to import; `name` is that global, like `os.system`."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The archive's pickle asks to import {name}, which no picture needs and which could run code "
            "on this machine; nothing of it was run: use an archive from a place that you trust."
        )
        self.name = name


class UnknownClassError(DatasetError):
    """A class name that is not among `known`; the message lists the closest ones."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        close = get_close_matches(name, names, n=3, cutoff=0.65) or names[:3]
        super().__init__(f"There is no class {name!r} among the {len(names)} classes; close ones: {', '.join(close)}.")
        self.name = name


class TooFewClassesError(DatasetError):
    """Fewer than two class names, which leave nothing to tell apart."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"A classifier tells two classes apart or more, and {', '.join(names) or 'none'} is given.")


class UndrawableClassError(DatasetError):
    """A class that nobody taught the synthetic set to draw."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"The synthetic set draws {' and '.join(known)} alone, and {name!r} is asked for: "
            "give CIFAR-100's archive with --source."
        )
        self.name = name


class LoadError(DatasetError):
    """The bucket did not take a file."""
