"""The HTTP side of SageMaker's container contract: GET /ping and POST /invocations."""

from __future__ import annotations

from typing import Protocol

from scones.containers.contract import Reply
from scones.http import server_token
from scones.http.asgi import Message, Receive, Send

_FORBIDDEN = Reply(403, "text/plain", b"this server accepts requests only from its own cloud")
_NOT_FOUND = Reply(404, "text/plain", b"only GET /ping and POST /invocations are here")


class DisconnectedError(Exception):
    """The client disconnected before its request was complete, so there is no response to send."""


class Inference(Protocol):
    """The interface of a model server's program: one method for each request that a container must answer."""

    async def ping(self) -> Reply:
        """Answer a health check: 200 if the program can answer invocations."""

    async def invoke(self, headers: dict[str, str], receive: Receive) -> Reply:
        """Answer an invocation; `headers` have lower-case names. Raises `DisconnectedError`."""


class ModelServer:
    """The ASGI application of a model server; it admits only the cloud that started it."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._token = server_token.server_token()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            reply = await self._answer(scope, receive)
        except DisconnectedError:
            return
        headers = [(b"content-length", str(len(reply.body)).encode())]
        if reply.content_type:
            headers.append((b"content-type", reply.content_type.encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _answer(self, scope: Message, receive: Receive) -> Reply:
        if not server_token.has_token(scope["headers"], self._token):
            return _FORBIDDEN
        match (scope["method"], scope["path"]):
            case ("GET", "/ping"):
                return await self._inference.ping()
            case ("POST", "/invocations"):
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
                return await self._inference.invoke(headers, receive)
            case _:
                return _NOT_FOUND
