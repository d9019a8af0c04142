"""Runs programs that use the real SageMaker SDKs, in separate environments and against a local cloud."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scones.cloud import workspace
from scones.studio.environments import SDKS
from support import fast_waits

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "build" / "environments"
PROGRAMS = Path(__file__).with_name("programs")
FAST_WAITS = (fast_waits.__file__,)


@dataclass(frozen=True)
class ProgramRun:
    """A program that succeeded: what it printed, and the results that it reported by name."""

    output: str
    results: dict[str, Any]


RunProgram = Callable[..., ProgramRun]


@pytest.fixture
def run_program(tmp_path: Path) -> RunProgram:
    """Run a program of `programs/` with an SDK in a cloud's workspace; return its output and results."""

    def run(cloud: Any, sdk: str, name: str) -> ProgramRun:
        python = SDKS[sdk].install(ENVIRONMENTS)
        environment = cloud.environment | workspace.environment(cloud.running) | {"HTTPS_PROXY": "http://127.0.0.1:9"}
        done = subprocess.run(
            [python, *(FAST_WAITS if sdk == "v2" else ()), PROGRAMS / name],
            env={**os.environ, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=1200,  # against a hang only: a loaded machine takes several minutes
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
        reported = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
        results = dict(reported)
        assert len(results) == len(reported), f"two results have the same name: {reported}"
        return ProgramRun(done.stdout, results)

    return run
