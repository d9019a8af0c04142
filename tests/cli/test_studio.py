"""`scones studio`: a real JupyterLab with a kernel of the SDK, behind a token, gone with Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "build" / "environments"


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


@pytest.mark.slow
def test_studio_opens_jupyterlab_with_the_sdks_kernel(scones, tmp_path):
    folder = tmp_path / "mine"
    command = [
        Path(sys.executable).with_name("scones"),
        "studio",
        folder,
        "--no-browser",
        "--environments",
        ENVIRONMENTS,
    ]
    environment = scones.environment | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as studio:
        assert studio.stdout is not None
        line = next(line for line in studio.stdout if line.startswith("JupyterLab on"))
        address, _, token = line.split()[-1].partition("/lab?token=")
        assert address.startswith("http://127.0.0.1:")
        status, page = get(f"{address}/lab?token={token}")
        assert (status, "JupyterLab" in page) == (200, True)
        assert get(f"{address}/api/contents")[0] == 403
        kernels = json.loads(get(f"{address}/api/kernelspecs?token={token}")[1])["kernelspecs"]
        assert kernels["python3"]["spec"]["display_name"] == "SageMaker Python SDK v2"
        os.kill(studio.pid, signal.SIGINT)
        studio.wait(timeout=60)
    assert folder.is_dir()
    assert scones.processes() == []
