"""botocore's service models: the specification of every operation, loaded on first use."""

from __future__ import annotations

import gc
import gzip
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import orjson
from botocore.loaders import JSONFileLoader, Loader
from botocore.model import OperationModel, ServiceModel, StructureShape

from scones.cloud.wire import sqs_query

_PROTOCOLS = ("json", "query", "rest-json", "rest-xml", "smithy-rpc-v2-cbor")
"""Supported protocols; of several, a service's first one in this order is its default."""

_TEXTS = {"s3": ("Expires", "ResponseExpires")}
"""By service, the shapes of headers that the model has as timestamps, but that AWS stores and returns as any text."""

QUERY_JSON = "query with answers in JSON"
"""The Query protocol for a client that accepts `application/json`; its models have `answersJson` in their metadata."""


class _ModelFiles(JSONFileLoader):
    """A file loader, several times as fast as botocore's; SageMaker's model still takes 20 ms on the event loop."""

    def load_file(self, file_path: str) -> dict[str, Any] | None:
        for path, opened in ((f"{file_path}.json", open), (f"{file_path}.json.gz", gzip.open)):
            if Path(path).is_file():
                with opened(path, "rb") as file:
                    found: dict[str, Any] = orjson.loads(file.read())
                return found
        return None


@lru_cache(maxsize=1)
def _loader() -> Loader:
    return Loader(file_loader=_ModelFiles())


@cache
def _description(name: str) -> Any:  # botocore's type for a model is a mapping to Any
    """Read a service's model and exempt it from garbage collection: it has up to 100,000 objects, all in use."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _loader().load_service_model(name, "service-2")
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


@cache
def protocols(name: str) -> tuple[str, ...]:
    """Return the protocols of a service, its default first.

    They are those that the model lists, and the Query protocol for services that accept it from older clients (SQS).
    """
    metadata = _description(name)["metadata"]
    listed = {metadata["protocol"], *metadata.get("protocols", ())}
    if "awsQueryCompatible" in metadata:
        listed.add("query")
    return tuple(each for each in _PROTOCOLS if each in listed) or (metadata["protocol"],)


def service_model(name: str, protocol: str = "") -> ServiceModel:
    """Return a service's model by botocore's name (`s3`, `stepfunctions`, `sagemaker-runtime`).

    Each protocol has its own model, whose metadata names the protocol.
    """
    return _protocol_model(name, protocol or protocols(name)[0])


@cache
def _protocol_model(name: str, protocol: str) -> ServiceModel:
    description = _description(name)
    if name == "sqs" and protocol in ("query", QUERY_JSON):
        description = sqs_query.description(description)
    if name in _TEXTS:
        texts = {shape: {"type": "string"} for shape in _TEXTS[name]}
        description = {**description, "shapes": description["shapes"] | texts}
    metadata = {**description["metadata"], "protocol": protocol}
    if protocol == QUERY_JSON:
        metadata |= {"protocol": "query", "answersJson": True}
    return ServiceModel({**description, "metadata": metadata}, service_name=name)


@cache
def operation_model(service: str, operation: str, protocol: str = "") -> OperationModel:
    """Return the model of one operation, in one of its service's protocols."""
    return service_model(service, protocol).operation_model(operation)


@cache
def streamed_input(operation: OperationModel) -> str | None:
    """Return the member whose bytes are read while the operation runs, or None.

    Only S3 has one. Clients of other services sign the hash of a body without sending the hash, so the complete body is
    needed to check the signature.
    """
    shape = operation.input_shape if operation.service_model.service_name == "s3" else None
    payload: str | None = shape.serialization.get("payload") if shape else None
    return payload if shape and payload and shape.members[payload].serialization.get("streaming") else None


@cache
def error_shape(service: str, code: str) -> StructureShape | None:
    """Return the shape of an error by its code on the wire or its name, or None if the model lacks it."""
    for shape in service_model(service).error_shapes:
        if isinstance(shape, StructureShape) and code in (shape.metadata.get("error", {}).get("code"), shape.name):
            return shape
    return None


def wire_name(shape: StructureShape, member: str) -> str:
    """Return the name of a member of `shape` on the wire."""
    name: str = shape.members[member].serialization.get("name", member)
    return name
