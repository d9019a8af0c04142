"""S3's checksums (User Guide, "Checking object integrity"): computed from the received bytes and compared."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members

DEFAULT = "CRC64NVME"
"""The algorithm that S3 uses if the client names none."""


class Digest(Protocol):
    """A running checksum with the interface of a hashlib object."""

    def update(self, data: bytes, /) -> object:
        """Add bytes."""

    def digest(self) -> bytes:
        """Return the checksum of all bytes so far."""


class Crc:
    """A CRC of `size` bytes, computed by `function(data, previous)`."""

    def __init__(self, function: Callable[[bytes, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

    def update(self, data: bytes) -> None:
        """Add bytes."""
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        """Return the CRC, most significant byte first."""
        return self._value.to_bytes(self._size, "big")


def _crc32c() -> Digest:
    from awscrt import checksums  # imported late: the import takes 50 ms, and few clouds need CRC32C or CRC64NVME

    return Crc(checksums.crc32c, 4)


def _crc64nvme() -> Digest:
    from awscrt import checksums

    return Crc(checksums.crc64nvme, 8)


ALGORITHMS: dict[str, Callable[[], Digest]] = {
    "CRC32": lambda: Crc(zlib.crc32, 4),
    "CRC32C": _crc32c,
    "CRC64NVME": _crc64nvme,
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
}
FULL_OBJECT_ONLY = frozenset({"CRC64NVME"})
COMPOSITE_ONLY = frozenset({"SHA1", "SHA256"})


@dataclass(frozen=True, slots=True)
class Checksum:
    """A checksum in S3's form: base64, with the suffix `-N` if it is computed from the checksums of N parts."""

    algorithm: str
    value: str
    kind: str = "FULL_OBJECT"

    def members(self) -> Members:
        """Return the checksum as output members, such as `ChecksumCRC32` and `ChecksumType`."""
        return {f"Checksum{self.algorithm}": self.value, "ChecksumType": self.kind}


def sent_in(params: Members) -> tuple[str, str] | None:
    """Return the algorithm and value of the checksum in a request's parameters, or None.

    Raises `InvalidRequest` if there are several.
    """
    sent = [(name, params[f"Checksum{name}"]) for name in ALGORITHMS if f"Checksum{name}" in params]
    if len(sent) > 1:
        raise ServiceError(
            "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    return sent[0] if sent else None


def announced(params: Members, headers: Mapping[str, str]) -> str | None:
    """Return the algorithm of the checksum that a request sends in a header or trailer or asks for, or None."""
    if sent := sent_in(params):
        name, value = sent
        check_form(name, value)
        return name
    trailer = headers.get("x-amz-trailer", "").strip().lower()
    if trailer.startswith("x-amz-checksum-"):
        return require(trailer.removeprefix("x-amz-checksum-").upper())
    return require(params["ChecksumAlgorithm"]) if "ChecksumAlgorithm" in params else None


def require(algorithm: str) -> str:
    """Return the algorithm's name; raises `InvalidRequest` if the local cloud does not support it."""
    if algorithm not in ALGORITHMS:
        raise ServiceError(
            "InvalidRequest",
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
            f"[{', '.join(ALGORITHMS)}]",
        )
    return algorithm


def check_form(algorithm: str, value: str) -> None:
    """Raise `InvalidRequest` unless the checksum is base64 and has the algorithm's length."""
    try:
        size = len(base64.b64decode(value, validate=True))
    except ValueError:
        size = -1
    if size != len(ALGORITHMS[algorithm]().digest()):
        raise ServiceError("InvalidRequest", f"Value for x-amz-checksum-{algorithm.lower()} header is invalid.")


def encode(digest: bytes) -> str:
    """Return a checksum in base64, as S3 writes it."""
    return base64.b64encode(digest).decode()


def check(algorithm: str, expected: str, digest: bytes) -> None:
    """Raise `BadDigest` unless the digest equals the expected checksum (base64)."""
    if encode(digest) != expected:
        raise ServiceError("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")


def composite(algorithm: str, parts: Iterable[str]) -> Checksum:
    """Return the composite checksum of an object from its parts' checksums (base64)."""
    digest, count = ALGORITHMS[algorithm](), 0
    for part in parts:
        digest.update(base64.b64decode(part))
        count += 1
    return Checksum(algorithm, f"{encode(digest.digest())}-{count}", "COMPOSITE")


def combined(algorithm: str, parts: Iterable[tuple[str, int]]) -> Checksum:
    """Return the full-object CRC from the CRCs (base64) and sizes (bytes) of the parts."""
    from awscrt import checksums

    combine = {
        "CRC32": checksums.combine_crc32,
        "CRC32C": checksums.combine_crc32c,
        "CRC64NVME": checksums.combine_crc64nvme,
    }[algorithm]
    total = 0
    for part, size in parts:
        total = combine(total, int.from_bytes(base64.b64decode(part), "big"), size)
    return Checksum(algorithm, encode(total.to_bytes(len(ALGORITHMS[algorithm]().digest()), "big")))
