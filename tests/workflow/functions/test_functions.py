"""The three functions as deployed to AWS: each is a single file in a separate process, and calls the local cloud."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

FUNCTIONS = files("scones.workflow") / "functions"
RUN = """
import importlib, json, sys
handler = importlib.import_module(sys.argv[1]).lambda_handler
try:
    answer = {"answer": handler(json.load(sys.stdin), None)}
except Exception as error:
    answer = {"error": type(error).__name__, "message": str(error)}
print(json.dumps(answer))
"""

Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Call a function's handler with an event; keyword arguments become environment variables."""

    def call(name: str, event: object, **environment: str) -> dict[str, Any]:
        shutil.copy(str(FUNCTIONS / f"{name}.py"), tmp_path)
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        finished = subprocess.run(
            [sys.executable, "-W", "error", "-c", RUN, name],
            input=json.dumps(event),
            env=kept | environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert finished.returncode == 0, finished.stderr
        answer: dict[str, Any] = json.loads(finished.stdout)
        return answer

    return call


class Endpoint:
    """A replacement for SageMaker Runtime that responds with `body` and records the requests in `asked`."""

    def __init__(self) -> None:
        self.body = b"[0.04, 0.96]"
        self.asked: list[tuple[str, str, bytes]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.asked.append((self.path, self.headers["Content-Type"], body))
                self.send_response(200)
                self.send_header("Content-Length", str(len(endpoint.body)))
                self.end_headers()
                self.wfile.write(endpoint.body)

            def log_message(self, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server.server_port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "ENDPOINT_NAME": "scones",
        }

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    yield server
    server.close()


PNG = b"\x89PNG\r\n\x1a\n and so on"


def event(**changes: object) -> dict[str, Any]:
    image = base64.b64encode(PNG).decode()
    return {"image_data": image, "s3_bucket": "b", "s3_key": "test/a.png", "inferences": []} | changes


def wrapped(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the three forms in which a state machine may pass on a function's result."""
    return [fields, {"statusCode": 200, "body": fields}, {"statusCode": 200, "body": json.dumps(fields)}]


@pytest.fixture(scope="module")
def images(cloud: Any) -> str:
    """A bucket with a small image and with one that is too large for a state's payload."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="functions-pictures")
    s3.put_object(Bucket="functions-pictures", Key="test/a picture+ü.png", Body=PNG)
    s3.put_object(Bucket="functions-pictures", Key="large.png", Body=bytes(190_001))
    return "functions-pictures"


def test_serialize_image_puts_the_object_into_the_body(call: Call, cloud: Any, images: str) -> None:
    key = "test/a picture+ü.png"
    for given in wrapped({"image_data": "", "s3_bucket": images, "s3_key": key}):
        reported = call("serialize_image", given, **cloud.running.environment())
        image = base64.b64encode(PNG).decode()
        body = {"image_data": image, "s3_bucket": images, "s3_key": key, "inferences": []}
        assert reported == {"answer": {"statusCode": 200, "body": body}}


def test_serialize_image_rejects_images_too_large_for_a_state(call: Call, cloud: Any, images: str) -> None:
    reported = call("serialize_image", {"s3_bucket": images, "s3_key": "large.png"}, **cloud.running.environment())
    assert reported["error"] == "ImageTooLargeError"
    assert "s3://functions-pictures/large.png has 190,001 bytes" in reported["message"]


def test_serialize_image_raises_errors_of_s3_unchanged(call: Call, cloud: Any, images: str) -> None:
    reported = call("serialize_image", {"s3_bucket": images, "s3_key": "none.png"}, **cloud.running.environment())
    assert reported["error"] == "NoSuchKey"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"s3_bucket": "b"}, "has no s3_key"),
        ({"s3_key": "k"}, "has no s3_bucket"),
        ({"s3_bucket": "b", "s3_key": 3}, "has no s3_key"),
        ({"body": "no JSON"}, "body is not valid JSON"),
        ([], "an object was expected"),
        ({"body": None}, "an object was expected"),
    ],
)
def test_serialize_image_names_the_missing_member_of_an_event(call: Call, given: object, says: str) -> None:
    reported = call("serialize_image", given)
    assert reported["error"] == "BadEventError"
    assert says in reported["message"]


def test_classify_image_invokes_the_endpoint_and_removes_the_image_from_the_event(
    call: Call, endpoint: Endpoint
) -> None:
    for given in wrapped(event()):
        reported = call("classify_image", given, **endpoint.environment)
        body = {"s3_bucket": "b", "s3_key": "test/a.png", "inferences": [0.04, 0.96]}
        assert reported == {"answer": {"statusCode": 200, "body": body}}
    assert endpoint.asked == [("/endpoints/scones/invocations", "image/png", PNG)] * 3


def test_classify_image_sends_the_content_type_of_a_jpeg(call: Call, endpoint: Endpoint) -> None:
    image = base64.b64encode(b"\xff\xd8\xff\xe0 and so on").decode()
    call("classify_image", event(image_data=image), **endpoint.environment)
    assert endpoint.asked[0][1] == "image/jpeg"


@pytest.mark.parametrize("answer", [b"", b"{}x", b"3", b'["a"]', b"[]", b'{"0": 1}', b'"12"'])
def test_classify_image_rejects_a_response_that_is_not_a_list_of_numbers(
    call: Call, endpoint: Endpoint, answer: bytes
) -> None:
    endpoint.body = answer
    reported = call("classify_image", event(), **endpoint.environment)
    assert reported["error"] == "BadInferencesError"
    assert "a list of probabilities was expected" in reported["message"]


@pytest.mark.parametrize("image", ["", None, "no base64!", 7])
def test_classify_image_names_the_missing_member_of_an_event(call: Call, endpoint: Endpoint, image: object) -> None:
    reported = call("classify_image", event(image_data=image), **endpoint.environment)
    assert reported["error"] == "BadEventError"
    assert "image_data" in reported["message"]


def test_classify_image_says_which_setting_is_missing(call: Call, endpoint: Endpoint) -> None:
    reported = call("classify_image", event(), **(endpoint.environment | {"ENDPOINT_NAME": ""}))
    assert reported["error"] == "MissingSettingError"
    assert "ENDPOINT_NAME is not set" in reported["message"]


def test_filter_inferences_passes_a_confident_prediction(call: Call) -> None:
    body = {"s3_bucket": "b", "s3_key": "test/a.png", "inferences": [0.93, 0.07]}
    for given in wrapped(body):
        assert call("filter_inferences", given) == {"answer": {"statusCode": 200, "body": body}}


@pytest.mark.parametrize(
    ("inferences", "environment", "passes"),
    [
        ([0.9299, 0.0701], {}, False),
        ([0.0, 1], {"THRESHOLD": "1"}, True),
        ([0.6, 0.4], {"THRESHOLD": ".6"}, True),
        ([0.6, 0.4], {"THRESHOLD": ".61"}, False),
        ([0.6, 0.4], {"THRESHOLD": ""}, False),
        ([0.6, 0.4], {"THRESHOLD": "0"}, True),
        ([float("nan"), 0.4], {"THRESHOLD": "0"}, False),
    ],
)
def test_filter_inferences_raises_below_the_threshold(
    call: Call, inferences: list[float], environment: dict[str, str], passes: bool
) -> None:
    reported = call("filter_inferences", {"s3_key": "test/a.png", "inferences": inferences}, **environment)
    if passes:
        assert reported["answer"]["body"]["inferences"] == inferences
    else:
        assert reported["error"] == "ThresholdConfidenceNotMet"
        assert "test/a.png has confidence" in reported["message"]


@pytest.mark.parametrize("inferences", [None, [], {}, "0.9", ["0.9"], [True]])
def test_filter_inferences_names_the_missing_member_of_an_event(call: Call, inferences: object) -> None:
    assert call("filter_inferences", {"inferences": inferences})["error"] == "BadEventError"


@pytest.mark.parametrize("threshold", ["much", "1.5", "-0.1", "nan"])
def test_filter_inferences_rejects_an_invalid_threshold(call: Call, threshold: str) -> None:
    reported = call("filter_inferences", {"inferences": [1.0]}, THRESHOLD=threshold)
    assert reported["error"] == "BadSettingError"
    assert repr(threshold) in reported["message"]


def test_the_state_machine_chains_the_three_with_the_retry_that_aws_recommends() -> None:
    definition = json.loads((files("scones.workflow") / "state_machines" / "classify.asl.json").read_text())
    chain, name = [], definition["StartAt"]
    while name:
        state = definition["States"][name]
        chain.append(state["Parameters"]["FunctionName"])
        assert state["Resource"] == "arn:aws:states:::lambda:invoke"
        assert state["Retry"][0]["JitterStrategy"] == "FULL"
        assert {"Lambda.ServiceException", "Lambda.TooManyRequestsException"} < set(state["Retry"][0]["ErrorEquals"])
        assert state.get("End", False) is ("Next" not in state)
        name = state.get("Next")
    assert chain == ["${SerializeImageArn}", "${ClassifyImageArn}", "${FilterInferencesArn}"]
    assert len(definition["States"]) == 3
