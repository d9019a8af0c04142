"""The local cloud: its settings, its services, and calls between services."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scones.cloud.core.credentials import Caller, Credentials
from scones.cloud.core.data_folder import DATABASE
from scones.cloud.core.durable_files import write_durably
from scones.cloud.core.resumption import Resumption, describe
from scones.cloud.core.step_record import traced
from scones.cloud.core.store import WAIT_FOR_SPACE, Store
from scones.cloud.core.uuids import uuid4
from scones.cloud.errors import ServiceError
from scones.cloud.service import DormantService, OperationCall, OperationOutput, Service
from scones.cloud.wire.model import service_model, streamed_input

log = logging.getLogger(__name__)

NOT_RESUMED_FILE = "left.json"
"""File with the names of the work that a start with `recover` did not resume, by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSettings:
    """Settings of a local cloud, fixed at its start."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 4566
    region: str = "us-east-1"
    account: str = "111122223333"
    capture_seconds: float = 2.0
    """Seconds that capture records wait for further ones before their file is written to S3 (AWS: up to 60 s)."""
    recover: bool = False
    """True to start without resuming the work of an earlier process."""


class Cloud:
    """The services of one data folder, by botocore's service name."""

    def __init__(self, settings: CloudSettings, store: Store, credentials: Credentials) -> None:
        self.settings = settings
        self.store = store
        self.credentials = credentials
        self.services: dict[str, Service] = {}
        self.resumption = Resumption(settings.data_dir, recover=settings.recover)
        self.url = f"http://{settings.host}:{settings.port}"
        self._tasks: set[asyncio.Task[Any]] = set()
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

    @property
    def may_sweep(self) -> bool:
        """Return True if files without a row may be deleted: not with `recover`, nor while damaged data is kept."""
        damaged = self.store.damage or any(self.settings.data_dir.glob(f"{DATABASE}*-damaged-*"))
        return not self.settings.recover and not damaged

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

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run a coroutine in the background: its failure is logged, and `stop` cancels it.

        Writes of the coroutine and of the code that it calls wait for space on a full disk.
        """
        context = contextvars.copy_context()
        context.run(WAIT_FOR_SPACE.set, True)
        task = asyncio.get_running_loop().create_task(traced(work), name=name, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("Background task %s failed", task.get_name(), exc_info=error)

    async def call(
        self,
        service: str,
        operation: str,
        params: dict[str, Any],
        *,
        caller: Caller | None = None,
        check: bool = False,
    ) -> dict[str, Any]:
        """Call an operation from inside the cloud, without the wire: takes input members, returns output members.

        A streaming input may be bytes; a streaming output is bytes or an async iterator (`read_body` joins it). `check`
        validates the parameters; use it for parameters from users. Raises `ServiceError`.
        """
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
        answer = await handler(call)
        return answer.members if isinstance(answer, OperationOutput) else answer

    def handler(self, service: str, operation: str) -> Any:
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

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """Return `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE` for this cloud."""
        region = self.settings.region if region is None else region
        return f"arn:aws:{service}:{region}:{self.settings.account}:{resource}"


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body


async def read_body(body: bytes | AsyncIterator[bytes]) -> bytes:
    """Return a streaming member as bytes."""
    if isinstance(body, bytes):
        return body
    return b"".join([chunk async for chunk in body])
