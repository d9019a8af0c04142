"""Invocation: at once, later, or not at all."""

from __future__ import annotations

import base64
import json

from scones.cloud.errors import ServiceError
from scones.cloud.service import Answer, Call
from scones.cloud.services.lambda_.operations import Operations

SYNCHRONOUS_LIMIT, ASYNCHRONOUS_LIMIT = 6_291_456, 1_048_576
"""Bytes of a payload."""


class InvocationOperations(Operations):
    """The Invoke operation."""

    async def invoke(self, call: Call) -> Answer:
        """Run a function: at once, later (Event), or not at all (DryRun)."""
        params = call.params
        function, payload = self._function(call), params.get("Payload") or b"{}"
        kind = params.get("InvocationType", "RequestResponse")
        limit = ASYNCHRONOUS_LIMIT if kind == "Event" else SYNCHRONOUS_LIMIT
        if len(payload) > limit:
            raise ServiceError(
                "RequestTooLargeException",
                f"{len(payload)} byte payload is too large for the {kind} invocation type (limit {limit} bytes)",
                413,
            )
        version = self._records.find(function)
        _check_json(payload)
        if kind == "DryRun":
            return Answer({"StatusCode": 204}, 204)
        if kind == "Event":
            await self._events.accept(call.request_id, function, payload)
            return Answer({"StatusCode": 202, "Payload": b""}, 202)
        outcome = await self._invoker.invoke(
            version, function, payload, request_id=call.request_id, client_context=params.get("ClientContext")
        )
        answer = {
            "StatusCode": 200,
            "FunctionError": outcome.function_error,
            "Payload": outcome.payload,
            "ExecutedVersion": version.configuration["Version"],
        }
        if params.get("LogType") == "Tail":
            answer["LogResult"] = base64.b64encode(outcome.log.encode()[-4096:]).decode()
        return Answer(answer, 200)


def _check_json(payload: bytes) -> None:
    try:
        json.loads(payload)
    except ValueError as error:
        raise ServiceError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}", Type="User"
        ) from error
