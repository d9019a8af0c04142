"""One model server: a child process under the hosting contract, kept running, and asked over loopback HTTP."""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scones.cloud.sandbox import Program, Sandbox, spawn
from scones.cloud.services.sagemaker.loglines import LogStream

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger(__name__)

PING_EVERY = 0.02
PING_TIMEOUT = 2.0
INVOKE_TIMEOUT = 60.0
STOP_GRACE = 30.0
FIRST_TRIES = 3
"""How often a server that ends before its first healthy answer is started: then its endpoint has failed."""
LONGEST_PAUSE = 10.0
"""Seconds before a server that crashed again and again is started once more."""
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


class NotHealthyError(Exception):
    """A server did not answer /ping with 200 in time."""


class ServerGoneError(Exception):
    """The server does not run, or went away before it had answered."""


class TimedOutError(Exception):
    """The server did not answer in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a container answered."""

    status: int
    content_type: str
    custom_attributes: str | None
    body: bytes


class Connections:
    """One HTTP client for every model server of a cloud; connections are kept open between requests."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def session(self) -> aiohttp.ClientSession:
        """Return the client, made on first use: its import takes a while."""
        if self._session is None:
            module = await asyncio.to_thread(importlib.import_module, "aiohttp")
            self._session = self._session or module.ClientSession(
                # Servers close idle connections, many after 5 s: ours are closed before.
                connector=module.TCPConnector(limit=0, keepalive_timeout=4, use_dns_cache=False),
                cookie_jar=module.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()


class ModelServer:
    """A server process that is started again whenever it ends, until `stop`.

    `program` makes the process's description for a port. One process serves a production variant, whatever its
    InstanceCount is: that is recorded, and more of them on one machine would serve no more.
    """

    def __init__(
        self, connections: Connections, program: Callable[[int], Awaitable[Program]], stream: LogStream
    ) -> None:
        self._connections = connections
        self._program = program
        self._stream = stream
        self._sandbox: Sandbox | None = None
        self._client: aiohttp.ClientSession | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._url = ""
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.healthy = False

    async def start(self, limit: float) -> None:
        """Start the server and wait until it is healthy; raises `NotHealthyError` after `limit` seconds."""
        self._client = await self._connections.session()
        try:
            async with asyncio.timeout(limit):
                for _ in range(FIRST_TRIES):
                    if await self._launch():
                        self._keeper = asyncio.create_task(self._keep())
                        return
        except TimeoutError:
            pass
        await self.stop()
        raise NotHealthyError

    async def _launch(self) -> bool:
        """Start the process; True when it is healthy, False when it has ended before."""
        port = _free_port()
        self._url = f"http://127.0.0.1:{port}"
        self._sandbox = await spawn(await self._program(port), on_output=self._stream.feed)
        ended = asyncio.ensure_future(self._sandbox.wait())
        try:
            while not ended.done():
                if await self._ping():
                    self.healthy = True
                    return True
                await asyncio.wait({ended}, timeout=PING_EVERY)
            return False
        finally:
            ended.cancel()

    async def _ping(self) -> bool:
        import aiohttp

        assert self._client is not None
        try:
            timeout = aiohttp.ClientTimeout(total=PING_TIMEOUT)
            async with self._client.get(f"{self._url}/ping", timeout=timeout) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def _keep(self) -> None:
        pause = 0.1
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            if self._sandbox is not None:
                code = await self._sandbox.wait()
                self.healthy = False
                self._stream.write(f"The model server ended with exit code {code}; it is started again.")
            pause = 0.1 if loop.time() - begun > 60 else min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(pause)
            try:
                await self._launch()
            except OSError as error:  # no process to be had now
                log.warning("a model server could not be started: %s", error)

    async def invoke(self, body: bytes, headers: dict[str, str]) -> Answer:
        """Send a request to /invocations; raises `ServerGoneError` or `TimedOutError`."""
        if not self.healthy:
            raise ServerGoneError
        self._in_flight += 1
        self._idle.clear()
        try:
            return await self._post(body, headers, again=True)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def _post(self, body: bytes, headers: dict[str, str], *, again: bool) -> Answer:
        import aiohttp

        assert self._client is not None
        timeout = aiohttp.ClientTimeout(total=INVOKE_TIMEOUT)
        try:
            async with self._client.post(
                f"{self._url}/invocations", data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                return Answer(
                    answer.status,
                    answer.headers.get("Content-Type", "application/octet-stream"),
                    answer.headers.get(CUSTOM_ATTRIBUTES),
                    await answer.read(),
                )
        except TimeoutError as error:
            raise TimedOutError from error
        except (aiohttp.ClientError, OSError) as error:
            # An idle connection that the server closed just now, or a worker of it that died: no answer was begun.
            lost = isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError)
            if again and lost and not isinstance(error, aiohttp.ClientConnectorError):
                return await self._post(body, headers, again=False)
            raise ServerGoneError from error

    async def drain(self) -> None:
        """Wait until every request is answered, no longer than one may take."""
        try:
            await asyncio.wait_for(self._idle.wait(), INVOKE_TIMEOUT)
        except TimeoutError:
            log.warning("a model server is stopped with %d requests unanswered", self._in_flight)

    async def stop(self, grace: float = STOP_GRACE) -> None:
        """End the process: SIGTERM, and SIGKILL after `grace` seconds."""
        self.healthy = False
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        if self._sandbox is None:
            return
        self._sandbox.terminate()
        ended = asyncio.ensure_future(self._sandbox.wait())
        await asyncio.wait({ended}, timeout=grace)
        self._sandbox.kill()
        await ended


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
