"""A sandbox's own /etc/hosts: the machine's, and names that this program alone can resolve."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

HOSTS = Path("/etc/hosts")


def write_hosts(file: Path, addresses: Mapping[str, str]) -> None:
    """Write the machine's /etc/hosts with more names and their addresses, for its owner's eyes."""
    lines = "".join(f"{address} {name}\n" for name, address in addresses.items())
    file.touch(mode=0o600)
    file.write_text(HOSTS.read_text(errors="replace").rstrip("\n") + "\n" + lines)
