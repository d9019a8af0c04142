"""The `scones` command as users run it: in a separate process, with a data folder for each test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

SCONES = Path(sys.executable).with_name("scones")


@dataclass(frozen=True)
class SconesCommand:
    """The `scones` command, run in a folder; its data folder is `data` in that folder."""

    folder: Path

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SCONES_"))}
        # No request of a test leaves this machine, even if the test goes wrong.
        beyond = {"HTTPS_PROXY": "http://127.0.0.1:9", "AWS_EC2_METADATA_DISABLED": "true"}
        path = os.pathsep.join([str(self.folder / "decoys"), os.environ.get("PATH", os.defpath)])
        return kept | beyond | {"SCONES_DATA_DIR": str(self.data_dir), "PATH": path}

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCONES, *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=240,
        )

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        # Handle SIGINT as a program in a terminal does; these tests may be a background job, which ignores it.
        heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        return subprocess.Popen(
            [SCONES, *arguments],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=heeding,
            **options,
        )

    def processes(self) -> list[str]:
        """Return the command lines of processes whose arguments, folder or environment contain the data folder."""
        reported = str(self.data_dir)
        found = []
        for process in psutil.process_iter():
            try:
                if process.pid != os.getpid() and (
                    any(reported in part for part in process.cmdline())
                    or reported in process.cwd()
                    or any(reported in value for value in process.environ().values())
                ):
                    found.append(" ".join(process.cmdline()))
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found
