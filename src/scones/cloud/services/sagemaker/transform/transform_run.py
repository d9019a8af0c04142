"""The run of a transform job: it sends every object of a prefix to a model and stores the responses as `KEY.out`."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import json
import time
import uuid
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from scones.cloud.context import CloudContext
from scones.cloud.process.sandbox import Program
from scones.cloud.services.sagemaker.archive import ALWAYS_ALLOWED, RATIO_LIMIT
from scones.cloud.services.sagemaker.container_settings import (
    base_directory,
    container_variables,
    create_folders,
    image_command,
    visible_paths,
)
from scones.cloud.services.sagemaker.errors import no_objects, see_job_logs
from scones.cloud.services.sagemaker.hosting.container_client import (
    ResponseTooLargeError,
    ServerTimeoutError,
    ServerUnavailableError,
)
from scones.cloud.services.sagemaker.hosting.model_files import ModelDataError, fetch_model
from scones.cloud.services.sagemaker.hosting.model_server import ModelServer, NotHealthyError
from scones.cloud.services.sagemaker.hosting.models import ModelOperations
from scones.cloud.services.sagemaker.jobs.batch_jobs import JobResult
from scones.cloud.services.sagemaker.jobs.inputs import listed
from scones.cloud.services.sagemaker.log_stream import LogStream
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.services.sagemaker.s3_access import S3Access, S3Location
from scones.cloud.services.sagemaker.transform.data_log import DataLog
from scones.cloud.services.sagemaker.transform.transform_records import RecordsError, TransformRecords
from scones.cloud.wire.members import Members

LOG_GROUP = "/aws/sagemaker/TransformJobs"
STARTUP_LIMIT = 480
MB = 1024 * 1024
MESSAGE_BYTES = 4096
"""Maximum bytes of a model server's error message that the data log shows."""


