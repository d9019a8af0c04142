"""Execution environments: each is a sandbox that runs one copy of a function, one invocation at a time."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scones.cloud.core.endpoint_variables import PREFIXED_HOSTS
from scones.cloud.process.hosts_file import HOSTS, write_hosts
from scones.cloud.process.program_output import Output
from scones.cloud.process.sandbox import Program, Sandbox
from scones.cloud.process.untrusted_files import remove_tree
from scones.cloud.services.lambda_.runtime.log_stream import LogStream, WriteLog
from scones.cloud.services.lambda_.runtime.platform_log import InvocationMetrics, LogSettings, PlatformLog
from scones.cloud.services.lambda_.runtime.response_stream import ResponseStream
from scones.cloud.services.lambda_.runtime.runtime_api import (
    LOOPBACK,
    RESPONSE_LIMIT,
    HandlerResponse,
    InitError,
    Invocation,
    RuntimeApi,
    secret_host,
)

INIT_SECONDS = 10.0
"""Seconds that AWS allows for the initialisation before the function's own time limit begins."""
LIFETIME_SECONDS = 6 * 3600.0
"""Seconds for which an environment is used; its credentials last longer. AWS also replaces environments after some
hours."""
WATCH_SECONDS = 0.05
LOG_SECONDS = 0.5
"""Seconds between two writes of a running handler's output to the log."""
DRAIN_SECONDS = 2.0
"""Maximum seconds in which an invocation's output is logged before its report; the remaining output follows the
report."""
MB = 1_048_576

_EXITED, _OUT_OF_MEMORY, _TIMED_OUT = "Runtime.ExitError", "Runtime.OutOfMemory", "Sandbox.Timedout"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSettings:
    """The settings of an execution environment."""

    log: LogSettings
    timeout: float
    """Maximum seconds of one invocation."""
    allowed_mb: int
    """Memory limit in MB, above which it is killed: its memory size, or more if it borrows packages of this machine."""
    program: Callable[[str, str, Path], Program]
    """Returns the program, given the Runtime API's address, the log stream's name and the folder for /tmp."""
    spawn: Callable[[Program, Output], Awaitable[Sandbox]]
    """Starts the program."""
    scratch: Path
    """The folder in which private /tmp folders are created."""
    isolated: bool = False
    """True if files can be mounted for the program; its Runtime API then has a secret host."""


@dataclass(slots=True)
class InvocationResult:
    """The outcome of an invocation: `function_error` is None or "Unhandled", and `log` is the end of its log."""

    payload: bytes
    function_error: str | None = None
    status: str = "success"
    error_type: str = ""
    """The error's type, if the error ended the environment."""
    log: bytes = b""


@dataclass(frozen=True, slots=True)
class RuntimeExit:
    """The end of a runtime that did not respond: `status` is "error", with the error's type in `kind`, or "timeout".

    `reason` is the error's message. If the runtime could not start and reported its own error, that is `payload`.
    """

    status: str
    error_type: str
    reason: str = ""
    payload: bytes = b""


