"""Packages that Scones is compared with, installed from the package index on first use, each in its own environment.

The environments are in build/peers, which git ignores. No peer is a dependency of Scones.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "build" / "peers"
INSTALL_SECONDS = 900


class PeerError(Exception):
    """A peer could not be installed; the message is the reason that the tables show."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A package and the additional requirements of its environment, each with a version or a bound."""

    name: str
    package: str
    version: str
    extras: tuple[str, ...] = ()

    @property
    def requirements(self) -> list[str]:
        """Requirements for pip."""
        name, bracket, options = self.package.partition("[")
        return [f"{name}{bracket}{options}=={self.version}", *self.extras]

    def python(self) -> Path:
        """Return the interpreter of the environment, which is created if missing or outdated. Raises `PeerError`."""
        folder = FOLDER / self.name
        python, made = folder / "bin" / "python", folder / "requirements.json"
        wanted = json.dumps([sys.version, *self.requirements])
        if not made.exists() or made.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(folder)])
            _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *self.requirements])
            made.write_text(wanted)
        return python

    def script(self, name: str) -> str:
        """Return the path of a command in the environment. Raises `PeerError`."""
        return str(self.python().with_name(name))


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.CalledProcessError as error:
        raise PeerError(f"not installable here: {_last_line(error.stderr)}") from error
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"not installed within {INSTALL_SECONDS} s") from error


def _last_line(text: str) -> str:
    errors = (
        [line for line in text.splitlines() if line.startswith("ERROR")] or text.splitlines() or ["no reason given"]
    )
    return errors[-1].removeprefix("ERROR: ")
