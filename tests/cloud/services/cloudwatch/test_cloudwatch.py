"""CloudWatch metrics: values, statistics and lists of metrics."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)


@pytest.fixture
def namespace(cloud: Any) -> str:
    """A namespace with three values of one metric: two in the first minute, one in the next."""
    name = f"Tests/{uuid.uuid4().hex}"
    values = [(5, 1.0, []), (50, 3.0, []), (70, 8.0, []), (5, 99.0, [{"Name": "Host", "Value": "other"}])]
    cloud.client("cloudwatch").put_metric_data(
        Namespace=name,
        MetricData=[
            {"MetricName": "Delay", "Timestamp": NOON + timedelta(seconds=at), "Value": value, "Dimensions": dimensions}
            for at, value, dimensions in values
        ],
    )
    return name


def statistics(cloud: Any, namespace: str, **more: Any) -> list[dict[str, Any]]:
    request = {"StartTime": NOON, "EndTime": NOON + timedelta(minutes=10), "Period": 60, **more}
    answer = cloud.client("cloudwatch").get_metric_statistics(Namespace=namespace, MetricName="Delay", **request)
    points: list[dict[str, Any]] = answer["Datapoints"]
    return points


def test_statistics_are_computed_for_each_period_with_values(cloud: Any, namespace: str) -> None:
    names = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]
    first, second = statistics(cloud, namespace, Statistics=names)
    assert first == {
        "Timestamp": NOON,
        "Unit": "None",
        "SampleCount": 2,
        "Average": 2,
        "Sum": 4,
        "Minimum": 1,
        "Maximum": 3,
    }
    assert (second["Timestamp"], second["Average"]) == (NOON + timedelta(minutes=1), 8)
    (whole,) = statistics(cloud, namespace, Period=300, ExtendedStatistics=["p50", "p99"])
    assert whole["ExtendedStatistics"] == {"p50": 3, "p99": 8}
    host = [{"Name": "Host", "Value": "other"}]
    assert [each["Sum"] for each in statistics(cloud, namespace, Statistics=["Sum"], Dimensions=host)] == [99]
    assert statistics(cloud, namespace, Statistics=["Sum"], Unit="Seconds") == []


def test_metrics_are_listed_by_their_dimensions(cloud: Any, namespace: str) -> None:
    client = cloud.client("cloudwatch")
    assert len(client.list_metrics(Namespace=namespace, MetricName="Delay")["Metrics"]) == 2
    (found,) = client.list_metrics(Namespace=namespace, Dimensions=[{"Name": "Host"}])["Metrics"]
    assert found == {"Namespace": namespace, "MetricName": "Delay", "Dimensions": [{"Name": "Host", "Value": "other"}]}


SECOND = timedelta(seconds=1)


def test_as_many_data_points_as_allowed_are_returned_from_any_second(cloud: Any, namespace: str) -> None:
    window = {"StartTime": NOON + SECOND, "EndTime": NOON + SECOND + timedelta(days=1)}
    found = statistics(cloud, namespace, Statistics=["Sum"], Period=60, **window)
    assert [each["Sum"] for each in found] == [4, 8]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({}, "MissingParameter"),
        ({"Statistics": ["Sum"], "Period": 7}, "InvalidParameterValue"),
        ({"Statistics": ["Sum"], "EndTime": NOON + timedelta(days=2)}, "InvalidParameterCombination"),
        ({"Statistics": ["Sum"], "EndTime": NOON - timedelta(days=2)}, "InvalidParameterValue"),
        ({"Statistics": ["Sum"], **dict.fromkeys(("StartTime", "EndTime"), NOON + SECOND)}, "InvalidParameterValue"),
        ({"ExtendedStatistics": ["tm90"]}, "InvalidParameterValue"),
    ],
)
def test_questions_without_an_answer_are_rejected(
    cloud: Any, namespace: str, request_: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        statistics(cloud, namespace, **request_)
    assert caught.value.response["Error"]["Code"] == code
