"""A processing job: inputs from S3, a program, outputs to S3."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from pathlib import Path
from typing import Any

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError
from scones.cloud.sandbox import Program, Sandbox, spawn
from scones.cloud.services.sagemaker.batch_jobs import Outcome
from scones.cloud.services.sagemaker.container import base_directory, environment, folders, image_command
from scones.cloud.services.sagemaker.errors import invalid, not_offered
from scones.cloud.services.sagemaker.loglines import LogStream
from scones.cloud.services.sagemaker.objects import Location, Objects, below, relative
from scones.cloud.services.sagemaker.resources import Document

GROUP = "/aws/sagemaker/ProcessingJobs"
HOST = "algo-1"
GRACE = 120.0
"""Seconds between SIGTERM and SIGKILL, as on AWS."""
CONTINUOUS_SECONDS = 2.0
"""How often the files of a Continuous output are looked at."""
LONGEST = 86_400
_ML = "/opt/ml/"

DEFAULTS: Document = {"StoppingCondition": {"MaxRuntimeInSeconds": LONGEST}}


def check(request: dict[str, Any]) -> None:
    """Refuse, by name, what AWS would take and this cloud cannot do; raises `ServiceError`."""
    if request["ProcessingResources"]["ClusterConfig"].get("InstanceCount", 1) > 1:
        raise not_offered("a processing job on several instances", "Set ClusterConfig.InstanceCount to 1.")
    for item in request.get("ProcessingInputs", []):
        source = item.get("S3Input")
        if source is None:
            raise not_offered(f"the dataset definition of input {item['InputName']!r}", "Use S3Input.")
        if source["S3DataType"] != "S3Prefix" or source.get("S3InputMode", "File") != "File":
            raise not_offered(f"the data type or mode of input {item['InputName']!r}", "Use S3Prefix and File.")
        _check_path(source.get("LocalPath", ""), item["InputName"])
    for item in _outputs(request):
        if "S3Output" not in item:
            raise not_offered(f"the feature store of output {item['OutputName']!r}", "Use S3Output.")
        _check_path(item["S3Output"].get("LocalPath", ""), item["OutputName"])


def _check_path(path: str, name: str) -> None:
    if not path.startswith(f"{_ML}processing") or ".." in path.split("/"):
        raise invalid(f"LocalPath {path!r} of {name!r} must be a path below /opt/ml/processing.")


def _outputs(request: dict[str, Any]) -> list[dict[str, Any]]:
    outputs: list[dict[str, Any]] = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return outputs


class ProcessingRun:
    """One processing job from its inputs to its outputs; `request` is its document."""

    def __init__(self, cloud: Cloud, request: Document, folder: Path) -> None:
        self._cloud = cloud
        self._request = request
        self._folder = folder
        self._objects = Objects(cloud)
        self._sandbox: Sandbox | None = None
        self._stopped = asyncio.Event()
        self._uploaded: dict[Path, int] = {}

    def stop(self) -> None:
        """Ask the program to end (SIGTERM)."""
        self._stopped.set()

    async def run(self) -> Outcome:
        """Run the job; raises `ServiceError`, `ValueError` or `OSError` where its data cannot be had."""
        mounts = await asyncio.to_thread(self._lay_out)
        try:
            await self._download()
        except (ServiceError, ValueError, OSError, ExceptionGroup) as error:
            first = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
            raise ValueError(f"Data download failed: {first}") from error
        follow = asyncio.ensure_future(self._follow())
        try:
            code, ending = await self._execute(mounts)
        finally:
            follow.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await follow
        more = await asyncio.to_thread(self._exit_message)
        if ending == "Completed" and code:
            return Outcome("Failed", f"AlgorithmError: See job logs for more information, exit code: {code}", more)
        if ending == "MaxRuntimeExceeded":
            limit = self._request["StoppingCondition"]["MaxRuntimeInSeconds"]
            return Outcome("Stopped", f"ClientError: the job ran past MaxRuntimeInSeconds ({limit})", more)
        await self._upload()
        return Outcome(ending, "", more)

    @property
    def _ml(self) -> Path:
        return self._folder / "ml"

    def _local(self, path: str) -> Path:
        return self._ml / path.removeprefix(_ML)

    def _lay_out(self) -> dict[str, Path]:
        mounts = folders(self._folder)
        config = self._ml / "config"
        config.mkdir(parents=True)
        (self._ml / "output").mkdir()
        for item in self._request.get("ProcessingInputs", []):
            self._local(item["S3Input"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        for item in _outputs(self._request):
            self._local(item["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        about = {key: value for key, value in self._request.items() if not key.endswith(("Time", "Status"))}
        (config / "processingjobconfig.json").write_text(json.dumps(about))
        hosts = {"current_host": HOST, "hosts": [HOST]}
        (config / "resourceconfig.json").write_text(json.dumps(hosts))
        return mounts

    async def _download(self) -> None:
        files: list[tuple[Location, Path]] = []
        for item in self._request.get("ProcessingInputs", []):
            place = Location.of(item["S3Input"]["S3Uri"])
            target = self._local(item["S3Input"]["LocalPath"])
            keys = [key async for key in self._objects.keys(place)]
            if not keys:
                raise ValueError(f'No S3 objects found under S3 URL "{place}" given in input data source.')
            paths = {key: relative(key, place.key) for key in keys}
            files += [(Location(place.bucket, key), below(target, path)) for key, path in paths.items() if path]
        await self._objects.download_all(files)

    async def _execute(self, mounts: dict[str, Path]) -> tuple[int, str]:
        """Run the program; return its exit code and how the job ends if that is 0."""
        name = self._request["ProcessingJobName"]
        stream = LogStream(self._cloud, GROUP, f"{name}/{HOST}-{int(time.time())}")
        self._sandbox = await spawn(await self._program(mounts), on_output=stream.feed)
        ended = asyncio.ensure_future(self._sandbox.wait())
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            limit = self._request["StoppingCondition"]["MaxRuntimeInSeconds"]
            await asyncio.wait({ended, stopped}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return ended.result(), "Completed"
            ending = "Stopped" if stopped.done() else "MaxRuntimeExceeded"
            self._sandbox.terminate()
            await asyncio.wait({ended}, timeout=GRACE)
            return 0, ending
        finally:
            self._sandbox.kill()
            await ended
            stopped.cancel()
            stream.finish()

    async def _program(self, mounts: dict[str, Path]) -> Program:
        application = self._request["AppSpecification"]
        command = application.get("ContainerEntrypoint")
        if not command:
            command = (await image_command(application["ImageUri"], "process"))[:-1]
        variables = environment(self._cloud, self._request["RoleArn"], "SageMaker", hours=24 * 5)
        return Program(
            argv=[*command, *application.get("ContainerArguments", [])],
            env=variables
            | {"PROCESSING_JOB_NAME": self._request["ProcessingJobName"]}
            | await base_directory(mounts)
            | self._request.get("Environment", {}),
            mounts=mounts,
            hidden=[self._cloud.settings.data_dir],
            hostname=HOST,
        )

    def _exit_message(self) -> Document:
        message = self._ml / "output" / "message"
        if not message.is_file():
            return {}
        return {"ExitMessage": message.read_bytes()[:1024].decode(errors="replace")}

    async def _follow(self) -> None:
        """Keep the Continuous outputs in S3 while the program runs."""
        continuous = [item for item in _outputs(self._request) if item["S3Output"]["S3UploadMode"] == "Continuous"]
        while continuous:
            await asyncio.sleep(CONTINUOUS_SECONDS)
            for item in continuous:
                await self._upload_output(item["S3Output"])

    async def _upload(self) -> None:
        for item in _outputs(self._request):
            await self._upload_output(item["S3Output"])

    async def _upload_output(self, output: dict[str, Any]) -> None:
        """Store every file of an output that is new, or another than when it was last stored."""
        folder, place = self._local(output["LocalPath"]), Location.of(output["S3Uri"])

        def changed() -> list[tuple[Path, int]]:
            files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
            times = [(path, path.stat().st_mtime_ns) for path in files]
            return [(path, at) for path, at in times if self._uploaded.get(path) != at]

        for path, at in await asyncio.to_thread(changed):
            await self._objects.upload(path, place.join(path.relative_to(folder).as_posix()))
            self._uploaded[path] = at
