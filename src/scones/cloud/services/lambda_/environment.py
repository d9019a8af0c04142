"""One execution environment: a sandbox in which one copy of a function runs, one invocation at a time."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scones.cloud.sandbox import Program, Sandbox, spawn
from scones.cloud.services.lambda_.runtime_api import InitError, Invocation, Result, RuntimeApi

log = logging.getLogger(__name__)

INIT_SECONDS = 10.0
"""How long AWS lets a function initialise before its own time limit begins to run."""
WATCH_SECONDS = 0.05
MB = 1_048_576
RESPONSE_LIMIT = 6_291_556
"""Bytes of a response, as AWS states them in its error."""

Write = Callable[[list[tuple[int, str]]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an execution environment is made for."""

    function_arn: str
    version: str
    handler: str
    timeout: float
    """Seconds for one invocation."""
    memory_mb: int
    variables: Mapping[str, str]
    """The environment of the handler, but for what differs from one execution environment to the next."""
    code: Path
    layers: Path | None
    hidden: tuple[Path, ...]
    scratch: Path
    """The folder below which private /tmp folders are made."""


@dataclass(slots=True)
class Outcome:
    """How an invocation ended: the payload, whose fault it was (None, "Unhandled"), and its part of the log."""

    payload: bytes
    function_error: str | None = None
    log: str = ""


@dataclass(slots=True)
class _Record:
    """What the log gets of one invocation."""

    request_id: str
    begun: float = field(default_factory=time.perf_counter)
    init_ms: float | None = None
    lines: list[tuple[int, str]] = field(default_factory=list)


