"""Invocation: at once, later, or not at all."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json

from scones.cloud.errors import ServiceError
from scones.cloud.service import Answer, Call
from scones.cloud.services import jackson
from scones.cloud.services.lambda_.operations import Operations

SYNCHRONOUS_LIMIT, ASYNCHRONOUS_LIMIT = 6_291_456, 1_048_576
"""Bytes of a payload."""
LARGE = 65_536
"""Bytes from which on reading a payload is work for a thread."""


class InvocationOperations(Operations):
    """The Invoke operation."""

    async def invoke(self, call: Call) -> Answer:
        """Run a function: at once, later (Event), or not at all (DryRun)."""
        params = call.params
        function, payload = self._function(call), params.get("Payload") or b"{}"
        kind = params.get("InvocationType", "RequestResponse")
        limit = ASYNCHRONOUS_LIMIT if kind == "Event" else SYNCHRONOUS_LIMIT
        if len(payload) > limit:
            raise ServiceError(  # AWS answers with this code, though its model names RequestTooLargeException
                "RequestEntityTooLargeException",
                f"{len(payload)} byte payload is too large for the {kind} invocation type (limit {limit} bytes)",
                413,
            )
        version = self._invoker.find(function)
        if len(payload) < LARGE:
            _check_json(payload)
        else:
            await asyncio.to_thread(_check_json, payload)
        context = _client_context(params["ClientContext"]) if "ClientContext" in params else None
        if kind == "DryRun":
            return Answer({"StatusCode": 204}, 204)
        if kind == "Event":
            await self._events.accept(call.request_id, function, payload)
            return Answer({"StatusCode": 202, "Payload": b""}, 202)
        outcome = await self._invoker.invoke(
            version,
            function,
            payload,
            request_id=call.request_id,
            client_context=context,
            access_key_id=call.caller.access_key_id,
        )
        answer = {
            "StatusCode": 200,
            "FunctionError": outcome.function_error,
            "Payload": outcome.payload,
            "ExecutedVersion": version.configuration["Version"],
        }
        if params.get("LogType") == "Tail":
            answer["LogResult"] = base64.b64encode(outcome.log).decode()
        return Answer(answer, 200)


def _check_json(payload: bytes) -> None:
    if fault := jackson.check(payload):
        message = f"Could not parse request body into json: Could not parse payload into json: {fault}"
        raise ServiceError("InvalidRequestContentException", message, Type="User")


def _client_context(given: str) -> str:
    """Return the client context as the runtime gets it: JSON in one line of ASCII."""
    try:
        return json.dumps(json.loads(base64.b64decode(given, validate=True)))
    except (binascii.Error, ValueError) as error:
        raise ServiceError(
            "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object."
        ) from error
