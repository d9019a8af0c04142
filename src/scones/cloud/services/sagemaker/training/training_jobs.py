"""Training jobs: creation, queueing for capacity, description, listing, stopping and resumption."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.errors import ServiceError
from scones.cloud.process.untrusted_files import remove_tree
from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.announcements import announce_training_job
from scones.cloud.services.sagemaker.container_settings import image_command
from scones.cloud.services.sagemaker.errors import (
    INTERNAL_FAULT,
    INTERRUPTED,
    cannot_stop,
    invalid,
    job_not_resumed,
    must_end_first,
    not_supported,
    require,
)
from scones.cloud.services.sagemaker.jobs import inputs
from scones.cloud.services.sagemaker.jobs.capacity import AT_ONCE, check_instance_count
from scones.cloud.services.sagemaker.jobs.hosts import multi_instance_lock
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.services.sagemaker.s3_access import S3Access
from scones.cloud.services.sagemaker.training.instance import instances
from scones.cloud.services.sagemaker.training.metrics import definitions
from scones.cloud.services.sagemaker.training.training_job_record import TrainingJobRecord, enter, finish
from scones.cloud.services.sagemaker.training.training_run import TrainingRun, output_location
from scones.cloud.wire.members import Members

_SUMMARY = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "TrainingJobStatus",
    "SecondaryStatus",
)


class TrainingJobOperations:
    """Operations on training jobs, of which at most `AT_ONCE` run at once, in the order of their creation."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._jobs = ResourceTable(
            cloud.store, "training-job", "TrainingJobStatus", partial(announce_training_job, cloud)
        )
        self._folder = cloud.settings.data_dir / "sagemaker" / "jobs"
        self._capacity = asyncio.Semaphore(AT_ONCE)
        self._multi_instance_lock = asyncio.Lock()
        """Lock of the job that runs on several instances: a cloud runs one such job at a time."""
        self._runs: dict[str, tuple[TrainingRun, asyncio.Task[None]]] = {}

    async def create_training_job(self, call: OperationCall) -> Members:
        """Start a training job."""
        return await self.create(call.params)

    async def describe_training_job(self, call: OperationCall) -> Members:
        """Describe a training job."""
        return self.find(call.params["TrainingJobName"])

    async def list_training_jobs(self, call: OperationCall) -> Members:
        """List training jobs."""
        page, more = await self._jobs.page(call.params, "Ascending")
        summaries = [{key: document[key] for key in _SUMMARY if key in document} for document in page]
        return {"TrainingJobSummaries": summaries, **more}

    async def stop_training_job(self, call: OperationCall) -> Members:
        """Ask a training job to stop."""
        await self.ask_to_stop(call.params["TrainingJobName"])
        return {}

    async def delete_training_job(self, call: OperationCall) -> Members:
        """Delete a training job that has ended."""
        name = call.params["TrainingJobName"]
        status = self.find(name)["TrainingJobStatus"]
        if status in ("InProgress", "Stopping"):
            raise must_end_first(f"Training job {name}", status)
        await self._jobs.remove(name)
        return {}

    async def create(self, request: Members) -> Members:
        """Check a request, store the job and queue it; raises `ServiceError`."""
        name = request["TrainingJobName"]
        arn = self._cloud.arn("sagemaker", f"training-job/{name.lower()}")
        if self._jobs.get(name) is not None:
            raise _duplicate(arn)
        _check(request)
        if not request["AlgorithmSpecification"].get(
            "ContainerEntrypoint"
        ):  # an entry point replaces the image's program
            await image_command(request["AlgorithmSpecification"]["TrainingImage"], "train")
        await _check_instances(request)
        await inputs.check_objects(S3Access(self._cloud), request, self._cloud.settings.region)
        document = _document(request, arn)
        if not await self._jobs.add(name, arn, document, request.get("Tags", [])):
            raise _duplicate(arn)
        self._queue(document)
        return {"TrainingJobArn": arn}

    def find(self, name: str) -> Document:
        """Return a job in the form of Describe; raises `ServiceError` (ValidationException)."""
        document = self._jobs.get(name)
        if document is None:
            raise invalid("Requested resource not found.")
        return document

    def exists(self, name: str) -> bool:
        """Return True if a job with this name exists."""
        return self._jobs.get(name) is not None

    async def wait(self, name: str) -> None:
        """Wait until a job has ended."""
        if name in self._runs:
            await asyncio.wait({self._runs[name][1]})

    async def ask_to_stop(self, name: str) -> None:
        """Ask a job to stop; raises `ServiceError` (ValidationException) if it is not in progress."""
        self.find(name)

        def change(document: Document) -> None:
            status = document["TrainingJobStatus"]
            if status != "InProgress":
                raise cannot_stop("training job", status)
            enter(document, "Stopping")
            document["TrainingJobStatus"] = "Stopping"
            if "TrainingStartTime" not in document or name not in self._runs:  # no program to wait for
                finish(document, "Stopped")

        document = await self._jobs.update(name, change)
        run, task = self._runs.get(name, (None, None))
        if run is not None and task is not None:
            run.stop()
            if document is not None and document["TrainingJobStatus"] == "Stopped":
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def start(self) -> None:
        """Resume after a restart: jobs that had started fail, jobs that were stopped while they waited become Stopped.

        Queued jobs are queued again.
        """
        resumption = self._cloud.resumption
        if not resumption.recover:
            await asyncio.to_thread(remove_tree, self._folder)
        left = self._jobs.of_status("InProgress", "Stopping")
        waited = [job for job in left if job["TrainingJobStatus"] == "InProgress" and "TrainingStartTime" not in job]
        await resumption.resume_now(self._resumable(job, self._end) for job in left if job not in waited)
        resumption.plan(self._resumable(job, self._requeue) for job in waited)

    def _resumable(self, job: Document, resume: Callable[[str], Coroutine[Any, Any, None]]) -> ResumableWork:
        async def give_up(reason: str) -> None:
            await TrainingJobRecord(self._jobs, name).finish("Failed", job_not_resumed(reason))

        name = job["TrainingJobName"]
        return ResumableWork("training job", name, partial(resume, name), give_up)

    async def _end(self, name: str) -> None:
        """End a job of an earlier process: Failed if it had started, Stopped if it was stopped while it waited."""
        record = TrainingJobRecord(self._jobs, name)
        if "TrainingStartTime" in self.find(name):
            await record.finish("Failed", INTERRUPTED)
        else:
            await record.finish("Stopped")

    async def _requeue(self, name: str) -> None:
        document = self.find(name)
        if document["TrainingJobStatus"] == "InProgress":
            self._queue(document)

    async def stop(self) -> None:
        """Cancel every run; the next start decides from the jobs' records how they continue."""
        tasks = [task for _, task in self._runs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _queue(self, document: Document) -> None:
        name = document["TrainingJobName"]
        run = TrainingRun(self._cloud, TrainingJobRecord(self._jobs, name), document, self._folder / name)
        task = self._cloud.spawn(self._run(name, run), f"training job {name}")
        self._runs[name] = run, task
        task.add_done_callback(lambda _: self._runs.pop(name, None))

    async def _run(self, name: str, run: TrainingRun) -> None:
        pending = partial(TrainingJobRecord(self._jobs, name).enter, "Pending")
        async with contextlib.AsyncExitStack() as held:
            if run.instances > 1:
                await held.enter_async_context(multi_instance_lock(self._multi_instance_lock, pending))
            if self._capacity.locked():
                await pending()
            await held.enter_async_context(self._capacity)
            try:
                await run.run()
            except Exception:
                await TrainingJobRecord(self._jobs, name).finish("Failed", INTERNAL_FAULT)
                raise


def _check(request: Members) -> None:
    algorithm = request.get("AlgorithmSpecification", {})
    if "ServerlessJobConfig" in request or "TrainingImage" not in algorithm:
        raise not_supported("a training job without AlgorithmSpecification.TrainingImage", "Specify an image URI.")
    require(request, "ResourceConfig")
    if "InstanceGroups" in request["ResourceConfig"]:
        raise not_supported("training on several instance groups", "Set InstanceType and InstanceCount instead.")
    stopping = request.get("StoppingCondition", {})
    longest = stopping.get("MaxRuntimeInSeconds", 86_400)
    if request.get("EnableManagedSpotTraining") and stopping.get("MaxWaitTimeInSeconds", 0) < longest:
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )
    inputs.check_channels(request)


