"""Which interpreter runs a function."""

from __future__ import annotations

import logging
import sys

import regex

from scones.cloud.errors import ServiceError

log = logging.getLogger(__name__)
_told: set[str] = set()
OURS = f"python{sys.version_info.major}.{sys.version_info.minor}"


def check_runtime(runtime: str) -> None:
    """Refuse a runtime that cannot run here; tell once where another Python stands in for the one asked for."""
    if not regex.fullmatch(r"python3\.\d+", runtime):
        raise ServiceError(
            "InvalidParameterValueException",
            f"The local cloud runs Python functions; it has no {runtime}. Give a Runtime such as {OURS}.",
            Type="User",
        )
    if runtime != OURS and runtime not in _told:
        _told.add(runtime)
        log.warning("functions for %s run under %s, the interpreter of this cloud", runtime, OURS)
