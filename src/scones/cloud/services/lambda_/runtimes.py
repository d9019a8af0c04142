"""What a function is started with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scones.cloud.sandbox import Program
from scones.cloud.services.lambda_.interpreters import Interpreter

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """A function's code and settings, ready to be started any number of times.

    Where programs are not isolated nothing can be mounted: the code is where it lies on this machine, and TMPDIR is
    all that tells a handler of a /tmp of its own.
    """

    name: str
    interpreter: Interpreter
    """What runs it: of that name, unless it stands in for one that is not there."""
    handler: str
    variables: Mapping[str, str]
    """The environment of the handler, but for what differs from one execution environment to the next."""
    code: Path
    layers: Path | None
    lent: tuple[Path, ...]
    """Folders of modules that are this machine's, after the layers' in the path."""
    hidden: tuple[Path, ...]
    isolated: bool

    def program(self, api: str, log_stream: str, tmp: Path) -> Program:
        """Return what runs in one execution environment."""
        root = "/var/task" if self.isolated else str(self.code)
        layers = "/opt" if self.isolated or self.layers is None else str(self.layers)
        versions = dict.fromkeys((self.name, self.interpreter.name))
        modules = [f"{layers}/python/lib/{version}/site-packages" for version in versions]
        own = {
            "AWS_LAMBDA_RUNTIME_API": api,
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
            "LAMBDA_TASK_ROOT": root,
            "SCONES_LAYER_PATH": os.pathsep.join([*modules, f"{layers}/python", *map(str, self.lent)]),
            **({} if self.isolated else {"TMPDIR": str(tmp)}),
        }
        wrapper = self.variables.get("AWS_LAMBDA_EXEC_WRAPPER")  # a script that starts the runtime in its own way
        command = [self.interpreter.executable, str(BOOTSTRAP), self.handler]
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
            visible=(*self.interpreter.folders, *self.lent),
            limits={"RLIMIT_CORE": 0, "RLIMIT_NOFILE": 1024},
        )
