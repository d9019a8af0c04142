"""Container program of the tests: it needs only the standard library, and hyperparameters and model data control it."""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BASE = Path(os.environ["SAGEMAKER_BASE_DIR"])


def train():
    given = json.loads((BASE / "input/config/hyperparameters.json").read_text())
    print("Training begins", flush=True)
    for epoch, accuracy in enumerate(given.get("accuracies", "").split()):
        print(f"Epoch[{epoch}] Train-accuracy={accuracy}", flush=True)
        print(f"Epoch[{epoch}] Validation-accuracy={float(accuracy) / 2:.6f}", flush=True)
    files = {
        path.relative_to(BASE / "input").as_posix(): path.read_text()
        for path in sorted((BASE / "input").rglob("*"))
        if path.is_file()
    }
    (BASE / "model/seen.json").write_text(json.dumps({"files": files, "environment": dict(os.environ)}))
    (BASE / "model/answer.txt").write_text(given.get("answer", "trained"))
    if (BASE / "checkpoints").is_dir():
        before = [path.name for path in (BASE / "checkpoints").iterdir()]
        (BASE / "checkpoints" / f"epoch-{len(before)}.txt").write_text(" ".join(before))
    if "output" in given:
        (BASE / "output/data").mkdir(parents=True, exist_ok=True)
        (BASE / "output/data/result.txt").write_text(given["output"])
    if "wait" in given:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        print("Waiting", flush=True)
        time.sleep(600)
    if "failure" in given:
        (BASE / "output/failure").write_text(given["failure"])
        sys.exit(int(given["code"]))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    spent = False

    def do_GET(self):
        self.answer(200, b"", "text/plain")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.spent:  # like a server that closes an idle connection just as a request arrives
            self.close_connection = True
            return
        self.spent = body == b"close soon"
        kind = self.headers["Content-Type"]
        if kind.startswith("image/"):
            if body.startswith(b"\x89PNG"):
                self.answer(200, b"[0.9, 0.1]", "application/json")
            else:
                self.answer(400, b"unable to evaluate payload provided", "text/plain")
        elif self.headers.get("Accept") in ("text/csv", "application/jsonlines"):  # return the records unchanged
            self.answer(200, body, self.headers["Accept"])
        elif body == b"crash":
            os._exit(3)
        elif body.startswith(b"bytes "):
            self.answer(200, bytes(int(body[6:])), "application/octet-stream")
        elif body == b"fail at length":
            self.answer(500, "é".encode() * (1 << 20), "text/plain")
        elif body == b"fail":
            self.answer(500, b"it failed", "text/plain")
        else:
            model = BASE / "model/answer.txt"
            reported = {
                "model": model.read_text() if model.exists() else "",
                "accept": self.headers.get("Accept"),
                "variable": os.environ.get("TEST_VARIABLE"),
                "body": body.decode(),
            }
            self.answer(200, json.dumps(reported).encode(), "application/json; charset=utf-8")

    def answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if "X-Amzn-SageMaker-Custom-Attributes" in self.headers:
            reported = "answer to " + self.headers["X-Amzn-SageMaker-Custom-Attributes"]
            self.send_header("X-Amzn-SageMaker-Custom-Attributes", reported)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve():
    if (BASE / "model/broken").exists() or "TEST_BROKEN" in os.environ:
        print("The model is broken", flush=True)
        sys.exit(1)
    time.sleep(float(os.environ.get("TEST_SECONDS_TO_LOAD", 0)))
    print("Serving", flush=True)
    Handler.disable_nagle_algorithm = True
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.serve_forever()


{"train": train, "serve": serve}[sys.argv[1]]()
