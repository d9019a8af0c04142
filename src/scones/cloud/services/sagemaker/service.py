"""The control plane: SageMaker's operations, each passed on to the class of its resource."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.core.resumption import describe
from scones.cloud.service import OperationCall, Service
from scones.cloud.services.sagemaker.hosting.capture import CaptureWriter
from scones.cloud.services.sagemaker.hosting.endpoint_configs import EndpointConfigs
from scones.cloud.services.sagemaker.hosting.endpoints import Endpoints
from scones.cloud.services.sagemaker.hosting.models import Models
from scones.cloud.services.sagemaker.jobs.batch_jobs import BatchJobs
from scones.cloud.services.sagemaker.processing import processing_run as processing
from scones.cloud.services.sagemaker.registry.model_packages import ModelPackages
from scones.cloud.services.sagemaker.registry.operations import RegistryOperations
from scones.cloud.services.sagemaker.resources import SCHEMA, Document
from scones.cloud.services.sagemaker.search import SearchOperations
from scones.cloud.services.sagemaker.studio import Studio, StudioOperations
from scones.cloud.services.sagemaker.tags import Tags
from scones.cloud.services.sagemaker.training.training_jobs import TrainingJobs
from scones.cloud.services.sagemaker.transform import transform_run as transform
from scones.cloud.services.sagemaker.tuning.tuning_jobs import TuningJobs

log = logging.getLogger(__name__)


class SageMaker(RegistryOperations, SearchOperations, StudioOperations, Service):
    """SageMaker of this cloud: jobs, models, endpoint configurations, endpoints, the model registry and Studio."""

    name: ClassVar[str] = "sagemaker"
    schema: ClassVar[str] = SCHEMA

    def __init__(self, cloud: CloudContext) -> None:
        super().__init__(cloud)
        self.jobs = TrainingJobs(cloud)
        self.model_packages = ModelPackages(cloud)
        self.models = Models(cloud, self.model_packages)
        self.endpoint_configs = EndpointConfigs(cloud, self.models)
        self.capture_writer = CaptureWriter(cloud)
        self.endpoints = Endpoints(cloud, self.models, self.endpoint_configs, self.capture_writer)
        self.processing_jobs = BatchJobs(cloud, "Processing", self._processing)
        self.transform_jobs = BatchJobs(cloud, "Transform", self._transform)
        self.tuning_jobs = TuningJobs(cloud, self.jobs)
        self.studio = Studio(cloud)
        self.tags = Tags(cloud.store)

    async def start(self) -> None:
        """Plan to resume the captures, jobs, endpoints and apps of an earlier process."""
        for part in (
            self.capture_writer,
            self.jobs,
            self.processing_jobs,
            self.transform_jobs,
            self.tuning_jobs,
            self.endpoints,
            self.studio.apps,
        ):
            try:
                await part.start()
            except Exception as error:
                log.error("%s failed to start: %s", type(part).__name__, describe(error))

    async def stop(self) -> None:
        """Stop apps, jobs and endpoints, then store the capture records."""
        await self.studio.apps.stop()
        await self.tuning_jobs.stop()
        await self.jobs.stop()
        await self.processing_jobs.stop()
        await self.transform_jobs.stop()
        await self.endpoints.stop()
        await self.capture_writer.stop()

    async def create_training_job(self, call: OperationCall) -> dict[str, Any]:
        """Start a training job."""
        return await self.jobs.create(call.params)

    async def describe_training_job(self, call: OperationCall) -> dict[str, Any]:
        """Describe a training job."""
        return self.jobs.describe(call.params["TrainingJobName"])

    async def list_training_jobs(self, call: OperationCall) -> dict[str, Any]:
        """List training jobs."""
        return await self.jobs.list(call.params)

    async def stop_training_job(self, call: OperationCall) -> dict[str, Any]:
        """Ask a training job to stop."""
        await self.jobs.ask_to_stop(call.params["TrainingJobName"])
        return {}

    async def delete_training_job(self, call: OperationCall) -> dict[str, Any]:
        """Delete a training job that has ended."""
        await self.jobs.delete(call.params["TrainingJobName"])
        return {}

    async def create_processing_job(self, call: OperationCall) -> dict[str, Any]:
        """Start a processing job."""
        await processing.check(call.params)
        return await self.processing_jobs.create(call.params, processing.DEFAULTS)

    async def describe_processing_job(self, call: OperationCall) -> dict[str, Any]:
        """Describe a processing job."""
        return self.processing_jobs.describe(call.params["ProcessingJobName"])

    async def list_processing_jobs(self, call: OperationCall) -> dict[str, Any]:
        """List processing jobs."""
        return await self.processing_jobs.list(call.params)

    async def stop_processing_job(self, call: OperationCall) -> dict[str, Any]:
        """Ask a processing job to stop."""
        await self.processing_jobs.ask_to_stop(call.params["ProcessingJobName"])
        return {}

    async def create_transform_job(self, call: OperationCall) -> dict[str, Any]:
        """Start a transform job."""
        transform.check(call.params)
        self.models.describe(call.params["ModelName"])
        return await self.transform_jobs.create(call.params, transform.DEFAULTS)

    async def describe_transform_job(self, call: OperationCall) -> dict[str, Any]:
        """Describe a transform job."""
        return self.transform_jobs.describe(call.params["TransformJobName"])

    async def list_transform_jobs(self, call: OperationCall) -> dict[str, Any]:
        """List transform jobs."""
        return await self.transform_jobs.list(call.params)

    async def stop_transform_job(self, call: OperationCall) -> dict[str, Any]:
        """Ask a transform job to stop."""
        await self.transform_jobs.ask_to_stop(call.params["TransformJobName"])
        return {}

    async def create_hyper_parameter_tuning_job(self, call: OperationCall) -> dict[str, Any]:
        """Start a hyperparameter tuning job."""
        return await self.tuning_jobs.create(call.params)

    async def describe_hyper_parameter_tuning_job(self, call: OperationCall) -> dict[str, Any]:
        """Describe a hyperparameter tuning job."""
        return self.tuning_jobs.describe(call.params["HyperParameterTuningJobName"])

    async def list_hyper_parameter_tuning_jobs(self, call: OperationCall) -> dict[str, Any]:
        """List hyperparameter tuning jobs."""
        return await self.tuning_jobs.list(call.params)

    async def list_training_jobs_for_hyper_parameter_tuning_job(self, call: OperationCall) -> dict[str, Any]:
        """List the training jobs of a hyperparameter tuning job."""
        return self.tuning_jobs.list_training_jobs(call.params)

    async def stop_hyper_parameter_tuning_job(self, call: OperationCall) -> dict[str, Any]:
        """Ask a hyperparameter tuning job to stop."""
        await self.tuning_jobs.ask_to_stop(call.params["HyperParameterTuningJobName"])
        return {}

    async def delete_hyper_parameter_tuning_job(self, call: OperationCall) -> dict[str, Any]:
        """Delete a hyperparameter tuning job that has ended."""
        await self.tuning_jobs.delete(call.params["HyperParameterTuningJobName"])
        return {}

    def _processing(self, document: Document, folder: Path) -> processing.ProcessingRun:
        return processing.ProcessingRun(self.cloud, document, folder)

    def _transform(self, document: Document, folder: Path) -> transform.TransformRun:
        return transform.TransformRun(self.cloud, self.models, document, folder)

    async def create_model(self, call: OperationCall) -> dict[str, Any]:
        """Create a model."""
        return await self.models.create(call.params)

    async def describe_model(self, call: OperationCall) -> dict[str, Any]:
        """Describe a model."""
        return self.models.describe(call.params["ModelName"])

    async def list_models(self, call: OperationCall) -> dict[str, Any]:
        """List models."""
        return await self.models.list(call.params)

    async def delete_model(self, call: OperationCall) -> dict[str, Any]:
        """Delete a model."""
        await self.models.delete(call.params["ModelName"])
        return {}

    async def create_endpoint_config(self, call: OperationCall) -> dict[str, Any]:
        """Create an endpoint configuration."""
        return await self.endpoint_configs.create(call.params)

    async def describe_endpoint_config(self, call: OperationCall) -> dict[str, Any]:
        """Describe an endpoint configuration."""
        return self.endpoint_configs.describe(call.params["EndpointConfigName"])

    async def list_endpoint_configs(self, call: OperationCall) -> dict[str, Any]:
        """List endpoint configurations."""
        return await self.endpoint_configs.list(call.params)

    async def delete_endpoint_config(self, call: OperationCall) -> dict[str, Any]:
        """Delete an endpoint configuration."""
        await self.endpoint_configs.delete(call.params["EndpointConfigName"])
        return {}

    async def create_endpoint(self, call: OperationCall) -> dict[str, Any]:
        """Start creating an endpoint."""
        return await self.endpoints.create(call.params)

    async def describe_endpoint(self, call: OperationCall) -> dict[str, Any]:
        """Describe an endpoint."""
        return self.endpoints.describe(call.params["EndpointName"])

    async def list_endpoints(self, call: OperationCall) -> dict[str, Any]:
        """List endpoints."""
        return await self.endpoints.list(call.params)

    async def update_endpoint(self, call: OperationCall) -> dict[str, Any]:
        """Start updating an endpoint to another configuration."""
        return await self.endpoints.update(call.params)

    async def update_endpoint_weights_and_capacities(self, call: OperationCall) -> dict[str, Any]:
        """Change the weights of an endpoint's variants."""
        return await self.endpoints.update_weights(
            call.params["EndpointName"], call.params["DesiredWeightsAndCapacities"]
        )

    async def delete_endpoint(self, call: OperationCall) -> dict[str, Any]:
        """Start deleting an endpoint."""
        await self.endpoints.delete(call.params["EndpointName"])
        return {}

    async def add_tags(self, call: OperationCall) -> dict[str, Any]:
        """Tag a resource."""
        return await self.tags.add(call.params["ResourceArn"], call.params["Tags"])

    async def list_tags(self, call: OperationCall) -> dict[str, Any]:
        """List a resource's tags."""
        return self.tags.list(call.params["ResourceArn"])

    async def delete_tags(self, call: OperationCall) -> dict[str, Any]:
        """Remove tags from a resource."""
        await self.tags.delete(call.params["ResourceArn"], call.params["TagKeys"])
        return {}
