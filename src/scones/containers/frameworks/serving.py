"""The container program of a framework image on an endpoint: a script's handlers answer /ping and /invocations."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from scones.containers.contract import DEFAULT_MAX_WORKERS, Container, ServerSettings
from scones.containers.frameworks import provided
from scones.containers.frameworks import source_code as source
from scones.containers.frameworks.errors import ScriptError
from scones.containers.frameworks.framework import Framework
from scones.containers.frameworks.workers import WorkerFailedError, WorkerPool
from scones.http import server_token

log = logging.getLogger("model-server")
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
BODY_LIMIT = 1 << 30
"""Maximum bytes of a request body. The cloud enforces AWS's limit for endpoints; a transform job may allow any size."""
READ_SECONDS = 60.0
"""Seconds within which a body must arrive."""


def serve(framework: Framework) -> int:
    """Serve until SIGTERM; return the exit status. The log explains a failure to start."""
    logging.basicConfig(format="%(asctime)s %(name)-12s %(levelname)-8s %(message)s", level=logging.INFO)
    container = Container.here()
    provided.add_to_import_path(*framework.provided)
    try:
        code = _code(container)
        if code is not None:
            source.install(code)
        if missing := framework.missing():
            log.warning("%s", missing)  # the script may not need it
        if not framework.handlers:
            raise ScriptError(
                f"The local cloud supports the {framework.name} image for training only, not for hosting."
            )
    except ScriptError as error:
        log.error("%s", error)
        return 1
    scripted = code is not None or not framework.algorithm
    return asyncio.run(_serve(framework.handlers if scripted else framework.algorithm, str(code or "")))


def _code(container: Container) -> Path | None:
    """Return the folder of the inference script, downloaded from S3 or inside the model; None if there is none."""
    given = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    inside = container.model / "code"
    if given.startswith("s3://") or given.endswith(".tar.gz"):
        source.fetch(given, container.code)
        return container.code
    if inside.is_dir():
        return inside
    return Path(given) if given and Path(given).is_dir() else None


async def _serve(handlers: str, code: str) -> int:
    os.environ.setdefault("SM_MODEL_DIR", str(Container.here().model))
    settings = ServerSettings.here()
    workers = WorkerPool(
        handlers,
        code,
        first=1 if settings.workers is None else settings.workers,
        limit=DEFAULT_MAX_WORKERS if settings.workers is None else settings.workers,
        timeout=float(os.environ.get("SAGEMAKER_MODEL_SERVER_TIMEOUT") or 60),
    )
    loading = asyncio.create_task(workers.start())
    uvicorn = await asyncio.to_thread(importlib.import_module, "uvicorn")  # while the worker imports its framework
    config = uvicorn.Config(
        Application(workers),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        http="scones.http.connection:HttpConnection",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=30,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await asyncio.wait({loading, serving}, return_when=asyncio.FIRST_COMPLETED)
    if loading.done() and (error := loading.exception()) is not None:
        log.error("the model could not be loaded: %s", error)
        server.should_exit = True
        await serving
        return 1
    await serving
    return 0


class Application:
    """The ASGI application; /ping answers 200 once a worker has loaded the model."""

    def __init__(self, workers: WorkerPool) -> None:
        self._workers = workers
        self._token = server_token.server_token()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if not server_token.has_token(scope["headers"], self._token):
            await _respond(send, 403, b"this server answers its own cloud alone", "text/plain")
            return
        match (scope["method"], scope["path"]):
            case ("GET", "/ping"):
                await _respond(send, 200 if self._workers.ready.is_set() else 503, b"")
            case ("POST", "/invocations"):
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
                try:
                    async with asyncio.timeout(READ_SECONDS):
                        body = await _read(receive)
                    reply = await self._workers.handle(headers, body)
                except WorkerFailedError as error:
                    await _respond(send, 500, f"{error}\n".encode(), "text/plain")
                except TimeoutError:
                    await _respond(send, 408, b"the body did not arrive in time", "text/plain")
                except _BodyTooLargeError:
                    await _respond(send, 413, f"the body is larger than {BODY_LIMIT} bytes".encode(), "text/plain")
                else:
                    await _respond(send, reply.status, reply.body, reply.content_type)
            case _:
                await _respond(send, 404, b"only GET /ping and POST /invocations are here", "text/plain")


class _BodyTooLargeError(Exception):
    pass


async def _read(receive: Receive) -> bytes:
    content = bytearray()
    more = True
    while more:
        message = await receive()
        content += message.get("body", b"")
        if len(content) > BODY_LIMIT:
            raise _BodyTooLargeError
        more = message.get("more_body", False)
    return bytes(content)


async def _respond(send: Send, status: int, body: bytes, content_type: str | None = None) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    if content_type:
        headers.append((b"content-type", content_type.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
