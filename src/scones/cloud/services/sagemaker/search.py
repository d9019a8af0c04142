"""Search: finds resources of one kind by their properties (SageMaker API Reference, "Search" and "Filter")."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from sqlite3 import Connection

from scones.cloud.core.pages import key_token, position
from scones.cloud.core.store import Store
from scones.cloud.core.time_slices import sliced_on_thread
from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import invalid, invalid_token, not_supported
from scones.cloud.services.sagemaker.resources import PAGE, Document
from scones.cloud.wire.members import Members, MemberValue
from scones.cloud.wire.model import service_model

_KINDS = {
    "TrainingJob": "training-job",
    "Endpoint": "endpoint",
    "Model": "model",
    "ModelPackage": "model-package",
    "ModelPackageGroup": "model-package-group",
}
_NEWEST_FIRST = "SELECT arn FROM sagemaker_resources WHERE kind = ? ORDER BY modified DESC, name DESC LIMIT ? OFFSET ?"
_OLDEST_FIRST = "SELECT arn FROM sagemaker_resources WHERE kind = ? ORDER BY modified, name LIMIT ? OFFSET ?"
_ORDERED = {
    "GreaterThan": lambda left, right: left > right,
    "GreaterThanOrEqualTo": lambda left, right: left >= right,
    "LessThan": lambda left, right: left < right,
    "LessThanOrEqualTo": lambda left, right: left <= right,
}


class SearchOperations:
    """The operation that finds resources."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def search(self, call: OperationCall) -> Members:
        """Find the resources of one kind that meet a SearchExpression."""
        params = call.params
        resource = params["Resource"]
        if resource not in _KINDS:
            raise not_supported(f"searching for resources of type {resource}", f"Search for {', '.join(_KINDS)}.")
        return await self._store.read_on_thread_with(partial(_search_response, params=params))


def _search_response(connection: Connection, params: Members) -> Members:
    """Return the response to a search; keeps only the documents of the page in memory. Runs on a thread."""
    resource, expression = params["Resource"], params.get("SearchExpression", {})
    kind, by = _KINDS[resource], params.get("SortBy", "LastModifiedTime")
    begin, size = position(params.get("NextToken"), invalid_token()), params.get("MaxResults", PAGE)
    descending = params.get("SortOrder") != "Ascending"
    if not expression and by == "LastModifiedTime":
        (hits,) = connection.execute("SELECT count(*) FROM sagemaker_resources WHERE kind = ?", (kind,)).fetchone()
        sql = _NEWEST_FIRST if descending else _OLDEST_FIRST
        page = [row["arn"] for row in connection.execute(sql, (kind, size, begin))]
    else:
        found = [
            (_sortable(document, by), arn)
            for arn, document in _documents(connection, kind, tagged=_asks_for_tags(expression))
            if _meets_expression(document, expression)
        ]
        found.sort(key=itemgetter(0), reverse=descending)
        hits, page = len(found), [arn for _, arn in found[begin : begin + size]]
    results = [{resource: _record(resource, _document(connection, kind, arn))} for arn in page]
    more = {"NextToken": key_token(begin + size)} if hits > begin + size else {}
    return {"Results": results, "TotalHits": {"Value": hits, "Relation": "EqualTo"}, **more}


def _documents(connection: Connection, kind: str, *, tagged: bool) -> Iterator[tuple[str, Document]]:
    rows = connection.execute("SELECT arn, document FROM sagemaker_resources WHERE kind = ?", (kind,))
    for row in sliced_on_thread(rows):
        document: Document = json.loads(row["document"])
        if tagged:
            document["Tags"] = _tags(connection, row["arn"])
        yield row["arn"], document


def _document(connection: Connection, kind: str, arn: str) -> Document:
    row = connection.execute(
        "SELECT document FROM sagemaker_resources WHERE kind = ? AND arn = ?", (kind, arn)
    ).fetchone()
    document: Document = json.loads(row["document"])
    return document | {"Tags": _tags(connection, arn)}


