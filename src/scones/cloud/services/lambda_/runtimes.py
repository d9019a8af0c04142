"""Which interpreter runs a function, and what it is started with."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import regex

from scones.cloud.errors import ServiceError
from scones.cloud.sandbox import Program

log = logging.getLogger(__name__)
BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
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


def interpreter_for(runtime: str) -> str:  # noqa: ARG001 - all run under the cloud's own
    """Return the path of the interpreter that runs functions of a runtime."""
    return sys.executable


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """A function's code and settings, ready to be started any number of times.

    Where programs are not isolated nothing can be mounted: the code is where it lies on this machine, and TMPDIR is
    all that tells a handler of a /tmp of its own.
    """

    handler: str
    variables: Mapping[str, str]
    """The environment of the handler, but for what differs from one execution environment to the next."""
    code: Path
    layers: Path | None
    hidden: tuple[Path, ...]
    isolated: bool

    def program(self, api: str, log_stream: str, tmp: Path) -> Program:
        """Return what runs in one execution environment."""
        root = "/var/task" if self.isolated else str(self.code)
        layers = "/opt" if self.isolated or self.layers is None else str(self.layers)
        own = {
            "AWS_LAMBDA_RUNTIME_API": api,
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
            "LAMBDA_TASK_ROOT": root,
            "SCONES_LAYER_PATH": os.pathsep.join([f"{layers}/python/lib/{OURS}/site-packages", f"{layers}/python"]),
            **({} if self.isolated else {"TMPDIR": str(tmp)}),
        }
        wrapper = self.variables.get("AWS_LAMBDA_EXEC_WRAPPER")  # a script that starts the runtime in its own way
        command = [sys.executable, str(BOOTSTRAP), self.handler]
        return Program(
            argv=[wrapper, *command] if wrapper else command,
            env={**self.variables, **own},
            cwd=root,
            mounts={
                "/tmp": tmp,  # noqa: S108 - the handler's own
                "/var/task": self.code,
                **({"/opt": self.layers} if self.layers else {}),
            },
            read_only=frozenset({"/var/task", "/opt"} if self.layers else {"/var/task"}),
            hidden=self.hidden,
            limits={"RLIMIT_CORE": 0, "RLIMIT_NOFILE": 1024},
        )
