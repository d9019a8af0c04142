"""Requests that change an endpoint while another request deletes it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from scones.cloud.cloud import Cloud
from scones.cloud.context import CloudSettings
from scones.cloud.core.credentials import Credentials
from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.services.sagemaker.hosting.endpoints import Endpoints
from scones.cloud.services.sagemaker.resources import SCHEMA, ResourceTable


class EmptyConfigs:
    """Endpoint configurations without variants, models and captures."""

    def describe(self, _name: str) -> dict[str, Any]:
        return {"ProductionVariants": []}

    async def flush(self, _name: str) -> None:
        """Flush no captures."""


class FakeDeployment:
    """A deployment without processes; it is up once `may_start` is set."""

    def __init__(self, may_start: asyncio.Event) -> None:
        self.may_start = may_start
        self.is_down = False
        self.variants: list[Any] = []

    async def start(self) -> None:
        try:
            await self.may_start.wait()
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def drain(self) -> None:
        """Wait for nothing."""

    async def stop(self, **_: Any) -> None:
        self.is_down = True

    async def remove(self) -> None:
        """Remove nothing."""


async def hosting(folder: Path) -> tuple[Cloud, Endpoints]:
    """Return endpoints without models; "e" is in service with one variant."""
    cloud = Cloud(CloudSettings(data_dir=folder), Store(folder / "cloud.sqlite"), Credentials.of(folder))
    await cloud.store.define(SCHEMA)
    nothing = cast("Any", EmptyConfigs())
    endpoints = Endpoints(cloud, nothing, nothing, nothing)
    document = {
        "EndpointName": "e",
        "EndpointArn": endpoints.arn("e"),
        "EndpointConfigName": "c",
        "EndpointStatus": "InService",
        "CreationTime": 1.0,
        "LastModifiedTime": 1.0,
        "Plan": {"Variants": [{"VariantName": "v", "InitialVariantWeight": 1.0}]},
    }
    resources = ResourceTable(cloud.store, "endpoint", "EndpointStatus")
    assert await resources.add("e", document["EndpointArn"], document, [])
    return cloud, endpoints


async def test_a_change_of_an_endpoint_that_is_removed_meanwhile_is_refused(tmp_path: Path) -> None:
    cloud, endpoints = await hosting(tmp_path)
    removing = asyncio.ensure_future(ResourceTable(cloud.store, "endpoint", "EndpointStatus").remove("e"))
    await asyncio.sleep(0)  # the removal is queued, but not written when the change begins
    weights = endpoints.update_weights("e", [{"VariantName": "v", "DesiredWeight": 2.0}])
    with pytest.raises(ServiceError, match="Could not find endpoint"):
        await weights
    await removing
    await cloud.stop()


async def test_a_deletion_ends_an_update_that_was_stored_just_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud, endpoints = await hosting(tmp_path)
    may_start = asyncio.Event()
    deployments: list[FakeDeployment] = []

    def deployment(*_: Any) -> Any:
        deployments.append(FakeDeployment(may_start))
        return deployments[-1]

    monkeypatch.setattr("scones.cloud.services.sagemaker.hosting.endpoints.Deployment", deployment)
    endpoints.serving["e"] = deployment()
    update = endpoints.update({"EndpointName": "e", "EndpointConfigName": "d"})
    await asyncio.gather(update, endpoints.delete("e"))
    may_start.set()
    work = [task for task in asyncio.all_tasks() if task.get_name().startswith("endpoint")]
    await asyncio.gather(*work, return_exceptions=True)
    assert all(made.is_down for made in deployments)
    assert endpoints.status("e") is None
    await cloud.stop()
