"""One training job's run: download, train, upload, in a folder of its own."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError
from scones.cloud.sandbox import Program, Sandbox, spawn
from scones.cloud.services.sagemaker import inputs
from scones.cloud.services.sagemaker.archive import pack
from scones.cloud.services.sagemaker.checkpoints import Checkpoints
from scones.cloud.services.sagemaker.container import CORES, base_directory, environment, folders, image_command
from scones.cloud.services.sagemaker.loglines import LogStream
from scones.cloud.services.sagemaker.metrics import Metrics
from scones.cloud.services.sagemaker.objects import Location, Objects
from scones.cloud.services.sagemaker.record import Record
from scones.cloud.services.sagemaker.resources import Document

log = logging.getLogger(__name__)
T = TypeVar("T")

GROUP = "/aws/sagemaker/TrainingJobs"
GRACE = 120.0
"""Seconds between SIGTERM and SIGKILL, as on AWS."""
AT_ONCE = max(1, min(2, CORES // 4))
"""How many jobs train at the same time; the others wait for capacity."""


class _StopAskedError(Exception):
    """StopTrainingJob came before the program ran."""


class TrainingRun:
    """A job from its first to its last status; `request` is its document, with CreateTrainingJob's members."""

    def __init__(self, cloud: Cloud, record: Record, request: Document, folder: Path) -> None:
        self._cloud = cloud
        self._record = record
        self._request = request
        self._folder = folder
        self._stop_asked = asyncio.Event()
        self._metrics = Metrics(request["AlgorithmSpecification"].get("MetricDefinitions", []))
        self._objects = Objects(cloud)
        self._metrics_changed = asyncio.Event()

    def stop(self) -> None:
        """Ask the job to end: its program gets SIGTERM, and what it has saved is uploaded."""
        self._stop_asked.set()

    @property
    def stopping(self) -> bool:
        """Whether StopTrainingJob was called."""
        return self._stop_asked.is_set()

    async def run(self) -> None:
        """Run the job to its end, whatever that is; its folder is gone afterwards, as the instance is on AWS."""
        try:
            outcome, reason = await self._train()
        except _StopAskedError:
            outcome, reason = "Stopped", ""
        except (ServiceError, ValueError, OSError) as error:
            outcome, reason = "Failed", f"ClientError: {error}"
        finally:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        await self._record.finish(outcome, reason)

    async def _train(self) -> tuple[str, str]:
        await self._record.enter("Downloading")
        mounts = await asyncio.to_thread(folders, self._folder)
        ml = mounts["/opt/ml"]
        checkpoints = Checkpoints.of(self._request, self._objects, self._folder, mounts)
        await self._unless_stopped(self._prepare(ml, checkpoints))
        await self._record.enter("Training")
        code, ending = await self._run_program(mounts, checkpoints)
        if ending == "Completed" and code != 0:
            await checkpoints.finish()
            return "Failed", await asyncio.to_thread(failure_reason, ml / "output" / "failure", code)
        await self._record.enter("Uploading")
        await checkpoints.finish()
        await self._upload(ml)
        return ending, ""

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self._stop_asked.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise _StopAskedError
            return task.result()
        finally:
            for each in (task, stop):
                each.cancel()

    async def _prepare(self, ml: Path, checkpoints: Checkpoints) -> None:
        def lay_out() -> None:
            inputs.write_configuration(self._request, ml / "input" / "config")
            for name in ("model", "output/data"):
                (ml / name).mkdir(parents=True, exist_ok=True)

        await asyncio.to_thread(lay_out)
        try:
            await inputs.download(self._objects, self._request, ml / "input" / "data")
            await checkpoints.restore()
        except* (ServiceError, ValueError, OSError) as group:
            raise ValueError(f"Data download failed: {group.exceptions[0]}") from group

    async def _run_program(self, mounts: dict[str, Path], checkpoints: Checkpoints) -> tuple[int, str]:
        stream = LogStream(
            self._cloud, GROUP, f"{self._record.name}/{inputs.HOST}-{int(time.time())}", self._read_metrics
        )
        sandbox = await spawn(await self._program(mounts), on_output=stream.feed)
        beside = [asyncio.ensure_future(self._keep_metrics()), asyncio.ensure_future(checkpoints.follow())]
        try:
            return await self._wait(sandbox)
        finally:
            stream.finish()
            for task in beside:
                task.cancel()
            if self._metrics.final():
                await self._record.metrics(self._metrics.final())

    async def _program(self, mounts: dict[str, Path]) -> Program:
        request, name = self._request, self._record.name
        algorithm = request["AlgorithmSpecification"]
        command = await image_command(algorithm["TrainingImage"], "train")
        variables = environment(self._cloud, request["RoleArn"], "SageMaker", hours=24 * 30) | {
            "OMP_NUM_THREADS": str(max(1, CORES // AT_ONCE)),
            "TRAINING_JOB_ARN": request["TrainingJobArn"],
            "TRAINING_JOB_NAME": name,
        }
        return Program(
            argv=command,
            env=variables | await base_directory(mounts) | request.get("Environment", {}),
            mounts=mounts,
            hidden=[self._cloud.settings.data_dir],
        )

    async def _wait(self, sandbox: Sandbox) -> tuple[int, str]:
        """Wait for the program's end, or bring it about; return its exit code and the job's SecondaryStatus."""
        limit = self._request["StoppingCondition"]["MaxRuntimeInSeconds"]
        ended = asyncio.ensure_future(sandbox.wait())
        stop = asyncio.ensure_future(self._stop_asked.wait())
        try:
            await asyncio.wait({ended, stop}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return ended.result(), "Completed"
            ending = "Stopped" if self.stopping else "MaxRuntimeExceeded"
            sandbox.terminate()
            await asyncio.wait({ended}, timeout=GRACE)
            sandbox.kill()
            return await ended, ending
        finally:
            sandbox.kill()
            stop.cancel()
            ended.cancel()

    def _read_metrics(self, line: str) -> None:
        if self._metrics.read(line):
            self._metrics_changed.set()

    async def _keep_metrics(self) -> None:
        while True:
            await self._metrics_changed.wait()
            self._metrics_changed.clear()
            await self._record.metrics(self._metrics.final())
            await asyncio.sleep(1)  # an epoch may take milliseconds; one write a second tells enough

    async def _upload(self, ml: Path) -> None:
        artifact = Location.of(self._request["ModelArtifacts"]["S3ModelArtifacts"])
        if self._request["OutputDataConfig"].get("CompressionType") == "NONE":
            await upload_folder(self._objects, ml / "model", artifact)
        elif await asyncio.to_thread(pack, ml / "model", self._folder / "model.tar.gz"):
            await self._objects.upload(self._folder / "model.tar.gz", artifact)
        if await asyncio.to_thread(pack, ml / "output" / "data", self._folder / "output.tar.gz"):
            place = output_place(self._request).join("output.tar.gz")
            await self._objects.upload(self._folder / "output.tar.gz", place)


async def upload_folder(objects: Objects, folder: Path, place: Location) -> None:
    """Store every file below a folder under its relative path."""
    files = await asyncio.to_thread(lambda: sorted(path for path in folder.rglob("*") if path.is_file()))
    for path in files:
        await objects.upload(path, place.join(path.relative_to(folder).as_posix()))


def output_place(request: dict[str, Any]) -> Location:
    """Return `S3OutputPath/JOB/output`."""
    return Location.of(request["OutputDataConfig"]["S3OutputPath"]).join(request["TrainingJobName"], "output")


def failure_reason(file: Path, code: int) -> str:
    """Word a failure as AWS does: the first 1,024 characters that the program left, and its exit code.

    Built-in algorithms end with 2 for what the user can mend.
    """
    told = ""
    if file.is_file():
        with file.open(errors="replace") as opened:
            told = opened.read(1024).strip()
    code = code if code >= 0 else 128 - code
    return f"{'ClientError' if code == 2 else 'AlgorithmError'}: {told}, exit code: {code}"
