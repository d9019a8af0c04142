"""The start of a user's entry point from another program."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from scones.containers.contract import Container
from scones.containers.frameworks import command
from scones.containers.frameworks import source_code as source
from scones.containers.frameworks.errors import ExecuteUserScriptError, ScriptError

__all__ = ["install", "run"]


def install(name: str, path: str = "", capture_error: bool = False) -> None:  # noqa: ARG001 - AWS's signature
    """Install the requirements of the code in a folder, by default /opt/ml/code."""
    source.install(Path(path) if path else Container.here().code)


def run(
    uri: str,
    user_entry_point: str,
    args: Sequence[str],
    env_vars: Mapping[str, str] | None = None,
    wait: bool = True,
    capture_error: bool = False,  # noqa: ARG001 - AWS's signature; errors are always captured
    runner: object = None,
    extra_opts: Mapping[str, str] | None = None,
) -> None:
    """Fetch the code at a URI, install its requirements and run the entry point; raises `ExecuteUserScriptError`.

    Raises `NotImplementedError` for another runner than the default one, and for `wait=False`.
    """
    if runner is not None or extra_opts or not wait:
        raise NotImplementedError(
            "The local cloud's entry_point.run supports neither runner, extra_opts nor wait=False."
        )
    code = Container.here().code
    source.fetch(uri, code)
    if not (code / user_entry_point).exists():
        raise ScriptError(f"The entry point {user_entry_point!r} is not in the source code.")
    source.install(code)
    python = [sys.executable, user_entry_point]
    line = [*(python if user_entry_point.endswith(".py") else ["/bin/sh", user_entry_point]), *args]
    status, errors = command.run(line, code, {**os.environ, **(env_vars or {})})
    if status:
        raise ExecuteUserScriptError(line, status, errors)
