"""Kernels: specifications by which Jupyter finds the interpreters of a workspace's environments."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from scones.studio.environments import VirtualEnvironment


def write_kernels(folder: Path, environments: list[VirtualEnvironment], share: Path) -> Path:
    """Write a kernel for each environment in `folder` below `share`, and return `share`, for JUPYTER_PATH.

    The first is named python3 and has no second name: JupyterLab opens a notebook that names an unknown kernel
    (`conda_pytorch_p310`, Studio's long names) with the only kernel of its language, and asks if there are several.
    A kernel's PATH begins with its environment, so that `!pip install` and `!aws` use that environment.
    """
    shutil.rmtree(share / "kernels", ignore_errors=True)
    for index, environment in enumerate(environments):
        _write(share / "kernels" / (f"sagemaker-{environment.name}" if index else "python3"), environment, folder)
    return share


def _write(kernel_folder: Path, environment: VirtualEnvironment, folder: Path) -> None:
    python = environment.python(folder)
    kernel = {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": environment.title,
        "language": "python",
        "metadata": {"debugger": True},
        "env": {"PATH": f"{python.parent}{os.pathsep}${{PATH}}", "VIRTUAL_ENV": str(python.parent.parent)},
    }
    kernel_folder.mkdir(parents=True, exist_ok=True)
    (kernel_folder / "kernel.json").write_text(json.dumps(kernel, indent=1))
