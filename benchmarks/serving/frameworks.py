"""The serving frameworks from the package index, each with the same predictor and one worker per processor.

`POST` sends the image as the body if the framework allows it, otherwise in the framework's own protocol with base64.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks import processes
from benchmarks.peers import Peer
from benchmarks.serving.target import Start, Target, bare_list, post

APPS = Path(__file__).with_name("apps")
WORKERS = len(os.sched_getaffinity(0))
# Every environment has our versions of the libraries that do the work.
SAME = tuple(f"{name}=={version(name)}" for name in ("onnxruntime", "pillow", "numpy"))
SETTINGS = {
    # Nothing measured here accesses an external network.
    "BENTOML_DO_NOT_TRACK": "True",
    "RAY_USAGE_STATS_ENABLED": "0",
    "OTEL_SDK_DISABLED": "true",
    # Ray Serve's own advice for throughput; measured gain: one third.
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
}


@dataclass(frozen=True, slots=True)
class Framework:
    """The installation, start and request format of a framework."""

    title: str
    peer: Peer
    command: Callable[[Peer, int, Path], Sequence[str]]
    request: Callable[[bytes], bytes]
    probabilities: Callable[[bytes], list[float]]
    ready: str

    def starter(self, model: Path) -> Start:
        """Return a function that starts the framework with a model."""

        @contextmanager
        def start(folder: Path) -> Iterator[Target]:
            port = processes.free_port()
            settings = {"MODEL": str(model), "WORKERS": str(WORKERS), "PYTHONPATH": str(APPS), "TMPDIR": str(folder)}
            command = self.command(self.peer, port, folder)
            with processes.server(command, folder, port, settings | SETTINGS, self.ready) as process:
                yield Target(port, self.request, self.probabilities, process)

        return start


def _uvicorn(peer: Peer, port: int, _: Path) -> list[str]:
    options = ["--workers", str(WORKERS), "--port", str(port), "--log-level", "warning", "--no-access-log"]
    return [peer.script("uvicorn"), "fastapi_app:app", *options]


def _bentoml(peer: Peer, port: int, _: Path) -> list[str]:
    return [peer.script("bentoml"), "serve", "bentoml_app:Classifier", "--host", "127.0.0.1", "--port", str(port)]


def _program(name: str) -> Callable[[Peer, int, Path], list[str]]:
    return lambda peer, port, _: [str(peer.python()), str(APPS / name), str(port)]


def _mlserver(peer: Peer, port: int, folder: Path) -> list[str]:
    ports = {"http_port": port, "grpc_port": processes.free_port(), "metrics_port": processes.free_port()}
    settings = {"host": "127.0.0.1", "debug": False, "parallel_workers": WORKERS, "metrics_endpoint": None, **ports}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(settings))
    model = {"name": "classifier", "implementation": "mlserver_app.Classifier"}
    (folder / "model-settings.json").write_text(json.dumps(model))
    return [peer.script("mlserver"), "start", str(folder)]


def _raw(path: str) -> Callable[[bytes], bytes]:
    return lambda content: post(path, "image/png", content)


def _litserve(content: bytes) -> bytes:
    return post("/predict", "application/json", json.dumps({"image": base64.b64encode(content).decode()}).encode())


def _v2(content: bytes) -> bytes:
    image = {
        "name": "image",
        "shape": [1, 1],
        "datatype": "BYTES",
        "parameters": {"content_type": "base64"},
        "data": [base64.b64encode(content).decode()],
    }
    return post("/v2/models/classifier/infer", "application/json", json.dumps({"inputs": [image]}).encode())


def _v2_list(body: bytes) -> list[float]:
    found: list[float] = json.loads(body)["outputs"][0]["data"]
    return found


def _litserve_list(body: bytes) -> list[float]:
    found: list[float] = json.loads(body)["probabilities"]
    return found


FRAMEWORKS = (
    Framework(
        "FastAPI + uvicorn",
        Peer("fastapi", "fastapi", "0.165.0", ("uvicorn==0.54.0", "uvloop", "httptools", *SAME)),
        _uvicorn,
        _raw("/invocations"),
        bare_list,
        "/ready",
    ),
    Framework(
        "LitServe",
        Peer("litserve", "litserve", "0.2.19", SAME),
        _program("litserve_app.py"),
        _litserve,
        _litserve_list,
        "/health",
    ),
    Framework(
        "BentoML",
        Peer("bentoml", "bentoml", "1.4.39", SAME),
        _bentoml,
        _raw("/invocations"),
        bare_list,
        "/readyz",
    ),
    Framework(
        "Ray Serve",
        Peer("ray", "ray[serve]", "2.60.0", SAME),
        _program("ray_app.py"),
        _raw("/invocations"),
        bare_list,
        "/-/healthz",
    ),
    Framework(
        "MLServer",
        # Its workers do not start with a newer uvloop.
        Peer("mlserver", "mlserver", "1.7.1", ("uvloop==0.21.0", *SAME)),
        _mlserver,
        _v2,
        _v2_list,
        "/v2/models/classifier/ready",
    ),
)
