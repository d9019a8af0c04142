"""FastAPI under uvicorn: the image is the body, and the model runs on Starlette's threads."""

from __future__ import annotations

from fastapi import FastAPI, Request
from predictor import Predictor
from starlette.concurrency import run_in_threadpool

app = FastAPI()
predict = Predictor()


@app.get("/ready")
async def ready() -> None:
    """Confirm that the model is loaded."""


@app.post("/invocations")
async def invocations(request: Request) -> list[float]:
    """Classify the image in the body."""
    return await run_in_threadpool(predict, await request.body())
