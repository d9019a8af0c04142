"""Runs programs that use the real SageMaker SDKs, in separate environments and against a local cloud."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scones.cloud import workspace
from scones.studio.environments import SDKS

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "build" / "environments"
PROGRAMS = Path(__file__).with_name("programs")

RunProgram = Callable[..., str]


@pytest.fixture
def run_program(tmp_path: Path) -> RunProgram:
    """Run a program of `programs/` with an SDK in a cloud's workspace; return its standard output."""

    def run(cloud: Any, sdk: str, name: str) -> str:
        python = SDKS[sdk].install(ENVIRONMENTS)
        told = cloud.environment | workspace.environment(cloud.running) | {"HTTPS_PROXY": "http://127.0.0.1:9"}
        done = subprocess.run(
            [python, PROGRAMS / name],
            env={**os.environ, **told},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
        return done.stdout

    return run
