"""The common part of processing and transform jobs: records, queueing, stopping and resumption."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from scones.cloud.context import CloudContext
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.errors import ServiceError
from scones.cloud.process.untrusted_files import remove_tree
from scones.cloud.services.sagemaker.errors import INTERNAL_FAULT, INTERRUPTED, cannot_stop, invalid, job_not_resumed
from scones.cloud.services.sagemaker.jobs.capacity import AT_ONCE
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.wire.members import Members


@dataclass(frozen=True, slots=True)
class JobResult:
    """A job's final status, its failure reason, and further members for Describe."""

    status: str
    reason: str = ""
    extra_members: Document = field(default_factory=dict)


class JobRun(Protocol):
    """The run of one job."""

    async def run(self) -> JobResult:
        """Do the job; a `ServiceError`, `ValueError` or `OSError` makes it fail with a ClientError."""

    def stop(self) -> None:
        """Ask the job to end."""


class BatchJobs:
    """The jobs of one kind.

    `job_type` is the prefix of their members' names, such as Processing. `make` creates the run of a job from the job's
    document and a folder for its files.
    """

    def __init__(self, cloud: CloudContext, job_type: str, make: Callable[[Document, Path], JobRun]) -> None:
        self._cloud = cloud
        self._job_type = job_type
        self._make = make
        self._kind = f"{job_type.lower()}-job"
        self._jobs = ResourceTable(cloud.store, self._kind, f"{job_type}JobStatus")
        self._folder = cloud.settings.data_dir / "sagemaker" / self._kind
        self._capacity = asyncio.Semaphore(AT_ONCE)
        self._runs: dict[str, tuple[JobRun, asyncio.Task[None]]] = {}

    def member(self, name: str) -> str:
        """Return a member's full name: `ProcessingJobStatus` for `JobStatus`."""
        return self._job_type + name

    async def start(self) -> None:
        """Resume after a restart: running jobs fail, stopping jobs are stopped, and queued jobs are queued again."""
        resumption = self._cloud.resumption
        if not resumption.recover:
            await asyncio.to_thread(remove_tree, self._folder)
        for document in self._jobs.of_status("InProgress", "Stopping"):
            status, name = document[self.member("JobStatus")], document[self.member("JobName")]
            if status == "Stopping":
                await resumption.resume_now([self._resumable(name, partial(self._finish, name, JobResult("Stopped")))])
            elif self.member("StartTime") in document:
                interrupted = JobResult("Failed", INTERRUPTED)
                await resumption.resume_now([self._resumable(name, partial(self._finish, name, interrupted))])
            else:
                resumption.plan([self._resumable(name, partial(self._requeue, name))])

    def _resumable(self, name: str, resume: Callable[[], Coroutine[Any, Any, None]]) -> ResumableWork:
        async def give_up(reason: str) -> None:
            await self._finish(name, JobResult("Failed", job_not_resumed(reason)))

        return ResumableWork(f"{self._job_type.lower()} job", name, resume, give_up)

    async def _requeue(self, name: str) -> None:
        document = self.find(name)
        if document[self.member("JobStatus")] == "InProgress":
            self._queue(document)

    async def stop(self) -> None:
        """Cancel every run; the next start decides from the jobs' documents how they continue."""
        tasks = [task for _, task in self._runs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def create(self, request: Members, defaults: Document) -> Members:
        """Store a job, with `defaults` for members that its request leaves out, and queue it.

        Raises `ServiceError` (ResourceInUse) if the name exists.
        """
        name = request[self.member("JobName")]
        arn = self._cloud.arn("sagemaker", f"{self._kind}/{name.lower()}")
        now = time.time()
        document = {
            **defaults,
            **{key: value for key, value in request.items() if key != "Tags"},
            self.member("JobArn"): arn,
            self.member("JobStatus"): "InProgress",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        if not await self._jobs.add(name, arn, document, request.get("Tags", [])):
            raise ServiceError(
                "ResourceInUse",
                f"Job name must be unique within an AWS account and region, and a job with this name already exists "
                f"({arn})",
            )
        self._queue(document)
        return {self.member("JobArn"): arn}

    def find(self, name: str) -> Document:
        """Return a job's document; raises `ServiceError` (ValidationException)."""
        document = self._jobs.get(name)
        if document is None:
            raise invalid(f"Could not find requested job with name: {name}")
        return document

    async def list(self, params: Members) -> Members:
        """Return one page of summaries."""
        page, more = await self._jobs.page(params, "Descending")
        members = [self.member(name) for name in ("JobName", "JobArn", "EndTime", "JobStatus")]
        members += ["CreationTime", "LastModifiedTime", "FailureReason", "ExitMessage"]
        summaries = [{key: document[key] for key in members if key in document} for document in page]
        return {self.member("JobSummaries"): summaries, **more}

    async def ask_to_stop(self, name: str) -> None:
        """Ask a job to stop; raises `ServiceError` (ValidationException) if it is not in progress."""
        self.find(name)
        member = self.member("JobStatus")

        def change(document: Document) -> None:
            if document[member] != "InProgress":
                raise cannot_stop("job", document[member])
            document |= {member: "Stopping", "LastModifiedTime": time.time()}

        await self._jobs.update(name, change)
        run, _ = self._runs.get(name, (None, None))
        if run is not None:
            run.stop()
        else:  # a job of an earlier process that was not resumed
            await self._finish(name, JobResult("Stopped"))

    def _queue(self, document: Document) -> None:
        name = document[self.member("JobName")]
        run = self._make(document, self._folder / name)
        task = self._cloud.spawn(self._run(name, run), f"{self._kind} {name}")
        self._runs[name] = run, task
        task.add_done_callback(lambda _: self._runs.pop(name, None))

    async def _run(self, name: str, run: JobRun) -> None:
        async with self._capacity:
            if await self._begin(name):
                try:
                    outcome = await run.run()
                except (ServiceError, ValueError, OSError) as error:
                    outcome = JobResult("Failed", f"ClientError: {error}")
                except Exception:
                    await self._finish(name, JobResult("Failed", INTERNAL_FAULT))
                    raise
                finally:
                    await asyncio.to_thread(remove_tree, self._folder / name)
            else:
                outcome = JobResult("Stopped")
            await self._finish(name, outcome)

    async def _begin(self, name: str) -> bool:
        """Record a job's start; return False if it was stopped while it waited."""

        def change(document: Document) -> None:
            if document[self.member("JobStatus")] == "InProgress":
                document |= {self.member("StartTime"): time.time(), "LastModifiedTime": time.time()}

        document = await self._jobs.update(name, change)
        return document is not None and document[self.member("JobStatus")] == "InProgress"

    async def _finish(self, name: str, outcome: JobResult) -> None:
        def change(document: Document) -> None:
            now = time.time()
            document |= {self.member("JobStatus"): outcome.status, "LastModifiedTime": now, **outcome.extra_members}
            if self.member("StartTime") in document:
                document[self.member("EndTime")] = now
            if outcome.reason:
                document["FailureReason"] = outcome.reason

        await self._jobs.update(name, change)
