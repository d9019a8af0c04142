"""The Invoke operations: synchronous invocations, asynchronous invocations and dry runs."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.lambda_.functions.function_records import Version
from scones.cloud.services.lambda_.functions.names import FunctionName, FunctionNames
from scones.cloud.services.lambda_.invoke.async_invocations import AsyncInvocations
from scones.cloud.services.lambda_.invoke.invoker import Invoker
from scones.cloud.services.lambda_.invoke.payloads import check_payload
from scones.cloud.services.lambda_.runtime.execution_environment import InvocationResult
from scones.cloud.services.lambda_.runtime.response_stream import ResponseStream
from scones.cloud.wire.members import Members

SYNCHRONOUS_LIMIT, ASYNCHRONOUS_LIMIT = 6_291_456, 1_048_576
"""Maximum bytes of a payload."""
LARGE_PAYLOAD = 65_536
"""Bytes of a payload from which it is checked in a thread."""


@dataclass(frozen=True, slots=True)
class _InvokeRequest:
    """The invocation that a call requests."""

    function: FunctionName
    version: Version
    payload: bytes
    context: str | None
    """The client context in the runtime's format."""


class InvocationOperations:
    """The Invoke operations."""

    def __init__(self, names: FunctionNames, invoker: Invoker, events: AsyncInvocations) -> None:
        self._names = names
        self._invoker = invoker
        self._events = events

    async def invoke(self, call: OperationCall) -> OperationOutput:
        """Run a function, accept an event for it (Event), or only check the request (DryRun)."""
        params = call.params
        kind = params.get("InvocationType", "RequestResponse")
        request = await self._read_request(call, kind)
        if kind == "DryRun":
            return OperationOutput({"StatusCode": 204}, 204)
        if kind == "Event":
            await self._events.accept(call.request_id, request.function, request.payload)
            return OperationOutput({"StatusCode": 202, "Payload": b""}, 202)
        outcome = await self._run(call, request)
        response = {
            "StatusCode": 200,
            "FunctionError": outcome.function_error,
            "Payload": outcome.payload,
            "ExecutedVersion": request.version.configuration["Version"],
        }
        if params.get("LogType") == "Tail":
            response["LogResult"] = base64.b64encode(outcome.log).decode()
        return OperationOutput(response, 200)

    async def invoke_async(self, call: OperationCall) -> OperationOutput:
        """Accept an event for a function; this is the API's first form of InvocationType Event."""
        params = {"FunctionName": call.params["FunctionName"], "Payload": call.params["InvokeArgs"]}
        event = replace(call, params=params)
        request = await self._read_request(event, "Event")
        await self._events.accept(call.request_id, request.function, request.payload)
        return OperationOutput({"Status": 202}, 202)

    async def invoke_with_response_stream(self, call: OperationCall) -> OperationOutput:
        """Run a function, and respond with an event stream.

        It has the chunks that the runtime streams. The result of a runtime that does not stream is one chunk.
        """
        kind = call.params.get("InvocationType", "RequestResponse")
        request = await self._read_request(call, kind)
        if kind == "DryRun":
            return OperationOutput({"StatusCode": 204}, 204)
        stream = ResponseStream()
        invocation = asyncio.ensure_future(self._run(call, request, stream))
        if not await stream.wait_until_started(invocation):
            await invocation  # raises the error of an invocation that was not accepted
        response = {
            "StatusCode": 200,
            "ExecutedVersion": request.version.configuration["Version"],
            "EventStream": _events(stream, invocation, tail=call.params.get("LogType") == "Tail"),
        }
        return OperationOutput(response, 200)

    async def _read_request(self, call: OperationCall, kind: str) -> _InvokeRequest:
        """Return the invocation that a call requests; raises `ServiceError` for an invalid request."""
        params = call.params
        function, payload = self._names.requested(call), params.get("Payload") or b"{}"
        limit = ASYNCHRONOUS_LIMIT if kind == "Event" else SYNCHRONOUS_LIMIT
        if len(payload) > limit:
            raise ServiceError(  # AWS answers with this code, though its model names RequestTooLargeException
                "RequestEntityTooLargeException",
                f"{len(payload)} byte payload is too large for the {kind} invocation type (limit {limit} bytes)",
                413,
            )
        version = self._invoker.find(function)
        if len(payload) < LARGE_PAYLOAD:
            check_payload(payload)
        else:
            await asyncio.to_thread(check_payload, payload)
        context = _client_context(params["ClientContext"]) if "ClientContext" in params else None
        return _InvokeRequest(function, version, payload, context)

    async def _run(
        self, call: OperationCall, request: _InvokeRequest, stream: ResponseStream | None = None
    ) -> InvocationResult:
        return await self._invoker.invoke(
            request.version,
            request.function,
            request.payload,
            request_id=call.request_id,
            client_context=request.context,
            access_key_id=call.caller.access_key_id,
            stream=stream,
        )


async def _events(
    stream: ResponseStream, invocation: asyncio.Future[InvocationResult], *, tail: bool
) -> AsyncIterator[dict[str, Members]]:
    """Yield the chunks of a response, and at last the event that ends it."""
    async for chunk in stream.read(invocation):
        yield {"PayloadChunk": {"Payload": chunk}}
    outcome = await invocation
    complete = {"LogResult": base64.b64encode(outcome.log).decode()} if tail else {}
    if outcome.function_error:
        complete |= {"ErrorCode": outcome.function_error, "ErrorDetails": outcome.payload.decode(errors="replace")}
    elif not stream.started.done():
        yield {"PayloadChunk": {"Payload": outcome.payload}}
    yield {"InvokeComplete": complete}


def _client_context(given: str) -> str:
    """Return the client context in the runtime's format: JSON in one line of ASCII."""
    try:
        return json.dumps(json.loads(base64.b64decode(given, validate=True)))
    except (binascii.Error, ValueError) as error:
        raise ServiceError(
            "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object."
        ) from error
