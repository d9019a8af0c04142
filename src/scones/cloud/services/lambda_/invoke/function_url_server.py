"""The server of function URLs: it turns HTTP requests into events of payload format 2.0, and results into responses."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import ClassVar
from urllib.parse import unquote

from scones.cloud.context import CloudContext
from scones.cloud.core.json_types import JsonObject
from scones.cloud.errors import ServiceError
from scones.cloud.http_route import HttpRoute, RequestBody
from scones.cloud.services.lambda_.functions.names import FunctionName
from scones.cloud.services.lambda_.invoke.function_url_responses import (
    bad_gateway,
    buffered_response,
    streamed_response,
)
from scones.cloud.services.lambda_.invoke.function_urls import PREFIX, STREAMED
from scones.cloud.services.lambda_.invoke.invoker import Invoker
from scones.cloud.services.lambda_.runtime.response_stream import ResponseStream
from scones.cloud.wire.body_limits import too_large
from scones.cloud.wire.members import Members
from scones.cloud.wire.request import Request
from scones.cloud.wire.response import Response
from scones.cloud.wire.signatures.verifier import SignatureVerifier

_TEXT = ("text/", "application/json", "application/javascript", "application/xml")
_FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
"""AWS's message for the address of a function URL that does not exist, or was deleted."""
BODY_LIMIT = 6 * 1024 * 1024
"""Maximum size in bytes of a request's body."""


@dataclass(frozen=True, slots=True)
class UrlTarget:
    """The address of a request: a function URL's id, and the path below the URL, undecoded."""

    url_id: str
    path: str


def _url_target(request: Request) -> UrlTarget | None:
    """Return the address of a request for a function URL, or None for any other request.

    The path names the URL, or the Host does: ID.lambda-url.REGION.localhost.
    """
    if request.raw_path.startswith(PREFIX):
        identity, _, path = request.raw_path.removeprefix(PREFIX).partition("/")
        return UrlTarget(identity, f"/{path}")
    named = _named(request.headers.get("host", ""))
    return UrlTarget(named, request.raw_path) if named is not None else None


@lru_cache(64)
def _named(host: str) -> str | None:
    labels = host.partition(":")[0].split(".")
    return labels[0] if len(labels) == 4 and labels[1] == "lambda-url" and labels[3] == "localhost" else None


class FunctionUrlServer(HttpRoute):
    """Answers requests for function URLs.

    A foreign Origin is allowed, as on AWS: web pages are meant to call function URLs, their ids cannot be guessed, and
    the CORS settings decide what a page may read.
    """

    allows_foreign_origin: ClassVar[bool] = True

    def __init__(self, cloud: CloudContext, invoker: Invoker) -> None:
        self._cloud = cloud
        self._invoker = invoker
        settings = cloud.settings
        self._signatures = SignatureVerifier(cloud.credentials, account=settings.account, region=settings.region)

    def matches(self, request: Request) -> bool:
        """Return True for a request to a function URL."""
        return _url_target(request) is not None

    async def respond(self, request: Request, body: RequestBody) -> Response:
        """Invoke the function of a URL; a failure becomes an HTTP status, as on AWS."""
        target = _url_target(request)
        assert target is not None
        content = await body.read(BODY_LIMIT, partial(too_large, "lambda", "Invoke", BODY_LIMIT))
        row = self._cloud.store.row("SELECT document FROM function_urls WHERE id = ?", target.url_id)
        if row is None:
            return _refusal(403, _FORBIDDEN, "AccessDeniedException")
        config = json.loads(row["document"])
        cors = _cors(config.get("Cors", {}), request)
        if config.get("Cors") and request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            return Response(200, repeatable_headers=cors)
        request_id = str(uuid.uuid4())
        try:
            response = await self._invoke(target, config, request, content, request_id)
        except ServiceError as error:
            if error.code == "TooManyRequestsException":
                response = _refusal(429, "Rate Exceeded.", error.code)
            else:
                response = _refusal(403 if error.status < 500 else 502, error.message, error.code)
        if cors:  # the configuration's CORS headers replace the function's own
            kept = [pair for pair in response.repeatable_headers if not pair[0].startswith("access-control-")]
            response.repeatable_headers = kept + cors
        response.headers["x-amzn-requestid"] = request_id
        return response

    def error_response(self, error: ServiceError, request_id: str) -> Response:  # noqa: ARG002
        """Return the response for a request that does not reach its function."""
        return Response(error.status, body=json.dumps({"Message": str(error)}).encode())

    async def _invoke(
        self, target: UrlTarget, config: Members, request: Request, content: bytes, request_id: str
    ) -> Response:
        caller = None
        if config["AuthType"] == "AWS_IAM":
            signature = self._signatures.verify(request, hashlib.sha256(content).hexdigest())
            if signature.service != "lambda":
                raise ServiceError(
                    "InvalidSignatureException", "Credential should be scoped to correct service: 'lambda'.", 403
                )
            caller = signature.caller
        context = _request_context(target, request, request_id)
        if caller is not None:
            account = self._cloud.settings.account
            iam: JsonObject = {"accessKey": caller.access_key_id, "accountId": account, "userArn": caller.arn}
            context |= {"accountId": account, "authorizer": {"iam": iam}}
        function = FunctionName.parse(config["FunctionArn"])
        stream = ResponseStream() if config["InvokeMode"] == STREAMED else None
        invocation = self._invoker.invoke(
            self._invoker.find(function),
            function,
            json.dumps(_event(target, request, content, context)).encode(),
            request_id=request_id,
            access_key_id=caller.access_key_id if caller else None,
            stream=stream,
        )
        if stream is not None:
            return await streamed_response(stream, asyncio.ensure_future(invocation))
        outcome = await invocation
        return bad_gateway() if outcome.function_error is not None else buffered_response(outcome.payload)


