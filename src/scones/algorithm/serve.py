"""The model server under SageMaker's hosting contract: GET /ping and POST /invocations.

One picture a request (image/png, image/jpeg, application/x-image); the answer is the probabilities as a JSON array, as
the built-in algorithm gives them, or `{"prediction": […]}` for Accept: application/jsonlines. Loads onnxruntime and no
PyTorch.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import uvicorn
from PIL import Image, UnidentifiedImageError

from scones.algorithm.container import Container
from scones.algorithm.pictures import to_rgb

CONTENT_TYPES = {"image/png", "image/jpeg", "application/x-image"}
BODY_LIMIT = 6_291_456
"""Bytes of a request, as real-time inference allows."""
PIXEL_LIMIT = 64_000_000
"""Pixels of a picture: what decodes to more is refused before it is decoded."""
WORKERS = 2
PENDING_LIMIT = 128
"""Requests read whole and not yet answered; one more is refused with 503 at once."""

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]


class RequestError(Exception):
    """A request that cannot be answered, with the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class DisconnectedError(Exception):
    """The client went away before its request was whole: nobody is left to answer."""


class Model:
    """The ONNX model, and pictures turned into what it takes."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # two threads were slower than one, and requests come side by side
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        _, self._height, self._width, _ = self._session.get_inputs()[0].shape
        self.classify(_blank(self._width, self._height))

    def classify(self, content: bytes) -> list[float]:
        """Return the probability of each class for one encoded picture; raises `RequestError`."""
        try:
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as opened:
                if opened.width * opened.height > PIXEL_LIMIT:
                    raise RequestError(400, "unable to evaluate payload provided: the picture has too many pixels")
                picture = to_rgb(opened).resize((self._width, self._height), Image.Resampling.BILINEAR)
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise RequestError(400, "unable to evaluate payload provided") from error
        (answers,) = self._session.run(None, {"pictures": np.asarray(picture)[None]})
        probabilities: list[float] = answers[0].astype(np.float64).tolist()
        return probabilities


class Application:
    """The ASGI application; decoding and inference run on threads, for both release the interpreter."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="inference")
        self._pending = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        match (scope["method"], scope["path"]):
            case ("GET", "/ping"):
                await _answer(send, 200, b"")
            case ("POST", "/invocations"):
                await self._invoke(scope, receive, send)
            case _:
                await _answer(send, 404, b"only GET /ping and POST /invocations are here", "text/plain")

    async def _invoke(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind not in CONTENT_TYPES:
                raise RequestError(
                    415, f"content type {kind or 'none'} is not one of {', '.join(sorted(CONTENT_TYPES))}"
                )
            content = await _read(receive)
            found = await self._classify(content)
        except DisconnectedError:
            return
        except RequestError as error:
            print(f"{error.status} {error}", file=sys.stderr, flush=True)  # noqa: T201 - the endpoint's log
            await _answer(send, error.status, str(error).encode(), "text/plain")
            return
        if headers.get("accept", "").partition(";")[0].strip() == "application/jsonlines":
            await _answer(send, 200, json.dumps({"prediction": found}).encode() + b"\n", "application/jsonlines")
        else:
            await _answer(send, 200, json.dumps(found).encode(), "application/json")

    async def _classify(self, content: bytes) -> list[float]:
        """Classify on a thread. What is counted has been read whole, so slow senders take no place of others."""
        if self._pending >= PENDING_LIMIT:
            raise RequestError(503, f"{PENDING_LIMIT} requests wait already; try again later")
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._model.classify, content)
        finally:
            self._pending -= 1


async def _read(receive: Receive) -> bytes:
    content = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        content += message.get("body", b"")
        if len(content) > BODY_LIMIT:
            raise RequestError(413, f"the body is larger than {BODY_LIMIT} bytes")
        more = message.get("more_body", False)
    return bytes(content)


async def _answer(send: Send, status: int, body: bytes, content_type: str | None = None) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    if content_type:
        headers.append((b"content-type", content_type.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _blank(width: int, height: int) -> bytes:
    """Return an empty picture, to run everything once before the first request."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def main() -> None:
    """Load the model and serve until SIGTERM; requests under way are answered first."""
    application = Application(Model(Container.here().model))
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    host = os.environ.get("SCONES_BIND_TO_HOST", "127.0.0.1")
    print(f"serving on {host}:{port}", flush=True)  # noqa: T201 - the endpoint's log
    uvicorn.run(
        application, host=host, port=port, log_level="warning", access_log=False, lifespan="off", ws="none",
        http="httptools", server_header=False, timeout_keep_alive=75, timeout_graceful_shutdown=30,
    )  # fmt: skip
