"""The local cloud: its settings, its services, and calls between services."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence, Set

from scones.cloud.context import CloudContext, CloudSettings, T
from scones.cloud.core.credentials import Caller, Credentials
from scones.cloud.core.durable_files import write_durably
from scones.cloud.core.resumption import describe
from scones.cloud.core.store import Store
from scones.cloud.core.uuids import uuid4
from scones.cloud.errors import ServiceError
from scones.cloud.http_route import HttpRoute
from scones.cloud.service import DormantService, Handler, OperationCall, OperationOutput, Service
from scones.cloud.wire.members import Members
from scones.cloud.wire.model import service_model, streamed_input

log = logging.getLogger(__name__)

NOT_RESUMED_FILE = "left.json"
"""File with the names of the work that a start with `recover` did not resume, by kind."""


class Cloud(CloudContext):
    """The services of one data folder, by botocore's service name."""

    def __init__(self, settings: CloudSettings, store: Store, credentials: Credentials) -> None:
        super().__init__(settings, store, credentials)
        self.services: dict[str, Service] = {}
        self.http_routes: list[HttpRoute] = []
        """Routes of the started services, besides their API operations."""
        self._dormant: dict[str, DormantService] = {}
        self._waking: dict[str, asyncio.Task[None]] = {}

    async def start(self, all_services: Sequence[type[Service] | DormantService]) -> None:
        """Create the services' tables, then start the services in order; a service may call those started before it.

        A dormant service without work to resume starts at its first use. A service that fails to start is logged; the
        others start nevertheless.
        """
        self._dormant = {
            each.name: each
            for each in all_services
            if isinstance(each, DormantService) and self._may_stay_dormant(each)
        }
        awake = [each for each in all_services if each.name not in self._dormant]
        services = [each.load_class() if isinstance(each, DormantService) else each for each in awake]
        await asyncio.gather(*(self.store.define(kind.schema) for kind in services if kind.schema))  # one commit
        self.services |= {kind.name: kind(self) for kind in services}
        for service in self.services.values():
            self.http_routes += service.http_routes()
            begun = time.perf_counter()
            try:
                await service.start()
            except Exception as error:
                log.error("%s failed to start: %s", service.name, describe(error))
                log.debug("%s failed to start", service.name, exc_info=error)
            log.debug("%s started in %.0f ms", service.name, (time.perf_counter() - begun) * 1e3)

    def _may_stay_dormant(self, dormant: DormantService) -> bool:
        try:
            return self.store.row(dormant.starting) is None
        except sqlite3.OperationalError:  # no such table
            return True
        except sqlite3.DatabaseError:  # damaged: the service's start finds out which rows can be read
            return False

    def signing_names(self) -> dict[str, list[str]]:
        """Return the names of the services by their signing names, including dormant services."""
        found: dict[str, list[str]] = {}
        known: list[Service | DormantService] = [*self.services.values(), *self._dormant.values()]
        for service in known:
            found.setdefault(service.signing_name or service.name, []).append(service.name)
        return found

    def service(self, kind: type[T]) -> T:
        """Return the started service of a class."""
        return next(service for service in self.services.values() if isinstance(service, kind))

    def has_service(self, name: str) -> bool:
        """Return True if a service of botocore's `name` has started."""
        return name in self.services

    def service_names(self) -> frozenset[str]:
        """Return the names of the started services."""
        return frozenset(self.services)

    def supported_operations(self, service: str) -> Set[str]:
        """Return the operations of a started service; see `CloudContext.supported_operations`."""
        offered = self.services.get(service)
        return frozenset() if offered is None else offered.operations()

    async def wake(self, name: str) -> None:
        """Start a service if it is dormant, and wait until it has started."""
        if name in self._dormant:
            if name not in self._waking:
                self._waking[name] = asyncio.create_task(self._start_dormant(self._dormant[name]))
            await asyncio.shield(self._waking[name])

    async def _start_dormant(self, dormant: DormantService) -> None:
        try:
            kind = await asyncio.to_thread(dormant.load_class)
            await self.store.define(kind.schema)
            service = kind(self)
            await service.start()
            self.services[dormant.name] = service
            self.http_routes += service.http_routes()
            del self._dormant[dormant.name]
            self.spawn(self.resumption.resume_planned(), name=f"resume {dormant.name}")
            gc.freeze()
        finally:
            del self._waking[dormant.name]

    async def resume(self) -> None:
        """Resume the work of an earlier process; with `recover`, write the names of that work to `NOT_RESUMED_FILE`
        instead."""
        path = self.settings.data_dir / NOT_RESUMED_FILE
        if not self.settings.recover:
            path.unlink(missing_ok=True)
            await self.resumption.resume_planned()
            return
        write_durably(path, json.dumps(self.resumption.not_resumed))
        counts = ", ".join(f"{kind}: {len(names)}" for kind, names in self.resumption.not_resumed.items())
        log.warning("Started with --recover: nothing is resumed. Not resumed: %s", counts or "nothing")

    def drain(self) -> None:
        """End the calls that are waiting, so that their clients get a response before the process ends."""
        for service in self.services.values():
            service.drain()

    async def stop(self) -> None:
        """Stop the services in reverse order, then the background tasks, then the store."""
        for service in reversed([*self.services.values()]):
            try:
                await service.stop()
            except Exception:
                log.exception("%s failed to stop cleanly", service.name)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.store.close()
        self.resumption.close()

    async def call(
        self,
        service: str,
        operation: str,
        params: Members,
        *,
        caller: Caller | None = None,
        check: bool = False,
    ) -> Members:
        """Call an operation; see `CloudContext.call`."""
        await self.wake(service)
        handler = self.handler(service, operation)
        shape = service_model(service).operation_model(operation)
        if check and shape.input_shape is not None:
            self.services[service].validate(params, shape.input_shape)
        if name := streamed_input(shape):
            body = params.get(name, b"")
            if isinstance(body, bytes):
                params = {**params, name: _chunks(body)}
        call = OperationCall(
            operation=operation,
            params=params,
            caller=caller or self.credentials.root(self.settings.account),
            request_id=uuid4(),
        )
        response = await handler(call)
        return response.members if isinstance(response, OperationOutput) else response

    def handler(self, service: str, operation: str) -> Handler:
        """Return the coroutine of an operation; raises `ServiceError` (`NotImplemented`) if it is not supported."""
        offered = self.services.get(service)
        handler = offered.handler(operation) if offered else None
        if handler is None:
            raise ServiceError(
                "NotImplemented",
                f"The local cloud does not support {service}:{operation}; AWS does.",
                status=501,
            )
        return handler


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body
