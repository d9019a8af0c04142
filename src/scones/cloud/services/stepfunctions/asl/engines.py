"""The compilers of JSONata and of JSONPath queries, which only a worker process may load.

Compiling an expression may take unbounded time and memory, so the cloud's own process compiles none. Requesting an
engine there raises `EngineNeededError`, and a worker process does the work.
"""

from __future__ import annotations

from types import ModuleType

_enabled = False


class EngineNeededError(Exception):
    """Raised if work that needs an engine is started in the cloud's own process."""


def enable() -> None:
    """Allow this process to load the engines."""
    global _enabled
    _enabled = True


def jsonata() -> ModuleType:
    """Return the module that compiles and evaluates JSONata."""
    _check()
    from scones.cloud.services.stepfunctions.asl import jsonata_engine

    return jsonata_engine


def jsonpath() -> ModuleType:
    """Return the module that compiles JSONPath queries."""
    _check()
    from scones.cloud.services.stepfunctions.asl import jsonpath_engine

    return jsonpath_engine


def _check() -> None:
    if not _enabled:
        raise EngineNeededError
