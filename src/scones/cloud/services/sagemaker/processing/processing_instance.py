"""One instance of a processing job: its inputs, its program and its outputs."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from scones.cloud.context import CloudContext
from scones.cloud.process.sandbox import Program, Sandbox, spawn
from scones.cloud.process.untrusted_files import GB, VOLUME_GB, UntrustedFolder
from scones.cloud.services.sagemaker.container_settings import (
    base_directory,
    container_variables,
    create_folders,
    image_command,
    visible_paths,
)
from scones.cloud.services.sagemaker.errors import no_objects
from scones.cloud.services.sagemaker.jobs.hosts import hosts_file
from scones.cloud.services.sagemaker.jobs.inputs import listed
from scones.cloud.services.sagemaker.log_stream import LogStream
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.services.sagemaker.s3_access import S3Access, S3Location, below
from scones.cloud.wire.members import Members

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
_ML = "/opt/ml/"


def host_names(request: Document) -> list[str]:
    """Return the host names of a job's instances: algo-1 and so on."""
    return [f"algo-{index + 1}" for index in range(request["ProcessingResources"]["ClusterConfig"]["InstanceCount"])]


def outputs_of(request: Document) -> list[Members]:
    """Return the outputs of a job."""
    outputs: list[Members] = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return outputs


class ProcessingInstance:
    """The instance with one host name; `folder` holds its files, and `request` is the job's document."""

    def __init__(self, cloud: CloudContext, request: Document, host: str, folder: Path) -> None:
        self._cloud = cloud
        self._request = request
        self._host = host
        self._folder = folder
        self._objects = S3Access(cloud)
        self._sandbox: Sandbox | None = None
        self._stream: LogStream | None = None
        self._mounts: dict[str, Path] = {}
        self._uploaded: dict[str, int] = {}
        self.ml_folder = UntrustedFolder(folder / "ml")
        """The files in /opt/ml, which the program may be changing."""

    def _local(self, path: str) -> Path:
        return self._folder / "ml" / path.removeprefix(_ML)

    def lay_out(self) -> None:
        """Create the container's folders, with the files of /opt/ml/config. Blocks."""
        self._mounts = create_folders(self._folder)
        config = self._folder / "ml" / "config"
        config.mkdir(parents=True)
        (self._folder / "ml" / "output").mkdir()
        for item in self._request.get("ProcessingInputs", []):
            self._local(item["S3Input"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        for item in outputs_of(self._request):
            self._local(item["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        job_config = {key: value for key, value in self._request.items() if not key.endswith(("Time", "Status"))}
        (config / "processingjobconfig.json").write_text(json.dumps(job_config))
        hosts = {"current_host": self._host, "hosts": host_names(self._request)}
        (config / "resourceconfig.json").write_text(json.dumps(hosts))

    async def download(self) -> None:
        """Download the inputs; the objects of a ShardedByS3Key input are divided among the instances.

        Raises `ServiceError`, `ValueError` or an `ExceptionGroup` of errors in the downloads.
        """
        names = host_names(self._request)
        index, count = names.index(self._host), len(names)
        files: list[tuple[S3Location, Path]] = []
        for item in self._request.get("ProcessingInputs", []):
            source = item["S3Input"]
            target = self._local(source["LocalPath"])
            found = [each async for each in listed(self._objects, source)]
            if not found:
                raise ValueError(no_objects(source["S3Uri"], "input data source"))
            downloads = [(location, below(target, path)) for location, path in found if path]
            files += downloads[index::count] if source.get("S3DataDistributionType") == "ShardedByS3Key" else downloads
        await self._objects.download_all(files)

    async def start(self) -> None:
        """Start the program."""
        name = f"{self._request['ProcessingJobName']}/{self._host}-{int(time.time())}"
        self._stream = LogStream(self._cloud, LOG_GROUP, name)
        await self._stream.write_version(self._request["AppSpecification"]["ImageUri"])
        self._sandbox = await spawn(await self._program(), on_output=self._stream.add)

    async def wait(self) -> int:
        """Wait until the program ends; return its exit code."""
        assert self._sandbox is not None
        assert self._stream is not None
        try:
            return await self._sandbox.wait()
        finally:
            await self._stream.finish()

    @property
    def last_error(self) -> str:
        """The last error in the program's output; "" if there is none."""
        return "" if self._stream is None else self._stream.last_error

    def terminate(self) -> None:
        """Ask the program to end (SIGTERM)."""
        if self._sandbox is not None:
            self._sandbox.terminate()

    def kill(self) -> None:
        """Kill the program."""
        if self._sandbox is not None:
            self._sandbox.kill()

    async def _program(self) -> Program:
        application = self._request["AppSpecification"]
        command = application.get("ContainerEntrypoint")
        if not command:
            command = (await image_command(application["ImageUri"], "process"))[:-1]
        variables = container_variables(self._cloud, self._request["RoleArn"], "SageMaker", hours=24 * 5)
        return Program(
            argv=[*command, *application.get("ContainerArguments", [])],
            env=variables
            | {"PROCESSING_JOB_NAME": self._request["ProcessingJobName"]}
            | await base_directory(self._mounts)
            | self._request.get("Environment", {}),
            mounts=self._mounts,
            files=await asyncio.to_thread(hosts_file, self._folder, host_names(self._request)),
            hidden=[self._cloud.settings.data_dir],
            visible=visible_paths(command),
            hostname=self._host,
        )

    async def upload(self, output: Members, *, log_left_out: bool) -> None:
        """Store the files of an output that are new or have changed since they were last stored.

        Raises `UntrustedFilesError` if the output is larger than the instance's volume.
        """
        location = S3Location.of(output["S3Uri"])
        limit = self._request["ProcessingResources"]["ClusterConfig"].get("VolumeSizeInGB", VOLUME_GB) * GB
        listing = await asyncio.to_thread(self.ml_folder.files, output["LocalPath"].removeprefix(_ML), limit=limit)
        if log_left_out and self._stream is not None:
            self._stream.write_omitted(listing)
        for file in listing.files:
            if self._uploaded.get(file.path) != file.changed:
                await self._objects.upload_untrusted(file, location.join(file.name))
                self._uploaded[file.path] = file.changed
