"""The base class of services: each service is a class with one coroutine per operation."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from botocore import xform_name
from botocore.model import StructureShape

from scones.cloud.context import CloudContext
from scones.cloud.core.credentials import Caller
from scones.cloud.errors import ServiceError
from scones.cloud.http_route import HttpRoute
from scones.cloud.wire.members import Members
from scones.cloud.wire.request import Request
from scones.cloud.wire.validate import validate

T = TypeVar("T")
Body = bytes | AsyncIterator[bytes]
"""A streaming member: complete, or in chunks of any size."""
_MAX_ATTEMPTS = 3
"""Maximum number of attempts of an operation whose parent resource is deleted and recreated at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationCall:
    """An API call: the operation's name, its parameters by member name, and the caller.

    A streaming input (`PutObject.Body`) is an async iterator of bytes; `trailers` is filled when it has been read to
    its end. `headers` are the headers of the request, in lower case, and empty for a call from inside the cloud.
    """

    operation: str
    params: Members
    caller: Caller
    request_id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)
    disconnected: Callable[[], Awaitable[None]] | None = None
    """Function that waits until the client disconnects, for use after the body has been read.

    None for a call from inside the cloud.
    """

    async def while_connected(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work that waits for something; if the client disconnects, cancel the work and raise `ServiceError`."""
        if self.disconnected is None:
            return await work
        running = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self.disconnected())
        try:
            await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                raise ServiceError("RequestTimeout", "The client closed the connection before the response was ready.")
            return running.result()
        finally:
            for task in (running, gone):
                task.cancel()
            await asyncio.gather(running, gone, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class OperationOutput:
    """Output members with an HTTP status that differs from the model's (206 for a range of an object)."""

    members: Members
    status: int


Handler = Callable[[OperationCall], Awaitable[Members | OperationOutput]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DormantService:
    """A service that is loaded at its first use, or at the cloud's start if it has work to resume.

    `starting` is a query that returns a row if there is such work; it fails if the service has never been used. Other
    services reach a dormant service only through `CloudContext.call`. Its HTTP routes work only after its start.
    """

    name: str
    signing_name: str
    load_class: Callable[[], type[Service]]
    starting: str


def _retry_if_parent_deleted(handler: Handler) -> Handler:
    """Return a handler that runs again if a parent row was deleted between its check and its write.

    In this case a foreign key has rejected the write, and nothing of it is stored. The next attempt finds that the
    queue, topic or role is missing, and the service returns its own error.
    """

    async def handle(call: OperationCall) -> Members | OperationOutput:
        for _ in range(_MAX_ATTEMPTS):
            try:
                return await handler(call)
            except sqlite3.IntegrityError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
                    raise
        return await handler(call)

    return handle


def _refuse_parameters(handler: Handler, refused: Mapping[str, str]) -> Handler:
    """Return a handler that raises `ServiceError` (`NotImplemented`) for refused parameters.

    False and empty values request nothing, and are accepted, as is the given value of a parameter.
    """

    async def handle(call: OperationCall) -> Members | OperationOutput:
        for name, accepted in refused.items():
            if (value := call.params.get(name)) and value != accepted:
                raise ServiceError(
                    "NotImplemented",
                    f"The local cloud does not support the parameter {name} of {call.operation}; AWS does.",
                    501,
                )
        return await handler(call)

    return handle


class Service:
    """An AWS service, composed of groups of operations.

    Subclasses set `name`, botocore's service name, and `groups`, the classes of their operations; the constructor gets
    an instance of each. An operation is a coroutine method of a group, named in snake case (`CreateBucket` is
    `create_bucket`), which takes the `OperationCall` and returns the output members, or raises `ServiceError`. Calls of
    other operations of the service model get the error `NotImplemented`.

    `schema` creates the service's tables. `validation_code` is the service's error code for parameters that violate its
    model. `unvalidated_members` are names of shapes that the service validates itself, with its own messages.
    `reports_null_members` is True if the service's messages state that list members must not be null.
    `accepts_foreign_origins` is True if web pages of other sites may send requests for operations of the service.
    `unsigned_operations` are operations that accept unsigned requests, if `check_unsigned` does. `refused_parameters`
    are the parameters, by operation, that request unsupported features, with the value that requests none (often "").
    """

    name: ClassVar[str]
    signing_name: ClassVar[str] = ""
    """Service name in signatures, if it differs from `name`; declared here because loading a model takes long."""
    groups: ClassVar[tuple[type[object], ...]]
    schema: ClassVar[str] = ""
    accepts_foreign_origins: ClassVar[bool] = False
    unsigned_operations: ClassVar[Set[str]] = frozenset()
    refused_parameters: ClassVar[Mapping[str, Mapping[str, str]]] = MappingProxyType({})
    validation_code: ClassVar[str] = "ValidationException"
    unvalidated_members: ClassVar[frozenset[str]] = frozenset()
    reports_null_members: ClassVar[bool] = False

    def __init__(self, cloud: CloudContext, *groups: object) -> None:
        self.cloud = cloud
        self._groups = {type(group): group for group in groups}
        assert tuple(self._groups) == self.groups, f"{self.name} must be constructed with its groups, in their order"

    async def start(self) -> None:
        """Start background work, and plan the resumption of earlier work; called once, before the first request."""

    def drain(self) -> None:
        """End waiting calls (long polls) with the results they have; called when the shutdown of the cloud begins."""

    async def stop(self) -> None:
        """Stop background work and child processes; called once."""

    def http_routes(self) -> Sequence[HttpRoute]:
        """Return the addresses of the service that are not API operations; the gateway passes their requests on."""
        return ()

    def check_unsigned(self, call: OperationCall) -> None:
        """Raise `ServiceError` unless an unsigned request is allowed."""
        raise NotImplementedError(f"{self.name} accepts no unsigned requests")

    def cross_origin_headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002
        """Return the CORS headers of the response to a request that has an Origin."""
        return {}

    def validate(self, params: Members, shape: StructureShape) -> None:
        """Raise `ServiceError` for parameters that violate an operation's model."""
        validate(
            params,
            shape,
            self.validation_code,
            self.unvalidated_members,
            reports_null_members=self.reports_null_members,
        )

    def handler(self, operation: str) -> Handler | None:
        """Return the coroutine of an operation, or None if the service does not support it."""
        group = self._group_of_operation().get(operation)
        if group is None:
            return None
        handler = _retry_if_parent_deleted(getattr(self._groups[group], xform_name(operation)))
        refused = self.refused_parameters.get(operation)
        return _refuse_parameters(handler, refused) if refused else handler

    @classmethod
    def operations(cls) -> Set[str]:
        """Return the names of the supported operations, spelled as in the service model."""
        return cls._group_of_operation().keys()

    @classmethod
    @cache
    def _group_of_operation(cls) -> Mapping[str, type[object]]:
        """Return the class of each supported operation."""
        from scones.cloud.wire.model import service_model

        found: dict[str, type[object]] = {}
        for operation in service_model(cls.name).operation_names:
            method = xform_name(operation)
            groups = [group for group in cls.groups if callable(getattr(group, method, None))]
            assert len(groups) < 2, f"{cls.name}:{operation} is in several groups"
            if groups:
                found[operation] = groups[0]
        return found


async def read_body(body: Body) -> bytes:
    """Return a streaming member as bytes."""
    if isinstance(body, bytes):
        return body
    return b"".join([chunk async for chunk in body])


async def body_chunks(body: Body) -> AsyncIterator[bytes]:
    """Yield the content of a streaming member in chunks."""
    if isinstance(body, bytes):
        yield body
        return
    async for chunk in body:
        yield chunk