class TransformRun:
    """The run of one transform job; `request` is its document."""

    def __init__(self, cloud: CloudContext, models: ModelOperations, request: Document, folder: Path) -> None:
        self._cloud = cloud
        self._models = models
        self._request = request
        self._container: Document = {}
        self._role = ""
        self._folder = folder
        self._objects = S3Access(cloud)
        self._stopped = asyncio.Event()
        stamp = f"{request['TransformJobName']}/i-{int(time.time() * 1000):x}"
        self._log = LogStream(cloud, LOG_GROUP, stamp)
        self._data_log = DataLog(cloud, LOG_GROUP, f"{stamp}/data-log")
        self._fault = "AlgorithmError"
        """The party at fault if an object's records cannot be transformed, as FailureReason names it."""
        self._server = ModelServer(self._program, self._log)

    def stop(self) -> None:
        """Ask the job to end after the current object; output that is stored by then remains."""
        self._stopped.set()

    async def run(self) -> JobResult:
        """Run the job; raises `ServiceError` or `ValueError` if its data cannot be read or stored."""
        model = self._models.find(self._request["ModelName"])
        self._container = self._models.container_of(self._request["ModelName"])
        self._role = model.get("ExecutionRoleArn", "")
        try:
            await fetch_model(self._objects, self._container, self._folder / "ml")
            await self._log.write_version(self._container["Image"])
            await self._server.start(STARTUP_LIMIT)
        except ModelDataError as error:
            return JobResult("Failed", f"ClientError: {error}")
        except NotHealthyError as error:
            return JobResult("Failed", f"AlgorithmError: {see_job_logs(str(error))}")
        try:
            return await self._transform()
        finally:
            await self._server.stop(grace=5)
            await self._log.finish()

    async def _transform(self) -> JobResult:
        source = self._request["TransformInput"]["DataSource"]["S3DataSource"]
        objects = [(location, name) async for location, name in listed(self._objects, source) if name]
        if not objects:
            raise ValueError(no_objects(source["S3Uri"], "transform input"))
        begun = time.time()
        records = TransformRecords(self._request, begun)
        for location, name in objects:
            if self._stopped.is_set():
                return JobResult("Stopped")
            if not await self._object(location, name, records):
                reason = see_job_logs(self._data_log.last_error or self._log.last_error)
                return JobResult("Failed", f"{self._fault}: {reason}")
        if "DataCaptureConfig" in self._request:
            await self._capture(objects, begun)
        return JobResult("Completed")

    async def _capture(self, objects: list[tuple[S3Location, str]], begun: float) -> None:
        """Store manifests of the input and output objects, in folders named after the hour in which the job began.

        AWS documents the folders and the content of the manifests; we found no source for their file names.
        """
        first, name = objects[0]
        inputs = S3Location(first.bucket, first.key.removesuffix(name))
        outputs = S3Location.of(self._request["TransformOutput"]["S3OutputPath"]).join("")
        names = [name for _, name in objects]
        hour = datetime.fromtimestamp(begun, UTC).strftime("%Y/%m/%d/%H")
        target = S3Location.of(self._request["DataCaptureConfig"]["DestinationS3Uri"])
        for kind, prefix, found in (
            ("input", inputs, names),
            ("output", outputs, [f"{name}.out" for name in names]),
        ):
            manifest = json.dumps([{"prefix": str(prefix)}, *found]).encode()
            await self._objects.write(manifest, target.join(kind, hour, f"{uuid.uuid4()}.json"))

    async def _object(self, source: S3Location, name: str, records: TransformRecords) -> bool:
        """Send an object's records to the model and store the output; on failure, log the reason and return False."""
        body = await self._objects.read(source)
        slots = asyncio.Semaphore(max(1, self._request.get("MaxConcurrentTransforms", 0)))

        async def send(payload: bytes) -> bytes | None:
            async with slots:
                try:
                    given = await asyncio.to_thread(records.model_input, payload)
                    response = await self._invoke(given, source)
                    return None if response is None else await asyncio.to_thread(records.output, payload, response)
                except RecordsError as error:
                    self._fail(source, str(error), "ClientError")
                    return None

        try:
            body = await asyncio.to_thread(_decompressed, body, self._request["TransformInput"])
        except (OSError, EOFError, zlib.error) as error:
            self._fail(source, f"decompression failed: {error}", "ClientError")
            return False
        responses = await asyncio.gather(*(send(payload) for payload in self._payloads(body)))
        whole = [response for response in responses if response is not None]
        if len(whole) < len(responses):
            return False
        output = self._request["TransformOutput"]
        if output.get("AssembleWith") == "Line":
            result = b"".join(response if response.endswith(b"\n") else response + b"\n" for response in whole)
        else:
            result = b"".join(whole)
        await self._objects.write(result, S3Location.of(output["S3OutputPath"]).join(f"{name}.out"))
        return True

    def _payloads(self, body: bytes) -> Iterator[bytes]:
        """Split an object into payloads: all of it, one record each, or as many records as fit in a payload."""
        if self._request["TransformInput"].get("SplitType", "None") == "None":
            yield body
            return
        records = [line for line in body.splitlines(keepends=True) if line.strip()]
        if self._request["BatchStrategy"] == "SingleRecord":
            yield from records
            return
        limit = self._request["MaxPayloadInMB"] * MB or len(body) + 1  # 0: no limit
        batch: list[bytes] = []
        size = 0
        for record in records:
            if batch and size + len(record) > limit:
                yield b"".join(batch)
                batch, size = [], 0
            batch.append(record)
            size += len(record)
        if batch:
            yield b"".join(batch)

    async def _invoke(self, payload: bytes, source: S3Location) -> bytes | None:
        data, output = self._request["TransformInput"], self._request["TransformOutput"]
        headers = {"Content-Type": data.get("ContentType", "application/octet-stream")}
        if "Accept" in output:
            headers["Accept"] = output["Accept"]
        reason, fault = "", "AlgorithmError"
        for _ in range(1 + self._request.get("ModelClientConfig", {}).get("InvocationsMaxRetries", 0)):
            try:
                response = await self._server.invoke(payload, headers)
            except ServerUnavailableError:
                reason = "the model server exited"
            except ServerTimeoutError:
                reason = "the model server did not respond in time"
            except ResponseTooLargeError as error:
                reason = str(error)
            else:
                if response.status == 200:
                    return response.body
                status, text = response.status, response.body[:MESSAGE_BYTES].decode(errors="replace")
                fault = "ClientError" if 400 <= status < 500 else "AlgorithmError"
                reason = f"{fault}: {status}\n\nMessage:\n{text}"
        self._fail(source, reason, fault)
        return None

    def _fail(self, source: S3Location, reason: str, fault: str) -> None:
        self._fault = fault
        self._data_log.write_failure(source, reason)

    async def _program(self, port: int) -> Program:
        mounts = await asyncio.to_thread(create_folders, self._folder)
        request = self._request
        strategy = "SINGLE_RECORD" if request["BatchStrategy"] == "SingleRecord" else "MULTI_RECORD"
        batch = {
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(request["MaxPayloadInMB"]),
            "SAGEMAKER_BATCH_STRATEGY": strategy,
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(request.get("MaxConcurrentTransforms", 1)),
            "SAGEMAKER_BIND_TO_PORT": str(port),
        }
        variables = container_variables(self._cloud, self._role, "SageMaker", hours=24 * 5) | await base_directory(
            mounts
        )
        command = await image_command(self._container["Image"], "serve")
        return Program(
            argv=command,
            env=variables | batch | self._container.get("Environment", {}) | request.get("Environment", {}),
            mounts=mounts,
            hidden=[self._cloud.settings.data_dir],
            visible=visible_paths(command),
        )


def _decompressed(body: bytes, data: Members) -> bytes:
    """Return an object's content, decompressed by CompressionType. Blocks.

    Raises `OSError`, `EOFError` or `zlib.error` for damaged content, and `OSError` beyond the limits of `archive`.
    """
    compression = data.get("CompressionType", "None")
    if compression == "None":
        return body
    limit = max(ALWAYS_ALLOWED, len(body) * RATIO_LIMIT)
    source = io.BytesIO(body)
    with gzip.GzipFile(fileobj=source) if compression == "Gzip" else bz2.BZ2File(source) as file:
        plain = file.read(limit + 1)
    if len(plain) > limit:
        raise OSError(f"the decompressed size exceeds {limit} bytes")
    return plain