def _tags(connection: Connection, arn: str) -> list[dict[str, str]]:
    rows = connection.execute("SELECT key, value FROM sagemaker_tags WHERE arn = ? ORDER BY key", (arn,))
    return [{"Key": row["key"], "Value": row["value"]} for row in rows]


def _asks_for_tags(expression: Members) -> bool:
    return "Tags" in json.dumps(expression)


def _record(resource: str, document: Document) -> Document:
    """Return the members of a document that a SearchRecord has."""
    shape = service_model("sagemaker").shape_for("SearchRecord").members[resource]  # type: ignore[attr-defined]  # it is a structure
    if resource == "Model":
        return {"Model": document}
    return {name: document[name] for name in shape.members if name in document}


def _sortable(document: Document, by: str) -> tuple[int, float | str]:
    value = _property(document, by)
    if value is None and by == "LastModifiedTime":
        value = document["CreationTime"]
    if isinstance(value, int | float):
        return 1, value
    return (0, "") if value is None else (2, str(value))


def _meets_expression(document: Document, expression: Members) -> bool:
    """Return True if a document meets a SearchExpression, or if the expression has no conditions."""
    conditions = [
        *(_meets_filter(_property(document, each["Name"]), each) for each in expression.get("Filters", [])),
        *(_nested(document, each) for each in expression.get("NestedFilters", [])),
        *(_meets_expression(document, each) for each in expression.get("SubExpressions", [])),
    ]
    return any(conditions) if expression.get("Operator") == "Or" and conditions else all(conditions)


def _nested(document: Document, nested: Members) -> bool:
    """Return True if one element of a list property meets every filter.

    The names of the filters begin with the property's name.
    """
    name = nested["NestedPropertyName"]
    elements = _property(document, name)
    return isinstance(elements, list) and any(
        all(
            _meets_filter(_property(element, each["Name"].removeprefix(f"{name}.")), each) for each in nested["Filters"]
        )
        for element in elements
    )


def _property(document: MemberValue, name: str) -> MemberValue:
    """Return the property with a dotted name, or None if there is none."""
    first, _, rest = name.partition(".")
    if first == "Tags" and rest:
        return next((tag["Value"] for tag in document.get("Tags", []) if tag["Key"] == rest), None)
    if first == "Metrics" and rest:
        metrics = document.get("FinalMetricDataList", [])
        return next((metric["Value"] for metric in metrics if metric["MetricName"] == rest), None)
    if first == "HyperParameters" and rest:  # names of hyperparameters may contain dots
        return document.get(first, {}).get(rest)
    value = document.get(first) if isinstance(document, dict) else None
    return _property(value, rest) if rest else value


def _meets_filter(value: MemberValue, condition: Members) -> bool:
    """Return True if a property's value meets a Filter; raises `ServiceError` for a missing Value."""
    operator = condition.get("Operator", "Equals")
    if operator == "Exists":
        return value is not None
    if operator == "NotExists":
        return value is None
    filter_value = condition.get("Value")
    if filter_value is None:
        raise invalid(f"The filter on {condition['Name']} requires a Value for the operator {operator}.")
    if operator == "NotEquals":
        return not _equals(value, filter_value)
    if value is None:
        return False
    if operator == "Equals":
        return _equals(value, filter_value)
    if operator == "In":
        return any(_equals(value, each.strip()) for each in filter_value.split(","))
    if operator == "Contains":
        return filter_value in (value if isinstance(value, list) else str(value))
    left, right = _number(value), _number(filter_value)
    return left is not None and right is not None and _ORDERED[operator](left, right)


def _equals(value: MemberValue, filter_value: str) -> bool:
    if str(value) == filter_value:
        return True
    left, right = _number(value), _number(filter_value)
    return left is not None and left == right


def _number(value: MemberValue) -> float | None:
    """Return a number, a numeric text or a time (as seconds since 1970) as a float; None for other values."""
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
