"""The run of a training job in its own folder: download, training on every instance, and upload."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.process.untrusted_files import Listing, UntrustedFile, UntrustedFolder, remove_tree
from scones.cloud.services.cloudwatch.service import CloudWatch
from scones.cloud.services.sagemaker.archive import pack
from scones.cloud.services.sagemaker.jobs.programs import JobPrograms
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.services.sagemaker.s3_access import S3Access, S3Location
from scones.cloud.services.sagemaker.training.instance import LOG_GROUP, TrainingInstance, host_names
from scones.cloud.services.sagemaker.training.metrics import Metrics
from scones.cloud.services.sagemaker.training.training_job_record import TrainingJobRecord
from scones.cloud.wire.members import Members

T = TypeVar("T")

REASON_CHARACTERS = 1024
"""Maximum characters of /opt/ml/output/failure in FailureReason, as on AWS."""


class _StopRequestedError(Exception):
    """StopTrainingJob was called before the program ran."""


class TrainingRun:
    """The run of one job; `request` is its document, with CreateTrainingJob's members."""

    def __init__(self, cloud: CloudContext, record: TrainingJobRecord, request: Document, folder: Path) -> None:
        self._cloud = cloud
        self._record = record
        self._request = request
        self._folder = folder
        self._instances = [TrainingInstance(cloud, request, host, folder / host) for host in host_names(request)]
        self._stop_requested = asyncio.Event()
        self._programs = JobPrograms(self._instances, self._stop_requested)
        self._metrics = Metrics(request["AlgorithmSpecification"].get("MetricDefinitions", []))
        self._objects = S3Access(cloud)
        self._cloudwatch = cloud.service(CloudWatch)
        self._metrics_changed = asyncio.Event()

    @property
    def instances(self) -> int:
        """Number of the job's instances."""
        return len(self._instances)

    def stop(self) -> None:
        """Ask the job to end: a running program gets SIGTERM, and the files that it wrote are uploaded."""
        self._stop_requested.set()

    async def run(self) -> None:
        """Run the job, remove its folder, as AWS removes the instance, and record the job's final status."""
        try:
            outcome, reason = await self._train()
        except _StopRequestedError:
            outcome, reason = "Stopped", ""
        except (ServiceError, ValueError, OSError) as error:
            outcome, reason = "Failed", f"ClientError: {error}"
        finally:
            await asyncio.to_thread(remove_tree, self._folder)
        await self._record.finish(outcome, reason)

    async def _train(self) -> tuple[str, str]:
        await self._record.enter("Downloading")
        await self._cancel_if_stopped(self._prepare())
        await self._record.enter("Training")
        failed, ending = await self._run_programs()
        if ending == "Completed" and failed is not None:
            instance, code = failed
            await self._store_checkpoints()
            reason = await asyncio.to_thread(failure_reason, instance.ml_folder, instance.last_error, code)
            return "Failed", reason
        await self._record.enter("Uploading")
        await self._store_checkpoints()
        await self._upload()
        return ending, ""

    async def _cancel_if_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self._stop_requested.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise _StopRequestedError
            return task.result()
        finally:
            for each in (task, stop):
                each.cancel()

    async def _prepare(self) -> None:
        for instance in self._instances:
            await instance.lay_out()
        try:
            async with asyncio.TaskGroup() as group:
                for instance in self._instances:
                    group.create_task(instance.download())
        except* (ServiceError, ValueError, OSError) as errors:
            raise ValueError(f"Data download failed: {_first(errors)}") from errors

    async def _store_checkpoints(self) -> None:
        for instance in self._instances:
            await instance.checkpoints.finish()

    async def _run_programs(self) -> tuple[tuple[TrainingInstance, int] | None, str]:
        """Run every instance; return the first that failed, with its exit code, and the job's ending.

        The ending is the final SecondaryStatus unless an instance failed.
        """
        keep = asyncio.ensure_future(self._keep_metrics())
        try:
            for instance in self._instances:
                await instance.start(self._read_metrics)
            return await self._programs.wait(self._request["StoppingCondition"]["MaxRuntimeInSeconds"])
        finally:
            self._programs.kill()
            keep.cancel()
            if self._metrics.final():
                await self._record.metrics(self._metrics.final())

    async def _read_metrics(self, lines: Sequence[str]) -> None:
        for name, values in (await self._metrics.read(lines)).items():
            self._cloudwatch.append(LOG_GROUP, name, {"TrainingJobName": self._request["TrainingJobName"]}, values)
            self._metrics_changed.set()

    async def _keep_metrics(self) -> None:
        while True:
            await self._metrics_changed.wait()
            self._metrics_changed.clear()
            await self._record.metrics(self._metrics.final())
            await asyncio.sleep(1)  # one write per second is enough: an epoch may take only milliseconds

    async def _upload(self) -> None:
        """Store the model and the output data. The first instance wins if several have a file of the same name."""
        artifact = S3Location.of(self._request["ModelArtifacts"]["S3ModelArtifacts"])
        if self._request["OutputDataConfig"].get("CompressionType") == "NONE":
            await self._upload_files(await self._listings("model"), artifact)
        else:
            await self._upload_archive("model", artifact)
        await self._upload_archive("output/data", output_location(self._request).join("output.tar.gz"))

    async def _listings(self, folder: str) -> list[Listing]:
        return [await instance.listed(folder) for instance in self._instances]

    async def _upload_archive(self, folder: str, location: S3Location) -> None:
        archive = self._folder / "upload.tar.gz"
        if await asyncio.to_thread(pack, await self._listings(folder), archive):
            await self._objects.upload(archive, location)

    async def _upload_files(self, listings: list[Listing], location: S3Location) -> None:
        files: dict[str, UntrustedFile] = {}
        for listing in listings:
            for file in listing.files:
                files.setdefault(file.name, file)
        for name, file in sorted(files.items()):
            await self._objects.upload_untrusted(file, location.join(name))


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error in nested exception groups that is not itself a group."""
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


def output_location(request: Members) -> S3Location:
    """Return the location `S3OutputPath/JOB/output` of a job's artifacts."""
    return S3Location.of(request["OutputDataConfig"]["S3OutputPath"]).join(request["TrainingJobName"], "output")


def failure_reason(ml_folder: UntrustedFolder, last_error: str, code: int) -> str:
    """Return a FailureReason in AWS's form: the first 1,024 characters of /opt/ml/output/failure, and the exit code.

    `last_error`, the last error in the log, replaces an empty or missing file. The code 2 makes it a ClientError:
    built-in algorithms end with 2 for errors that the user can correct.
    """
    text = (ml_folder.read("output/failure", REASON_CHARACTERS * 4) or b"").decode(errors="replace")
    code = code if code >= 0 else 128 - code
    reason = text[:REASON_CHARACTERS].strip() or last_error
    return f"{'ClientError' if code == 2 else 'AlgorithmError'}: {reason}, exit code: {code}"
