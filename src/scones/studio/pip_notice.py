"""Explains an environment's constraint when `pip install sagemaker` runs in it.

The module is copied into a workspace's environment, where a .pth file imports it at each start of Python. It uses only
the standard library, and prints the comments of the file that pip's setting `constraint` names.
"""

from __future__ import annotations

import os
import re
import sys

CONSTRAINTS = os.path.join(sys.prefix, "constraints.txt")


def concerns_sdk(command: list[str]) -> bool:
    """Return True for a command that installs or upgrades the SageMaker SDK with pip."""
    is_pip = any(re.fullmatch(r"pip[\d.]*", os.path.basename(word)) for word in command[1:4])
    return is_pip and "install" in command and any(re.match(r"sagemaker(?![\w.-])", word) for word in command)


def main() -> None:
    """Print the comments of the constraints if this process is such a command."""
    if not concerns_sdk(sys.orig_argv) or not os.path.exists(CONSTRAINTS):
        return
    with open(CONSTRAINTS) as file:
        for line in file:
            if line.startswith("# "):
                print(line[2:].rstrip(), flush=True)  # noqa: T201 - the notice for the user of pip


main()
