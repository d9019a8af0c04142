"""Programs of execution environments: command, environment variables and mounts for each language."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scones.cloud.process.sandbox import Program
from scones.cloud.services.lambda_.runtime.interpreters import Interpreter

BOOTSTRAP, BOOTSTRAP_NODE = Path(__file__).with_name("bootstrap.py"), Path(__file__).with_name("bootstrap.mjs")
COMMON = {
    "LANG": "en_US.UTF-8",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "TZ": ":UTC",
}
"""Environment variables that are the same for all functions."""
PYTHON = {"PYTHONPATH": "/var/runtime", "PYTHONDONTWRITEBYTECODE": "1"}
"""Environment variables that are the same for all Python functions."""
NODE_HEAP = 0.9
"""Fraction of a function's memory that V8 may use for old objects, so that it collects them before the memory limit is
reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """A function's code and settings, ready to be started any number of times.

    Without isolation, folders cannot be mounted: the code runs in its folder on this machine, and /tmp is that of the
    machine. The environment variable TMPDIR then contains the handler's private folder for temporary files.
    """

    name: str
    interpreter: Interpreter
    """The interpreter that runs the function. Its name differs from `name` if it replaces a missing interpreter."""
    handler: str
    memory_mb: int
    variables: Mapping[str, str]
    """Environment variables of the handler, except those that differ between execution environments."""
    code: Path
    layers: Path | None
    sdk_folders: tuple[Path, ...]
    """Folders of this machine that contain an AWS SDK; in the module search path, they follow the layers' folders."""
    hidden: tuple[Path, ...]
    isolated: bool

    def program(self, api: str, log_stream: str, tmp: Path) -> Program:
        """Return the program of one execution environment.

        `api` is the address of its Runtime API, and `tmp` its private folder for /tmp.
        """
        root = "/var/task" if self.isolated else str(self.code)
        layers = "/opt" if self.isolated or self.layers is None else str(self.layers)
        start = _LANGUAGES[self.interpreter.language](self, root, layers)
        reserved = {
            "AWS_LAMBDA_RUNTIME_API": api,
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
            "LAMBDA_TASK_ROOT": root,
            **start.reserved,
            **({} if self.isolated else {"TMPDIR": str(tmp)}),
        }
        return Program(
            argv=start.command,
            env={**COMMON, **self._libraries(root, layers), **start.defaults, **self.variables, **reserved},
            cwd=root,
            mounts={
                "/tmp": tmp,  # noqa: S108 - the handler's own
                "/var/task": self.code,
                **({"/opt": self.layers} if self.layers else {}),
            },
            read_only=frozenset({"/", "/var/task", "/opt"} if self.layers else {"/", "/var/task"}),
            hidden=self.hidden,
            visible=(*self.interpreter.folders, *self.sdk_folders),
            shared_memory=False,  # as on AWS; the memory limit would not cover its pages
            limits={"RLIMIT_CORE": 0, "RLIMIT_NOFILE": 1024},
        )

    def _libraries(self, root: str, layers: str) -> dict[str, str]:
        """Return LD_LIBRARY_PATH with those of AWS's folders that contain shared libraries, or {} if none does.

        The variable is left out if possible, because a program that has it cannot be forked from a warm parent.
        """
        folders = {root: self.code, f"{root}/lib": self.code / "lib"}
        if self.layers is not None:
            folders[f"{layers}/lib"] = self.layers / "lib"
        found = [name for name, folder in folders.items() if any(folder.glob("lib*.so*"))]
        return {"LD_LIBRARY_PATH": os.pathsep.join(found)} if found else {}

    def wrapped(self, command: list[str]) -> list[str]:
        """Return a command that starts the runtime through the function's wrapper script, if it has one."""
        wrapper = self.variables.get("AWS_LAMBDA_EXEC_WRAPPER")
        return [wrapper, *command] if wrapper else command


@dataclass(frozen=True, slots=True)
class _StartCommand:
    """The start of a language's runtime. A function may override variables in `defaults`, but not in `reserved`."""

    command: list[str]
    defaults: Mapping[str, str] = field(default_factory=dict)
    reserved: Mapping[str, str] = field(default_factory=dict)


def _python(runtime: Runtime, root: str, layers: str) -> _StartCommand:  # noqa: ARG001 - the bootstrap reads LAMBDA_TASK_ROOT
    versions = dict.fromkeys((runtime.name, runtime.interpreter.name))
    modules = [f"{layers}/python/lib/{version}/site-packages" for version in versions]
    path = os.pathsep.join([*modules, f"{layers}/python", *map(str, runtime.sdk_folders)])
    command = [runtime.interpreter.executable, str(BOOTSTRAP), runtime.handler]
    return _StartCommand(runtime.wrapped(command), PYTHON, {"SCONES_LAYER_PATH": path})


def _node(runtime: Runtime, root: str, layers: str) -> _StartCommand:
    major = runtime.name.removeprefix("nodejs").partition(".")[0]
    folders = (f"{layers}/nodejs/node{major}/node_modules", f"{layers}/nodejs/node_modules", "/var/runtime", root)
    heap = int(runtime.memory_mb * NODE_HEAP)
    command = [runtime.interpreter.executable, f"--max-old-space-size={heap}", str(BOOTSTRAP_NODE)]
    return _StartCommand(runtime.wrapped(command), {"NODE_PATH": os.pathsep.join(folders)})


def _provided(runtime: Runtime, root: str, layers: str) -> _StartCommand:
    """Return the command that starts `bootstrap`, from the function's archive or, if that has none, from a layer.

    Lambda Developer Guide, "Custom runtimes".
    """
    in_layer = runtime.layers is not None and not (runtime.code / "bootstrap").exists()
    return _StartCommand([f"{layers if in_layer else root}/bootstrap"])


_LANGUAGES: Mapping[str, Callable[[Runtime, str, str], _StartCommand]] = {
    "python": _python,
    "nodejs": _node,
    "provided": _provided,
}
