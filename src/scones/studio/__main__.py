"""`python -m scones.studio serve`: the program behind an app of SageMaker Studio.

It finds in its environment the variables of a workspace, JUPYTER_PORT, JUPYTER_TOKEN, and SCONES_ENVIRONMENTS: where
its environments are, or are to be installed. The folder it is started in holds the notebooks.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

from scones.studio.environments import LAB, SDK_V2, SDKS, InstallationError
from scones.studio.kernels import write_kernels
from scones.studio.lab import lab
from scones.studio.notebooks import provide


def serve() -> None:
    """Install what is missing, and become JupyterLab: with SDK v2's kernel, and SDK v3's where that is installed."""
    place, folder = Path(os.environ["SCONES_ENVIRONMENTS"]), Path.cwd()
    for environment in (LAB, SDK_V2):
        environment.install(place, partial(print, flush=True))
    kernels = write_kernels(place, [each for each in SDKS.values() if each.installed(place)], folder / ".kernels")
    provide(folder)
    opened = lab(place, kernels, folder, int(os.environ["JUPYTER_PORT"]), {}, os.environ["JUPYTER_TOKEN"])
    os.execve(opened.command[0], opened.command, opened.environment)  # noqa: S606 - no shell is wanted


def main() -> None:
    """Serve, as the one argument says."""
    if sys.argv[1:] != ["serve"]:
        raise SystemExit("usage: python -m scones.studio serve")
    try:
        serve()
    except InstallationError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