class ExecutionEnvironment:
    """A function's sandbox with its Runtime API; `alive` until it crashed, timed out or was closed."""

    def __init__(self, setup: Setup, write: Write) -> None:
        self.setup = setup
        self.alive = True
        self.log_stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{setup.version}]{uuid.uuid4().hex}"
        self.idle_since = time.monotonic()
        self._write = write
        self._api = RuntimeApi()
        self._sandbox: Sandbox | None = None
        self._ended: asyncio.Task[int] | None = None
        self._begun = 0.0
        self._tmp = Path(tempfile.mkdtemp(dir=setup.scratch))
        self._record: _Record | None = None
        self._partial = b""
        self._init_ms: float | None = None
        self._init_lines: list[tuple[int, str]] = []
        self._peak = 0

    @property
    def running(self) -> bool:
        """Whether the runtime's process has not ended."""
        return self._ended is not None and not self._ended.done()

    async def start(self) -> None:
        """Start the runtime; whether it came up shows at the first invocation."""
        address = await self._api.start()
        self._begun = time.perf_counter()
        program = Program(
            argv=[sys.executable, "-m", "awslambdaric", self.setup.handler],
            env={
                **self.setup.variables,
                "AWS_LAMBDA_RUNTIME_API": address,
                "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream,
            },
            cwd="/var/task",
            mounts={
                "/tmp": self._tmp,  # noqa: S108 - the handler's own
                "/var/task": self.setup.code,
                **({"/opt": self.setup.layers} if self.setup.layers else {}),
            },
            read_only=frozenset({"/var/task", "/opt"}),
            hidden=self.setup.hidden,
            limits={"RLIMIT_CORE": 0, "RLIMIT_NOFILE": 1024},
        )
        self._sandbox = await spawn(program, self._on_output)
        self._ended = asyncio.get_running_loop().create_task(self._sandbox.wait())

    async def invoke(self, payload: bytes, request_id: str, client_context: str | None = None) -> Outcome:
        """Run the handler once. Never raises for what the function does: that is the outcome."""
        assert self._sandbox is not None
        record = self._record = _Record(request_id)
        record.lines += self._init_lines
        self._init_lines = []
        self._line(f"START RequestId: {record.request_id} Version: {self.setup.version}")
        watch = asyncio.get_running_loop().create_task(self._watch())
        try:
            outcome = await self._run(record, payload, client_context)
        finally:
            watch.cancel()
        self._sandbox.drain()
        self._flush_partial()
        self._report(record, outcome)
        self._write(record.lines)
        outcome.log = "".join(line + "\n" for _, line in record.lines)
        self._record = None
        self.idle_since = time.monotonic()
        return outcome

    async def _run(self, record: _Record, payload: bytes, client_context: str | None) -> Outcome:
        assert self._ended is not None
        try:
            await self._initialised(record)
        except InitError as error:
            self.close()
            document = json.loads(error.payload) | {"requestId": record.request_id}
            return Outcome(json.dumps(document).encode(), "Unhandled")
        except TimeoutError:
            return self._timed_out(record)
        if self._ended.done():
            return self._exited(record, self._ended.result())
        deadline = time.time() + self.setup.timeout
        result = self._api.hand_out(
            Invocation(record.request_id, payload, deadline, self.setup.function_arn, client_context)
        )
        await self._first(result, self.setup.timeout)
        if result.done():
            return self._answered(result.result())
        return self._exited(record, self._ended.result()) if self._ended.done() else self._timed_out(record)

    async def _first(self, future: asyncio.Future[Any], seconds: float) -> None:
        """Wait until a future or the runtime has ended, at most so long."""
        assert self._ended is not None
        await asyncio.wait({future, self._ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    async def _initialised(self, record: _Record) -> None:
        """Wait until the runtime is ready. AWS lets it take 10 s, and then what the function's time limit allows."""
        if self._init_ms is None:
            limit = INIT_SECONDS + self.setup.timeout
            ready = self._api.ready
            await self._first(ready, limit)
            self._init_ms = record.init_ms = (time.perf_counter() - self._begun) * 1e3
            record.begun = time.perf_counter()
            if not ready.done() and self.running:
                raise TimeoutError
        if self._api.ready.done():
            self._api.ready.result()

    def _answered(self, result: Result) -> Outcome:
        if result.is_error:
            return Outcome(result.payload, "Unhandled")
        if len(result.payload) > RESPONSE_LIMIT:
            size = f"Response payload size ({len(result.payload)} bytes)"
            message = f"{size} exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
            return Outcome(_error("Function.ResponseSizeTooLarge", message), "Unhandled")
        return Outcome(result.payload)

    def _timed_out(self, record: _Record) -> Outcome:
        self.close()
        message = f"Task timed out after {self.setup.timeout:.2f} seconds"
        self._line(f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}.000Z {record.request_id} {message}")
        return Outcome(_error("Sandbox.Timedout", f"RequestId: {record.request_id} Error: {message}"), "Unhandled")

    def _exited(self, record: _Record, status: int) -> Outcome:
        self.close()
        reason = "Runtime exited without providing a reason"
        if status < 0:
            reason = f"Runtime exited with error: signal: {_SIGNALS.get(-status, str(-status))}"
        elif status:
            reason = f"Runtime exited with error: exit status {status}"
        kind = "Runtime.OutOfMemory" if self._peak > self.setup.memory_mb * MB else "Runtime.ExitError"
        self._line(f"RequestId: {record.request_id} Error: {reason}")
        self._line(kind)
        return Outcome(_error(kind, f"RequestId: {record.request_id} Error: {reason}"), "Unhandled")

    async def _watch(self) -> None:
        """Kill the function when it has more memory than it was given."""
        assert self._sandbox is not None
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            used = self._sandbox.memory()
            self._peak = max(self._peak, used)
            if used > self.setup.memory_mb * MB:
                self._sandbox.kill()
                return

    def _report(self, record: _Record, outcome: Outcome) -> None:
        assert self._sandbox is not None
        milliseconds = (time.perf_counter() - record.begun) * 1e3
        self._peak = max(self._peak, self._sandbox.memory())
        self._line(f"END RequestId: {record.request_id}")
        parts = [
            f"REPORT RequestId: {record.request_id}",
            f"Duration: {milliseconds:.2f} ms",
            f"Billed Duration: {math.ceil(milliseconds + (record.init_ms or 0))} ms",
            f"Memory Size: {self.setup.memory_mb} MB",
            f"Max Memory Used: {min(math.ceil(self._peak / MB), self.setup.memory_mb)} MB",
        ]
        if record.init_ms is not None:
            parts.append(f"Init Duration: {record.init_ms:.2f} ms")
        if outcome.function_error and not self.alive:
            parts.append("Status: timeout" if b"timed out" in outcome.payload else "Status: error")
        self._line("\t".join([*parts, ""]))

    def _on_output(self, chunk: bytes) -> None:
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        for line in lines:  # the runtime client parts the lines of one message by carriage returns
            self._line(line.decode(errors="replace").replace("\r", "\n"))

    def _flush_partial(self) -> None:
        if self._partial:
            self._line(self._partial.decode(errors="replace"))
            self._partial = b""

    def _line(self, text: str) -> None:
        entry = (time.time_ns() // 1_000_000, text)
        (self._record.lines if self._record is not None else self._init_lines).append(entry)

    def close(self) -> None:
        """End the sandbox with everything in it; a second call does nothing."""
        if not self.alive:
            return
        self.alive = False
        self._api.close()
        if self._sandbox is not None:
            self._sandbox.kill()

    async def closed(self) -> None:
        """Wait until everything is gone, and remove the private /tmp."""
        self.close()
        if self._ended is not None:
            await self._ended
        await asyncio.to_thread(shutil.rmtree, self._tmp, ignore_errors=True)


_SIGNALS: dict[int, str] = {signal.SIGKILL: "killed", signal.SIGSEGV: "segmentation fault", signal.SIGABRT: "aborted"}


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
