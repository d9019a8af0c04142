"""Processing jobs: programs that read and write files in S3."""

from __future__ import annotations

from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import invalid, not_supported, require
from scones.cloud.services.sagemaker.jobs.batch_jobs import BatchJobs
from scones.cloud.services.sagemaker.jobs.capacity import check_instance_count
from scones.cloud.services.sagemaker.processing.processing_instance import outputs_of
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.wire.members import Members

_DEFAULTS: Document = {"StoppingCondition": {"MaxRuntimeInSeconds": 86_400}}


class ProcessingJobOperations:
    """Operations on processing jobs."""

    def __init__(self, jobs: BatchJobs) -> None:
        self._jobs = jobs

    async def create_processing_job(self, call: OperationCall) -> Members:
        """Start a processing job."""
        await _check(call.params)
        return await self._jobs.create(call.params, _DEFAULTS)

    async def describe_processing_job(self, call: OperationCall) -> Members:
        """Describe a processing job."""
        return self._jobs.find(call.params["ProcessingJobName"])

    async def list_processing_jobs(self, call: OperationCall) -> Members:
        """List processing jobs."""
        return await self._jobs.list(call.params)

    async def stop_processing_job(self, call: OperationCall) -> Members:
        """Ask a processing job to stop."""
        await self._jobs.ask_to_stop(call.params["ProcessingJobName"])
        return {}


async def _check(request: Members) -> None:
    """Check a request; raises `ServiceError`, which names the member or value that is invalid or not supported."""
    require(
        request, "ProcessingResources.ClusterConfig.InstanceCount", "ProcessingResources.ClusterConfig.InstanceType"
    )
    count = request["ProcessingResources"]["ClusterConfig"]["InstanceCount"]
    await check_instance_count(count, "ClusterConfig", "processing")
    for item in request.get("ProcessingInputs", []):
        source = item.get("S3Input")
        if source is None:
            raise not_supported(f"the dataset definition of input {item['InputName']!r}", "Use S3Input.")
        if source["S3DataType"] not in ("S3Prefix", "ManifestFile") or source.get("S3InputMode", "File") != "File":
            raise not_supported(
                f"the data type or mode of input {item['InputName']!r}", "Use S3Prefix or ManifestFile, and File."
            )
        _check_path(source.get("LocalPath", ""), item["InputName"])
    for item in outputs_of(request):
        if "S3Output" not in item:
            raise not_supported(f"the feature store of output {item['OutputName']!r}", "Use S3Output.")
        _check_path(item["S3Output"].get("LocalPath", ""), item["OutputName"])


def _check_path(path: str, name: str) -> None:
    if not path.startswith("/opt/ml/processing") or ".." in path.split("/"):
        raise invalid(f"LocalPath {path!r} of {name!r} must be below /opt/ml/processing.")