def _event(target: UrlTarget, request: Request, content: bytes, context: JsonObject) -> JsonObject:
    """Return a request as an event of payload format 2.0, with its `requestContext`."""
    parameters: JsonObject = {}
    for name, value in request.query_pairs:
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    event: JsonObject = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": target.path,
        "rawQueryString": request.query_string,
        "headers": {**_without_connection(request.headers), **_proxy_headers(request)},
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if cookies := request.headers.get("cookie"):
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    if parameters:
        event["queryStringParameters"] = parameters
    if content:
        event |= _content(content, request.headers.get("content-type", ""))
    return event


def _without_connection(headers: Mapping[str, str]) -> dict[str, str]:
    """Return a request's headers without those about its connection, which AWS's proxy removes."""
    return {name: value for name, value in headers.items() if name not in ("connection", "keep-alive")}


def _proxy_headers(request: Request) -> dict[str, str]:
    """Return the headers that AWS's proxy adds to a request, except those on TLS."""
    _, _, port = request.headers.get("host", "").rpartition(":")
    return {
        "x-amzn-trace-id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
        "x-forwarded-for": request.client_host,
        "x-forwarded-port": port if port.isdecimal() else "80",
        "x-forwarded-proto": "http",
    }


def _request_context(target: UrlTarget, request: Request, request_id: str) -> JsonObject:
    """Return the `requestContext` of a request without a signature."""
    moment = datetime.now(UTC)
    return {
        "accountId": "anonymous",
        "apiId": target.url_id,
        "domainName": request.headers.get("host", ""),
        "domainPrefix": target.url_id,
        "http": {
            "method": request.method,
            "path": re.sub("^/+", "/", unquote(target.path)),
            "protocol": "HTTP/1.1",
            "sourceIp": request.client_host,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": moment.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(moment.timestamp() * 1000),
    }


def _content(content: bytes, kind: str) -> JsonObject:
    if kind.lower().startswith(_TEXT):
        try:
            return {"body": content.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}


def _cors(config: Members, request: Request) -> list[tuple[str, str]]:
    """Return the headers that let a page of the request's origin read the response; none if it is not allowed to."""
    origin, allowed = request.headers.get("origin"), config.get("AllowOrigins", [])
    if origin is None or not ("*" in allowed or origin in allowed):
        return []
    headers = {"access-control-allow-origin": origin, "vary": "Origin"}
    if config.get("AllowCredentials"):
        headers["access-control-allow-credentials"] = "true"
    if exposed := config.get("ExposeHeaders"):
        headers["access-control-expose-headers"] = ",".join(exposed)
    if request.method == "OPTIONS":
        for member, name in (("AllowHeaders", "allow-headers"), ("AllowMethods", "allow-methods")):
            if config.get(member):
                headers[f"access-control-{name}"] = ",".join(config[member])
        if "MaxAge" in config:
            headers["access-control-max-age"] = str(config["MaxAge"])
    return list(headers.items())


def _refusal(status: int, message: str | None, kind: str) -> Response:
    headers = {"content-type": "application/json", "x-amzn-errortype": kind}
    text = "Forbidden" if kind == "MissingAuthenticationTokenException" else message
    return Response(status, headers, json.dumps({"Message": text}).encode())
