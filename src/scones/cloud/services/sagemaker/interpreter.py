"""A Python environment of a container's own: what it installs stays in it, and it sees what is installed here.

Scripts call pip in the middle of their work, as they may in a container on AWS. A virtual environment for each
container takes that, and a line in it adds the packages of the cloud's own interpreter behind its own.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import venv
from functools import cache
from pathlib import Path

from scones.cloud.untrusted_files import UntrustedFolder, remove_tree

PLACE = "/opt/scones-environment"
"""Where a container sees its environment."""


def make(folder: Path, place: str) -> None:
    """Make an environment in `folder`, which programs see at `place`. Blocks.

    One that an earlier run has made stays, with what was installed into it, unless it was another interpreter's.
    """
    behind = "".join(f"import site; site.addsitedir({path!r})\n" for path in _packages()) + _pip()
    mark = f"{sys.version} {sys.executable} {place}\n{behind}"
    marker = folder / "interpreter"
    if folder.is_dir() and UntrustedFolder(folder).read(marker.name, len(mark.encode()) + 1) == mark.encode():
        return  # the container's program can write in the folder
    remove_tree(folder)
    venv.EnvBuilder(symlinks=True).create(folder)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "scones-interpreter.pth").write_text(behind)
    pip = f'#!/bin/sh\nexec "{place}/bin/python" -m pip "$@"\n'
    for name, text in {"pip": pip, "pip3": pip, **_scripts()}.items():
        script = folder / "bin" / name
        script.write_text(text.replace(_bin(), f"{place}/bin"))
        script.chmod(0o755)
    marker.write_text(mark)


def _bin() -> str:
    return str(Path(sys.executable).parent)


def _packages() -> list[str]:
    return [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]


@cache
def _pip() -> str:
    """Return the path of the pip that Python brings along, for an interpreter that has none; "" for others."""
    if importlib.util.find_spec("pip") is not None or importlib.util.find_spec("ensurepip") is None:
        return ""
    import ensurepip

    bundled = sorted(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"))  # runs as it is, a zip file
    return f"{bundled[-1]}\n" if bundled else ""


@cache
def _scripts() -> dict[str, str]:
    """Return the scripts beside this interpreter that begin with it: pip, torchrun and the like."""
    found = {}
    for entry in os.scandir(_bin()):
        if not entry.is_file() or entry.stat().st_size > 4096:
            continue
        text = Path(entry.path).read_bytes()
        if text.startswith(b"#!") and f"{_bin()}/python".encode() in text[:512]:
            found[entry.name] = text.decode(errors="replace")
    return found
