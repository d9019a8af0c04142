"""Executes notebooks in environments with the real SDKs, which are installed once below build/."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scones.cloud import workspace
from scones.studio.environments import LAB, SDK_V2
from scones.studio.kernels import write_kernels
from support import fast_waits

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "build" / "environments"

FAST_WAITS = f"""
import sys
sys.path.append({str(Path(fast_waits.__file__).parent)!r})
from fast_waits import shorten
get_ipython().events.register("post_run_cell", lambda result: shorten())
"""

Execute = Callable[..., dict[str, Any]]


@pytest.fixture
def execute(tmp_path: Path) -> Execute:
    """Execute a notebook in a cloud's workspace with SDK v2, as JupyterLab does; return it with its outputs."""
    LAB.install(ENVIRONMENTS)
    SDK_V2.install(ENVIRONMENTS)
    kernels = write_kernels(ENVIRONMENTS, [SDK_V2], tmp_path / "kernels")
    startup = tmp_path / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "fast_waits.py").write_text(FAST_WAITS)

    def run(
        cloud: Any, notebook: dict[str, Any], folder: Path, kernel: str = "python3", **variables: str
    ) -> dict[str, Any]:
        source, target = folder / "given.ipynb", tmp_path / "executed.ipynb"  # a kernel runs in its notebook's folder
        source.write_text(json.dumps(notebook))
        environment = cloud.environment | workspace.environment(cloud.running)
        environment |= {"JUPYTER_PATH": str(kernels), "HTTPS_PROXY": "http://127.0.0.1:9", "IPYTHONDIR": str(tmp_path)}
        environment |= {"PATH": f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}", **variables}
        command = [LAB.python(ENVIRONMENTS), "-m", "nbconvert", "--to", "notebook", "--execute", source]
        options = [
            f"--output={target}",
            f"--ExecutePreprocessor.kernel_name={kernel}",
            "--ExecutePreprocessor.timeout=600",
        ]
        variables = {**os.environ, **environment}
        done = subprocess.run(
            [*command, *options], env=variables, cwd=folder, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, done.stderr[-8000:]
        executed: dict[str, Any] = json.loads(target.read_text())
        return executed

    return run
