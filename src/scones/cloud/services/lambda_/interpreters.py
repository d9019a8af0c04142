"""The Python interpreters of this machine, by the name of Lambda's runtime."""

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

import regex

from scones.cloud.errors import ServiceError

log = logging.getLogger(__name__)

OURS = f"python{sys.version_info.major}.{sys.version_info.minor}"
SETTING = "SCONES_SUBSTITUTE_RUNTIMES"
"""An environment variable of the cloud: with "false", no runtime stands in for another one."""
PROBE_SECONDS = 20.0
_PROBE = """
import json, sys
import awslambdaric
name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
print(json.dumps([name, sys.executable, [sys.prefix, sys.base_prefix, *filter(None, sys.path)]]))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter that can run functions: its runtime's name, its path, and the folders that it needs."""

    name: str
    executable: str
    folders: tuple[Path, ...] = ()


OWN = Interpreter(OURS, sys.executable)
"""The cloud's own."""


class Interpreters:
    """Finds each runtime's interpreter once."""

    def __init__(self) -> None:
        self._found: dict[str, Interpreter] = {OURS: OWN}
        self._finding = asyncio.Lock()

    async def find(self, runtime: str) -> Interpreter:
        """Return what runs functions of a runtime; raises `InvalidParameterValueException` where nothing may.

        That is the interpreter of this name in PATH, where it has AWS's runtime client; else the cloud's own, unless
        `SETTING` forbids it. The log says so once.
        """
        if not regex.fullmatch(r"python3\.\d+", runtime):
            raise _refused(
                f"The local cloud runs Python functions; it has no {runtime}. Give a Runtime such as {OURS}."
            )
        async with self._finding:
            if runtime not in self._found:
                self._found[runtime] = await self._search(runtime)
        return self._found[runtime]

    async def _search(self, runtime: str) -> Interpreter:
        found = await asyncio.to_thread(_probe, runtime)
        if isinstance(found, Interpreter):
            return found
        if os.environ.get(SETTING, "true").lower() in ("false", "0", "no", "off"):
            raise _refused(f"{found}; {SETTING} allows no other interpreter to stand in. Install it, or use {OURS}.")
        log.warning(
            "%s: functions for it run under %s, the interpreter of this cloud (%s=false forbids it)",
            found, OURS, SETTING,
        )  # fmt: skip
        return OWN


def _probe(runtime: str) -> Interpreter | str:
    """Return the interpreter of a runtime's name, or why there is none."""
    path = shutil.which(runtime)
    if path is None:
        return f"This machine has no {runtime} in PATH"
    try:
        probe = subprocess.run([path, "-c", _PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS, check=True)
        name, executable, folders = json.loads(probe.stdout)
    except subprocess.CalledProcessError as error:
        if "awslambdaric" in error.stderr:
            return f"{path} cannot import awslambdaric, AWS's runtime client (pip install awslambdaric)"
        return f"{path} does not run ({(error.stderr.strip().splitlines() or ['no reason given'])[-1]})"
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return f"{path} does not run ({error})"
    if name != runtime:
        return f"{path} is {name}"
    return Interpreter(name, executable, tuple(Path(folder) for folder in folders))


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message, Type="User")
