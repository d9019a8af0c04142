"""One execution environment: a sandbox in which one copy of a function runs, one invocation at a time."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scones.cloud.sandbox import Output, Program, Sandbox
from scones.cloud.services.lambda_.log_stream import LogStream
from scones.cloud.services.lambda_.runtime_api import InitError, Invocation, Result, RuntimeApi

INIT_SECONDS = 10.0
"""How long AWS lets a function initialise before its own time limit begins to run."""
LIFETIME_SECONDS = 6 * 3600.0
"""How long an environment is used: its credentials last longer. AWS replaces them after some hours, too."""
WATCH_SECONDS = 0.05
LOG_SECONDS = 0.5
"""How long a running handler's output waits for its way into the log."""
MB = 1_048_576
RESPONSE_LIMIT = 6_291_556
"""Bytes of a response, as AWS states them in its error."""

WriteLog = Callable[[str, list[tuple[int, str]]], None]
"""Takes a log stream's name, and lines with their times (ms since 1970), without waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an execution environment is made for."""

    version: str
    timeout: float
    """Seconds for one invocation."""
    memory_mb: int
    allowed_mb: int
    """What it may have before it is killed: `memory_mb`, or more where it is lent packages that AWS has not."""
    program: Callable[[str, str, Path], Program]
    """Returns what to run, by the Runtime API's address, the log stream's name and the folder for /tmp."""
    spawn: Callable[[Program, Output], Awaitable[Sandbox]]
    """Starts it."""
    scratch: Path
    """The folder below which private /tmp folders are made."""


@dataclass(slots=True)
class Outcome:
    """How an invocation ended: the payload, whose fault it was (None, "Unhandled"), and the end of its log."""

    payload: bytes
    function_error: str | None = None
    status: str = ""
    """What the REPORT line says of an environment's end: "timeout", or "error" with its type."""
    log: bytes = b""


