"""What Scones is measured against, from the package index: each in an environment of its own, made on first use.

The environments lie in build/peers, which git ignores; none is a dependency of Scones.
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
    """A peer could not be installed; the message is the reason that the tables give."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A package and whatever else its environment needs, all pinned or bounded by it."""

    name: str
    package: str
    version: str
    extras: tuple[str, ...] = ()

    @property
    def requirements(self) -> list[str]:
        """What pip is asked for."""
        name, bracket, options = self.package.partition("[")
        return [f"{name}{bracket}{options}=={self.version}", *self.extras]

    def python(self) -> Path:
        """Return the interpreter of its environment, making that where it is absent or other; raises `PeerError`."""
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
        """Return the path of a command in its environment; raises `PeerError`."""
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
