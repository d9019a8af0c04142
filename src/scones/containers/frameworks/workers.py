"""The workers of a model server: one at the start, more when requests wait, up to a limit."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from dataclasses import dataclass

from scones.containers.contract import Reply
from scones.containers.frameworks.worker import FRAME, pack

log = logging.getLogger("model-server")


class WorkerFailedError(Exception):
    """A worker ended or timed out before it answered."""


@dataclass(eq=False)
class Worker:
    """A worker's process and the reader and writer of its socket."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def start(cls, arguments: list[str], code: str) -> Worker:
        """Start a worker and wait until it has loaded the model; raises `WorkerFailedError`."""
        own_socket, theirs = socket.socketpair()
        with theirs:
            defaults, *more = arguments
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "scones.containers.frameworks.worker",
                defaults,
                str(theirs.fileno()),
                *more,
                pass_fds=[theirs.fileno()],
                cwd=code or None,
            )
        reader, writer = await asyncio.open_connection(sock=own_socket)
        worker = cls(process, reader, writer)
        await worker.receive()
        return worker

    async def receive(self) -> tuple[dict[str, object], bytes]:
        """Return the next frame; raises `WorkerFailedError` if the worker has ended."""
        try:
            head, body = FRAME.unpack(await self.reader.readexactly(FRAME.size))
            return json.loads(await self.reader.readexactly(head)), await self.reader.readexactly(body)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerFailedError(f"Worker died (exit code {await self.process.wait()}).") from error

    async def handle(self, headers: dict[str, str], body: bytes) -> Reply:
        """Forward a request and return its reply; raises `WorkerFailedError`."""
        try:
            self.writer.write(pack(headers, body))
            await self.writer.drain()
        except ConnectionError as error:
            raise WorkerFailedError("Worker died.") from error
        head, response = await self.receive()
        return Reply(int(str(head["status"])), str(head["content_type"]), response)

    async def stop(self) -> None:
        """Kill the process."""
        self.writer.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


class WorkerPool:
    """A pool of up to `limit` workers, `first` of them from the start; `timeout` is the seconds for one request."""

    def __init__(self, defaults: str, code: str, *, first: int, limit: int, timeout: float) -> None:
        self._arguments = [defaults, *([code] if code else [])]
        self._code = code
        self._first = first
        self._limit = limit
        self._timeout = timeout
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._count = 0
        self._waiting = 0
        self._starting: set[asyncio.Task[None]] = set()
        self.ready = asyncio.Event()

    async def start(self) -> None:
        """Start the first workers; raises `WorkerFailedError` if the first cannot load the model."""
        self._count += 1
        self._idle.put_nowait(await Worker.start(self._arguments, self._code))
        self.ready.set()
        for _ in range(self._first - 1):
            self._add()

    def _add(self) -> None:
        self._count += 1
        task = asyncio.create_task(self._start_worker())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start_worker(self) -> None:
        try:
            self._idle.put_nowait(await Worker.start(self._arguments, self._code))
        except (WorkerFailedError, OSError) as error:
            self._count -= 1
            log.error("Another worker could not be started: %s", error)
            if not self._count:
                os._exit(1)  # no worker is left: the cloud restarts the server

    async def handle(self, headers: dict[str, str], body: bytes) -> Reply:
        """Let the next idle worker answer a request; raises `WorkerFailedError`."""
        if self._idle.empty() and self._count < self._limit and len(self._starting) <= self._waiting:
            self._add()
        self._waiting += 1
        try:
            worker = await self._idle.get()
        finally:
            self._waiting -= 1
        try:
            reply = await asyncio.wait_for(worker.handle(headers, body), self._timeout)
        except (WorkerFailedError, TimeoutError) as error:
            self._count -= 1
            await worker.stop()
            self._add()
            if isinstance(error, TimeoutError):
                raise WorkerFailedError(f"Worker did not respond within {self._timeout:g} s.") from error
            raise
        self._idle.put_nowait(worker)
        return reply
