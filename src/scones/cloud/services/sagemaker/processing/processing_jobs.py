"""Processing jobs: programs that read and write files in S3."""

from __future__ import annotations

from scones.cloud.process import container_images as images
from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.container_settings import image_command
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
    await _check_application(request["AppSpecification"])
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
    _check_unique(request)


async def _check_application(application: Members) -> None:
    """Check the image and the command."""
    image = application["ImageUri"]
    if (unsupported := images.UNSUPPORTED.get(images.repository(image))) is not None:
        name, instead = unsupported
        raise not_supported(f'{name}, which the container image "{image}" runs', instead)
    for member in ("ContainerEntrypoint", "ContainerArguments"):
        if "" in (words := application.get(member, [])):
            raise invalid(
                f"Found null or empty string in {member} at index {words.index('')}. ContainerArguments and "
                "ContainerEntrypoint may not contain null or empty strings."
            )
    if not application.get("ContainerEntrypoint"):
        await image_command(image, "process")


def _check_unique(request: Members) -> None:
    """Check that no two inputs or outputs have one name, and no two inputs one folder."""
    inputs, outputs = request.get("ProcessingInputs", []), outputs_of(request)
    names = [item["InputName"] for item in inputs] + [item["OutputName"] for item in outputs]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise invalid(f"Input and Output names must be globally unique: [{', '.join(repeated)}]")
    # AWS refuses two inputs in one folder with a ValidationException that has no message.
    paths = [item["S3Input"].get("LocalPath", "").rstrip("/") for item in inputs]
    if repeated := sorted({path for path in paths if paths.count(path) > 1}):
        raise invalid(f"The LocalPath of each input must be unique: [{', '.join(repeated)}]")


def _check_path(path: str, name: str) -> None:
    if not path.startswith("/opt/ml/processing") or ".." in path.split("/"):
        raise invalid(f"LocalPath {path!r} of {name!r} must be below /opt/ml/processing.")
