"""`scones studio`: a real JupyterLab with the SDKs' kernels; it requires a token and ends with Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from scones.studio.environments import LAB, SDK_V2, SDK_V3

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "build" / "environments"
PROGRAM = """
import boto3, sagemaker.core, sys
from importlib.metadata import version
print(version("sagemaker").split(".")[0], boto3.client("sts").get_caller_identity()["Account"], sys.prefix)
"""


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


@contextmanager
def opened(scones: Any, *arguments: str | Path) -> Iterator[tuple[str, str]]:
    """Run `scones studio`, yield JupyterLab's address and token, and end it with Ctrl-C."""
    command = [Path(sys.executable).with_name("scones"), "studio", *arguments, "--no-browser"]
    command += ["--environments", ENVIRONMENTS]
    environment = scones.environment | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as studio:
        assert studio.stdout is not None
        line = next(line for line in studio.stdout if line.startswith("JupyterLab on"))
        address, _, token = line.split()[-1].partition("/lab?token=")
        try:
            yield address, token
            os.kill(studio.pid, signal.SIGINT)
            studio.wait(timeout=60)
        finally:
            studio.terminate()  # if the test failed


def test_a_port_in_use_is_reported_before_anything_starts(scones):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = scones("studio", "--port", str(port), "--no-browser")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"scones: Port {port} is in use: specify another with --port, or omit it.\n"
    assert not scones.data_dir.exists()


@pytest.mark.slow
def test_studio_opens_jupyterlab_with_the_sdks_kernel(scones, tmp_path):
    for environment in (LAB, SDK_V2):
        environment.install(ENVIRONMENTS)
    folder = tmp_path / "mine"
    with opened(scones, folder) as (address, token):
        assert address.startswith("http://127.0.0.1:")
        status, page = get(f"{address}/lab?token={token}")
        assert (status, "JupyterLab" in page) == (200, True)
        assert get(f"{address}/api/contents")[0] == 403
        kernels = json.loads(get(f"{address}/api/kernelspecs?token={token}")[1])["kernelspecs"]
        titles = {name: kernel["spec"]["display_name"] for name, kernel in kernels.items()}
        # If there is only one kernel, JupyterLab uses it for all notebooks, whichever kernel they name.
        assert {name for name in titles if "SageMaker" in titles[name]} == {"python3"}
        assert titles["python3"] == "SageMaker Python SDK v2"
    assert len(list(folder.glob("*.ipynb"))) == 6
    assert scones.processes() == []


@pytest.mark.slow
async def test_both_sdks_have_a_kernel_in_the_clouds_environment(scones, tmp_path):
    for environment in (LAB, SDK_V2, SDK_V3):
        await asyncio.to_thread(environment.install, ENVIRONMENTS)
    with opened(scones, tmp_path / "both", "--sdk", "both") as (address, token):
        headers = {"Authorization": f"token {token}"}
        async with aiohttp.ClientSession(address, headers=headers) as session:
            async with session.get("/api/kernelspecs") as answer:
                kernels = (await answer.json())["kernelspecs"]
            assert {"python3", "sagemaker-sdk-v3"} <= kernels.keys()
            assert kernels["python3"]["spec"]["display_name"] == "SageMaker Python SDK v2"
            output = await executed(session, "sagemaker-sdk-v3", PROGRAM)
    assert output.split() == ["3", "111122223333", str(ENVIRONMENTS / "sdk-v3")]
    assert scones.processes() == []


async def executed(session: aiohttp.ClientSession, kernel: str, program: str) -> str:
    """Start a kernel, run a program in it as JupyterLab does, and return what it printed."""
    async with session.post("/api/kernels", json={"name": kernel}) as answer:
        identifier = (await answer.json())["id"]
    header = {"msg_id": "1", "msg_type": "execute_request", "session": "1", "username": "ana", "version": "5.3"}
    request = {"header": header, "parent_header": {}, "metadata": {}, "channel": "shell", "content": {"code": program}}
    printed = []
    async with asyncio.timeout(120), session.ws_connect(f"/api/kernels/{identifier}/channels") as socket:
        await socket.send_json(request)
        async for message in socket:
            reported = message.json()
            if reported["msg_type"] == "error":
                raise AssertionError("\n".join(reported["content"]["traceback"]))
            if reported["msg_type"] == "stream" and reported["content"]["name"] == "stdout":
                printed.append(reported["content"]["text"])
            # The idle status follows all printed output; the reply has a separate channel and may arrive earlier.
            idle = reported["msg_type"] == "status" and reported["content"]["execution_state"] == "idle"
            if idle and reported["parent_header"].get("msg_id") == "1":
                return "".join(printed)
    raise AssertionError("the kernel closed the connection")
