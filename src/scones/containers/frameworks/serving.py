"""The container program of a framework image on an endpoint: a script's handlers answer /ping and /invocations."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
from pathlib import Path

from scones.containers.contract import DEFAULT_MAX_WORKERS, Container, Reply, ServerSettings
from scones.containers.frameworks import provided
from scones.containers.frameworks import source_code as source
from scones.containers.frameworks.errors import ScriptError
from scones.containers.frameworks.framework import Framework
from scones.containers.frameworks.workers import WorkerFailedError, WorkerPool
from scones.containers.model_server import ModelServer
from scones.http.asgi import Receive

log = logging.getLogger("model-server")
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
        if not framework.handlers:
            raise ScriptError(
                f"The local cloud supports the {framework.name} image for training only, not for hosting."
            )
        if missing := framework.missing():
            if code is None:
                raise ScriptError(missing)
            log.warning("%s", missing)  # the script may not need it
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
        ModelServer(ScriptInference(workers)),
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


class ScriptInference:
    """The answers of a script's handlers; /ping answers 200 once a worker has loaded the model."""

    def __init__(self, workers: WorkerPool) -> None:
        self._workers = workers

    async def ping(self) -> Reply:
        """Answer a health check."""
        return Reply(200 if self._workers.ready.is_set() else 503, "", b"")

    async def invoke(self, headers: dict[str, str], receive: Receive) -> Reply:
        """Let a worker answer a request."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await _read(receive)
            return await self._workers.handle(headers, body)
        except WorkerFailedError as error:
            return Reply(500, "text/plain", f"{error}\n".encode())
        except TimeoutError:
            return Reply(408, "text/plain", b"the body did not arrive in time")
        except _BodyTooLargeError:
            return Reply(413, "text/plain", f"the body is larger than {BODY_LIMIT} bytes".encode())


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
