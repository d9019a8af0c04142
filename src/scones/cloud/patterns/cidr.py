"""Checks of CIDR blocks, with the messages of event-ruler."""

from __future__ import annotations

import ipaddress


class CidrError(ValueError):
    """The text is not a CIDR block."""


def check_cidr(text: str) -> None:
    """Raise `CidrError` unless a text is an IP address and the number of bits of its mask, such as `10.0.0.0/24`."""
    address, *masks = text.split("/")
    if len(masks) != 1:
        raise CidrError("Malformed CIDR, one '/' required")
    mask = masks[0]
    if not (mask.isascii() and mask.removeprefix("-").removeprefix("+").isdigit()):
        raise CidrError("Malformed CIDR, mask bits must be an integer")
    bits = int(mask)
    if bits < 0:
        raise CidrError("Malformed CIDR, mask bits must not be negative")
    try:
        version = ipaddress.ip_address(address).version
    except ValueError as error:
        raise CidrError(f"Nonstandard IP address: {address}") from error
    limit = 32 if version == 4 else 128
    if bits >= limit:
        raise CidrError(f"IPv{version} mask bits must be < {limit}")
