"""The run of a processing job: it downloads inputs from S3, runs a program, and uploads outputs to S3."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.process.untrusted_files import UntrustedFilesError
from scones.cloud.services.sagemaker.errors import see_job_logs
from scones.cloud.services.sagemaker.jobs.batch_jobs import JobResult
from scones.cloud.services.sagemaker.jobs.programs import JobPrograms
from scones.cloud.services.sagemaker.processing.processing_instance import ProcessingInstance, host_names, outputs_of
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.wire.members import Members

CONTINUOUS_SECONDS = 2.0
"""Seconds between two uploads of the new files of a Continuous output."""
MESSAGE_BYTES = 1024
"""Maximum bytes of /opt/ml/output/message that ExitMessage shows."""


class ProcessingRun:
    """The run of one processing job; `request` is its document."""

    def __init__(self, cloud: CloudContext, request: Document, folder: Path) -> None:
        self._request = request
        self._instances = [ProcessingInstance(cloud, request, host, folder / host) for host in host_names(request)]
        self._stopped = asyncio.Event()
        self._programs = JobPrograms(self._instances, self._stopped)

    def stop(self) -> None:
        """Ask the programs to end (SIGTERM)."""
        self._stopped.set()

    async def run(self) -> JobResult:
        """Run the job; raises `ServiceError`, `ValueError` or `OSError` if its data cannot be downloaded or stored."""
        for instance in self._instances:
            await asyncio.to_thread(instance.lay_out)
        try:
            for instance in self._instances:
                await instance.download()
        except (ServiceError, ValueError, OSError, ExceptionGroup) as error:
            first = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
            raise ValueError(f"Data download failed: {first}") from error
        follow = asyncio.ensure_future(self._follow())
        try:
            failed, ending = await self._run_programs()
        finally:
            follow.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await follow
        more = await asyncio.to_thread(self._exit_message)
        if ending == "Completed" and failed:
            instance, code = failed
            reason = see_job_logs(instance.last_error)
            return JobResult("Failed", f"AlgorithmError: {reason}, exit code: {code}", more)
        if ending == "MaxRuntimeExceeded":
            limit = self._request["StoppingCondition"]["MaxRuntimeInSeconds"]
            return JobResult("Stopped", f"ClientError: the job exceeded MaxRuntimeInSeconds ({limit})", more)
        await self._upload(outputs_of(self._request))
        return JobResult(ending, "", more)

    async def _run_programs(self) -> tuple[tuple[ProcessingInstance, int] | None, str]:
        """Run every program; return the instance that failed first, with its exit code, and the job's ending."""
        try:
            for instance in self._instances:
                await instance.start()
            return await self._programs.wait(self._request["StoppingCondition"]["MaxRuntimeInSeconds"])
        finally:
            self._programs.kill()

    def _exit_message(self) -> Document:
        for instance in self._instances:
            if (message := instance.ml_folder.read("output/message", MESSAGE_BYTES)) is not None:
                return {"ExitMessage": message.decode(errors="replace")}
        return {}

    async def _follow(self) -> None:
        """Upload new files of the Continuous outputs while the programs run."""
        continuous = [item for item in outputs_of(self._request) if item["S3Output"]["S3UploadMode"] == "Continuous"]
        while continuous:
            await asyncio.sleep(CONTINUOUS_SECONDS)
            with contextlib.suppress(ServiceError, OSError, UntrustedFilesError):  # the last upload raises
                await self._upload(continuous, log_left_out=False)

    async def _upload(self, outputs: list[Members], *, log_left_out: bool = True) -> None:
        """Upload new and changed files; of files with the same name, the last instance's remains."""
        for instance in self._instances:
            for item in outputs:
                await instance.upload(item["S3Output"], log_left_out=log_left_out)
