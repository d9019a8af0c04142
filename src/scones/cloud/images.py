"""Which program stands behind an image URI: the cloud runs programs where AWS runs containers.

Programs come from the entry-point group `scones.images`, whose names are repositories and whose values are modules,
and from the environment variable `SCONES_IMAGES`, a comma-separated list of `REPOSITORY=MODULE` or
`REPOSITORY=PATH.py` that goes before them. A program is started with one argument, as AWS starts an image:
`train` for a training job, `serve` for an endpoint.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.metadata import entry_points

GROUP = "scones.images"
VARIABLE = "SCONES_IMAGES"


class UnknownImageError(ValueError):
    """No program stands behind an image URI; the message names those that exist here."""


def repository(uri: str) -> str:
    """Return an image URI's repository: `111122223333.dkr.ecr.us-east-1.amazonaws.com/NAME:1` is `NAME`."""
    first, slash, rest = uri.partition("/")
    path = rest if slash and ("." in first or ":" in first) else uri
    return path.partition("@")[0].partition(":")[0]


@cache
def _installed() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=GROUP)}


def _named_in_environment() -> dict[str, str]:
    pairs = (part.partition("=") for part in os.environ.get(VARIABLE, "").split(",") if part.strip())
    return {name.strip(): program.strip() for name, _, program in pairs}


def command(uri: str, argument: str) -> list[str]:
    """Return the argument vector that stands for `docker run URI ARGUMENT`; raises `UnknownImageError`.

    The first call reads the metadata of every installed distribution: make it on a thread.
    """
    programs = {**_installed(), **_named_in_environment()}
    program = programs.get(repository(uri))
    if program is None:
        known = ", ".join(sorted(programs)) or "none"
        raise UnknownImageError(
            f'The local cloud has no program for the image "{uri}": it has {known}. '
            f"Name one for the repository in {VARIABLE}, as {repository(uri)}=MODULE or {repository(uri)}=PATH.py."
        )
    if program.endswith(".py"):
        return [sys.executable, os.path.abspath(program), argument]  # noqa: PTH100 - symbolic links stay
    return [sys.executable, "-m", program, argument]
