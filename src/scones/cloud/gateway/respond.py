"""Last stage: the serialization of output members or of an error, and the sending of the response."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import partial

from botocore.model import OperationModel, ServiceModel

from scones.cloud.core.body_threads import on_body_thread
from scones.cloud.errors import DiskFullError, ServiceError, is_disk_full
from scones.cloud.service import OperationOutput
from scones.cloud.wire.members import Members
from scones.cloud.wire.response import Response, ResponseAborted
from scones.cloud.wire.serialize import LARGE_RESPONSE, serialize, serialize_error, size_of
from scones.cloud.wire.signatures.errors import protocol_error
from scones.http.asgi import Send

log = logging.getLogger(__name__)

UNSENT_LIMIT = 256 << 20
"""Maximum total size in bytes of unread large responses; a further one is rejected before it is serialized."""


_NAMES = {
    name.lower(): name.encode()
    for name in (
        "Accept-Ranges",
        "Access-Control-Allow-Credentials",
        "Access-Control-Allow-Headers",
        "Access-Control-Allow-Methods",
        "Access-Control-Allow-Origin",
        "Access-Control-Expose-Headers",
        "Access-Control-Max-Age",
        "Cache-Control",
        "Content-Disposition",
        "Content-Encoding",
        "Content-Language",
        "Content-Length",
        "Content-Range",
        "Content-Type",
        "ETag",
        "Expires",
        "Last-Modified",
        "Location",
        "Server",
        "Vary",
    )
}
"""Names of headers as AWS writes them, for clients that do not ignore their case."""
_NOT_IN_HEADER = re.compile("[^\x00-\xff]")
"""Characters for which S3 writes a space, because a header cannot have them."""


class ResponseWriter:
    """Serializes and sends responses, and limits the memory of large ones."""

    def __init__(self) -> None:
        self._unsent = 0
        """Total size in bytes of large responses that clients have not read yet."""

    async def serialize(
        self, operation: OperationModel, output: Members | OperationOutput, request_id: str
    ) -> Response:
        """Return the response with an operation's output; a large one is serialized on a thread."""
        members, status = (output.members, output.status) if isinstance(output, OperationOutput) else (output, None)
        size = size_of(members)
        if size <= LARGE_RESPONSE:
            return serialize(operation, members, request_id, status)
        return await self._serialize_on_thread(partial(serialize, operation, members, request_id, status), size)

    async def _serialize_on_thread(self, write: Callable[[], Response], size: int) -> Response:
        """Serialize a large response on a thread; reject the request while too many large responses are unread."""
        if self._unsent + size > UNSENT_LIMIT:
            raise ServiceError(
                "ServiceUnavailable", "Too many large responses are waiting to be read; try again later.", 503
            )
        self._unsent += size
        try:
            response = await on_body_thread(write)
        except BaseException:
            self._unsent -= size
            raise
        response.unsent_bytes = size
        return response

    async def send(self, response: Response, method: str, send: Send) -> None:
        """Send a response to the client."""
        try:
            await _send(response, method, send)
        finally:
            self._unsent -= response.unsent_bytes


def operation_error(error: ServiceError, model: ServiceModel, request_id: str) -> Response:
    """Return the response for an error in the format of a service's protocol."""
    translated = protocol_error(error, model.metadata["protocol"])
    return serialize_error(model, translated, request_id)


def internal_error(error: Exception, request_id: str) -> ServiceError:
    """Return the error that a client gets for an unexpected failure."""
    if is_disk_full(error):
        return DiskFullError()
    return ServiceError(
        "InternalFailure", f"Internal error of the local cloud; see its log (request {request_id}).", 500
    )


def _header_text(value: str) -> str:
    return value if value.isascii() else _NOT_IN_HEADER.sub(" ", value)


async def _send(response: Response, method: str, send: Send) -> None:
    content = response.body
    whole = content if isinstance(content, bytes) else None
    if whole is not None and "content-length" not in response.headers and response.status not in (204, 304):
        response.headers["content-length"] = str(len(whole))
    headers = [
        (_NAMES.get(name) or name.encode("latin-1", "replace"), _header_text(value).encode("latin-1"))
        for name, value in (*response.repeatable_headers, *response.headers.items())
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if isinstance(content, bytes):
        if response.unsent_bytes:  # sending the last piece of a body does not wait for the client
            await send({"type": "http.response.body", "body": content, "more_body": True})
            content = b""
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else content})
        return
    try:
        async for chunk in content:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except ResponseAborted:
        return
    await send({"type": "http.response.body", "body": b""})
