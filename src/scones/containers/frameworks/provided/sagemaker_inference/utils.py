"""Files, and the headers of requests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def read_file(path: str, mode: str = "r") -> str | bytes:
    """Return a file's content."""
    return Path(path).read_bytes() if "b" in mode else Path(path).read_text()


def write_file(path: str, data: str | bytes, mode: str = "w") -> None:  # noqa: ARG001 - AWS's signature
    """Write a file."""
    if isinstance(data, bytes):
        Path(path).write_bytes(data)
    else:
        Path(path).write_text(data)


def retrieve_content_type_header(request_property: Mapping[str, str]) -> str | None:
    """Return the Content-Type of a request's headers."""
    return next((value for name, value in request_property.items() if name.lower() == "content-type"), None)


def parse_accept(accept: str) -> list[str]:
    """Return the content types of an Accept header, without their parameters."""
    return [each.partition(";")[0].strip() for each in accept.split(",")] if accept else []
