"""Tasks that invoke Lambda functions, by function ARN or with `lambda:invoke`."""

from __future__ import annotations

import json
import uuid
from email.utils import formatdate
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.surrogates import well_formed
from scones.cloud.errors import ServiceError
from scones.cloud.service import read_body
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError, data_limit_exceeded, nested_too_deeply
from scones.cloud.services.stepfunctions.asl.text import LIMIT, dumps, read_json
from scones.cloud.services.stepfunctions.integrations.conversion import to_parameters
from scones.cloud.wire.members import Members
from scones.cloud.wire.model import operation_model


class LambdaInvoke:
    """The optimized integration `lambda:invoke`."""

    async def call(self, cloud: CloudContext, parameters: Any) -> dict[str, Any]:
        """Call Lambda's Invoke and return the response in the form of AWS's optimized integration."""
        params = dict(parameters)
        payload = {"Payload": _payload(params.pop("Payload"))} if "Payload" in params else {}
        shape = operation_model("lambda", "Invoke").input_shape
        assert shape is not None
        reply = await _call_lambda(cloud, to_parameters(params, shape) | payload, check=True)
        body = await read_body(reply.get("Payload") or b"")
        _raise_function_error(reply, body, compact=True)
        return _invoke_result(reply, body)


async def invoke_function(cloud: CloudContext, arn: str, value: Any) -> Any:
    """Invoke the function with this ARN on a task's input and return its result."""
    reply = await _call_lambda(cloud, {"FunctionName": arn, "Payload": dumps(value).encode()}, check=False)
    body = await read_body(reply.get("Payload") or b"")
    _raise_function_error(reply, body, compact=False)
    return _result(body, arn) if body else None


async def _call_lambda(cloud: CloudContext, params: Members, *, check: bool) -> dict[str, Any]:
    try:
        return await cloud.call("lambda", "Invoke", params, check=check)
    except ServiceError as error:
        name = error.code if error.code.endswith("Exception") else f"{error.code}Exception"
        cause = (
            f"{error.message} (Service: AWSLambda; Status Code: {_status(error)}; Error Code: {error.code}; "
            f"Request ID: {uuid.uuid4()}; Proxy: null)"
        )
        raise StateFailedError(f"Lambda.{name}", cause) from error


def _status(error: ServiceError) -> int:
    known = {"ResourceNotFoundException": 404, "TooManyRequestsException": 429, "ServiceException": 500}
    return known.get(error.code, error.status)


def _payload(value: Any) -> bytes:
    """Return the bytes for Lambda; a string that contains JSON is sent unchanged, as recorded on AWS."""
    if value is None:
        return b"{}"
    if isinstance(value, str):
        try:
            json.loads(value)
        except (ValueError, RecursionError):
            return dumps(value).encode()
        return well_formed(value).encode()
    return dumps(value).encode()


def _result(body: bytes, label: str) -> Any:
    """Return a function's result: the parsed JSON, or the text if the bytes are not JSON."""
    if len(body) > LIMIT:
        raise data_limit_exceeded(label)
    try:
        return read_json(body)
    except RecursionError:
        raise nested_too_deeply(label) from None
    except ValueError:
        return body.decode("utf-8", "replace")


def _raise_function_error(response: dict[str, Any], body: bytes, *, compact: bool) -> None:
    """Raise `StateFailedError` if the function failed: errorType is the error, the payload is the cause."""
    if not response.get("FunctionError"):
        return
    text = body.decode("utf-8", "replace")
    try:
        payload = read_json(text)
    except (ValueError, RecursionError):
        payload = None
    kind = payload.get("errorType") if isinstance(payload, dict) else None
    if not kind:
        raise StateFailedError(
            "Lambda.Unknown",
            f"The cause could not be determined because Lambda did not return an error type. Returned payload: {text}",
        )
    # The optimized integration re-encodes the payload; a task with a function's ARN keeps its text. Both as recorded.
    raise StateFailedError(str(kind), dumps(payload) if compact else text)


def _invoke_result(response: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Return Invoke's response with the HTTP metadata that AWS's integration adds."""
    request = str(uuid.uuid4())
    version = response.get("ExecutedVersion", "$LATEST")
    headers = {
        "X-Amz-Executed-Version": version,
        "x-amzn-Remapped-Content-Length": "0",
        "Connection": "keep-alive",
        "x-amzn-RequestId": request,
        "Content-Length": str(len(body)),
        "Date": formatdate(usegmt=True),
        "X-Amzn-Trace-Id": f"Root=1-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:24]};Sampled=0",
        "Content-Type": "application/json",
    }
    result: dict[str, Any] = {"ExecutedVersion": version}
    if "LogResult" in response:
        headers = {"X-Amz-Log-Result": response["LogResult"], **headers}
        result["LogResult"] = response["LogResult"]
    return {
        **result,
        "Payload": _result(body, "lambda") if body else {},
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": dict(sorted(headers.items(), key=lambda header: header[0].lower())),
            "HttpStatusCode": response["StatusCode"],
        },
        "SdkResponseMetadata": {"RequestId": request},
        "StatusCode": response["StatusCode"],
    }
