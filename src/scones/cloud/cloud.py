"""The local cloud: its settings, its services, and how they reach each other."""

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

from scones.cloud.credentials import Caller, Credentials
from scones.cloud.data_folder import DATABASE
from scones.cloud.durable_files import write_durably
from scones.cloud.errors import ServiceError
from scones.cloud.resumption import Resumption, describe
from scones.cloud.service import Answer, Call, DormantService, Service
from scones.cloud.step_record import traced
from scones.cloud.store import PATIENT, Store
from scones.cloud.uuids import uuid4
from scones.cloud.wire.model import service_model, streamed_input

log = logging.getLogger(__name__)

LEFT = "left.json"
"""The file with the names of what a start with `recover` left, by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSettings:
    """What a local cloud is started with."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 4566
    region: str = "us-east-1"
    account: str = "111122223333"
    capture_seconds: float = 2.0
    """How long captured records wait for others before their file goes to S3 (AWS: up to 60 s)."""
    recover: bool = False
    """Start without taking up anything that an earlier process left."""


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

    async def start(self, offered: Sequence[type[Service] | DormantService]) -> None:
        """Create the services' tables, then start them in order: a service may call those before it.

        A dormant service that has nothing to go on with starts when it is first used. One that fails to start is
        logged, and does not keep the others from starting.
        """
        self._dormant = {each.name: each for each in offered if isinstance(each, DormantService) and self._idle(each)}
        awake = [each for each in offered if each.name not in self._dormant]
        services = [each.load() if isinstance(each, DormantService) else each for each in awake]
        await asyncio.gather(*(self.store.define(kind.schema) for kind in services if kind.schema))  # one commit
        self.services |= {kind.name: kind(self) for kind in services}
        for service in self.services.values():
            begun = time.perf_counter()
            try:
                await service.start()
            except Exception as error:
                log.error("%s did not start in order: %s", service.name, describe(error))
                log.debug("%s did not start in order", service.name, exc_info=error)
            log.debug("%s started in %.0f ms", service.name, (time.perf_counter() - begun) * 1e3)

    def _idle(self, dormant: DormantService) -> bool:
        try:
            return self.store.row(dormant.under_way) is None
        except sqlite3.OperationalError:  # no such table
            return True
        except sqlite3.DatabaseError:  # damaged: its start finds out what can be read
            return False

    def signing_names(self) -> dict[str, list[str]]:
        """Return the names of the services offered, dormant ones included, by the name in their signatures."""
        found: dict[str, list[str]] = {}
        known: list[Service | DormantService] = [*self.services.values(), *self._dormant.values()]
        for service in known:
            found.setdefault(service.signing_name or service.name, []).append(service.name)
        return found

    async def wake(self, name: str) -> None:
        """Return when a service has started; for any but a dormant one, at once."""
        if name in self._dormant:
            if name not in self._waking:
                self._waking[name] = asyncio.create_task(self._wake(self._dormant[name]))
            await asyncio.shield(self._waking[name])

    async def _wake(self, dormant: DormantService) -> None:
        try:
            kind = await asyncio.to_thread(dormant.load)
            await self.store.define(kind.schema)
            service = kind(self)
            await service.start()
            self.services[dormant.name] = service
            del self._dormant[dormant.name]
            self.spawn(self.resumption.run(), name=f"take up what an earlier process left of {dormant.name}")
            gc.freeze()
        finally:
            del self._waking[dormant.name]

    async def resume(self) -> None:
        """Take up what an earlier process left, or with `recover` write down what that is."""
        path = self.settings.data_dir / LEFT
        if not self.settings.recover:
            path.unlink(missing_ok=True)
            await self.resumption.run()
            return
        write_durably(path, json.dumps(self.resumption.left))
        counts = ", ".join(f"{kind}: {len(names)}" for kind, names in self.resumption.left.items())
        log.warning("Started with --recover: nothing is resumed. Left as it was: %s", counts or "nothing")

    @property
    def may_sweep(self) -> bool:
        """Return True if files that no row names may be removed: not with `recover`, nor while damage is kept."""
        damaged = self.store.damage or any(self.settings.data_dir.glob(f"{DATABASE}*-damaged-*"))
        return not self.settings.recover and not damaged

    def drain(self) -> None:
        """End the calls that only wait, so that their clients are answered before the process ends."""
        for service in self.services.values():
            service.drain()

    async def stop(self) -> None:
        """Stop the services in reverse order, then what still runs in the background, then the store."""
        for service in reversed([*self.services.values()]):
            try:
                await service.stop()
            except Exception:
                log.exception("%s did not stop cleanly", service.name)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.store.close()
        self.resumption.close()

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run a coroutine in the background: it is kept, its failure is logged, and `stop` cancels it.

        Its writes, and those of what it calls, wait for room on a full disk.
        """
        context = contextvars.copy_context()
        context.run(PATIENT.set, True)
        task = asyncio.get_running_loop().create_task(traced(work), name=name, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background work %s failed", task.get_name(), exc_info=error)

    async def call(
        self,
        service: str,
        operation: str,
        params: dict[str, Any],
        *,
        caller: Caller | None = None,
        check: bool = False,
    ) -> dict[str, Any]:
        """Call an operation from inside the cloud, without the wire: members in, members out.

        A streaming input may be given as bytes; a streaming output is bytes or an async iterator (`read_body`
        makes it whole). `check` validates the parameters, for those that a user wrote. Raises `ServiceError`.
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
        call = Call(
            operation=operation,
            params=params,
            caller=caller or self.credentials.root(self.settings.account),
            request_id=uuid4(),
        )
        answer = await handler(call)
        return answer.members if isinstance(answer, Answer) else answer

    def handler(self, service: str, operation: str) -> Any:
        """Return the coroutine behind an operation, or raise AWS's answer for one that is not there."""
        offered = self.services.get(service)
        handler = offered.handler(operation) if offered else None
        if handler is None:
            raise ServiceError(
                "NotImplemented",
                f"The local cloud does not offer {service}:{operation}; AWS does.",
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
    """Return a streaming member whole."""
    if isinstance(body, bytes):
        return body
    return b"".join([chunk async for chunk in body])
