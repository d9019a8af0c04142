"""The interpreters of this machine, by the names of Lambda's runtimes."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from botocore.model import StringShape

from scones.cloud.errors import ServiceError
from scones.cloud.wire.model import service_model

log = logging.getLogger(__name__)

OWN_RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
SETTING = "SCONES_SUBSTITUTE_RUNTIMES"
"""Environment variable of the cloud: if it is "false", no interpreter substitutes for a missing one."""
PROBE_SECONDS = 20.0
_PROBE = """
import json, sys
import awslambdaric
name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
print(json.dumps([name, sys.executable, [sys.prefix, sys.base_prefix, *filter(None, sys.path)]]))
"""
_PROBE_NODE = "JSON.stringify([process.versions.node, process.execPath])"
OFFERED = (
    *("nodejs20.x", "python3.14", "provided.al2023", "python3.12", "python3.13", "nodejs24.x", "nodejs22.x", "java25"),
    *("python3.10", "python3.11", "java21", "ruby3.3", "ruby3.4", "ruby3.2", "python3.8", "python3.9", "java17"),
    *("nodejs16.x", "dotnet10", "dotnet8", "java11", "dotnet6", "nodejs18.x", "provided.al2", "java8.al2"),
)
"""The runtimes in AWS's message about an unknown runtime, in its order (recorded in November 2025)."""
LANGUAGES = ("python", "nodejs", "provided")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A program that runs functions: its runtime's name, its path, and the folders that it needs."""

    name: str
    executable: str
    folders: tuple[Path, ...] = ()

    @property
    def language(self) -> str:
        """The runtime's name without its version."""
        return language(self.name)


OWN_INTERPRETER = Interpreter(OWN_RUNTIME, sys.executable)
"""The cloud's own interpreter."""


class Interpreters:
    """Finds the interpreters of runtimes, and remembers them."""

    def __init__(self) -> None:
        self._found: dict[str, Interpreter] = {OWN_RUNTIME: OWN_INTERPRETER}
        self._lock = asyncio.Lock()

    async def find(self, runtime: str) -> Interpreter:
        """Return the interpreter for a runtime; raises `InvalidParameterValueException` if there is none.

        This is the interpreter of that name in PATH; one for Python must have AWS's runtime client. Otherwise the
        cloud's own Python, or this machine's Node.js of another version, substitutes for it unless `SETTING` forbids
        it. A substitution is logged once.
        """
        _check(runtime)
        if language(runtime) == "provided":
            return Interpreter(runtime, "bootstrap")
        async with self._lock:
            if runtime not in self._found:
                self._found[runtime] = await self._search(runtime)
        return self._found[runtime]

    async def _search(self, runtime: str) -> Interpreter:
        probe = _probe_node if language(runtime) == "nodejs" else _probe_python
        found, reason = await asyncio.to_thread(probe, runtime)
        if found is None:
            raise _refused(reason)
        if reason and os.environ.get(SETTING, "true").lower() in ("false", "0", "no", "off"):
            raise _refused(
                f"{reason}; {SETTING} does not allow a substitute interpreter. Install it, or use {found.name}."
            )
        if reason:
            log.warning("%s: functions run with %s instead (set %s=false to reject them)", reason, found.name, SETTING)
        return found


def language(runtime: str) -> str:
    """Return a runtime's name without its version: "python" for "python3.12"."""
    return runtime.partition(".")[0].rstrip("0123456789")


def _check(runtime: str) -> None:
    if runtime not in cast(StringShape, service_model("lambda").shape_for("Runtime")).enum:
        raise _refused(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(OFFERED)}] or be a valid ARN"
        )
    if language(runtime) not in LANGUAGES:
        raise _refused(
            "The local cloud runs functions in Python, Node.js and with their own executables; it does not "
            f"support {runtime}. Specify a Runtime such as {OWN_RUNTIME}."
        )


def _probe_python(runtime: str) -> tuple[Interpreter, str]:
    """Return the interpreter with a runtime's name, or the cloud's own with the reason for the substitution."""
    path = shutil.which(runtime)
    if path is None:
        return OWN_INTERPRETER, f"{runtime} was not found in PATH"
    try:
        name, executable, folders = _run_probe(path, "-c", _PROBE)
    except subprocess.CalledProcessError as error:
        if "awslambdaric" in error.stderr:
            return (
                OWN_INTERPRETER,
                f"{path} cannot import awslambdaric, AWS's runtime client (pip install awslambdaric)",
            )
        return (
            OWN_INTERPRETER,
            f"{path} cannot be run ({(error.stderr.strip().splitlines() or ['no reason given'])[-1]})",
        )
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return OWN_INTERPRETER, f"{path} cannot be run ({error})"
    if name != runtime:
        return OWN_INTERPRETER, f"{path} is {name}"
    return Interpreter(name, executable, tuple(Path(folder) for folder in folders)), ""


def _probe_node(runtime: str) -> tuple[Interpreter | None, str]:
    """Return this machine's Node.js, or None if it has none; the text says why it is not the runtime's version."""
    path = shutil.which("node")
    if path is None:
        return None, f"Node.js was not found in PATH, but {runtime} needs it: install Node.js"
    try:
        number, executable = _run_probe(path, "-p", _PROBE_NODE)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return None, f"{path} cannot be run ({error})"
    name = f"nodejs{number.partition('.')[0]}.x"
    reason = "" if name == runtime else f"{path} is {name}, not {runtime}"
    return Interpreter(name, executable, (Path(executable).resolve().parent.parent,)), reason


def _run_probe(*command: str) -> Any:  # the caller unpacks the program's own output
    # Run in the root folder, because `python -c` and `node -p` import modules from the current folder.
    probe = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=True, cwd="/")
    return json.loads(probe.stdout)


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message, Type="User")
