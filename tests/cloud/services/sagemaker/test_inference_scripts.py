"""Inference scripts and default handlers of framework images."""

from __future__ import annotations

import io
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from support.sagemaker_workbench import ROLE, Workbench, until

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
PYTORCH = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.3-cpu-py311"


def packed(**files: str | bytes) -> bytes:
    """Return a tar.gz; in a file's name, `__` becomes a slash and `_` a dot."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name, content in files.items():
            body = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name.replace("__", "/").replace("_", "."))
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return written.getvalue()


def deployed(bench: Workbench, image: str, data: bytes, wait: bool = True, **environment: str) -> str:
    name = bench.name("model")
    location = bench.put(f"data/{name}/model.tar.gz", data)
    container = {"Image": image, "ModelDataUrl": location, "Environment": environment}
    bench.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    return bench.endpoint(bench.config(name), wait=wait)


def refused(bench: Workbench, endpoint: str, body: bytes | str, kind: str = "application/json", **more: Any) -> Any:
    with pytest.raises(ClientError) as caught:
        bench.invoke(endpoint, body, kind, **more)
    return caught.value.response


SCRIPT = """
import json, os
from pathlib import Path

def model_fn(model_dir):
    return {"factor": float(Path(model_dir, "factor.txt").read_text()), "pid": os.getpid()}

def input_fn(body, content_type):
    assert isinstance(body, str), type(body)
    return json.loads(body)

def predict_fn(data, model):
    if data == "fail":
        raise ValueError("cannot predict this")
    if data == "die":
        os._exit(7)
    if data == "both":
        import time
        time.sleep(0.5)
        return model["pid"]
    return [each * model["factor"] for each in data]

def output_fn(prediction, accept, context):
    return json.dumps({"answer": prediction, "asked": context.get_request_header(0, "Content-Type")}), accept
"""


def test_the_handlers_of_a_script_serve_requests(bench: Workbench) -> None:
    endpoint = deployed(bench, SKLEARN, packed(factor_txt="2", code__inference_py=SCRIPT))
    answer = bench.invoke(endpoint, "[1, 2.5]")
    assert answer["ContentType"] == "application/json"
    assert json.loads(answer["Body"].read()) == {"answer": [2.0, 5.0], "asked": "application/json"}

    failed = refused(bench, endpoint, '"fail"')
    assert (failed["Error"]["Code"], failed["OriginalStatusCode"]) == ("ModelError", 500)
    assert "ValueError: cannot predict this" in failed["OriginalMessage"]
    assert "exit code 7" in refused(bench, endpoint, '"die"')["OriginalMessage"]
    assert json.loads(bench.invoke(endpoint, "[3]")["Body"].read())["answer"] == [6.0]

    lines = bench.log_lines(f"/aws/sagemaker/Endpoints/{endpoint}", "AllTraffic/")
    assert "ValueError: cannot predict this" in lines


def test_several_workers_serve_concurrently(bench: Workbench) -> None:
    endpoint = deployed(
        bench, SKLEARN, packed(factor_txt="1", code__inference_py=SCRIPT), SAGEMAKER_MODEL_SERVER_WORKERS="2"
    )

    def pids() -> set[int]:
        with ThreadPoolExecutor(4) as threads:
            answers = threads.map(lambda _: bench.invoke(endpoint, '"both"')["Body"].read(), range(4))
            return {json.loads(answer)["answer"] for answer in answers}

    assert until(lambda: len(pids()) == 2)


def test_code_comes_from_s3_with_a_script_of_any_name(bench: Workbench) -> None:
    location = bench.put(f"code/{bench.name('source')}.tar.gz", packed(serve_py=SCRIPT))
    endpoint = deployed(
        bench, SKLEARN, packed(factor_txt="4"), SAGEMAKER_PROGRAM="serve.py", SAGEMAKER_SUBMIT_DIRECTORY=location
    )
    assert json.loads(bench.invoke(endpoint, "[1]")["Body"].read())["answer"] == [4.0]


@pytest.mark.slow
def test_scikit_learns_own_handlers_read_and_write_the_toolkits_formats(bench: Workbench) -> None:
    script = """
class Sum:
    def predict(self, rows):
        return rows.sum(axis=1)

def model_fn(model_dir):
    return Sum()
