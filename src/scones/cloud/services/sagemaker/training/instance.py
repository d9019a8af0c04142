"""One instance of a training job: a process with its own /opt/ml, /tmp and host name."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.process.sandbox import Program, Sandbox, spawn
from scones.cloud.process.untrusted_files import GB, VOLUME_GB, Listing, UntrustedFolder
from scones.cloud.services.sagemaker.container_settings import (
    CORES,
    base_directory,
    container_variables,
    create_folders,
    image_command,
    visible_paths,
)
from scones.cloud.services.sagemaker.jobs import inputs
from scones.cloud.services.sagemaker.jobs.capacity import AT_ONCE
from scones.cloud.services.sagemaker.jobs.hosts import hosts_file
from scones.cloud.services.sagemaker.log_stream import Follow, LogStream
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.services.sagemaker.s3_access import S3Access
from scones.cloud.services.sagemaker.training.checkpoints import CheckpointSync
from scones.cloud.services.sagemaker.training.pipes import ChannelPipe, channel_pipes
from scones.cloud.services.sagemaker.training.remote_functions import borrowed_sdk

LOG_GROUP = "/aws/sagemaker/TrainingJobs"


def instances(request: Document) -> int:
    """Return the number of a job's instances."""
    count: int = request["ResourceConfig"].get("InstanceCount", 1)
    return count


def host_names(request: Document) -> list[str]:
    """Return the host names of a job's instances: algo-1 and so on."""
    return [f"algo-{index + 1}" for index in range(instances(request))]


class TrainingInstance:
    """The instance with one host name; `folder` holds its files, and `request` is the job's document."""

    def __init__(self, cloud: CloudContext, request: Document, host: str, folder: Path) -> None:
        self._cloud = cloud
        self._request = request
        self._host = host
        self._folder = folder
        self._sandbox: Sandbox | None = None
        self._stream: LogStream | None = None
        self.ml = folder / "ml"
        self.ml_folder = UntrustedFolder(self.ml)
        """The files in /opt/ml, which the program may be changing."""
        self.checkpoints = CheckpointSync(S3Access(cloud), self.ml_folder, "", None)
        self._mounts: dict[str, Path] = {}
        self._pipes: list[ChannelPipe] = []

    async def lay_out(self) -> None:
        """Create the container's folders, with the files of /opt/ml/input/config."""

        def make() -> None:
            self._mounts = create_folders(self._folder)
            self.checkpoints = CheckpointSync.of(self._request, S3Access(self._cloud), self._folder, self._mounts)
            inputs.write_configuration(
                self._request, self.ml / "input" / "config", self._host, host_names(self._request)
            )
            for name in ("model", "output/data"):
                (self.ml / name).mkdir(parents=True, exist_ok=True)

        await asyncio.to_thread(make)

    async def download(self) -> None:
        """Download the channels, create the pipes of Pipe channels, and restore the checkpoints of an earlier job.

        Raises `ServiceError`, `ValueError`, `OSError` or an `ExceptionGroup` of them.
        """
        names = host_names(self._request)
        share = names.index(self._host), len(names)
        objects, folder = S3Access(self._cloud), self.ml / "input" / "data"
        await inputs.download(objects, self._request, folder, share)
        self._pipes = await channel_pipes(objects, self._request, folder, share)
        await self.checkpoints.restore()

    async def start(self, follow: Follow) -> None:
        """Start the program; `follow` gets the lines of its output."""
        name = f"{self._request['TrainingJobName']}/{self._host}-{int(time.time())}"
        self._stream = LogStream(self._cloud, LOG_GROUP, name, follow)
        await self._stream.write_version(self._request["AlgorithmSpecification"]["TrainingImage"])
        self._sandbox = await spawn(await self._program(), on_output=self._stream.add)

    async def wait(self) -> int:
        """Feed the program's pipes and upload its checkpoints until it ends; return its exit code.

        Raises `ValueError` if the source of a pipe cannot be read.
        """
        assert self._sandbox is not None
        assert self._stream is not None
        follow = asyncio.ensure_future(self.checkpoints.follow())
        ended = asyncio.ensure_future(self._sandbox.wait())
        feeding = [asyncio.ensure_future(feed.run()) for feed in self._pipes]
        try:
            await asyncio.wait({ended, *feeding}, return_when=asyncio.FIRST_COMPLETED)
            for task in feeding:
                if task.done():
                    task.result()
            return await ended
        except (ServiceError, OSError, ValueError) as error:
            raise ValueError(f"Data download failed: {error}") from error
        finally:
            await self._stream.finish()
            for each in (follow, ended, *feeding):
                each.cancel()

    async def listed(self, folder: str) -> Listing:
        """List a folder below /opt/ml, and log the files that the listing leaves out; raises `UntrustedFilesError`."""
        limit = self._request["ResourceConfig"].get("VolumeSizeInGB", VOLUME_GB) * GB
        listing = await asyncio.to_thread(self.ml_folder.files, folder, limit=limit)
        if self._stream is not None:
            self._stream.write_omitted(listing)
        return listing

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
        request = self._request
        count = len(host_names(request))
        variables = container_variables(self._cloud, request["RoleArn"], "SageMaker", hours=24 * 30) | {
            "OMP_NUM_THREADS": str(max(1, CORES // AT_ONCE // count)),
            "TRAINING_JOB_ARN": request["TrainingJobArn"],
            "TRAINING_JOB_NAME": request["TrainingJobName"],
        }
        command = await _command(request)
        sdk = await asyncio.to_thread(borrowed_sdk, request, self._cloud.settings.data_dir)
        return Program(
            argv=command,
            env=variables | await base_directory(self._mounts, sdk) | request.get("Environment", {}),
            mounts=self._mounts,
            files=await asyncio.to_thread(hosts_file, self._folder, host_names(request)),
            hidden=[self._cloud.settings.data_dir],
            visible=[*visible_paths(command), *sdk],
            hostname=self._host,
        )


async def _command(request: Document) -> list[str]:
    algorithm = request["AlgorithmSpecification"]
    arguments = algorithm.get("ContainerArguments", [])
    if entry_point := algorithm.get("ContainerEntrypoint"):
        return [*entry_point, *arguments]
    command = await image_command(algorithm["TrainingImage"], "train")
    return [*command[:-1], *arguments] if arguments else command
