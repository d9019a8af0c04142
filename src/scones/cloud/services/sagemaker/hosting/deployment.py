"""Deployments of endpoints: a model server for each production variant of one endpoint configuration."""

from __future__ import annotations

import asyncio
import random
import uuid
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.process.sandbox import Program
from scones.cloud.process.untrusted_files import remove_tree
from scones.cloud.services.sagemaker.container_settings import (
    base_directory,
    container_variables,
    create_folders,
    image_command,
    visible_paths,
)
from scones.cloud.services.sagemaker.hosting.capture import CaptureTarget
from scones.cloud.services.sagemaker.hosting.deployment_plan import DeploymentPlan, PlannedVariant
from scones.cloud.services.sagemaker.hosting.model_files import ModelDataError, fetch_model
from scones.cloud.services.sagemaker.hosting.model_server import ModelServer, NotHealthyError
from scones.cloud.services.sagemaker.log_stream import LogStream, log_group
from scones.cloud.services.sagemaker.s3_access import S3Access

STARTUP_LIMIT = 480
"""Default seconds within which a container must become healthy, as on AWS."""
CREDENTIAL_HOURS = 24 * 365 * 10
"""Hours that an endpoint's credentials last: AWS renews them, but a process's environment cannot be changed."""


class DeploymentFailedError(Exception):
    """A variant could not be started; the message is the endpoint's FailureReason."""


@dataclass(eq=False)
class ProductionVariant:
    """One production variant with its model server."""

    name: str
    weight: float
    server: ModelServer
    capture: CaptureTarget | None
    stream: str
    """Name of the log stream."""


class Deployment:
    """The model servers of one endpoint and one configuration."""

    def __init__(self, cloud: CloudContext, endpoint: str, plan: DeploymentPlan) -> None:
        self._cloud = cloud
        self._endpoint = endpoint
        self._plan = plan
        self._commands: dict[str, list[str]] = {}
        """The command of each started variant's container image, by variant name."""
        self.folder = endpoint_folder(cloud, endpoint) / plan.id
        self.variants = [self._variant(item) for item in plan.variants]

    def _variant(self, item: PlannedVariant) -> ProductionVariant:
        instance = f"i-{uuid.uuid4().hex[:17]}"
        stream = LogStream(self._cloud, log_group(self._endpoint), f"{item.name}/{instance}")
        server = ModelServer(partial(self._program, item), stream)
        capture = CaptureTarget.of(self._plan.capture_config, self._endpoint, item.name)
        return ProductionVariant(item.name, item.weight, server, capture, stream.name)

    async def _program(self, item: PlannedVariant, port: int) -> Program:
        """Return the program of a variant's model server."""
        mounts = await asyncio.to_thread(create_folders, self.folder / item.name)
        variables = container_variables(self._cloud, item.role, "SageMaker", hours=CREDENTIAL_HOURS)
        variables |= await base_directory(mounts) | {"SAGEMAKER_BIND_TO_PORT": str(port)}
        command = self._commands[item.name]
        return Program(
            argv=command,
            env=variables | item.container.get("Environment", {}),
            mounts=mounts,
            hidden=[self._cloud.settings.data_dir],
            visible=visible_paths(command),
        )

    async def start(self) -> None:
        """Fetch the models and start every server; stop them all and raise `DeploymentFailedError` if one fails."""
        try:
            async with asyncio.TaskGroup() as group:
                for variant, item in zip(self.variants, self._plan.variants, strict=True):
                    group.create_task(self._start_variant(variant, item))
        except ExceptionGroup as failures:
            await self.stop(grace=5)
            failed = next((each for each in failures.exceptions if isinstance(each, DeploymentFailedError)), None)
            raise failed or failures.exceptions[0] from failures
        except asyncio.CancelledError:
            await self.stop(grace=5)
            raise

    async def _start_variant(self, variant: ProductionVariant, item: PlannedVariant) -> None:
        try:
            await fetch_model(S3Access(self._cloud), item.container, self.folder / item.name / "ml")
        except ModelDataError as error:
            raise DeploymentFailedError(str(error)) from error
        try:
            self._commands[item.name] = await image_command(item.image, "serve")
            await variant.server.stream.write_version(item.image)
            await variant.server.start(item.settings.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_LIMIT))
        except NotHealthyError as error:
            raise DeploymentFailedError(
                f"The primary container for production variant {variant.name} did not pass the ping health check. "
                "Please check CloudWatch logs for this endpoint."
                + (f" The last error in the log: {error}" if str(error) else "")
            ) from error
        except ServiceError as error:
            raise DeploymentFailedError(error.message) from error

    def choose_variant(self, name: str | None) -> ProductionVariant | None:
        """Return the variant with a name, or a random one by weight without a name; None if the name is unknown."""
        if name is not None:
            return next((variant for variant in self.variants if variant.name == name), None)
        if len(self.variants) == 1:
            return self.variants[0]
        weights = [variant.weight for variant in self.variants]
        return random.choices(self.variants, weights if any(weights) else None)[0]

    async def drain(self) -> None:
        """Wait until all requests in flight are answered."""
        await asyncio.gather(*(variant.server.drain() for variant in self.variants))

    async def stop(self, grace: float = 30.0) -> None:
        """Stop every server: SIGTERM, and SIGKILL after `grace` seconds."""
        await asyncio.gather(*(variant.server.stop(grace) for variant in self.variants))

    async def remove(self) -> None:
        """Delete the deployment's files."""
        await asyncio.to_thread(remove_tree, self.folder)


def endpoint_folder(cloud: CloudContext, endpoint: str) -> Path:
    """Return the folder that holds an endpoint's deployments."""
    return cloud.settings.data_dir / "sagemaker" / "endpoints" / endpoint
