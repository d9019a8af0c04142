"""The SageMaker service."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import ClassVar, Protocol

from scones.cloud.context import CloudContext
from scones.cloud.core.resumption import describe
from scones.cloud.service import Service
from scones.cloud.services.sagemaker.hosting.capture import CaptureWriter
from scones.cloud.services.sagemaker.hosting.endpoint_configs import EndpointConfigOperations
from scones.cloud.services.sagemaker.hosting.endpoint_deployments import EndpointDeployments
from scones.cloud.services.sagemaker.hosting.endpoints import EndpointOperations
from scones.cloud.services.sagemaker.hosting.models import ModelOperations
from scones.cloud.services.sagemaker.jobs.batch_jobs import BatchJobs
from scones.cloud.services.sagemaker.processing.processing_jobs import ProcessingJobOperations
from scones.cloud.services.sagemaker.processing.processing_run import ProcessingRun
from scones.cloud.services.sagemaker.registry.model_package_groups import ModelPackageGroupOperations
from scones.cloud.services.sagemaker.registry.model_packages import ModelPackageOperations
from scones.cloud.services.sagemaker.resources import SCHEMA, ResourceTable
from scones.cloud.services.sagemaker.search import SearchOperations
from scones.cloud.services.sagemaker.studio.app_operations import AppOperations
from scones.cloud.services.sagemaker.studio.domains import DomainOperations
from scones.cloud.services.sagemaker.studio.presigned_urls import PresignedUrlOperations
from scones.cloud.services.sagemaker.studio.resources import StudioResources
from scones.cloud.services.sagemaker.studio.spaces import SpaceOperations
from scones.cloud.services.sagemaker.studio.user_profiles import UserProfileOperations
from scones.cloud.services.sagemaker.tags import TagOperations
from scones.cloud.services.sagemaker.training.training_jobs import TrainingJobOperations
from scones.cloud.services.sagemaker.transform.transform_jobs import TransformJobOperations
from scones.cloud.services.sagemaker.transform.transform_run import TransformRun
from scones.cloud.services.sagemaker.tuning.tuning_jobs import TuningJobOperations

log = logging.getLogger(__name__)


class BackgroundWork(Protocol):
    """Work that runs between requests: jobs, deployments, apps and the upload of captures."""

    async def start(self) -> None:
        """Plan to resume the work of an earlier process."""

    async def stop(self) -> None:
        """Stop the work; the next process resumes it."""


class SageMaker(Service):
    """The SageMaker API.

    SageMaker Runtime reads `deployments`, which answer the requests, and adds records to `captures`.
    """

    name: ClassVar[str] = "sagemaker"
    groups = (
        TrainingJobOperations,
        ProcessingJobOperations,
        TransformJobOperations,
        TuningJobOperations,
        ModelOperations,
        EndpointConfigOperations,
        EndpointOperations,
        ModelPackageGroupOperations,
        ModelPackageOperations,
        DomainOperations,
        UserProfileOperations,
        SpaceOperations,
        AppOperations,
        PresignedUrlOperations,
        SearchOperations,
        TagOperations,
    )
    schema: ClassVar[str] = SCHEMA
    refused_parameters: ClassVar[Mapping[str, Mapping[str, str]]] = MappingProxyType(
        {
            "CreateTrainingJob": {"SessionChainingConfig": "", "MlflowConfig": "", "ModelPackageConfig": ""},
            "CreateHyperParameterTuningJob": {"Autotune": "", "TrainingJobDefinitions": ""},
            "CreateEndpointConfig": {"CrossRegionTrafficConfig": ""},
            "CreateApp": {"RecoveryMode": ""},
            "CreateModelPackage": {"ManagedStorageType": ""},
            "DescribeModelPackage": {"IncludedData": "AllData"},
            "ListTrainingJobs": {"WarmPoolStatusEquals": "", "TrainingPlanArnEquals": ""},
            "ListModelPackageGroups": {"CrossAccountFilterOption": "SameAccount"},
            "Search": {"CrossAccountFilterOption": "SameAccount", "VisibilityConditions": ""},
        }
    )

    def __init__(self, cloud: CloudContext) -> None:
        packages = ResourceTable(cloud.store, "model-package", "ModelPackageStatus")
        package_groups = ModelPackageGroupOperations(cloud, packages)
        model_packages = ModelPackageOperations(cloud, packages, package_groups)
        models = ModelOperations(cloud, model_packages)
        configs = EndpointConfigOperations(cloud, models)
        self.captures = CaptureWriter(cloud)
        self.deployments = EndpointDeployments(cloud, self.captures)
        training_jobs = TrainingJobOperations(cloud)
        processing_jobs = BatchJobs(cloud, "Processing", partial(ProcessingRun, cloud))
        transform_jobs = BatchJobs(cloud, "Transform", partial(TransformRun, cloud, models))
        tuning_jobs = TuningJobOperations(cloud, training_jobs)
        studio = StudioResources.of(cloud)
        self._background: tuple[BackgroundWork, ...] = (
            self.captures,
            training_jobs,
            processing_jobs,
            transform_jobs,
            tuning_jobs,
            self.deployments,
            studio.apps,
        )
        super().__init__(
            cloud,
            training_jobs,
            ProcessingJobOperations(processing_jobs),
            TransformJobOperations(transform_jobs, models),
            tuning_jobs,
            models,
            configs,
            EndpointOperations(cloud, models, configs, self.deployments),
            package_groups,
            model_packages,
            DomainOperations(cloud, studio),
            UserProfileOperations(studio),
            SpaceOperations(studio),
            AppOperations(studio),
            PresignedUrlOperations(studio),
            SearchOperations(cloud.store),
            TagOperations(cloud.store),
        )

    async def start(self) -> None:
        """Plan to resume the captures, jobs, endpoints and apps of an earlier process."""
        for work in self._background:
            try:
                await work.start()
            except Exception as error:
                log.error("%s failed to start: %s", type(work).__name__, describe(error))

    async def stop(self) -> None:
        """Stop apps, endpoints and jobs, then store the capture records: work stops before what it uses."""
        for work in reversed(self._background):
            await work.stop()