async def _check_instances(request: Members) -> None:
    count = instances(request)
    if count < 1:
        raise invalid("ResourceConfig.InstanceCount must be greater than 0.")
    await check_instance_count(count, "ResourceConfig", "training")


def _document(request: Members, arn: str) -> Document:
    now = time.time()
    algorithm = request["AlgorithmSpecification"]
    compressed = request["OutputDataConfig"].get("CompressionType", "GZIP") == "GZIP"
    document = {
        "HyperParameters": {},
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        **{key: value for key, value in request.items() if key != "Tags"},
        "TrainingJobArn": arn,
        "AlgorithmSpecification": {
            "EnableSageMakerMetricsTimeSeries": False,
            **algorithm,
            "MetricDefinitions": definitions(algorithm),
        },
        "ModelArtifacts": {
            "S3ModelArtifacts": str(output_location(request).join("model.tar.gz" if compressed else "model/"))
        },
        "OutputDataConfig": {"KmsKeyId": "", "CompressionType": "GZIP", **request["OutputDataConfig"]},
        "ResourceConfig": {"InstanceCount": 1, **request["ResourceConfig"]},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400, **request.get("StoppingCondition", {})},
        "TrainingJobStatus": "InProgress",
        "CreationTime": now,
        "LastModifiedTime": now,
        "SecondaryStatusTransitions": [],
    }
    enter(document, "Starting")
    return document


def _duplicate(arn: str) -> ServiceError:
    return ServiceError(
        "ResourceInUse",
        "Training job names must be unique within an AWS account and region, and a training job with this name "
        f"already exists ({arn})",
    )
