"""Load on an HTTP server: closed loops of clients that wait for each response, and arrivals at a fixed rate.

One event loop with raw connections and httptools' parser needs about 30 µs of CPU per request, a small part of any
measured server's time. The first 200 ms are not counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import httptools
import uvloop

from benchmarks.figures import percentile

WARM_UP = 0.2
STALLED = 20.0
"""Maximum seconds to wait for outstanding responses after the end."""
MOST_CONNECTIONS = 128

Request = Callable[[], bytes]
"""Function that builds the next request's bytes; each request needs a new signature."""


@dataclass(slots=True)
class Answers:
    """The responses: latencies and end times in seconds, and the number of errors."""

    begun: float
    times: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    errors: int = 0

    def add(self, due: float, status: int) -> None:
        """Count a response, unless its request was due during the warm-up."""
        now = time.perf_counter()
        if due < self.begun + WARM_UP:
            return
        if status == 200:
            self.times.append(now - due)
            self.ended.append(now)
        else:
            self.errors += 1

    def figures(self) -> dict[str, float]:
        """Return requests per second, latencies in milliseconds and errors."""
        assert self.times, f"no request was answered, {self.errors} failed"
        milliseconds = [1e3 * value for value in self.times]
        seconds = max(self.ended) - (self.begun + WARM_UP)
        return {
            "requests": len(self.times) / seconds,
            "p50": percentile(milliseconds, 50),
            "p95": percentile(milliseconds, 95),
            "p99": percentile(milliseconds, 99),
            "errors": float(self.errors),
        }


class Connection(asyncio.Protocol):
    """A connection with one request at a time. It passes the status to `on_answer`, 0 if the connection was lost."""

    def __init__(self, on_answer: Callable[[Connection, int], None]) -> None:
        self._on_answer = on_answer
        self._parser: Any = None
        self._transport: Any = None
        self._kept = True
        self.due = 0.0
        self.waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = transport

    def ask(self, request: bytes, due: float) -> None:
        """Send a request that was due at a moment."""
        self.due, self.waiting = due, True
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls `on_message_complete`."""
        if self._parser is not None:
            self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Report the complete response."""
        self.waiting = False
        self._kept = self._parser.should_keep_alive()
        self._on_answer(self, self._parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Report that the response was lost."""
        if self.waiting:
            self.waiting = False
            self._on_answer(self, 0)

    @property
    def usable(self) -> bool:
        """True if the connection can be reused: it is open, and the last response did not announce its end."""
        return self._kept and not self._transport.is_closing()

    def close(self) -> None:
        """Close the connection without a report."""
        self.waiting = False
        self._transport.close()


async def _connect(port: int, on_answer: Callable[[Connection, int], None]) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(on_answer), "127.0.0.1", port)
    return connection


async def _closed(port: int, request: Request, clients: int, seconds: float) -> Answers:
    answers = Answers(time.perf_counter())
    end = answers.begun + WARM_UP + seconds

    async def client() -> None:
        arrived: asyncio.Queue[int] = asyncio.Queue()

        def on_answer(connection: Connection, status: int) -> None:
            answers.add(connection.due, status)
            now = time.perf_counter()
            if now < end and connection.usable:
                connection.ask(request(), now)
            else:
                arrived.put_nowait(status)

        while time.perf_counter() < end:
            connection = await _connect(port, on_answer)
            connection.ask(request(), time.perf_counter())
            await arrived.get()
            connection.close()

    await asyncio.wait_for(asyncio.gather(*(client() for _ in range(clients))), seconds + STALLED)
    return answers


async def _open(port: int, request: Request, rate: float, seconds: float) -> Answers:
    """Send requests at regular times, regardless of outstanding responses; latency counts from the due time."""
    idle: deque[Connection] = deque()
    late: deque[float] = deque()
    open_now = 0
    loop = asyncio.get_running_loop()
    answers = Answers(time.perf_counter())
    unanswered, count, all_answered = 0, round(rate * (WARM_UP + seconds)), asyncio.Event()

    pending: set[asyncio.Task[None]] = set()

    async def connect(due: float) -> None:
        (await _connect(port, on_answer)).ask(request(), due)

    def on_answer(connection: Connection, status: int) -> None:
        nonlocal unanswered, open_now
        unanswered -= 1
        if not unanswered:
            all_answered.set()
        answers.add(connection.due, status)
        if not connection.usable:
            connection.close()
            open_now -= 1
        elif late:
            connection.ask(request(), late.popleft())
        else:
            idle.append(connection)
        while late and open_now < MOST_CONNECTIONS:
            open_now += 1
            pending.add(loop.create_task(connect(late.popleft())))

    for index in range(count):
        due = answers.begun + index / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        unanswered += 1
        all_answered.clear()
        while idle and not idle[-1].usable:
            idle.pop()
            open_now -= 1
        if idle:
            idle.pop().ask(request(), due)
        elif open_now < MOST_CONNECTIONS:
            open_now += 1
            pending.add(loop.create_task(connect(due)))
        else:
            late.append(due)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(all_answered.wait(), STALLED)
    await asyncio.gather(*pending)
    answers.errors += unanswered
    for connection in idle:
        connection.close()
    return answers


def closed(port: int, request: Request, clients: int, seconds: float) -> dict[str, float]:
    """Return the figures of `clients` clients that each wait for a response before the next request."""
    return _run(_closed(port, request, clients, seconds)).figures()


def arrivals(port: int, request: Request, rate: float, seconds: float) -> dict[str, float]:
    """Return the figures of requests that arrive at a constant rate."""
    return _run(_open(port, request, rate, seconds)).figures()


def _run(work: Coroutine[Any, Any, Answers]) -> Answers:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
