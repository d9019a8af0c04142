"""Second stage: the services that a request addresses, and its operation.

The stage comes before authentication, because the signature's Credential names the service, and the operation decides
how much of the body may be read and whether it is streamed. Only the Query protocol may name the operation in the body;
it is found after the body has been authenticated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from botocore.model import ServiceModel

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError
from scones.cloud.service import Service
from scones.cloud.wire import s3_headers
from scones.cloud.wire.model import QUERY_JSON, protocols, service_model
from scones.cloud.wire.request import Request
from scones.cloud.wire.routing import Match, match_action, match_cbor, match_rest, match_target
from scones.cloud.wire.signatures.credential_scope import claimed_scope
from scones.cloud.wire.signatures.presigned import headers_of

Form = Mapping[str, Sequence[str]]
_CBOR_HEADER = "smithy-protocol"
"""Header that every request of the CBOR protocol has."""


class CandidateServices(NamedTuple):
    """The services that share one signing name, grouped by the protocol that identifies their operations."""

    services: tuple[str, ...]
    rest: tuple[str, ...]
    query: bool
    offered: Mapping[str, Set[str]]
    """Supported operations by service."""

    @classmethod
    def of(cls, services: Sequence[Service]) -> CandidateServices:
        """Group services by protocol; loads their models."""
        offered = {service.name: service.operations() for service in services}
        rest = tuple(name for name in offered if protocols(name)[0].startswith("rest"))
        return cls(tuple(offered), rest, any("query" in protocols(name) for name in offered), offered)


class RoutedRequest(NamedTuple):
    """The services that a request may address, and its operation, or None if only the body can name it."""

    candidates: CandidateServices
    match: Match | None


class Router:
    """Finds services by signing name, and operations by target, action, or method and path."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._by_signing_name = cloud.signing_names()
        self._candidates: dict[str, CandidateServices] = {}

    async def route(self, request: Request) -> RoutedRequest:
        """Return the services and the operation that a request names outside its body."""
        scope = claimed_scope(request)
        candidates = await self._services_of(_unsigned_service(request) if scope is None else scope.service)
        match = _find_operation(request, candidates, {})
        if "s3" in candidates.services:
            s3_headers.check_path(request.raw_path)
            s3_headers.check_headers(request.headers, request.query_string)
        return RoutedRequest(candidates, match)

    async def _services_of(self, signing_name: str) -> CandidateServices:
        """Return the services of a signing name; the first request for them loads their models (up to 30 ms)."""
        candidates = self._candidates.get(signing_name)
        if candidates is None:
            if signing_name not in self._by_signing_name:
                raise ServiceError(
                    "NotImplemented", f"The local cloud does not support the service {signing_name}; AWS does.", 501
                )
            names = self._by_signing_name[signing_name]
            for name in names:
                await self._cloud.wake(name)
            services = [self._cloud.services[name] for name in names]
            candidates = self._candidates[signing_name] = CandidateServices.of(services)
        return candidates

    def assumed_model(self, request: Request) -> ServiceModel:
        """Return the service model whose format is used for an error if the operation is not known."""
        if "x-amz-target" in request.headers:
            return service_model("logs")
        scope = claimed_scope(request)
        # Without a readable scope, guess the Query protocol for a form at the root, where S3 has none.
        form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        if scope is None:
            if form and request.method == "POST" and request.raw_path == "/":
                return service_model("sts")
            return service_model(_unsigned_service(request))
        cbor = _CBOR_HEADER in request.headers
        for name in self._by_signing_name.get(scope.service, ()):
            for protocol in protocols(name):
                if protocol != "json" and cbor == (protocol == "smithy-rpc-v2-cbor"):  # JSON requests have a target
                    return service_model(name, _query_protocol(request) if protocol == "query" else protocol)
        # an unsupported service: guess the Query protocol for a form, else REST-JSON
        return service_model("sts" if form else "lambda")


def _unsigned_service(request: Request) -> str:
    """Return the service of a request without a scope: SNS for the links in its messages, else S3.

    A URL that is presigned with Signature Version 2, which S3 accepts, has no scope either.
    """
    return "sns" if request.raw_path == "/" and "Action" in request.query else "s3"


def require_operation(request: Request, routed: RoutedRequest, form: Form) -> Match:
    """Return the operation of a request; the form in its body may name it. Raises `ServiceError` if none is named."""
    match = routed.match or (_find_operation(request, routed.candidates, form) if form else None)
    if match is None:
        raise _no_operation(request, routed.candidates, form)
    return match


def _no_operation(request: Request, candidates: CandidateServices, form: Form) -> ServiceError:
    names = {**request.query, **form}
    if candidates.query and "Action" in names and not _names_operation_in_head(request):
        action, version = names["Action"][0], names.get("Version", ["NO_VERSION_SPECIFIED"])[0]
        if "sqs" in candidates.services:
            message = f"The action {action} is not valid for this endpoint."
        else:
            message = f"Could not find operation {action} for version {version}"
        return ServiceError("InvalidAction", message)
    return ServiceError("UnknownOperationException", "The request does not name an operation of this service.", 404)


def _names_operation_in_head(request: Request) -> bool:
    return "x-amz-target" in request.headers or _CBOR_HEADER in request.headers


def _query_protocol(request: Request) -> str:
    return QUERY_JSON if request.headers.get("accept") == "application/json" else "query"


def _find_operation(request: Request, candidates: CandidateServices, form: Form) -> Match | None:
    if target := request.headers.get("x-amz-target"):
        return match_target(candidates.services, target)
    if _CBOR_HEADER in request.headers:
        return match_cbor(candidates.services, request.raw_path)
    if candidates.query:
        action = {**request.query, **form}.get("Action")
        return (
            match_action(candidates.services, action[0], request.raw_path, _query_protocol(request)) if action else None
        )
    query = {name: values[0] for name, values in request.query.items()}
    return match_rest(candidates.rest, candidates.offered, request.method, request.resource, query, headers_of(request))
