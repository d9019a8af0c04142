"""Calls of operations inside the cloud, with a state's parameters."""

from __future__ import annotations

import base64
import zlib
from typing import Any

from botocore.model import OperationModel

from scones.cloud.context import CloudContext
from scones.cloud.service import read_body
from scones.cloud.services.stepfunctions.integrations.conversion import to_parameters
from scones.cloud.wire.model import operation_model, streamed_input


async def call(cloud: CloudContext, service: str, operation: str, parameters: Any) -> dict[str, Any]:
    """Call an operation and return its response's members; a streamed body is read completely.

    Raises `ServiceError` if the operation fails.
    """
    model = operation_model(service, operation)
    given = to_parameters(parameters or {}, model.input_shape) if model.input_shape is not None else {}
    _add_body_members(model, given)
    response = dict(await cloud.call(service, operation, given, check=True))
    shape = model.output_shape
    payload: str | None = shape.serialization.get("payload") if shape is not None else None
    if payload and response.get(payload) is not None and not isinstance(response[payload], dict):
        response[payload] = await read_body(response[payload])
    return response


def _add_body_members(model: OperationModel, given: dict[str, Any]) -> None:
    """Add the checksum and the content type that AWS's SDK for Java adds to a text body by default."""
    body = streamed_input(model)
    if not body or body not in given or model.input_shape is None:
        return
    if "ContentType" in model.input_shape.members:
        given.setdefault("ContentType", "text/plain; charset=UTF-8")
    asked = (model.http_checksum or {}).get("requestAlgorithmMember")
    if asked and not any(name.startswith("Checksum") for name in given):
        given["ChecksumCRC32"] = base64.b64encode(zlib.crc32(given[body]).to_bytes(4, "big")).decode()