class ExecutionEnvironment:
    """A function's sandbox with its Runtime API; `alive` until it crashed, timed out or was closed."""

    def __init__(self, setup: Setup, write: WriteLog) -> None:
        self.setup = setup
        self.alive = True
        self.idle_since = time.monotonic()
        self._born = time.monotonic()
        self._log = LogStream(setup.version, write)
        self._api = RuntimeApi()
        self._sandbox: Sandbox | None = None
        self._ended: asyncio.Task[int] | None = None
        self._begun = 0.0
        self._tmp = Path(tempfile.mkdtemp(dir=setup.scratch))
        self._init_ms: float | None = None
        self._peak = 0
        self._exceeded = False
        self._measured = 0.0

    @property
    def usable(self) -> bool:
        """Whether another invocation may run here."""
        running = self._ended is not None and not self._ended.done()
        return self.alive and running and time.monotonic() - self._born < LIFETIME_SECONDS

    async def start(self) -> None:
        """Start the runtime; whether it came up shows at the first invocation."""
        address = await self._api.start()
        self._begun = time.perf_counter()
        program = self.setup.program(address, self._log.name, self._tmp)
        self._sandbox = await self.setup.spawn(program, self._log.output)
        self._ended = asyncio.get_running_loop().create_task(self._sandbox.wait())

    async def invoke(
        self, payload: bytes, request_id: str, function_arn: str, client_context: str | None = None
    ) -> Outcome:
        """Run the handler once. Never raises for what the function does: that is the outcome."""
        assert self._sandbox is not None
        watch = asyncio.get_running_loop().create_task(self._watch())
        try:
            init_ms, failed = await self._initialise(request_id)
            self._log.line(f"START RequestId: {request_id} Version: {self.setup.version}")
            begun = time.perf_counter()
            outcome = failed or await self._run(payload, request_id, function_arn, client_context)
        finally:
            watch.cancel()
        self._sandbox.drain()
        self._log.end_line()
        self._report(request_id, (time.perf_counter() - begun) * 1e3, init_ms, outcome)
        self._log.flush()
        outcome.log = self._log.take_tail()
        self.idle_since = time.monotonic()
        return outcome

    async def _initialise(self, request_id: str) -> tuple[float | None, Outcome | None]:
        """Wait until the runtime is ready; return how long that took the first time (ms), and how it failed.

        AWS lets it take 10 s, and then what the function's time limit allows.
        """
        if self._init_ms is not None:
            return None, None
        ready = self._api.ready
        await self._first(ready, INIT_SECONDS + self.setup.timeout)
        self._init_ms = (time.perf_counter() - self._begun) * 1e3
        if self._exceeds() or not ready.done():  # also what was quicker than the watch's first look
            return self._init_ms, await self._ended_early(request_id)
        try:
            ready.result()
        except InitError as error:
            self.close()
            return self._init_ms, Outcome(error.payload, "Unhandled", f"error\tError Type: {error.kind}")
        return self._init_ms, None

    async def _run(self, payload: bytes, request_id: str, function_arn: str, client_context: str | None) -> Outcome:
        deadline = time.time() + self.setup.timeout
        result = self._api.hand_out(Invocation(request_id, payload, deadline, function_arn, client_context))
        await self._first(result, self.setup.timeout)
        if self._exceeded or not result.done():  # a kill takes a moment to arrive: it may have answered meanwhile
            return await self._ended_early(request_id)
        return self._answered(result.result())

    async def _first(self, future: asyncio.Future[Any], seconds: float) -> None:
        """Wait until a future or the runtime has ended, at most so long."""
        assert self._ended is not None
        await asyncio.wait({future, self._ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    def _answered(self, result: Result) -> Outcome:
        if result.is_error:
            return Outcome(result.payload, "Unhandled")
        if len(result.payload) > RESPONSE_LIMIT:
            message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
            return Outcome(_error("Function.ResponseSizeTooLarge", message), "Unhandled")
        return Outcome(result.payload)

    async def _ended_early(self, request_id: str) -> Outcome:
        """Return the outcome of an invocation that the runtime did not answer, or no longer should have."""
        assert self._ended is not None
        if self._exceeded:
            await self._ended
        self.close()
        return self._exited(request_id, self._ended.result()) if self._ended.done() else self._timed_out(request_id)

    def _timed_out(self, request_id: str) -> Outcome:
        message = f"Task timed out after {self.setup.timeout:.2f} seconds"
        self._log.line(f"{datetime.now(UTC).isoformat(timespec='milliseconds')[:23]}Z {request_id} {message}")
        return Outcome(_error("Sandbox.Timedout", f"RequestId: {request_id} Error: {message}"), "Unhandled", "timeout")

    def _exited(self, request_id: str, status: int) -> Outcome:
        reason = "Runtime exited without providing a reason"
        if status < 0:
            reason = f"Runtime exited with error: signal: {_SIGNALS.get(-status, str(-status))}"
        elif status:
            reason = f"Runtime exited with error: exit status {status}"
        kind = "Runtime.OutOfMemory" if self._exceeded else "Runtime.ExitError"
        self._log.line(f"RequestId: {request_id} Error: {reason}")
        self._log.line(kind)
        error = _error(kind, f"RequestId: {request_id} Error: {reason}")
        return Outcome(error, "Unhandled", f"error\tError Type: {kind}")

    async def _watch(self) -> None:
        """Kill the function when it has more memory than it was given; let its output reach the log meanwhile."""
        assert self._sandbox is not None
        logged = time.monotonic()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self._exceeds():
                return
            if time.monotonic() - logged > LOG_SECONDS:
                logged = time.monotonic()
                self._log.flush()

    def _exceeds(self) -> bool:
        """Tell whether the function has, or once had, more memory than it was given; at the first time, kill it."""
        assert self._sandbox is not None
        if not self._exceeded and self._measure() > self.setup.allowed_mb * MB:
            self._exceeded = True
            self._sandbox.kill()
        return self._exceeded

    def _measure(self) -> int:
        """Return the memory that the function has now, in bytes."""
        assert self._sandbox is not None
        used = self._sandbox.memory()
        self._peak = max(self._peak, used)
        self._measured = time.monotonic()
        return used

    def _report(self, request_id: str, milliseconds: float, init_ms: float | None, outcome: Outcome) -> None:
        if time.monotonic() - self._measured > WATCH_SECONDS:  # reading it takes a tenth of a quick invocation's time
            self._measure()
        self._log.line(f"END RequestId: {request_id}")
        parts = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {milliseconds:.2f} ms",
            f"Billed Duration: {math.ceil(milliseconds + (init_ms or 0))} ms",
            f"Memory Size: {self.setup.memory_mb} MB",
            f"Max Memory Used: {min(math.ceil(self._peak / MB), self.setup.memory_mb)} MB",
        ]
        if init_ms is not None:
            parts.append(f"Init Duration: {init_ms:.2f} ms")
        if outcome.status:
            parts.append(f"Status: {outcome.status}")
        self._log.line("\t".join([*parts, ""]))

    def close(self) -> None:
        """End the sandbox with everything in it; a second call does nothing."""
        if not self.alive:
            return
        self.alive = False
        self._api.close()
        if self._sandbox is not None:
            self._sandbox.kill()

    async def closed(self) -> None:
        """Wait until everything is gone, log what came last, and remove the private /tmp."""
        self.close()
        if self._ended is not None:
            await self._ended
        self._log.flush()
        await asyncio.to_thread(shutil.rmtree, self._tmp, ignore_errors=True)


_SIGNALS: dict[int, str] = {signal.SIGKILL: "killed", signal.SIGSEGV: "segmentation fault", signal.SIGABRT: "aborted"}


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
