"""Faults of an endpoint under load: killed workers and clouds, hostile clients, a full disk.

No response is wrong, no capture record of an answered request is lost, and the endpoint recovers by itself. The tests
build a tiny model that returns the softmax of an image's mean colour, so that requests have different responses.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import socket
import tarfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import onnx
import psutil
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError
from onnx import TensorProto, helper
from PIL import Image

BUCKET = "pictures"
IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
ROLE = "arn:aws:iam::111122223333:role/faults"
QUICK = {"Delay": 0.05, "MaxAttempts": 600}
AWS_ERRORS = {"InternalFailure", "ServiceUnavailable", "ModelError"}
Colour = tuple[int, int, int]


def artifact() -> bytes:
    """Return the content of the model's model.tar.gz."""
    size = 32
    images = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["n", size, size, 3])
    probabilities = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3])
    scale = helper.make_tensor("scale", TensorProto.FLOAT, [], [1 / 32])
    nodes = [
        helper.make_node("Cast", ["pictures"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["scaled"]),
        helper.make_node("Softmax", ["scaled"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(nodes, "mean-colour", [images], [probabilities], [scale])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    content = model.SerializeToString()
    onnx.checker.check_model(model)
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        member = tarfile.TarInfo("model.onnx")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return written.getvalue()


def coloured_image(colour: Colour, size: int = 32) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(written, "PNG")
    return written.getvalue()


def expected(colour: Colour) -> np.ndarray[Any, Any]:
    powers = np.exp(np.array(colour) / 32)
    return powers / powers.sum()


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)
    return found


class Endpoint:
    """An endpoint that captures the response of every request."""

    def __init__(self, cloud: Any, name: str) -> None:
        self.cloud = cloud
        self.name = name
        self.sagemaker = cloud.client("sagemaker")
        self.runtime = cloud.client("sagemaker-runtime", max_pool_connections=200)
        self.s3 = cloud.client("s3")

    @classmethod
    def create(cls, cloud: Any, **environment: str) -> Endpoint:
        made = cls(cloud, f"faults-{uuid.uuid4().hex[:8]}")
        with contextlib.suppress(made.s3.exceptions.BucketAlreadyOwnedByYou):
            made.s3.create_bucket(Bucket=BUCKET)
        made.s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=artifact())
        config = made.config(**environment)
        made.sagemaker.create_endpoint(EndpointName=made.name, EndpointConfigName=config)
        made.in_service()
        return made

    def config(self, **environment: str) -> str:
        name = f"{self.name}-{uuid.uuid4().hex[:8]}"
        data = f"s3://{BUCKET}/model.tar.gz"
        container = {"Image": IMAGE, "ModelDataUrl": data, "Environment": environment}
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
        variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large"}
        capture = {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/captures",
            "CaptureOptions": [{"CaptureMode": "Output"}],
        }
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[{**variant, "InitialInstanceCount": 1}],
            DataCaptureConfig=capture,
        )
        return name

    def in_service(self) -> None:
        self.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=self.name, WaiterConfig=QUICK)

    def invoke(self, colour: Colour, request: str = "none", size: int = 32) -> bool:
        """Invoke the endpoint with an image of one colour; return True if the response is correct."""
        answer = self.runtime.invoke_endpoint(
            EndpointName=self.name, Body=coloured_image(colour, size), ContentType="image/png", InferenceId=request
        )
        return np.allclose(json.loads(answer["Body"].read()), expected(colour), atol=1e-5)

    def delete(self) -> None:
        self.sagemaker.delete_endpoint(EndpointName=self.name)
        self.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=self.name, WaiterConfig=QUICK)

    def captured(self) -> list[str]:
        """Delete the endpoint, which flushes its capture records, and return their inference ids."""
        self.delete()
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"captures/{self.name}/")
        bodies = [
            self.s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
            for page in pages
            for item in page.get("Contents", [])
        ]
        return [json.loads(line)["eventMetadata"]["inferenceId"] for body in bodies for line in body.splitlines()]

    def servers(self) -> list[psutil.Process]:
        """Return the processes of model servers: supervisors and their workers."""
        found = []
        for process in psutil.Process(self.cloud.running.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.cmdline()[1:] == ["-P", "-m", "scones.containers.image_classification", "serve"]:
                    found.append(process)
        return found

    def workers(self) -> list[psutil.Process]:
        servers = self.servers()
        return [process for process in servers if process.ppid() in {server.pid for server in servers}]


class Load:
    """Clients that send one request after another, and their results."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._enough = threading.Event()
        self._lock = threading.Lock()
        self.right: list[str] = []
        self.wrong: list[Colour] = []
        self.errors: list[Exception] = []

    @contextmanager
    def running(self, clients: int = 8) -> Iterator[None]:
        threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._enough.set()
            for thread in threads:
                thread.join()

    def go_on(self, count: int = 50) -> None:
        """Wait until `count` more requests have a correct response."""
        target = len(self.right) + count
        until(lambda: len(self.right) >= target)

    @property
    def codes(self) -> set[str]:
        """The AWS codes of the errors; the class name for an error that is not AWS's."""
        return {
            error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            for error in self.errors
        }

    def _ask(self) -> None:
        while not self._enough.is_set():
            colour = (random.randrange(256), random.randrange(256), random.randrange(256))
            request = uuid.uuid4().hex
            try:
                right = self._endpoint.invoke(colour, request)
            except (ClientError, BotoCoreError) as error:
                with self._lock:
                    self.errors.append(error)
                time.sleep(0.02)
            else:
                with self._lock:
                    if right:
                        self.right.append(request)
                    else:
                        self.wrong.append(colour)


@pytest.mark.slow
def test_killed_workers_do_not_lose_responses_or_captures(start_cloud: Any) -> None:
    endpoint = Endpoint.create(start_cloud(), SAGEMAKER_MODEL_SERVER_WORKERS="2")
    load = Load(endpoint)
    with load.running():
        for victims in (1, 2, 2):
            load.go_on()
            for worker in until(lambda: len(found := endpoint.workers()) == 2 and found)[:victims]:
                worker.kill()
        load.go_on()
        for process in endpoint.servers():  # the supervisor, too, so that the cloud restarts the server
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        load.go_on()
    assert load.wrong == []
    assert load.codes <= AWS_ERRORS
    assert sorted(endpoint.captured()) == sorted(load.right)


@pytest.mark.slow
def test_the_captures_of_answered_requests_survive_a_kill(start_cloud: Any) -> None:
    cloud = start_cloud()
    load = Load(Endpoint.create(cloud))
    with load.running():
        load.go_on(200)
        cloud.kill()
    assert load.wrong == []
    again = Endpoint(start_cloud(), load._endpoint.name)
    again.in_service()
    assert again.invoke((1, 2, 3))
    captured = again.captured()
    assert set(load.right) <= set(captured)
    assert len(captured) == len(set(captured))
    assert len(captured) <= len(load.right) + 8 + 1  # 8 clients may have missed a response; 1 is `again`'s


@pytest.mark.slow
def test_updates_and_a_deletion_do_not_fail_requests(start_cloud: Any) -> None:
    endpoint = Endpoint.create(start_cloud())
    load = Load(endpoint)
    with load.running():
        for _ in range(2):
            load.go_on()
            endpoint.sagemaker.update_endpoint(EndpointName=endpoint.name, EndpointConfigName=endpoint.config())
            endpoint.in_service()
        load.go_on()
        assert load.errors == []
        captured = endpoint.captured()
    assert load.wrong == []
    assert load.codes <= {"ValidationError"}  # from requests after the deletion
    assert sorted(captured) == sorted(load.right)


@pytest.mark.slow
def test_hostile_clients_do_not_block_other_requests(start_cloud: Any) -> None:
    endpoint = Endpoint.create(start_cloud())
    load = Load(endpoint)
    with load.running(clients=2), contextlib.ExitStack() as stack:
        head, body = signed(endpoint, bytes(5_000_000))
        dripping = [stack.enter_context(connected(endpoint)) for _ in range(50)]
        for index, connection in enumerate(dripping):
            connection.sendall(head[: len(head) // 2] if index % 2 else head + body[:100])
        load.go_on()
        for index, connection in enumerate(dripping):
            connection.sendall(body[:1] if index % 2 == 0 else head[len(head) // 2 : len(head) // 2 + 1])
        for _ in range(20):
            with connected(endpoint) as gone:
                gone.sendall(head + body[:300_000])
        for _ in range(20):
            with connected(endpoint) as odd:
                odd.sendall(random.randbytes(2000) + b"\r\n\r\n")
        load.go_on()
        for content, code in ((bytes(25 << 20), "413"), (random.randbytes(2000), "ModelError"), (b"", "ModelError")):
            with pytest.raises(ClientError) as refused:
                endpoint.runtime.invoke_endpoint(EndpointName=endpoint.name, Body=content, ContentType="image/png")
            assert refused.value.response["Error"]["Code"] == code
        load.go_on()
    assert (load.wrong, load.errors) == ([], [])
    assert sorted(endpoint.captured()) == sorted(load.right)


@pytest.mark.slow
def test_endless_bodies_take_a_bounded_amount_of_memory(start_cloud: Any) -> None:
    endpoint = Endpoint.create(start_cloud())
    process = psutil.Process(endpoint.cloud.running.pid)
    before = process.memory_info().rss
    head, body = signed(endpoint, bytes(5_000_000))
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            slow = stack.enter_context(connected(endpoint))
            with contextlib.suppress(ConnectionError):
                slow.sendall(head + body[:-1])
        assert endpoint.invoke((7, 7, 7))
        assert process.memory_info().rss - before < 400e6
    assert endpoint.invoke((7, 7, 7))


def connected(endpoint: Endpoint) -> socket.socket:
    address = urlsplit(endpoint.cloud.url)
    return socket.create_connection((address.hostname, address.port), timeout=30)


def signed(endpoint: Endpoint, body: bytes) -> tuple[bytes, bytes]:
    """Return the head and the body of a signed request."""
    url = f"{endpoint.cloud.url}/endpoints/{endpoint.name}/invocations"
    request = AWSRequest("POST", url, {"Content-Type": "image/png", "Content-Length": str(len(body))}, body)
    SigV4Auth(endpoint.cloud.session().get_credentials(), "sagemaker", "us-east-1").add_auth(request)
    lines = [f"POST {urlsplit(url).path} HTTP/1.1", f"Host: {urlsplit(url).netloc}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name.lower() != "host"]
    return "\r\n".join([*lines, "", ""]).encode(), body


@pytest.mark.slow
def test_a_full_queue_gives_the_503_of_the_container(start_cloud: Any) -> None:
    endpoint = Endpoint.create(start_cloud(), SAGEMAKER_MODEL_SERVER_WORKERS="1")
    statuses: list[int] = []
    large = coloured_image((0, 0, 0), 2500)
    model_error = endpoint.runtime.exceptions.ModelError  # botocore makes these classes at their first use, unlocked

    def ask() -> None:
        try:
            endpoint.runtime.invoke_endpoint(EndpointName=endpoint.name, Body=large, ContentType="image/png")
            statuses.append(200)
        except model_error as error:
            statuses.append(error.response["OriginalStatusCode"])

    threads = [threading.Thread(target=ask) for _ in range(180)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(statuses) == 180
    assert set(statuses) == {200, 503}
    assert endpoint.invoke((9, 9, 9))


def test_records_that_cannot_be_written_wait_until_they_can(start_cloud: Any) -> None:
    cloud = start_cloud()
    endpoint = Endpoint.create(cloud)
    spools = cloud.data_dir / "sagemaker" / "capture"
    aside = spools.with_name("capture-aside")
    spools.rename(aside)
    spools.write_bytes(b"")  # no file can be created below a file: fails for root, too, as a full disk does
    asked = [uuid.uuid4().hex for _ in range(20)]
    assert all(endpoint.invoke((index, 0, 0), request) for index, request in enumerate(asked))
    assert "Capture records cannot be written and wait in memory" in (cloud.data_dir / "cloud.log").read_text()
    spools.unlink()
    aside.rename(spools)
    assert sorted(endpoint.captured()) == sorted(asked)
