"""Finding the operation that a request asks for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from botocore.model import OperationModel

from scones.cloud.wire.model import operation_model, service_model


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of a REST service: its path, and what must be there for it to be meant."""

    operation: str
    path: re.Pattern[str]
    query: Mapping[str, str]
    """Literals of the request URI: `{"uploads": ""}`, `{"list-type": "2"}`."""
    required_query: frozenset[str]
    """Names, those of the literals among them."""
    required_headers: frozenset[str]
    weight: int
    """How much the route asks for of the last three: of those that match, the one that asks for most is meant."""

    def matches(self, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        """Tell whether a request with a fitting method and path may mean this operation."""
        return not self.weight or (
            self.required_query <= query.keys()
            and self.required_headers <= headers.keys()
            and all(query[name] == value for name, value in self.query.items())
        )


class Match(NamedTuple):
    """The operation found, and the parameters in its path (decoded)."""

    service: str
    operation: OperationModel
    uri: Mapping[str, str]


@cache
def _routes(service: str, method: str) -> Mapping[str, list[Route]]:
    """Return a service's routes of one method, by a name that each needs in query or headers; "" for none."""
    model = service_model(service)
    routes: dict[str, list[Route]] = defaultdict(list)
    for operation in map(model.operation_model, model.operation_names):
        if operation.http["method"] == method:
            route = _route(operation)
            routes[min(route.required_query, default=min(route.required_headers, default=""))].append(route)
    return dict(routes)


def _route(operation: OperationModel) -> Route:
    path, _, query = operation.http["requestUri"].partition("?")
    members = operation.input_shape.members if operation.input_shape else {}
    required = operation.input_shape.required_members if operation.input_shape else []
    located: dict[str, set[str]] = {"querystring": set(), "header": set()}
    for member in required:
        place = members[member].serialization.get("location")
        if place in located and members[member].type_name != "map":
            located[place].add(members[member].serialization.get("name", member))
    literals = {name: value for name, value in parse_qsl(query, keep_blank_values=True) if name != "x-id"}
    return Route(
        operation=operation.name,
        path=_pattern(path),
        query=literals,
        required_query=frozenset(located["querystring"] | literals.keys()),
        required_headers=frozenset(name.lower() for name in located["header"]),
        weight=len(literals) + len(located["querystring"]) + len(located["header"]),
    )


def _pattern(path: str) -> re.Pattern[str]:
    """Turn `/{Bucket}/{Key+}` into an expression; a trailing slash counts for nothing unless a key begins there."""
    parts = re.split(r"\{(\w+)(\+?)\}", path.rstrip("/"))
    expression = re.escape(parts[0])
    for name, greedy, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        expression += f"(?P<{name}>{'.+' if greedy else '[^/]+'}){re.escape(literal)}"
    return re.compile(expression + "/?" if not path.endswith("+}") else expression, re.DOTALL)


def match_rest(
    services: Iterable[str], offered: Mapping[str, frozenset[str]], method: str, raw_path: str,
    query: Mapping[str, str], headers: Mapping[str, str],
) -> Match | None:  # fmt: skip
    """Find a REST operation by method, undecoded path, query and headers (lower case).

    Where two operations share a route (ListBuckets and ListDirectoryBuckets), one in `offered` is meant.
    """
    found: list[tuple[int, bool, str, Route, re.Match[str]]] = []
    for service in services:
        routes = _routes(service, method)
        for name in ("", *(routes.keys() & query.keys()), *(routes.keys() & headers.keys())):
            for route in routes.get(name, ()):
                if route.matches(query, headers) and (path := route.path.fullmatch(raw_path)):
                    found.append((route.weight, route.operation in offered[service], service, route, path))
    if not found:
        return None
    _, _, service, route, path = max(found, key=lambda entry: entry[:2])
    uri = {name: unquote(value) for name, value in path.groupdict().items()}
    return Match(service, operation_model(service, route.operation), uri)


def match_target(services: Iterable[str], target: str) -> Match | None:
    """Find an operation by its X-Amz-Target (`SageMaker.CreateTrainingJob`)."""
    prefix, _, name = target.rpartition(".")
    return _match_named((s for s in services if service_model(s).metadata.get("targetPrefix") == prefix), name)


def match_action(services: Iterable[str], action: str) -> Match | None:
    """Find a query operation by its Action parameter."""
    return _match_named((s for s in services if service_model(s).metadata["protocol"] == "query"), action)


def _match_named(services: Iterable[str], operation: str) -> Match | None:
    for service in services:
        if operation in service_model(service).operation_names:
            return Match(service, operation_model(service, operation), {})
    return None
