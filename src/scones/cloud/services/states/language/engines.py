"""The compilers of JSONata and of JSONPath's queries, which only a worker process may load.

An expression may take its compiler any time and memory, so the cloud's own process compiles none: there, asking for an
engine raises `EngineNeededError`, and the work is done by a worker.
"""

from __future__ import annotations

from types import ModuleType

_enabled = False


class EngineNeededError(Exception):
    """Work that needs an engine was begun in the cloud's own process."""


def enable() -> None:
    """Allow this process to load the engines."""
    global _enabled
    _enabled = True


def jsonata() -> ModuleType:
    """Return the module that compiles and evaluates JSONata."""
    _check()
    from scones.cloud.services.states.language import jsonata_engine

    return jsonata_engine


def jsonpath() -> ModuleType:
    """Return the module that compiles JSONPath's queries."""
    _check()
    from scones.cloud.services.states.language import jsonpath_engine

    return jsonpath_engine


def _check() -> None:
    if not _enabled:
        raise EngineNeededError
