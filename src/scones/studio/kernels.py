"""Kernels: how Jupyter finds the interpreters of a workspace's environments."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from scones.studio.environments import Environment


def write_kernels(folder: Path, environments: list[Environment], share: Path) -> Path:
    """Write a kernel for each environment in `folder` below `share`, which is for JUPYTER_PATH; return that.

    The first is python3. It has no second name: JupyterLab opens a notebook that names a kernel of another place
    (`conda_pytorch_p310`, Studio's long ones) with the only kernel of its language, and asks where there are several.
    A kernel's PATH begins with its environment, so that `!pip install` and `!aws` are its own.
    """
    shutil.rmtree(share / "kernels", ignore_errors=True)
    for index, environment in enumerate(environments):
        _write(share / "kernels" / (f"sagemaker-{environment.name}" if index else "python3"), environment, folder)
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
