"""Kernels: how Jupyter finds the interpreters of a workspace's environments."""

from __future__ import annotations

import json
import os
from pathlib import Path

from scones.studio.environments import Environment

_ALIASES = ("python3", "conda_python3")
"""Names that people's notebooks carry; the first environment answers to them."""


def write_kernels(folder: Path, environments: list[Environment], share: Path) -> Path:
    """Write a kernel for each environment in `folder` below `share`, which is for JUPYTER_PATH; return that.

    A kernel's PATH begins with its environment, so that `!pip install` and `!aws` are its own.
    """
    for index, environment in enumerate(environments):
        _write(share / "kernels" / f"sagemaker-{environment.name}", environment, folder)
        if index == 0:
            for alias in _ALIASES:
                _write(share / "kernels" / alias, environment, folder)
    return share


def _write(place: Path, environment: Environment, folder: Path) -> None:
    python = environment.python(folder)
    kernel = {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": environment.title,
        "language": "python",
        "metadata": {"debugger": True},
        "env": {"PATH": f"{python.parent}{os.pathsep}${{PATH}}", "VIRTUAL_ENV": str(python.parent.parent)},
    }
    place.mkdir(parents=True, exist_ok=True)
    (place / "kernel.json").write_text(json.dumps(kernel, indent=1))
