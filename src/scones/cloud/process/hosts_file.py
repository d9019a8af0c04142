"""A sandbox's /etc/hosts: the machine's entries, and names that only this sandbox can resolve."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

HOSTS = Path("/etc/hosts")


def write_hosts(file: Path, addresses: Mapping[str, str]) -> None:
    """Write the machine's /etc/hosts plus further names by address, readable by its owner only."""
    lines = "".join(f"{address} {name}\n" for name, address in addresses.items())
    file.touch(mode=0o600)
    file.write_text(HOSTS.read_text(errors="replace").rstrip("\n") + "\n" + lines)
