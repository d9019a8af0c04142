"""The Python environment of one container: it keeps what the container installs, and sees the host's packages.

Scripts may call pip while they run, as in a container on AWS. Each container therefore has a virtual environment.
A .pth file in it adds the packages of the cloud's interpreter after the environment's own.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import venv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from scones.cloud.process.untrusted_files import UntrustedFolder, remove_tree

MOUNT_PATH = "/opt/scones-environment"
"""Path at which a container sees its environment."""


def create_environment(folder: Path, mount_path: str, borrowed: Sequence[Path] = ()) -> None:
    """Create an environment in `folder`, which programs see at `mount_path`. Blocks.

    It also sees the packages in the folders `borrowed`. An existing environment is kept, with the packages installed in
    it, if it was made for the same interpreter, path and packages.
    """
    packages = [*_packages(), *map(str, borrowed)]
    path_lines = "".join(f"import site; site.addsitedir({path!r})\n" for path in packages) + _pip()
    mark = f"{sys.version} {sys.executable} {mount_path}\n{path_lines}"
    marker = folder / "interpreter"
    if folder.is_dir() and UntrustedFolder(folder).read(marker.name, len(mark.encode()) + 1) == mark.encode():
        return  # read as untrusted: the container's program can write to the folder
    remove_tree(folder)
    venv.EnvBuilder(symlinks=True).create(folder)
    own = next(folder.glob("lib/python*/site-packages"))
    (own / "scones-interpreter.pth").write_text(path_lines)
    pip = f'#!/bin/sh\nexec "{mount_path}/bin/python" -m pip "$@"\n'
    for name, text in {"pip": pip, "pip3": pip, **_scripts()}.items():
        script = folder / "bin" / name
        script.write_text(text.replace(_bin(), f"{mount_path}/bin"))
        script.chmod(0o755)
    marker.write_text(mark)


def _bin() -> str:
    return str(Path(sys.executable).parent)


def _packages() -> list[str]:
    return [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]


@cache
def _pip() -> str:
    """Return a .pth line with the path of Python's bundled pip; "" if the interpreter has pip or no bundled one."""
    if importlib.util.find_spec("pip") is not None or importlib.util.find_spec("ensurepip") is None:
        return ""
    import ensurepip

    bundled = sorted(
        Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl")
    )  # a zip file that Python imports directly
    return f"{bundled[-1]}\n" if bundled else ""


@cache
def _scripts() -> dict[str, str]:
    """Return the scripts next to this interpreter that run with it, such as pip and torchrun: their texts by name."""
    found = {}
    for entry in os.scandir(_bin()):
        if not entry.is_file() or entry.stat().st_size > 4096:
            continue
        text = Path(entry.path).read_bytes()
        if text.startswith(b"#!") and f"{_bin()}/python".encode() in text[:512]:
            found[entry.name] = text.decode(errors="replace")
    return found
