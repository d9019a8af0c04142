"""Errors between an image archive and a bucket.

DatasetError
├── SourceError             one source did not deliver the archive
│   ├── SlowSourceError     the source is so slow that another one should be tried
│   └── DigestError         the source delivered a different file than requested
├── NoSourceError           no source delivered it; `failures` has the reason of each
├── ArchiveError            the file is not a CIFAR-100 Python archive, is malicious, or has no images of a class
│   └── ForbiddenGlobalError    a pickle in it names code that no image needs
├── UnknownClassError       the archive does not have a class of this name
├── TooFewClassesError      fewer than two class names
├── UndrawableClassError    the synthetic dataset does not have a class of this name
└── LoadError               the bucket rejected a file
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class DatasetError(Exception):
    """Base of all errors that prevent the creation of the dataset; the message is one sentence for the user."""


class SourceError(DatasetError):
    """One source did not deliver the archive."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class SlowSourceError(SourceError):
    """The source delivers, but below the required rate."""


class DigestError(SourceError):
    """The source delivered a file with a different SHA-256 than requested."""


class NoSourceError(DatasetError):
    """No source delivered the archive; `failures` holds the reason of each source, in the order tried."""

    def __init__(self, failures: Sequence[SourceError]) -> None:
        sources: dict[str, list[str]] = {}
        for failure in failures:
            sources.setdefault(failure.reason, []).append(failure.source)
        reasons = "; ".join(f"{', '.join(named)}: {reason}" for reason, named in sources.items())
        super().__init__(f"No source delivered the image archive ({reasons}); specify another with --source.")
        self.failures = tuple(failures)


class ArchiveError(DatasetError):
    """The file cannot be read as a CIFAR-100 Python archive, is malicious, or has no images of a class."""


class ForbiddenGlobalError(ArchiveError):
    """A pickle in the archive names code to import; `name` is that global, like `os.system`."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The archive's pickle tries to import {name}, which could run code on this machine and is not "
            "needed for images. Nothing was run. Use an archive from a source that you trust."
        )
        self.name = name


class UnknownClassError(DatasetError):
    """The class name is not in `known`; the message lists the closest names."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        close = get_close_matches(name, names, n=3, cutoff=0.65) or names[:3]
        super().__init__(
            f"Unknown class {name!r} (the archive has {len(names)} classes). Did you mean {', '.join(close)}?"
        )
        self.name = name


class TooFewClassesError(DatasetError):
    """Fewer than two class names: there is nothing to classify."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"At least two classes are required; {', '.join(names) or 'none'} given.")


class UndrawableClassError(DatasetError):
    """The synthetic dataset cannot draw this class."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"The synthetic dataset supports only {' and '.join(known)}, not {name!r}: specify CIFAR-100's "
            "archive with --source."
        )
        self.name = name


class LoadError(DatasetError):
    """The bucket rejected a file."""
