"""The model server under SageMaker's hosting contract: GET /ping and POST /invocations.

Each request is one image (image/png, image/jpeg, application/x-image). The response is the probabilities as a JSON
array, as the built-in algorithm returns them, or `{"prediction": […]}` for Accept: application/jsonlines. Loads
onnxruntime and no PyTorch.

It runs one process for each core, at most four, or as many as SAGEMAKER_MODEL_SERVER_WORKERS says: two processes
answered a fifth more requests than one process with two threads. They accept from one socket, which their supervisor
keeps open, so that a request waits for a restarted worker when all workers have died, instead of being refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import uvicorn

from scones.containers.contract import CORES, DEFAULT_MAX_WORKERS, Container, Reply, ServerSettings
from scones.containers.image_classification.inference import CONTENT_TYPES, OnnxModel, RequestError
from scones.containers.image_classification.supervisor import Supervisor, SupervisorLink
from scones.containers.model_server import DisconnectedError, ModelServer
from scones.http.asgi import Message, Receive
from scones.http.connection import HttpConnection

BODY_LIMIT = 6_291_456
"""Maximum bytes of a request body, as for real-time inference on AWS."""
PENDING_LIMIT = 128
"""Requests of a worker that are read completely and not yet answered; one more is refused with 503 at once."""
SMALL_BODY = 256 << 10
"""Bytes up to which a body is always accepted."""
BODIES_LIMIT = 64 << 20
"""Maximum bytes of all request bodies of a worker together; a larger body that does not fit is refused with 503."""
READ_SECONDS = 60.0
"""Seconds within which a body must arrive; AWS's front end waits no longer for an entire invocation."""
YIELD_SECONDS = 0.001
"""Seconds for which a worker leaves a connection to workers with fewer connections."""
MAX_YIELDS = 10
"""Maximum number of consecutive pauses; on a busy machine, the other workers may not run for some milliseconds."""
ACCEPT_AGAIN = 1.0
"""Seconds before a worker that has reached the limit of open files accepts again."""


class BodyMemory:
    """Counts the memory of a worker's request bodies that are being read or wait for inference."""

    def __init__(self) -> None:
        self._taken = 0

    @contextlib.asynccontextmanager
    async def read(self, message: Message, receive: Receive) -> AsyncIterator[bytes]:
        """Read a body, given its first message; its memory is accounted for until the block ends.

        Raises `RequestError` or `DisconnectedError`.
        """
        content = bytearray()
        try:
            async with asyncio.timeout(READ_SECONDS):
                await self._fill(content, message, receive)
            yield bytes(content)
        except TimeoutError as error:
            raise RequestError(408, f"the body did not arrive within {READ_SECONDS:g} s") from error
        finally:
            self._taken -= len(content)

    async def _fill(self, content: bytearray, message: Message, receive: Receive) -> None:
        while True:
            if message["type"] == "http.disconnect":
                raise DisconnectedError
            chunk = message.get("body", b"")
            content += chunk
            self._taken += len(chunk)
            if len(content) > BODY_LIMIT:
                raise RequestError(413, f"the body is larger than {BODY_LIMIT} bytes")
            if self._taken > BODIES_LIMIT and len(content) > SMALL_BODY:
                raise RequestError(503, "the memory for large requests is full; try again later")
            if not message.get("more_body", False):
                return
            message = await receive()


