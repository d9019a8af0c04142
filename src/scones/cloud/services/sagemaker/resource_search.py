"""Search: resources of one kind whose properties meet conditions, as SageMaker's API Reference describes its Filter."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from scones.cloud.cloud import Cloud
from scones.cloud.service import Call
from scones.cloud.services.sagemaker.errors import invalid, not_offered
from scones.cloud.services.sagemaker.resources import PAGE, Document
from scones.cloud.wire.model import service_model

_KINDS = {
    "TrainingJob": "training-job",
    "Endpoint": "endpoint",
    "Model": "model",
    "ModelPackage": "model-package",
    "ModelPackageGroup": "model-package-group",
}
_ORDERED = {
    "GreaterThan": lambda left, right: left > right,
    "GreaterThanOrEqualTo": lambda left, right: left >= right,
    "LessThan": lambda left, right: left < right,
    "LessThanOrEqualTo": lambda left, right: left <= right,
}


class SearchOperations:
    """SageMaker's Search."""

    cloud: Cloud

    async def search(self, call: Call) -> dict[str, Any]:
        """Search resources."""
        params = call.params
        resource = params["Resource"]
        if resource not in _KINDS:
            raise not_offered(f"a search for resources of the kind {resource}", f"Search for {', '.join(_KINDS)}.")
        kind, store = _KINDS[resource], self.cloud.store
        rows = await store.read_aside("SELECT arn, document FROM sagemaker_resources WHERE kind = ?", kind)
        tags = await store.read_aside("SELECT arn, key, value FROM sagemaker_tags")
        return await asyncio.to_thread(_answer, params, rows, tags)


def _answer(params: dict[str, Any], rows: list[Any], tags: list[Any]) -> dict[str, Any]:
    resource = params["Resource"]
    tagged: dict[str, list[Document]] = defaultdict(list)
    for tag in tags:
        tagged[tag["arn"]].append({"Key": tag["key"], "Value": tag["value"]})
    found = []
    for row in rows:
        document = json.loads(row["document"]) | {"Tags": tagged[row["arn"]]}
        if _meets(document, params.get("SearchExpression", {})):
            found.append(document)
    by = params.get("SortBy", "LastModifiedTime")
    found.sort(key=lambda document: _sortable(document, by), reverse=params.get("SortOrder") != "Ascending")
    begin, size = _begin(params), params.get("MaxResults", PAGE)
    results = [{resource: _record(resource, document)} for document in found[begin : begin + size]]
    more = {"NextToken": str(begin + size)} if len(found) > begin + size else {}
    return {"Results": results, "TotalHits": {"Value": len(found), "Relation": "EqualTo"}, **more}


def _begin(params: dict[str, Any]) -> int:
    try:
        return int(params.get("NextToken", 0))
    except ValueError:
        raise invalid("The pagination token is invalid. Start the search again without NextToken.") from None


def _record(resource: str, document: Document) -> Document:
    """Return what a SearchRecord shows of a document."""
    shape = service_model("sagemaker").shape_for("SearchRecord").members[resource]  # type: ignore[attr-defined]
    if resource == "Model":
        return {"Model": document}
    return {name: document[name] for name in shape.members if name in document}


def _sortable(document: Document, by: str) -> tuple[int, Any]:
    value = _property(document, by)
    if value is None and by == "LastModifiedTime":
        value = document["CreationTime"]
    if isinstance(value, int | float):
        return 1, value
    return (0, "") if value is None else (2, str(value))


def _meets(document: Document, expression: dict[str, Any]) -> bool:
    """Whether a document meets a SearchExpression; one without conditions is met."""
    conditions = [
        *(_holds(_property(document, each["Name"]), each) for each in expression.get("Filters", [])),
        *(_nested(document, each) for each in expression.get("NestedFilters", [])),
        *(_meets(document, each) for each in expression.get("SubExpressions", [])),
    ]
    return any(conditions) if expression.get("Operator") == "Or" and conditions else all(conditions)


def _nested(document: Document, nested: dict[str, Any]) -> bool:
    """Whether one element of a list property meets every filter; their names begin with the property's."""
    name = nested["NestedPropertyName"]
    elements = _property(document, name)
    return isinstance(elements, list) and any(
        all(_holds(_property(element, each["Name"].removeprefix(f"{name}.")), each) for each in nested["Filters"])
        for element in elements
    )


def _property(document: Any, name: str) -> Any:
    """Return the property of a dotted name, None where there is none."""
    first, _, rest = name.partition(".")
    if first == "Tags" and rest:
        return next((tag["Value"] for tag in document.get("Tags", []) if tag["Key"] == rest), None)
    if first == "Metrics" and rest:
        metrics = document.get("FinalMetricDataList", [])
        return next((metric["Value"] for metric in metrics if metric["MetricName"] == rest), None)
    if first == "HyperParameters" and rest:  # their names may have dots
        return document.get(first, {}).get(rest)
    value = document.get(first) if isinstance(document, dict) else None
    return _property(value, rest) if rest else value


def _holds(value: Any, condition: dict[str, Any]) -> bool:
    """Whether a property's value meets a Filter."""
    operator = condition.get("Operator", "Equals")
    if operator == "Exists":
        return value is not None
    if operator == "NotExists":
        return value is None
    wanted = condition.get("Value")
    if wanted is None:
        raise invalid(f"The filter on {condition['Name']} needs a Value for the operator {operator}.")
    if operator == "NotEquals":
        return not _equals(value, wanted)
    if value is None:
        return False
    if operator == "Equals":
        return _equals(value, wanted)
    if operator == "In":
        return any(_equals(value, each.strip()) for each in wanted.split(","))
    if operator == "Contains":
        return wanted in (value if isinstance(value, list) else str(value))
    left, right = _number(value), _number(wanted)
    return left is not None and right is not None and _ORDERED[operator](left, right)


def _equals(value: Any, wanted: str) -> bool:
    if str(value) == wanted:
        return True
    left, right = _number(value), _number(wanted)
    return left is not None and left == right


def _number(value: Any) -> float | None:
    """Return a number, a hyperparameter's text or a time (seconds since 1970) as a number; None for other text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
