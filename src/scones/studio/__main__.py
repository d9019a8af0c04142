"""`python -m scones.studio serve`: the program behind an app of SageMaker Studio.

It reads a workspace's environment variables, JUPYTER_PORT, JUPYTER_TOKEN, and SCONES_ENVIRONMENTS, the folder in which
its environments are or will be installed. Its working directory holds the notebooks.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

from scones.studio.environments import LAB, SDK_V2, SDKS, InstallationError
from scones.studio.kernels import write_kernels
from scones.studio.lab import jupyter_lab
from scones.studio.notebooks import provide


def serve() -> None:
    """Install missing environments, then exec JupyterLab with SDK v2's kernel, and SDK v3's if it is installed."""
    environments_folder, folder = Path(os.environ["SCONES_ENVIRONMENTS"]), Path.cwd()
    for environment in (LAB, SDK_V2):
        environment.install(environments_folder, partial(print, flush=True))
    kernels = write_kernels(
        environments_folder,
        [each for each in SDKS.values() if each.installed(environments_folder)],
        folder / ".kernels",
    )
    provide(folder)
    opened = jupyter_lab(
        environments_folder, kernels, folder, int(os.environ["JUPYTER_PORT"]), {}, os.environ["JUPYTER_TOKEN"]
    )
    os.execve(opened.command[0], opened.command, opened.environment)  # noqa: S606 - runs without a shell


def main() -> None:
    """Run `serve`, the only command."""
    if sys.argv[1:] != ["serve"]:
        raise SystemExit("usage: python -m scones.studio serve")
    try:
        serve()
    except InstallationError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
