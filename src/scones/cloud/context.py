"""The local cloud as its services see it: settings, store, credentials, background tasks and calls."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from scones.cloud.core.arns import Arn
from scones.cloud.core.credentials import Caller, Credentials
from scones.cloud.core.data_folder import DATABASE
from scones.cloud.core.resumption import Resumption
from scones.cloud.core.service_metrics import ServiceMetrics
from scones.cloud.core.step_record import traced
from scones.cloud.core.store import WAIT_FOR_SPACE, Store
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)

T = TypeVar("T")


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


class CloudContext(ABC):
    """The local cloud as its services see it; `Cloud` implements it."""

    def __init__(self, settings: CloudSettings, store: Store, credentials: Credentials) -> None:
        self.settings = settings
        self.store = store
        self.credentials = credentials
        self.resumption = Resumption(settings.data_dir, recover=settings.recover)
        self.metrics = ServiceMetrics()
        self.url = f"http://{settings.host}:{settings.port}"
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def may_sweep(self) -> bool:
        """Return True if files without a row may be deleted: not with `recover`, nor while damaged data is kept."""
        damaged = self.store.damage or any(self.settings.data_dir.glob(f"{DATABASE}*-damaged-*"))
        return not self.settings.recover and not damaged

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

    @abstractmethod
    def service(self, kind: type[T]) -> T:
        """Return the started service of a class; use it for what `call` does not offer, such as appending log lines."""

    @abstractmethod
    def has_service(self, name: str) -> bool:
        """Return True if a service of botocore's `name` has started."""

    @abstractmethod
    def service_names(self) -> frozenset[str]:
        """Return botocore's names of the started services."""

    @abstractmethod
    def supported_operations(self, service: str) -> Set[str]:
        """Return the operations of a started service, spelled as in its model; empty for a service without one.

        The first call for a service loads its model, which is slow.
        """

    @abstractmethod
    async def call(
        self,
        service: str,
        operation: str,
        params: Members,
        *,
        caller: Caller | None = None,
        check: bool = False,
    ) -> Members:
        """Call an operation from inside the cloud, without the wire: takes input members, returns output members.

        A streaming input may be bytes; a streaming output is bytes or an async iterator (`read_body` joins it). `check`
        validates the parameters; use it for parameters from users. Raises `ServiceError`.
        """

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """Return `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE` for this cloud."""
        region = self.settings.region if region is None else region
        return str(Arn(service=service, region=region, account=self.settings.account, resource=resource))