class ExecutionEnvironment:
    """A function's sandbox with its Runtime API; it is `alive` until it crashes, times out or is closed."""

    def __init__(self, setup: EnvironmentSettings, write: WriteLog) -> None:
        self.setup = setup
        self.alive = True
        self.idle_since = time.monotonic()
        self._created_at = time.monotonic()
        self._log = LogStream(setup.log.version, write)
        self._platform = PlatformLog(self._log, setup.log)
        self._api = RuntimeApi()
        self._sandbox: Sandbox | None = None
        self._ended: asyncio.Task[int] | None = None
        self._init_began_at = 0.0
        self._tmp = Path(tempfile.mkdtemp(dir=setup.scratch))
        self._hosts = self._tmp.with_suffix(".hosts")
        self._init_ms: float | None = None
        self._peak = 0
        self._exceeded = False
        self._measured = 0.0

    @property
    def usable(self) -> bool:
        """True if another invocation may run here."""
        running = self._ended is not None and not self._ended.done()
        return self.alive and running and time.monotonic() - self._created_at < LIFETIME_SECONDS

    async def wait_until_idle(self) -> bool:
        """Wait until the runtime asks for its next invocation or ends; return True if another invocation may run here.

        Waits for at most the function's time limit.
        """
        if not self._api.next_requested.done():
            await self._first(self._api.next_requested, self.setup.timeout)
        return self.usable

    async def start(self) -> None:
        """Start the runtime; the first invocation reports a failed initialisation."""
        own_hosts = self.setup.isolated and HOSTS.exists()
        host = secret_host() if own_hosts else LOOPBACK
        address = await self._api.start(host)
        self._init_began_at = time.perf_counter()
        self._platform.log_init_start()
        program = self.setup.program(address, self._log.name, self._tmp)
        if own_hosts:
            write_hosts(self._hosts, {host: LOOPBACK, **PREFIXED_HOSTS})
            program = replace(program, files={str(HOSTS): self._hosts})
        self._sandbox = await self.setup.spawn(program, self._log.output)
        self._ended = asyncio.get_running_loop().create_task(self._sandbox.wait())

    async def initialise(self) -> bool:
        """Wait until the runtime is ready for its first invocation; return False if it cannot start."""
        await self._first(self._api.ready, INIT_SECONDS)
        if not self._api.ready.done() or self._api.ready.exception() is not None:
            return False
        self._init_ms = (time.perf_counter() - self._init_began_at) * 1e3
        return True

    async def invoke(
        self,
        payload: bytes,
        request_id: str,
        function_arn: str,
        client_context: str | None = None,
        stream: ResponseStream | None = None,
    ) -> InvocationResult:
        """Run the handler once. A failure of the function does not raise; it is part of the outcome.

        A response that the runtime streams goes to `stream`, if one is given.
        """
        assert self._sandbox is not None
        watch = asyncio.get_running_loop().create_task(self._watch())
        first, begun = self._init_ms is None, self._init_began_at
        try:
            end: HandlerResponse | RuntimeExit
            if first and (ending := await self._initialise()) is not None:
                self._platform.log_init_failure((time.perf_counter() - begun) * 1e3, ending.status, ending.error_type)
                self._platform.log_start(request_id)
                end = ending
            else:
                self._platform.log_start(request_id)
                begun = time.perf_counter()
                deadline = time.time() + self.setup.timeout
                end = await self._run(Invocation(request_id, payload, deadline, function_arn, client_context, stream))
        finally:
            watch.cancel()
        milliseconds = (time.perf_counter() - begun) * 1e3
        await self._sandbox.drain(DRAIN_SECONDS)
        self._log.end_line()
        outcome = self._result_of(request_id, end)
        if time.monotonic() - self._measured > WATCH_SECONDS:  # measuring takes a tenth of a quick invocation's time
            await self._measure()
        self._report(request_id, milliseconds, self._init_ms if first else None, outcome)
        self._log.flush()
        outcome.log = self._log.take_tail()
        self.idle_since = time.monotonic()
        return outcome

    async def _initialise(self) -> RuntimeExit | None:
        """Wait until the runtime is ready and return None, or return why it is not ready.

        As on AWS, the initialisation may take 10 s plus the function's time limit.
        """
        ready = self._api.ready
        await self._first(ready, INIT_SECONDS + self.setup.timeout)
        if (
            await self._exceeds() or not ready.done() or ready.exception()
        ):  # memory may run out before the first check of `_watch`
            return await self._exit_reason()
        self._init_ms = (time.perf_counter() - self._init_began_at) * 1e3
        return None

    async def _run(self, invocation: Invocation) -> HandlerResponse | RuntimeExit:
        result = self._api.dispatch(invocation)
        await self._first(result, self.setup.timeout)
        if self._exceeded or not result.done():  # a kill takes a moment: the runtime may still have responded
            return await self._exit_reason()
        return result.result()

    async def _first(self, future: asyncio.Future[Any], seconds: float) -> None:  # the result is not used
        """Wait until a future is done or the runtime has ended, for at most `seconds`."""
        assert self._ended is not None
        await asyncio.wait({future, self._ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    def _result_of(self, request_id: str, end: HandlerResponse | RuntimeExit) -> InvocationResult:
        if isinstance(end, RuntimeExit):
            return self._failed(request_id, end)
        if len(end.payload) > RESPONSE_LIMIT:
            message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
            return InvocationResult(_error("Function.ResponseSizeTooLarge", message), "Unhandled", "error")
        if end.is_error:
            return InvocationResult(end.payload, "Unhandled", "error")
        return InvocationResult(end.payload)

    def _failed(self, request_id: str, ending: RuntimeExit) -> InvocationResult:
        payload = ending.payload or _error(
            ending.error_type or _TIMED_OUT, f"RequestId: {request_id} Error: {ending.reason}"
        )
        if ending.status == "timeout":
            self._platform.log_timeout(request_id, ending.reason)
        elif ending.reason:
            self._platform.log_exit(request_id, ending.reason, ending.error_type)
        return InvocationResult(payload, "Unhandled", ending.status, ending.error_type)

    async def _exit_reason(self) -> RuntimeExit:
        """Close the environment, and return why the runtime did not respond or why its response does not count."""
        assert self._ended is not None
        if self._exceeded:
            await self._ended
        self.close()
        ready = self._api.ready
        if ready.done() and isinstance(error := ready.exception(), InitError):
            return RuntimeExit("error", error.kind, payload=error.payload)
        if self._ended.done():
            return RuntimeExit("error", _OUT_OF_MEMORY if self._exceeded else _EXITED, _reason(self._ended.result()))
        return RuntimeExit("timeout", "", f"Task timed out after {self.setup.timeout:.2f} seconds")

    async def _watch(self) -> None:
        """Kill the function when it exceeds its memory limit; until then, write its output to the log regularly."""
        assert self._sandbox is not None
        logged = time.monotonic()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if await self._exceeds():
                return
            if time.monotonic() - logged > LOG_SECONDS:
                logged = time.monotonic()
                self._log.flush()

    async def _exceeds(self) -> bool:
        """Return True if the function exceeds, or has exceeded, its memory limit; kill it the first time it does."""
        assert self._sandbox is not None
        if not self._exceeded and await self._measure() > self.setup.allowed_mb * MB:
            self._exceeded = True
            self._sandbox.kill()
        return self._exceeded

    async def _measure(self) -> int:
        """Return the function's current memory in bytes."""
        assert self._sandbox is not None
        used = self._sandbox.memory()
        if used > self.setup.allowed_mb * MB:  # the exact measurement takes longer
            used = await asyncio.to_thread(self._sandbox.memory_shared_once)
        self._peak = max(self._peak, used)
        self._measured = time.monotonic()
        return used

    def _report(self, request_id: str, milliseconds: float, init_ms: float | None, outcome: InvocationResult) -> None:
        figures = InvocationMetrics(duration=milliseconds, init=init_ms, memory=math.ceil(self._peak / MB))
        self._platform.log_report(request_id, figures, outcome.status, outcome.error_type)

    def close(self) -> None:
        """End the sandbox with all its processes; a second call does nothing.

        The connections of its Runtime API stay open until then: a runtime that loses them would log a traceback.
        """
        if not self.alive:
            return
        self.alive = False
        self._api.stop_listening()
        if self._sandbox is not None:
            self._sandbox.kill()

    async def closed(self) -> None:
        """Close the environment, wait until its processes have ended, log the last lines, and remove its /tmp."""
        self.close()
        if self._ended is not None:
            await self._ended
        self._api.close()
        self._log.flush()
        self._hosts.unlink(missing_ok=True)
        await asyncio.to_thread(remove_tree, self._tmp)


_SIGNALS: dict[int, str] = {
    signal.SIGHUP: "hangup",
    signal.SIGINT: "interrupt",
    signal.SIGQUIT: "quit",
    signal.SIGILL: "illegal instruction",
    signal.SIGTRAP: "trace/breakpoint trap",
    signal.SIGABRT: "aborted",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGKILL: "killed",
    signal.SIGUSR1: "user defined signal 1",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGUSR2: "user defined signal 2",
    signal.SIGPIPE: "broken pipe",
    signal.SIGALRM: "alarm clock",
    signal.SIGTERM: "terminated",
}
"""Names of signals in Go, the language of AWS's runtime supervisor."""


def _reason(status: int) -> str:
    if not status:
        return "Runtime exited without providing a reason"
    how = f"exit status {status}" if status > 0 else f"signal: {_SIGNALS.get(-status, f'signal {-status}')}"
    return f"Runtime exited with error: {how}"


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
