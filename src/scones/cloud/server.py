"""The process of a local cloud: its port, its data folder, its start and its shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import os
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import uvicorn

from scones.cloud.all_services import services_at_start
from scones.cloud.cloud import Cloud
from scones.cloud.context import CloudSettings
from scones.cloud.core.commit_mark import require_same_age
from scones.cloud.core.credentials import Credentials
from scones.cloud.core.data_folder import DATABASE, require_database
from scones.cloud.core.store import Store, unreadable
from scones.cloud.gateway.app import Gateway
from scones.cloud.process.folder_lock import FolderLock
from scones.cloud.process.lifecycle import RunningCloud, lock_data_folder
from scones.cloud.process.watchdog import Watchdog
from scones.http.connection import HttpConnection

log = logging.getLogger(__name__)

PORT = 4566
"""Default port, which tools expect for a local AWS; if it is in use, a free port is chosen."""


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers.

    The services must stop after the last response and before the process ends.
    """

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(
    data_dir: Path,
    watchdog: Watchdog,
    *,
    port: int | None = None,
    region: str | None = None,
    account: str | None = None,
    verbose: bool = False,
    recover: bool = False,
) -> None:
    """Run a data folder's local cloud in this process until SIGINT or SIGTERM; a second signal ends it at once.

    With `recover` the work of an earlier process is not resumed, and a damaged database is salvaged first.

    Raises `CloudError` if another process has the folder, or if it belongs to another account or region.
    """
    data_dir = data_dir.resolve()
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for noisy in ("asyncio", "botocore"):
        logging.getLogger(noisy).setLevel(logging.INFO)
    listener = _listen(port)  # first, because a failure must not fix the region and the account of a new folder
    with lock_data_folder(data_dir, region=region, account=account) as (identity, lock):
        settings = CloudSettings(
            data_dir=data_dir,
            port=listener.getsockname()[1],
            region=identity.region,
            account=identity.account,
            recover=recover,
        )
        require_same_age(data_dir / DATABASE)
        damage = _salvage_if_damaged(data_dir / DATABASE) if recover else ""
        require_database(data_dir)
        with asyncio.Runner(loop_factory=_event_loop()) as runner, contextlib.suppress(asyncio.CancelledError):
            runner.run(_serve(settings, listener, watchdog, lock, damage))


def _salvage_if_damaged(database: Path) -> str:
    """Replace a damaged database with one that has its readable rows; return a description of the result, or ""."""
    from scones.cloud.all_services import all_services
    from scones.cloud.core.salvage import damage_of, salvage

    reason = damage_of(database)
    if not reason:
        return ""
    log.error("%s is damaged (%s): salvaging readable data into a new database.", database, reason)
    found = str(salvage(database, {kind.name: kind.schema for kind in all_services() if kind.schema}))
    log.warning("%s", found)
    return found


async def _serve(
    settings: CloudSettings, listener: socket.socket, watchdog: Watchdog, lock: FolderLock, damage: str
) -> None:
    starting = asyncio.current_task()
    assert starting is not None
    keep_folder = partial(_end_without_folder, lock, settings.data_dir)
    watchdog.attach(starting.cancel, keep_folder)
    store = Store(settings.data_dir / DATABASE, after_commit=keep_folder)
    store.damage = store.damage or damage
    cloud = Cloud(settings, store, Credentials.of(settings.data_dir))
    running = RunningCloud.in_this_process(
        settings.data_dir, url=cloud.url, region=settings.region, account=settings.account
    )

    def answering() -> None:
        running.announce()
        cloud.spawn(cloud.resume(), "resume the work of an earlier process")

    try:
        try:
            await cloud.start(services_at_start())
        except sqlite3.DatabaseError as error:
            raise unreadable(settings.data_dir / DATABASE, error) from error
        _tune_garbage_collection()
        config = uvicorn.Config(
            Gateway(cloud),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
            server_header=False,
            http=HttpConnection,
            ws="none",
            proxy_headers=False,
        )
        server = _Server(config, answering)
        watchdog.on_signal = partial(_end, server, cloud)
        log.info(
            "account %s, region %s, at %s, data in %s", running.account, running.region, running.url, running.data_dir
        )
        await server.serve(sockets=[listener])
    finally:
        running.withdraw()
        await cloud.stop()


def _end_without_folder(lock: FolderLock, data_dir: Path) -> None:
    """End this process at once if its data folder is gone: responses would confirm data that is not on disk."""
    if not lock.is_intact():
        log.critical(
            "The data folder %s was deleted or moved while its cloud was running; the cloud has stopped.", data_dir
        )
        os._exit(1)


def _tune_garbage_collection() -> None:
    """Exclude loaded objects from garbage collection, and collect the others rarely.

    Under load, a tenth of the time of an invocation went into collections that found nothing. The event loop waits for
    each: a collection of the second generation visits 40,000 objects, which takes about 30 ms.
    """
    gc.freeze()
    gc.set_threshold(10_000, 4, 200)
    gc.enable()


def _end(server: uvicorn.Server, cloud: Cloud) -> None:
    server.force_exit = server.should_exit
    server.should_exit = True
    cloud.drain()


def _listen(port: int | None) -> socket.socket:
    """Bind the given port; without one, bind 4566, or any free port if 4566 is in use."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", PORT if port is None else port))
    except OSError as error:
        if port is not None:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise SystemExit(
                f"Port {port} {reason}: specify another with --port, or omit it to use any free port."
            ) from error
        listener.bind(("127.0.0.1", 0))
    return listener


def _event_loop() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    loop: type[asyncio.AbstractEventLoop] = uvloop.Loop
    return loop