class ImageInference:
    """The model's answers; slow work runs on threads, because decoding and inference release the interpreter lock."""

    def __init__(self, model: OnnxModel, threads: int) -> None:
        self._model = model
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="inference")
        self._bodies = BodyMemory()
        self._pending = 0

    async def ping(self) -> Reply:
        """Answer 200 only after an inference, without waiting in the request queue: a full queue is healthy too."""
        try:
            await asyncio.to_thread(self._model.check)
        except Exception as error:
            print(f"unhealthy: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the endpoint's log
            return Reply(500, "text/plain", str(error).encode())
        return Reply(200, "", b"")

    async def invoke(self, headers: dict[str, str], receive: Receive) -> Reply:
        """Classify the image in a request."""
        try:
            probabilities = await self._classify_body(headers.get("content-type", ""), receive)
        except RequestError as error:
            print(f"{error.status} {error}", file=sys.stderr, flush=True)  # noqa: T201 - the endpoint's log
            return Reply(error.status, "text/plain", str(error).encode())
        if headers.get("accept", "").partition(";")[0].strip() == "application/jsonlines":
            lines = json.dumps({"prediction": probabilities}).encode() + b"\n"
            return Reply(200, "application/jsonlines", lines)
        return Reply(200, "application/json", json.dumps(probabilities).encode())

    async def _classify_body(self, content_type: str, receive: Receive) -> list[float]:
        kind = content_type.partition(";")[0].strip().lower()
        if kind not in CONTENT_TYPES:
            raise RequestError(415, f"content type {kind or 'none'} is not one of {', '.join(sorted(CONTENT_TYPES))}")
        message = await receive()
        if message.get("more_body", True) or len(message["body"]) > SMALL_BODY:
            async with self._bodies.read(message, receive) as content:
                return await self._classify(content)
        return await self._classify(message["body"])  # it is complete, and small

    async def _classify(self, content: bytes) -> list[float]:
        """Classify an image, on a thread if it takes long.

        Only completely read requests count as pending, so slow senders do not use up the limit.
        """
        if (found := self._model.classify_if_fast(content)) is not None:
            return found
        if self._pending >= PENDING_LIMIT:
            raise RequestError(503, f"{PENDING_LIMIT} requests are already waiting; try again later")
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._model.classify, content)
        finally:
            self._pending -= 1


def main() -> None:
    """Serve until SIGTERM, then finish pending requests. Exits with status 1 if the model cannot be loaded."""
    settings = ServerSettings.here()
    count = settings.workers or DEFAULT_MAX_WORKERS
    listener = socket.create_server((settings.host, settings.port))
    print(f"serving on {settings.host}:{settings.port} with {count} workers", flush=True)  # noqa: T201 - the endpoint's log
    sys.exit(Supervisor(count, partial(_work, listener, max(1, CORES // count))).run())


def _work(listener: socket.socket, threads: int, parent: SupervisorLink) -> None:
    """Load the model and answer requests from a socket that other workers accept from too."""
    application = ModelServer(ImageInference(OnnxModel(Container.here().model), threads))
    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        http=HttpConnection,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=30,
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(_Server(config, listener, parent), parent))


class _Server(uvicorn.Server):
    """A uvicorn server on a shared socket that accepts one connection at a time, so that each worker gets its share.

    The event loop's own servers accept all waiting connections: one worker could have every client and another none.
    """

    def __init__(self, config: uvicorn.Config, listener: socket.socket, parent: SupervisorLink) -> None:
        super().__init__(config)
        self._listener = listener
        self._parent = parent
        self._accepting: set[asyncio.Task[Any]] = set()
        self._yields = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - it has its own socket
        await super().startup([])
        self._listener.setblocking(False)
        self._listen()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        asyncio.get_running_loop().remove_reader(self._listener)
        await super().shutdown([])

    async def on_tick(self, counter: int) -> bool:
        self._parent.report_load(self._load)
        return await super().on_tick(counter)

    @property
    def _load(self) -> int:
        return len(self.server_state.connections) + len(self._accepting)

    def _listen(self) -> None:
        if not self.should_exit:
            asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _pause(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener)
        loop.call_later(seconds, self._listen)

    def _accept(self) -> None:
        """Accept a connection, unless another worker has fewer: then pause briefly, so that it can accept first."""
        if self._yields < MAX_YIELDS and self._load > self._parent.least_load():
            self._yields += 1
            self._pause(YIELD_SECONDS)
            return
        self._yields = 0
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another worker was faster, or the client disconnected
            return
        except OSError:  # the limit of open files is reached
            self._pause(ACCEPT_AGAIN)
            return
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)
        self._parent.report_load(self._load)

    def _protocol(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = kind(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol


async def _serve(server: _Server, parent: SupervisorLink) -> None:
    def end() -> None:  # the supervisor has ended and cannot end this worker
        loop.remove_reader(parent.lifeline)
        server.should_exit = True

    loop = asyncio.get_running_loop()
    loop.add_reader(parent.lifeline, end)
    parent.report_ready()
    await server.serve()
