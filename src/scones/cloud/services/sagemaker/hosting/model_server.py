"""A model server: a child process that follows the container contract for hosting and answers loopback HTTP."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace

from scones.cloud.process.sandbox import Program, Sandbox, spawn
from scones.cloud.services.sagemaker.hosting.container_client import (
    RESPONSE_LIMIT,
    ContainerClient,
    ContainerResponse,
    ServerTimeoutError,
    ServerUnavailableError,
)
from scones.cloud.services.sagemaker.log_stream import LogStream
from scones.http import server_token

log = logging.getLogger(__name__)

PING_EVERY = 0.02
PING_TIMEOUT = 2.0
INVOKE_TIMEOUT = 60.0
STOP_GRACE = 30.0
MAX_FAILED_STARTS = 3
"""Number of starts of a server that keeps ending before it is healthy; then its endpoint fails."""
LONGEST_PAUSE = 10.0
"""Maximum seconds before a server that crashed repeatedly is restarted."""
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


class NotHealthyError(Exception):
    """A server did not answer /ping with status 200 in time; the message is the last error in its log, or ""."""


class ModelServer:
    """A server process that is restarted whenever it ends, until `stop`.

    `program` returns the `Program` to start for a port. One process serves a production variant, whatever its
    InstanceCount: the count is only recorded, because more processes on one machine would not serve more requests.
    """

    def __init__(self, program: Callable[[int], Awaitable[Program]], stream: LogStream) -> None:
        self._program = program
        self.stream = stream
        self._sandbox: Sandbox | None = None
        self._client: ContainerClient | None = None
        self._restart_task: asyncio.Task[None] | None = None
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.healthy = False

    async def start(self, limit: float) -> None:
        """Start the server and wait until it is healthy; raises `NotHealthyError` after `limit` seconds."""
        try:
            async with asyncio.timeout(limit):
                for _ in range(MAX_FAILED_STARTS):
                    if await self._launch():
                        self._restart_task = asyncio.create_task(self._restart_when_ended())
                        return
        except TimeoutError:
            pass
        await self.stop()
        raise NotHealthyError(self.stream.last_error)

    async def _launch(self) -> bool:
        """Start the process; return True once it is healthy, or False if it ends before that."""
        port, token = _free_port(), secrets.token_hex(16)
        self._client = ContainerClient(port, token)
        program = await self._program(port)
        program = replace(program, env={**program.env, server_token.VARIABLE: token})
        self._sandbox = await spawn(program, on_output=self.stream.add)
        ended = asyncio.ensure_future(self._sandbox.wait())
        try:
            while not ended.done():
                if await _healthy(self._client):
                    self.healthy = True
                    return True
                await asyncio.wait({ended}, timeout=PING_EVERY)
            return False
        finally:
            ended.cancel()

    async def _restart_when_ended(self) -> None:
        pause = 0.1
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            if self._sandbox is not None:
                code = await self._sandbox.wait()
                self.healthy = False
                self.stream.write(f"The model server exited with code {code}; restarting it.")
            pause = 0.1 if loop.time() - begun > 60 else min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(pause)
            try:
                await self._launch()
            except OSError as error:  # the system cannot create a process now
                log.warning("A model server could not be started: %s", error)

    async def invoke(self, body: bytes, headers: dict[str, str], limit: int = RESPONSE_LIMIT) -> ContainerResponse:
        """Send a request to /invocations; raises `ServerUnavailableError`, `ServerTimeoutError` or
        `ResponseTooLargeError`."""
        if not self.healthy or self._client is None:
            raise ServerUnavailableError
        self._in_flight += 1
        self._idle.clear()
        try:
            return await self._client.request("POST", "/invocations", INVOKE_TIMEOUT, headers, body, limit)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def drain(self) -> None:
        """Wait until all requests are answered, at most `INVOKE_TIMEOUT` seconds."""
        try:
            await asyncio.wait_for(self._idle.wait(), INVOKE_TIMEOUT)
        except TimeoutError:
            log.warning("Stopping a model server with %d unanswered requests", self._in_flight)

    async def stop(self, grace: float = STOP_GRACE) -> None:
        """Stop the process: SIGTERM, and SIGKILL after `grace` seconds."""
        self.healthy = False
        if self._restart_task is not None:
            self._restart_task.cancel()
            await asyncio.wait({self._restart_task})
        if self._client is not None:
            self._client.close()
        if self._sandbox is None:
            return
        self._sandbox.terminate()
        ended = asyncio.ensure_future(self._sandbox.wait())
        await asyncio.wait({ended}, timeout=grace)
        self._sandbox.kill()
        await ended


async def _healthy(client: ContainerClient) -> bool:
    try:
        return (await client.request("GET", "/ping", PING_TIMEOUT)).status == 200
    except (ServerUnavailableError, ServerTimeoutError):
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
