"""An HTTP request, with the values that are decoded only once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


def unicode_text(value: str) -> str:
    """Return the text of a header, which `Request` keeps as bytes in ISO 8859-1.

    Clients send text beyond ASCII in UTF-8, and a few in ISO 8859-1; both sign it in UTF-8.
    """
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except ValueError:
        return value


class Request(NamedTuple):
    """The line and the headers of a received HTTP request; its body is received separately."""

    method: str
    raw_path: str
    """Path as the client sent it, undecoded."""
    resource: str
    """Path that includes S3's bucket, even if the client put the bucket in the host name; undecoded."""
    query_string: str
    query_pairs: Sequence[tuple[str, str]]
    """Decoded query parameters in the order of their arrival, as signatures require."""
    query: Mapping[str, Sequence[str]]
    """Values of the query parameters by name."""
    headers: Mapping[str, str]
    """Headers by name in lower case; several headers of one name are joined with commas. See `unicode_text`."""
    client_host: str
    """IP address of the client."""
