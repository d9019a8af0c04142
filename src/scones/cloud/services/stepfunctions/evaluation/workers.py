"""The worker processes of a cloud: started on demand, kept for further jobs, and replaced when one is killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scones.cloud.services.stepfunctions.asl.evaluators import EvaluationJob, JobOwner, JobStoppedError
from scones.cloud.services.stepfunctions.asl.text import read_json
from scones.cloud.services.stepfunctions.evaluation.fair_queue import FairQueue
from scones.cloud.services.stepfunctions.evaluation.frames import LENGTH, framed
from scones.cloud.services.stepfunctions.evaluation.worker import BROKEN, OUT_OF_MEMORY, STARTER, TOO_DEEP

MAX_WORKERS = max(2, min(4, os.cpu_count() or 1))
"""Maximum number of worker processes; one machine uses at most all but one of them."""
MAX_WAIT = 60
"""Maximum seconds that a job waits for a worker; then it fails as if it had taken too long."""
_STALL_SECONDS = 120
"""Seconds without a reply after which a worker is killed; normally the CPU limits end it long before."""
_LIMITS = {
    -signal.SIGXCPU: "time",
    OUT_OF_MEMORY: "memory",
    TOO_DEEP: "depth",
    BROKEN: "engine",
    -signal.SIGSEGV: "depth",
}
_NOTHING: dict[str, str] = {}
"""Environment variables of a worker."""
_LARGE_REPLY = 64 * 1024
_CHUNK = 256 * 1024
_ENCODER = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class _QueuedJob:
    job: EvaluationJob
    owner: JobOwner
    replies: asyncio.Future[list[Any]]
    queued_at: float


class EvaluationWorkers:
    """Runs jobs in worker processes, fairly for all owners; no process is started before the first job."""

    def __init__(self) -> None:
        self._queue: FairQueue[_QueuedJob] = FairQueue(MAX_WORKERS - 1)
        self._idle: list[_WorkerProcess] = []
        self._serving: set[asyncio.Task[None]] = set()

    async def run(self, job: EvaluationJob, owner: JobOwner) -> list[Any]:
        """Do a job and return its replies, or raise `JobStoppedError`; the job continues if the caller is cancelled."""
        replies: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._queue.put(owner, _QueuedJob(job, owner, replies, time.monotonic()))
        self._dispatch()
        return await replies

    async def stop(self) -> None:
        """Cancel the waiting jobs and end the processes."""
        for waiting in self._queue.drain():
            waiting.replies.cancel()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        for worker in self._idle:
            await worker.kill()
        self._idle.clear()

    def _dispatch(self) -> None:
        while len(self._serving) < MAX_WORKERS and (waiting := self._queue.take()) is not None:
            task = asyncio.get_running_loop().create_task(self._serve(waiting))
            self._serving.add(task)
            task.add_done_callback(self._job_finished)

    def _job_finished(self, task: asyncio.Task[None]) -> None:
        self._serving.discard(task)
        if not task.cancelled():
            self._dispatch()

    async def _serve(self, waiting: _QueuedJob) -> None:
        try:
            if waiting.replies.done():  # the caller was cancelled
                return
            if time.monotonic() - waiting.queued_at > MAX_WAIT:
                raise JobStoppedError("time", [])
            replies = await self._replies(waiting.job)
        except asyncio.CancelledError:
            waiting.replies.cancel()
            raise
        except Exception as error:  # the caller handles it
            if not waiting.replies.done():
                waiting.replies.set_exception(error)
        else:
            if not waiting.replies.done():
                waiting.replies.set_result(replies)
        finally:
            self._queue.done(waiting.owner)

    async def _replies(self, job: EvaluationJob) -> list[Any]:
        while True:
            worker = self._idle.pop() if self._idle else _WorkerProcess()
            replies: list[Any] = []
            try:
                await worker.send(job)
                async for reply in worker.replies():
                    replies.append(reply)
            except (OSError, TimeoutError) as error:
                unused = worker.jobs and not replies and isinstance(error, ConnectionError)
                limit = await worker.kill()
                if unused and limit is None:  # it was killed while idle
                    continue
                guessed = "time" if isinstance(error, TimeoutError) else "memory"
                raise JobStoppedError(limit or guessed, replies) from error
            except BaseException:  # cancelled, or the job cannot be encoded: the worker's state is unknown
                await worker.kill()
                raise
            worker.jobs += 1
            self._idle.append(worker)
            return replies


class _WorkerProcess:
    """One worker process, and the cloud's ends of its socket and its lifeline pipe."""

    def __init__(self) -> None:
        self.jobs = 0
        """Number of jobs done."""
        own_socket, theirs = socket.socketpair()
        held, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", STARTER, json.dumps(_import_path())],
                env=_NOTHING,
                cwd="/",
                stdin=theirs.fileno(),
                stdout=held,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            own_socket.close()
            os.close(self._lifeline)
            raise
        finally:
            theirs.close()
            os.close(held)
        own_socket.setblocking(False)
        self._socket = own_socket

    async def send(self, job: EvaluationJob) -> None:
        """Send a job, one argument at a time, so that large arguments do not block the event loop for long."""
        head = _ENCODER.encode([job.kind, list(job.arguments)]).encode()
        await self._write(LENGTH.pack(len(job.arguments) + 1) + framed(head))
        for value in job.arguments.values():
            await self._write(framed(_ENCODER.encode(value).encode()))

    async def replies(self) -> AsyncIterator[Any]:
        """Yield the replies as they arrive; raise `ConnectionError` or `TimeoutError` if they end early."""
        while data := await self._frame():
            yield read_json(data)

    async def kill(self) -> str | None:
        """End the process; return the limit that it exceeded, or None if that is unknown."""
        with contextlib.suppress(OSError):
            self._socket.close()
        if self._process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):  # a process that exceeded a limit is about to end
                await asyncio.to_thread(self._process.wait, 0.2)
        self._process.kill()
        status = await asyncio.to_thread(self._process.wait)
        os.close(self._lifeline)
        return _LIMITS.get(status)

    async def _write(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        if len(data) > _LARGE_REPLY:
            await asyncio.sleep(0)
        await loop.sock_sendall(self._socket, data)

    async def _frame(self) -> bytes:
        async with asyncio.timeout(_STALL_SECONDS):
            head = await self._read(LENGTH.size)
            return await self._read(LENGTH.unpack(head)[0])

    async def _read(self, size: int) -> bytes:
        loop, data = asyncio.get_running_loop(), bytearray()
        while len(data) < size:
            chunk = await loop.sock_recv(self._socket, min(size - len(data), _CHUNK))
            if not chunk:
                raise ConnectionResetError("the worker process has exited")
            data += chunk
        return bytes(data)


def _import_path() -> list[str]:
    """Return this process's import path without the current folder."""
    return [path for path in sys.path if path and Path(path).is_absolute()]
