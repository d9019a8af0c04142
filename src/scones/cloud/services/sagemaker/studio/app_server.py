"""The program of an app: JupyterLab as a child process, with its own port and token."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import os
import socket
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from scones.cloud import workspace
from scones.cloud.context import CloudContext
from scones.cloud.process import container_images as images
from scones.cloud.process.lifecycle import RunningCloud
from scones.cloud.process.sandbox import Program, Sandbox, spawn
from scones.cloud.services.sagemaker.log_stream import LogStream

LOG_GROUP = "/aws/sagemaker/studio"
PROGRAM = "jupyterlab"
"""Name of the program in `scones.cloud.process.container_images`."""
ENVIRONMENTS = "SCONES_ENVIRONMENTS"
"""Variable with the folder where the program installs its environments; default: `environments` in the data folder."""
POLL_SECONDS = 0.2
STOP_SECONDS = 5.0


class AppServer:
    """The program of one app.

    It is started in its folder with the argument `serve`. Its environment has JUPYTER_PORT, the port that it must
    listen on; JUPYTER_TOKEN, the secret that signs the tokens that it must accept (`address`); SCONES_ENVIRONMENTS; and
    the variables of a workspace. It is ready when it answers /api with status 200. The first start takes long, because
    it installs the environments.
    """

    def __init__(self, cloud: CloudContext, folder: Path, token: str, stream: str, role: str | None) -> None:
        self._cloud = cloud
        self._folder = folder
        self._role = role
        self._output_lines: deque[str] = deque(maxlen=20)
        self._stream = LogStream(cloud, LOG_GROUP, stream, self._keep_last_line)
        self._sandbox: Sandbox | None = None
        self._token = token
        self.port = 0

    @property
    def last_output(self) -> str:
        """Last line of the program's output that is not empty: usually the reason if the program has ended."""
        return next((line.strip() for line in reversed(self._output_lines) if line.strip()), "no output")

    def address(self, expires: float, session: float) -> str:
        """Return a URL that opens the program for `expires` seconds and starts a session of `session` seconds.

        The URL's token is UNTIL-SECONDS-SEAL: its expiry in seconds since 1970, the length of the session in seconds,
        and the SHA-256 HMAC of both with the program's secret.
        """
        claims = f"{int(time.time() + expires)}-{int(session)}"
        seal = hmac.new(self._token.encode(), claims.encode(), hashlib.sha256).hexdigest()
        return f"http://127.0.0.1:{self.port}/lab?token={claims}-{seal}"

    async def start(self) -> None:
        """Start the program; raises `UnknownImageError` if there is none, or `OSError` if it cannot be started."""
        program = await asyncio.to_thread(self._program)
        self._sandbox = await spawn(program, on_output=self._stream.add)

    async def ready(self) -> bool:
        """Wait until the program answers, and return True; return False if it ends before that."""
        assert self._sandbox is not None
        ended = asyncio.ensure_future(self._sandbox.wait())
        try:
            while not ended.done():
                if await asyncio.to_thread(_responds, self.port):
                    return True
                await asyncio.wait({ended}, timeout=POLL_SECONDS)
            return False
        finally:
            ended.cancel()

    async def wait(self) -> int:
        """Wait until the program has ended; return its exit status, or the negative number of its signal."""
        assert self._sandbox is not None
        status = await self._sandbox.wait()
        await self._stream.finish()
        return status

    async def stop(self) -> None:
        """Stop the program: SIGTERM, and SIGKILL after `STOP_SECONDS`."""
        if self._sandbox is None:
            return
        self._sandbox.terminate()
        ended = asyncio.ensure_future(self._sandbox.wait())
        await asyncio.wait({ended}, timeout=STOP_SECONDS)
        self._sandbox.kill()  # also the program's remaining child processes
        await ended

    async def _keep_last_line(self, lines: Sequence[str]) -> None:
        self._output_lines.extend(lines)

    def _program(self) -> Program:
        self.port = _free_port()
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = self._cloud.settings
        cloud = RunningCloud.in_this_process(
            settings.data_dir, url=self._cloud.url, region=settings.region, account=settings.account
        )
        variables = {
            "HOME": os.environ.get("HOME", str(self._folder)),
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "PATH": os.environ.get("PATH", os.defpath),
            ENVIRONMENTS: os.environ.get(ENVIRONMENTS, str(settings.data_dir / "environments")),
            **{name: os.environ[name] for name in _NETWORK_VARIABLES if name in os.environ},
            **workspace.environment(cloud, self._role),
            "JUPYTER_PORT": str(self.port),
            "JUPYTER_TOKEN": self._token,
        }
        return Program(argv=images.command(PROGRAM, "serve"), env=variables, cwd=str(self._folder), whole_host=True)


_NETWORK_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "SSL_CERT_FILE")
"""Variables of the host that `pip install` may need."""


def _responds(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/api")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
