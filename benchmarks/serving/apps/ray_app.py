"""Ray Serve: one replica per processor; the image is the body, and the model runs on a thread of the replica."""

from __future__ import annotations

import asyncio
import sys
import time

import ray
from predictor import WORKERS, Predictor
from ray import serve
from starlette.requests import Request


@serve.deployment(num_replicas=WORKERS, max_ongoing_requests=100, ray_actor_options={"num_cpus": 1})
class Classifier:
    """One image per request."""

    def __init__(self) -> None:
        self.model = Predictor()

    async def __call__(self, request: Request) -> list[float]:
        """Classify the image in the body."""
        return await asyncio.to_thread(self.model, await request.body())


if __name__ == "__main__":
    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, configure_logging=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Classifier.bind(), route_prefix="/invocations")
    while True:
        time.sleep(1)
