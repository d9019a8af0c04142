"""GetMetricData: series of metrics and of expressions; statistic sets."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from support.refusals import refusal

NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
RANGE = {"StartTime": NOON, "EndTime": NOON + timedelta(minutes=10)}


@pytest.fixture(scope="module")
def namespace(cloud):
    """A namespace with two metrics: a has 2, 4 and 6 in three minutes, and b has 1 and 0 in the first two."""
    name = f"Tests/{uuid.uuid4().hex}"
    data = [("a", 0, 2), ("a", 1, 4), ("a", 2, 6), ("b", 0, 1), ("b", 1, 0)]
    cloud.client("cloudwatch").put_metric_data(
        Namespace=name,
        MetricData=[
            {"MetricName": metric, "Timestamp": NOON + timedelta(minutes=minute), "Value": value}
            for metric, minute, value in data
        ],
    )
    return name


def stat(namespace, query_id, name, **more):
    metric = {"Namespace": namespace, "MetricName": name}
    return {"Id": query_id, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum", **more}}


def test_a_series_has_a_value_for_each_period_the_newest_first(cloud, namespace):
    client = cloud.client("cloudwatch")
    found = client.get_metric_data(MetricDataQueries=[stat(namespace, "m1", "a")], **RANGE)
    (result,) = found["MetricDataResults"]
    assert (result["Label"], result["StatusCode"], result["Values"]) == ("a", "Complete", [6, 4, 2])
    assert result["Timestamps"][-1] == NOON
    ordered = client.get_metric_data(
        MetricDataQueries=[stat(namespace, "m1", "a", Period=120)], ScanBy="TimestampAscending", **RANGE
    )
    assert ordered["MetricDataResults"][0]["Values"] == [6, 6]
    queries = [stat(namespace, "x", "a"), stat(namespace, "y", "a", Stat="Average")]
    labels = [each["Label"] for each in client.get_metric_data(MetricDataQueries=queries, **RANGE)["MetricDataResults"]]
    assert labels == ["a Sum", "a Average"]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("m1 + m2", [3, 4]),
        ("m1 / m2", [2]),
        ("(m1 - 2) * 10 ^ 2", [0, 200, 400]),
        ("SUM([m1, m2])", [3, 4, 6]),
        ("AVG(METRICS())", [1.5, 2, 6]),
        ("m1 / SUM(m1) * 12", [2, 4, 6]),
        ("MAX([m1, m2]) - MIN([m1, m2])", [1, 4, 0]),
        ("IF(m1 > 3, m1, 0)", [0, 4, 6]),
        ("DIFF(m1)", [2, 2]),
        ("RUNNING_SUM(m1)", [2, 6, 12]),
        ("CEIL(m1 / 4)", [1, 1, 2]),
        ("-m1 + PERIOD(m1)", [58, 56, 54]),
    ],
)
def test_expressions_are_calculated(cloud, namespace, expression, values):
    queries = [
        {**stat(namespace, "m1", "a"), "ReturnData": False},
        {**stat(namespace, "m2", "b"), "ReturnData": False},
        {"Id": "e1", "Expression": expression, "Label": "result"},
    ]
    (result,) = cloud.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, ScanBy="TimestampAscending", **RANGE
    )["MetricDataResults"]
    assert (result["Label"], result["Values"]) == ("result", values)


@pytest.mark.parametrize("expression", ["SEARCH('x', 'Sum')", "UNKNOWN(m1)", "m1 +", "m3", "SUM(m1)", "e1", "m1 'x"])
def test_expressions_without_a_series_are_rejected(cloud, namespace, expression):
    queries = [stat(namespace, "m1", "a"), {"Id": "e1", "Expression": expression}]
    code = refusal(cloud.client("cloudwatch").get_metric_data, MetricDataQueries=queries, **RANGE)[0]
    assert code.startswith("Validation")


def test_a_response_has_at_most_the_requested_number_of_data_points(cloud, namespace):
    queries = [stat(namespace, "m1", "a"), stat(namespace, "m2", "b")]
    pages = (
        cloud.client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(MetricDataQueries=queries, MaxDatapoints=2, ScanBy="TimestampAscending", **RANGE)
    )
    values = [[(each["Id"], each["Values"]) for each in page["MetricDataResults"]] for page in pages]
    assert values == [[("m1", [2, 4])], [("m1", [6]), ("m2", [1])], [("m2", [0])]]


def test_values_and_a_statistic_set_are_accepted_together_as_on_aws(cloud, namespace):
    statistics = {"SampleCount": 4, "Sum": 20, "Minimum": 1, "Maximum": 9}
    datum = {"MetricName": "both", "Timestamp": NOON, "Values": [1.0], "StatisticValues": statistics}
    cloud.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])


def test_statistic_sets_are_added_to_values(cloud, namespace):
    client = cloud.client("cloudwatch")
    statistics = {"SampleCount": 4, "Sum": 20, "Minimum": 1, "Maximum": 9}
    client.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {"MetricName": "sets", "Timestamp": NOON, "StatisticValues": statistics},
            {"MetricName": "sets", "Timestamp": NOON, "Value": 10},
        ],
    )
    (point,) = client.get_metric_statistics(
        Namespace=namespace, MetricName="sets", Period=60, Statistics=["SampleCount", "Average", "Maximum"], **RANGE
    )["Datapoints"]
    assert (point["SampleCount"], point["Average"], point["Maximum"]) == (5, 6, 10)


@pytest.mark.parametrize(
    ("datum", "code", "message"),
    [
        (
            {"Value": 1, "Values": [1]},
            "InvalidParameterCombination",
            "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you"
            " have specified both.",
        ),
        (
            {"Values": [1], "Counts": [1, 2]},
            "InvalidParameterValue",
            "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size.",
        ),
    ],
)
def test_values_that_contradict_each_other_are_rejected(cloud, datum, code, message):
    data = [{"MetricName": "m", **datum}]
    found = refusal(cloud.client("cloudwatch").put_metric_data, Namespace="Tests/bad", MetricData=data)
    assert (found[0], found[2]) == (code, message)


@pytest.mark.parametrize(
    ("statistic", "message"),
    [
        (
            "Median",
            "The value Median for parameter MetricDataQueries.member.1.MetricStat.Stat is not a valid statistic.",
        ),
        ("TM(10%:90%)", "The local cloud supports percentiles (p50, p99.9), but not TM(10%:90%)."),
    ],
)
def test_an_unknown_statistic_is_distinguished_from_an_unsupported_one(cloud, namespace, statistic, message):
    stat = {"Metric": {"Namespace": namespace, "MetricName": "m"}, "Period": 60, "Stat": statistic}
    queries = [{"Id": "m1", "MetricStat": stat}]
    found = refusal(cloud.client("cloudwatch").get_metric_data, MetricDataQueries=queries, **RANGE)
    assert found[2] == message