"""
    endpoint = deployed(bench, SKLEARN, packed(code__inference_py=script))
    answer = bench.invoke(endpoint, "1,2\n3,4", "text/csv", Accept="text/csv")
    assert (answer["ContentType"], answer["Body"].read()) == ("text/csv", b"3.0\n7.0\n")
    assert bench.invoke(endpoint, "[[1, 2]]")["Body"].read() == b"[3.0]"
    written = io.BytesIO()
    np.save(written, np.array([[1, 2]]))
    answer = bench.invoke(endpoint, written.getvalue(), "application/x-npy", Accept="application/x-npy")
    assert np.load(io.BytesIO(answer["Body"].read())).tolist() == [3]
    assert refused(bench, endpoint, b"x", "image/png")["OriginalStatusCode"] == 415
    assert refused(bench, endpoint, "[[1]]", Accept="image/png")["OriginalStatusCode"] == 406


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_pytorchs_own_handlers_load_torchscript(bench: Workbench) -> None:
    torch = pytest.importorskip("torch")

    class Double(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return x * 2

    written = io.BytesIO()
    torch.jit.save(torch.jit.trace(Double(), torch.zeros(1, 2)), written)
    endpoint = deployed(bench, PYTORCH, packed(model_pt=written.getvalue()))
    assert json.loads(bench.invoke(endpoint, "[[1, 2.5]]")["Body"].read()) == [[2.0, 5.0]]


def test_a_model_that_cannot_be_loaded_fails_the_endpoint(bench: Workbench) -> None:
    script = "def model_fn(model_dir):\n    raise OSError('the model is torn')"
    endpoint = deployed(bench, SKLEARN, packed(code__inference_py=script), wait=False)
    described = until(lambda: _ended(bench, endpoint), 60)
    assert described["EndpointStatus"] == "Failed"
    assert described["FailureReason"] == (
        "The primary container for production variant AllTraffic did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint. The last error in the log: OSError: the model is torn"
    )
    assert "OSError: the model is torn" in bench.log_lines(f"/aws/sagemaker/Endpoints/{endpoint}", "AllTraffic/")


def test_an_image_that_cannot_serve_fails_the_endpoint_with_its_reason(bench: Workbench) -> None:
    image = SKLEARN.replace("sagemaker-scikit-learn:1.2-1-cpu-py3", "tensorflow-training:2.14")
    endpoint = deployed(bench, image, packed(weights_txt="1"), wait=False)
    described = until(lambda: _ended(bench, endpoint), 60)
    reason = "The local cloud supports the TensorFlow image for training only, not for hosting."
    assert described["FailureReason"].endswith(f" The last error in the log: {reason}")


def _ended(bench: Workbench, endpoint: str) -> Any:
    described = bench.sagemaker.describe_endpoint(EndpointName=endpoint)
    return described if described["EndpointStatus"] != "Creating" else None


def test_the_packages_of_awss_images_can_be_imported(bench: Workbench) -> None:
    script = """
from sagemaker_containers.beta.framework import content_types, encoders, env, transformer, worker
from sagemaker_inference import decoder, encoder, environment, errors, utils
from sagemaker_inference.default_inference_handler import DefaultInferenceHandler

def model_fn(model_dir):
    assert environment.model_dir == model_dir
    assert utils.parse_accept("text/csv; q=1, */*") == ["text/csv", "*/*"]
    assert DefaultInferenceHandler().default_output_fn([1], "text/html,application/json") == ("[1]", "application/json")
    assert environment.Environment().module_name == env.ServingEnv().module_name
    return env.ServingEnv().module_name

def input_fn(body, content_type):
    return decoder.decode(body, content_type)

def predict_fn(data, model):
    if data.size > 2:
        raise errors.GenericInferenceToolkitError(413, "too many numbers")
    return [model, data.sum()]

def output_fn(prediction, accept):
    return worker.Response(encoders.encode(prediction, content_types.JSON), mimetype=content_types.CSV)
"""
    endpoint = deployed(bench, SKLEARN, packed(code__inference_py=script))
    answer = bench.invoke(endpoint, "[1, 2]")
    assert (answer["ContentType"], answer["Body"].read()) == ("text/csv; charset=utf-8", b'["inference", 3]')
    assert refused(bench, endpoint, "[1, 2, 3]")["OriginalStatusCode"] == 413
