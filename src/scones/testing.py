"""A local cloud for scripts and tests: `with LocalCloud() as cloud: cloud.client("s3").list_buckets()`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self
from unittest import mock

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config

from scones.cloud.errors import CloudError
from scones.cloud.process import lifecycle
from scones.cloud.process.guardian import guarded

__all__ = ["CloudError", "LocalCloud"]


class LocalCloud:
    """A context manager that starts a local cloud, and stops it with all its processes.

    By default the cloud has a new data folder, which is deleted at the end. It uses a free port of the loopback
    interface, so several clouds can run at the same time. `data_dir` is a folder to keep: its contents are served again
    the next time. `region` and `account` default to those of the folder, or us-east-1 and 111122223333. `recover` is
    the option of `scones up`.

    If this process is killed, the cloud ends within a few seconds, and a temporary folder is deleted.

    Raises `CloudError`, whose message is one sentence, if the cloud cannot start.
    """

    def __init__(
        self,
        data_dir: str | Path | None = None,
        *,
        port: int = 0,
        region: str | None = None,
        account: str | None = None,
        recover: bool = False,
    ) -> None:
        self._given_dir = None if data_dir is None else Path(data_dir).resolve()
        self._start = partial(lifecycle.start, port=port, region=region, account=account, recover=recover)
        self._running: lifecycle.RunningCloud | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            data_dir = self._given_dir or Path(stack.enter_context(TemporaryDirectory(prefix="scones-")))
            if lifecycle.find(data_dir):
                raise CloudError(f"A local cloud already runs on {data_dir}; stop it with `scones down`.")
            stack.enter_context(guarded(data_dir, remove=self._given_dir is None))
            stack.callback(lifecycle.stop, data_dir)
            self._running = self._start(data_dir)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running = None
        self._stack.close()

    @property
    def running(self) -> lifecycle.RunningCloud:
        """The running cloud. Raises `CloudError` outside the `with` statement."""
        if self._running is None:
            raise CloudError("The local cloud does not run: use it inside `with LocalCloud() as cloud:`.")
        return self._running

    @property
    def url(self) -> str:
        """The endpoint URL of all services."""
        return self.running.url

    @property
    def region(self) -> str:
        """The cloud's region."""
        return self.running.region

    @property
    def account(self) -> str:
        """The cloud's account ID, 12 digits."""
        return self.running.account

    @property
    def data_dir(self) -> Path:
        """The data folder; `cloud.log` in it is the cloud's log."""
        return self.running.data_dir

    def environment(self) -> dict[str, str]:
        """Return the environment variables that make boto3, the AWS CLI and the SDKs use this cloud."""
        return self.running.environment()

    @contextmanager
    def activated(self) -> Iterator[dict[str, str]]:
        """Set this process's environment variables to this cloud's until the block ends; yield these variables.

        Variables that would lead to another endpoint or account are removed. boto3's default session is replaced,
        because it keeps the credentials that it first found. Clients that exist already do not change.
        """
        variables = self.environment()
        with mock.patch.dict(os.environ), mock.patch.object(boto3, "DEFAULT_SESSION", None):
            for name in lifecycle.CLEARED_VARIABLES:
                os.environ.pop(name, None)
            os.environ.update(variables)
            yield variables

    def session(self) -> boto3.Session:
        """Return a boto3 session; its clients and resources use this cloud, whatever the environment says."""
        keys = self.environment()
        return boto3.Session(
            botocore_session=_Session(self.url),
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            region_name=self.region,
        )

    def client(self, service: str, **arguments: Any) -> Any:
        """Return a boto3 client for a service of this cloud; `arguments` are those of `boto3.Session.client`."""
        return self.session().client(service, **arguments)  # type: ignore[call-overload]  # one overload per service


class _Session(botocore.session.Session):
    """A botocore session whose default endpoint is a local cloud, and which reads no configuration files.

    All sessions share the loaded service models, so creating a client takes 20 ms instead of 100.
    """

    def __init__(self, url: str) -> None:
        no_file = (None, None, os.devnull, None)
        super().__init__({"profile": (None, None, None, None), "config_file": no_file, "credentials_file": no_file})
        self._url = url
        self.register_component("data_loader", _models())
        # StartSyncExecution and TestState would otherwise add `sync-` before the host name.
        self.set_default_client_config(Config(inject_host_prefix=False))

    def create_client(self, *args: Any, **arguments: Any) -> Any:
        if arguments.get("endpoint_url") is None:
            arguments["endpoint_url"] = self._url
        return super().create_client(*args, **arguments)


@cache
def _models() -> botocore.loaders.Loader:
    return botocore.loaders.create_loader()
