"""Addresses of the gateway that are not API operations of AWS, such as function URLs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from scones.cloud.errors import ServiceError
from scones.cloud.wire.request import Request
from scones.cloud.wire.response import Response


@dataclass(frozen=True, slots=True)
class RequestBody:
    """The body of a request, which is read completely or as a stream."""

    read: Callable[[int, Callable[[], ServiceError]], Awaitable[bytes]]
    """Function that reads the complete body.

    It takes the maximum size in bytes and a function that returns the error for a larger body.
    """
    stream: Callable[[], AsyncIterator[bytes]]
    """Function that returns the chunks of the body as they arrive."""


class HttpRoute(ABC):
    """Requests that a service, or the gateway, answers without a signature for an API operation.

    `Service.http_routes` returns the routes of a service. A route authenticates its requests itself, if necessary. The
    gateway checks their Host and, unless `allows_foreign_origin` is True, their Origin.
    """

    allows_foreign_origin: ClassVar[bool] = False
    """True if web pages of other sites may send requests."""

    @abstractmethod
    def matches(self, request: Request) -> bool:
        """Return True if this route answers the request. It runs for every request, so it must be fast."""

    @abstractmethod
    async def respond(self, request: Request, body: RequestBody) -> Response:
        """Return the response; a `ServiceError` is passed to `error_response`."""

    @abstractmethod
    def error_response(self, error: ServiceError, request_id: str) -> Response:
        """Return the response for an error."""
