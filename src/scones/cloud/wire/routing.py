"""Routing: finding the operation that a request calls."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from botocore.model import OperationModel

from scones.cloud.wire.model import operation_model, protocols, service_model

_CBOR_PATH = re.compile(r"/service/([^/]+)/operation/([^/]+)$")
_NOT_AT_QUEUES = ("CreateQueue", "ListQueues")
"""Actions that SQS refuses at the URL of a queue."""


@dataclass(frozen=True, slots=True)
class OperationRoute:
    """An operation of a REST service: its path and the query parameters and headers that it requires."""

    operation: str
    path: re.Pattern[str]
    query: Mapping[str, str]
    """Literal query parameters of the request URI: `{"uploads": ""}`, `{"list-type": "2"}`."""
    required_query: frozenset[str]
    """Names of required query parameters, including literals."""
    required_headers: frozenset[str]
    weight: int
    """Number of required query parameters and headers; of several matching routes, the one with the highest weight
    wins."""

    def matches(self, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        """Return True if a request with this method and path may call this operation."""
        return not self.weight or (
            self.required_query <= query.keys()
            and self.required_headers <= headers.keys()
            and all(query[name] == value for name, value in self.query.items())
        )


class Match(NamedTuple):
    """The operation that a request calls, in the request's protocol, and the decoded parameters in its path."""

    service: str
    operation: OperationModel
    uri: Mapping[str, str]


class _PathRoutes(NamedTuple):
    """The operations of one method that share a path."""

    path: re.Pattern[str]
    unconditional: list[tuple[str, OperationRoute]]
    """Services and their routes that require nothing but the path."""
    conditional: dict[str, list[tuple[str, OperationRoute]]]
    """All other routes, by the name of one required query parameter or header."""


@cache
def _path_routes(services: tuple[str, ...], method: str) -> list[_PathRoutes]:
    """Return the paths of the services' operations with one method."""
    path_routes: dict[re.Pattern[str], _PathRoutes] = {}
    for service in services:
        model = service_model(service)
        for operation in map(model.operation_model, model.operation_names):
            if operation.http["method"] == method:
                route = _route(operation)
                shared = path_routes.setdefault(route.path, _PathRoutes(route.path, [], defaultdict(list)))
                name = min(route.required_query, default=min(route.required_headers, default=None))
                (shared.unconditional if name is None else shared.conditional[name]).append((service, route))
    return list(path_routes.values())


def _route(operation: OperationModel) -> OperationRoute:
    path, _, query = operation.http["requestUri"].partition("?")
    members = operation.input_shape.members if operation.input_shape else {}
    required = operation.input_shape.required_members if operation.input_shape else []
    located: dict[str, set[str]] = {"querystring": set(), "header": set()}
    for member in required:
        shared = members[member].serialization.get("location")
        if shared in located and members[member].type_name != "map":
            located[shared].add(members[member].serialization.get("name", member))
    literals = {name: value for name, value in parse_qsl(query, keep_blank_values=True) if name != "x-id"}
    return OperationRoute(
        operation=operation.name,
        path=_pattern(path),
        query=literals,
        required_query=frozenset(located["querystring"] | literals.keys()),
        required_headers=frozenset(name.lower() for name in located["header"]),
        weight=len(literals) + len(located["querystring"]) + len(located["header"]),
    )


def _pattern(path: str) -> re.Pattern[str]:
    """Turn `/{Bucket}/{Key+}` into an expression; a trailing slash is ignored unless it can belong to a key."""
    parts = re.split(r"\{(\w+)(\+?)\}", path.rstrip("/"))
    expression = re.escape(parts[0])
    for name, greedy, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        expression += f"(?P<{name}>{'.+' if greedy else '[^/]+'}){re.escape(literal)}"
    return re.compile(expression + "/?" if not path.endswith("+}") else expression, re.DOTALL)


def match_rest(
    services: tuple[str, ...],
    offered: Mapping[str, Set[str]],
    method: str,
    raw_path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
) -> Match | None:
    """Find a REST operation by method, undecoded path, query and headers (lower case).

    If two operations share a route (ListBuckets and ListDirectoryBuckets), the one in `offered` wins.
    """
    best = -1, False
    matched: Match | None = None
    for shared, uri in _matching_paths(services, method, raw_path):
        for service, route in _candidates(shared, query, headers):
            rank = route.weight, route.operation in offered[service]
            if rank > best and route.matches(query, headers):
                best, matched = rank, Match(service, operation_model(service, route.operation), uri)
    return matched


@lru_cache(maxsize=256)
def _matching_paths(
    services: tuple[str, ...], method: str, raw_path: str
) -> list[tuple[_PathRoutes, Mapping[str, str]]]:
    """Return the paths that match `raw_path`, each with the parameters in it."""
    return [
        (shared, {name: unquote(value) for name, value in path.groupdict().items()})
        for shared in _path_routes(services, method)
        if (path := shared.path.fullmatch(raw_path))
    ]


def _candidates(
    path_routes: _PathRoutes, query: Mapping[str, str], headers: Mapping[str, str]
) -> Iterable[tuple[str, OperationRoute]]:
    """Return the routes of a path that require nothing, or whose indexed name is in the request."""
    if not path_routes.conditional:
        return path_routes.unconditional
    names = (path_routes.conditional.keys() & query.keys()) | (path_routes.conditional.keys() & headers.keys())
    return itertools.chain(path_routes.unconditional, *[path_routes.conditional[name] for name in names])


def match_target(services: Iterable[str], target: str) -> Match | None:
    """Find an operation of the JSON protocol by its X-Amz-Target (`SageMaker.CreateTrainingJob`)."""
    prefix, _, name = target.rpartition(".")
    return _match_prefixed(services, "json", prefix, name)


def match_cbor(services: Iterable[str], raw_path: str) -> Match | None:
    """Find an operation of the CBOR protocol by its path (`/service/GraniteServiceVersion20100801/operation/…`)."""
    found = _CBOR_PATH.search(raw_path)
    return _match_prefixed(services, "smithy-rpc-v2-cbor", found[1], found[2]) if found else None


def _match_prefixed(services: Iterable[str], protocol: str, prefix: str, operation: str) -> Match | None:
    for service in services:
        if protocol in protocols(service):
            model = service_model(service, protocol)
            if model.metadata.get("targetPrefix") == prefix and operation in model.operation_names:
                return Match(service, operation_model(service, operation, protocol), {})
    return None


def match_action(services: Iterable[str], action: str, raw_path: str, protocol: str) -> Match | None:
    """Find an operation of the Query protocol by its Action parameter; `protocol` is "query" or `QUERY_JSON`.

    The path of a request to SQS is that of its queue, unless the request has the parameter QueueUrl.
    """
    for service in services:
        if "query" in protocols(service) and action in service_model(service).operation_names:
            operation = operation_model(service, action, protocol)
            at_queue = service == "sqs" and raw_path.strip("/") != ""
            if at_queue and action in _NOT_AT_QUEUES:
                return None
            has_queue = at_queue and operation.input_shape and "QueueUrl" in operation.input_shape.members
            return Match(service, operation, {"QueueUrl": raw_path} if has_queue else {})
    return None
