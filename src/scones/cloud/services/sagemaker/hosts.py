"""The instances of a job as they know each other: algo-1, algo-2 and so on, each at an address of this machine."""

from __future__ import annotations

from pathlib import Path

from scones.cloud.sandbox import isolation

HOSTS = Path("/etc/hosts")


def hosts_file(folder: Path, names: list[str]) -> dict[str, Path]:
    """Write a program's own /etc/hosts into `folder`: the machine's, and a loopback address for each instance.

    Returns the file by the path that the program sees it at; nothing where nothing can be mounted. Blocks.
    """
    if isolation() is not None or not HOSTS.exists():
        return {}
    lines = "".join(f"127.77.{index >> 8}.{index & 255} {name}\n" for index, name in enumerate(names, 1))
    file = folder / "hosts"
    file.write_text(HOSTS.read_text(errors="replace").rstrip("\n") + "\n" + lines)
    return {str(HOSTS): file}
