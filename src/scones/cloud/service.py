"""What a service is: a class with one coroutine per operation."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from botocore import xform_name
from botocore.model import StructureShape

from scones.cloud.credentials import Caller
from scones.cloud.errors import ServiceError
from scones.cloud.wire.validate import validate

if TYPE_CHECKING:
    from scones.cloud.cloud import Cloud

T = TypeVar("T")
Body = bytes | AsyncIterator[bytes]
"""A streaming member: whole, or in chunks of any size."""
_LOOKS = 3
"""Maximum number of attempts of an operation whose parent is deleted, and made anew, at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One API call: an operation's name, its parameters by member name, and who calls.

    A streaming input (`PutObject.Body`) is an async iterator of bytes; `trailers` is filled when it has been
    read to its end. `headers` are the request's, lower case, and empty for a call from inside the cloud.
    """

    operation: str
    params: dict[str, Any]
    caller: Caller
    request_id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)
    disconnected: Callable[[], Awaitable[None]] | None = None
    """Returns when the client has gone away, once the body has been read; None for a call from inside the cloud."""

    async def while_connected(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work that waits for something, or cancel it and raise `ServiceError` where the client goes away."""
        if self.disconnected is None:
            return await work
        running = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self.disconnected())
        try:
            await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                raise ServiceError("RequestTimeout", "The client closed the connection before it had an answer.")
            return running.result()
        finally:
            for task in (running, gone):
                task.cancel()
            await asyncio.gather(running, gone, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """Output members with an HTTP status other than the model's (206 for a range of an object)."""

    members: dict[str, Any]
    status: int


Handler = Callable[[Call], Awaitable[dict[str, Any] | Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DormantService:
    """A service whose code is loaded when it is first used, or at the start if it has work to go on with.

    `under_way` is a query that returns a row in that case; it fails where the service has never been used. Other
    services reach it through `Cloud.call` alone.
    """

    name: str
    signing_name: str
    load: Callable[[], type[Service]]
    under_way: str


def _again_without_parent(handler: Handler) -> Handler:
    """Return a handler that starts again where what it writes to was deleted after it had looked.

    A foreign key has refused the write then, and nothing of it is kept. The second look finds that the queue, topic
    or role is gone, and the service answers so in its own words.
    """

    async def handle(call: Call) -> dict[str, Any] | Answer:
        for _ in range(_LOOKS):
            try:
                return await handler(call)
            except sqlite3.IntegrityError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
                    raise
        return await handler(call)

    return handle


class Service:
    """One AWS service: subclasses set `name`, botocore's service name, and define operations.

    An operation is a coroutine method named in snake case (`CreateBucket` is `create_bucket`) that takes the
    `Call` and returns the output members, or raises `ServiceError`. Operations that are not defined answer
    `NotImplemented` by name. `schema` creates the service's tables; `validation_code` is the service's error
    code for parameters that its model forbids; `own_checks` are names of shapes that the service checks itself,
    with messages of its own; `tells_of_null` is whether its messages say of lists' members that they must not be null.
    """

    name: ClassVar[str]
    signing_name: ClassVar[str] = ""
    """The service's name in signatures, where it is not `name`; declared here because a model takes long to load."""
    schema: ClassVar[str] = ""
    validation_code: ClassVar[str] = "ValidationException"
    own_checks: ClassVar[frozenset[str]] = frozenset()
    tells_of_null: ClassVar[bool] = False

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    async def start(self) -> None:
        """Begin background work, and plan what an earlier process left; called once, before the first request."""

    def drain(self) -> None:
        """Let calls that wait (long polls) end with what they have; called when the cloud begins to stop."""

    async def stop(self) -> None:
        """End background work and children; called once."""

    def validate(self, params: dict[str, Any], shape: StructureShape) -> None:
        """Raise `ServiceError` for parameters that an operation's model forbids."""
        validate(params, shape, self.validation_code, self.own_checks, tells_of_null=self.tells_of_null)

    def handler(self, operation: str) -> Handler | None:
        """Return the coroutine behind an operation's name, or None where the operation is not offered."""
        if operation not in self.operations():
            return None
        return _again_without_parent(getattr(self, xform_name(operation)))

    @classmethod
    @cache
    def operations(cls) -> frozenset[str]:
        """Return the names of the operations offered, as the service model spells them."""
        from scones.cloud.wire.model import service_model

        names = service_model(cls.name).operation_names
        return frozenset(name for name in names if callable(getattr(cls, xform_name(name), None)))
