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
from scones.cloud.services.sagemaker.hosting.deployment_plan import DeploymentPlan, PlannedVariant
from scones.cloud.services.sagemaker.hosting.endpoint_deployments import EndpointDeployments
from scones.cloud.services.sagemaker.hosting.endpoints import EndpointOperations
from scones.cloud.services.sagemaker.resources import SCHEMA
from support.calls import call


class EmptyConfigs:
    """Endpoint configurations without variants, models and captures."""

    def find(self, _name: str) -> dict[str, Any]:
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


async def hosting(folder: Path) -> tuple[Cloud, EndpointOperations, EndpointDeployments]:
    """Return endpoints without models; "e" is in service with one variant."""
    cloud = Cloud(CloudSettings(data_dir=folder), Store(folder / "cloud.sqlite"), Credentials.of(folder))
    await cloud.store.define(SCHEMA)
    nothing = cast("Any", EmptyConfigs())
    deployments = EndpointDeployments(cloud, nothing)
    variant = PlannedVariant({"VariantName": "v", "InitialVariantWeight": 1.0}, {"Image": "image"}, "role")
    document = {
        "EndpointName": "e",
        "EndpointArn": cloud.arn("sagemaker", "endpoint/e"),
        "EndpointConfigName": "c",
        "EndpointStatus": "InService",
        "CreationTime": 1.0,
        "LastModifiedTime": 1.0,
        "Plan": DeploymentPlan("p", "c", [variant], None).document(),
    }
    assert await deployments.endpoints.add("e", document["EndpointArn"], document, [])
    return cloud, EndpointOperations(cloud, nothing, nothing, deployments), deployments


async def test_a_change_of_an_endpoint_that_is_being_removed_is_rejected(tmp_path: Path) -> None:
    cloud, operations, deployments = await hosting(tmp_path)
    removing = asyncio.ensure_future(deployments.endpoints.remove("e"))
    await asyncio.sleep(0)  # the removal is queued, but not written when the change begins
    desired = [{"VariantName": "v", "DesiredWeight": 2.0}]
    weights = operations.update_endpoint_weights_and_capacities(
        call("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=desired)
    )
    with pytest.raises(ServiceError, match="Could not find endpoint"):
        await weights
    await removing
    await cloud.stop()


async def test_a_deletion_ends_an_update_that_was_stored_just_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud, operations, deployments = await hosting(tmp_path)
    may_start = asyncio.Event()
    fakes: list[FakeDeployment] = []

    def deployment(*_: Any) -> Any:
        fakes.append(FakeDeployment(may_start))
        return fakes[-1]

    monkeypatch.setattr("scones.cloud.services.sagemaker.hosting.endpoint_deployments.Deployment", deployment)
    deployments.serving["e"] = deployment()
    update = operations.update_endpoint(call("UpdateEndpoint", EndpointName="e", EndpointConfigName="d"))
    await asyncio.gather(update, operations.delete_endpoint(call("DeleteEndpoint", EndpointName="e")))
    may_start.set()
    work = [task for task in asyncio.all_tasks() if task.get_name().startswith("endpoint")]
    await asyncio.gather(*work, return_exceptions=True)
    assert all(made.is_down for made in fakes)
    assert deployments.status("e") is None
    await cloud.stop()
