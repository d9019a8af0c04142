"""Transform jobs: a model's predictions for every object of a prefix."""

from __future__ import annotations

from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import not_supported
from scones.cloud.services.sagemaker.hosting.models import ModelOperations
from scones.cloud.services.sagemaker.jobs.batch_jobs import BatchJobs
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.services.sagemaker.transform import transform_records
from scones.cloud.wire.members import Members

_DEFAULTS: Document = {"MaxPayloadInMB": 6, "BatchStrategy": "MultiRecord"}
_DEFAULT_DATA_PROCESSING = {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}


class TransformJobOperations:
    """Operations on transform jobs."""

    def __init__(self, jobs: BatchJobs, models: ModelOperations) -> None:
        self._jobs = jobs
        self._models = models

    async def create_transform_job(self, call: OperationCall) -> Members:
        """Start a transform job."""
        _check(call.params)
        self._models.find(call.params["ModelName"])
        return await self._jobs.create(call.params, _DEFAULTS)

    async def describe_transform_job(self, call: OperationCall) -> Members:
        """Describe a transform job."""
        return self._jobs.find(call.params["TransformJobName"])

    async def list_transform_jobs(self, call: OperationCall) -> Members:
        """List transform jobs."""
        return await self._jobs.list(call.params)

    async def stop_transform_job(self, call: OperationCall) -> Members:
        """Ask a transform job to stop."""
        await self._jobs.ask_to_stop(call.params["TransformJobName"])
        return {}


def _check(request: Members) -> None:
    """Check a request; raises `ServiceError`, which names the member or value that is invalid or not supported.

    Adds the defaults of DataProcessing, which AWS shows even if the request leaves it out.
    """
    request["DataProcessing"] = _DEFAULT_DATA_PROCESSING | request.get("DataProcessing", {})
    data = request["TransformInput"]
    if data["DataSource"]["S3DataSource"]["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise not_supported("transform input from augmented manifests", "Set S3DataType to S3Prefix or ManifestFile.")
    if data.get("SplitType", "None") not in ("None", "Line"):
        raise not_supported(f"SplitType {data['SplitType']}", "Use Line or None.")
    transform_records.check(request)
