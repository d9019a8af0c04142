"""Logs Insights: queries, their commands and functions."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from support.refusals import refusal

LINES = [
    json.dumps({"level": "ERROR", "ms": 30, "user": {"name": "ann"}, "tags": ["x", "y"]}),
    json.dumps({"level": "INFO", "ms": 10, "user": {"name": "bob"}}),
    json.dumps({"level": "INFO", "ms": 20, "user": {"name": "ann"}}),
    "plain user=carl took 40 ms",
]


@pytest.fixture(scope="module")
def group(cloud):
    logs, name = cloud.client("logs"), f"/queries/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    now = int(time.time() * 1000) - 60_000
    events = [{"timestamp": now + number, "message": line} for number, line in enumerate(LINES)]
    logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=events)
    return name


def run(cloud, group, text, **more):
    """Return the results of a query as a list of dictionaries, without pointers."""
    logs, now = cloud.client("logs"), int(time.time())
    params = {"logGroupName": group, "startTime": now - 3600, "endTime": now + 60, "queryString": text, **more}
    query = logs.start_query(**params)["queryId"]
    end = time.monotonic() + 60
    while (found := logs.get_query_results(queryId=query))["status"] in ("Scheduled", "Running"):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert found["status"] == "Complete"
    return [{cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"} for row in found["results"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fields level, ms | sort ms desc | limit 2", [{"level": "ERROR", "ms": "30"}, {"level": "INFO", "ms": "20"}]),
        ('fields ms | filter level = "INFO" and ms > 10', [{"ms": "20"}]),
        ("filter user.name = 'ann' | fields ms * 2 + 1 as twice | sort twice", [{"twice": "41"}, {"twice": "61"}]),
        ("fields tags.1 | filter ispresent(tags.1)", [{"tags.1": "y"}]),
        ("fields level | filter user.name like /^b/", [{"level": "INFO"}]),
        ("fields ms | filter level in ['ERROR', 'WARN']", [{"ms": "30"}]),
        ("fields @message | filter @message not like 'level'", [{"@message": LINES[3]}]),
        ("parse @message 'user=* took * ms' as who, took | filter ispresent(who) | display who, took",
         [{"who": "carl", "took": "40"}]),
        (r"parse @message /took (?<took>\d+)/ | filter took > 0 | display took", [{"took": "40"}]),
        ("filter ispresent(ms) | stats count(*) as n, sum(ms), avg(ms) as a by level | sort level",
         [{"level": "ERROR", "n": "1", "sum(ms)": "30", "a": "30"},
          {"level": "INFO", "n": "2", "sum(ms)": "30", "a": "15"}]),
        ("stats max(ms) - min(ms) as spread, pct(ms, 50) as p, count_distinct(user.name) as users",
         [{"spread": "20", "p": "20", "users": "2"}]),
        ("filter ispresent(ms) | dedup level | display level | sort level", [{"level": "ERROR"}, {"level": "INFO"}]),
        ("fields toupper(user.name) as n, strlen(level) as l | filter ms = 10", [{"n": "BOB", "l": "4"}]),
    ],
)  # fmt: skip
def test_queries_are_answered(cloud, group, text, expected):
    assert run(cloud, group, text) == expected


def test_without_a_sort_the_newest_events_come_first(cloud, group):
    found = run(cloud, group, "fields @timestamp, @message")
    assert [row["@message"] for row in found] == LINES[::-1]
    assert len(found[0]["@timestamp"]) == len("2026-01-31 09:30:00.000")
    assert len(run(cloud, group, "fields @message", limit=2)) == 2
    (counted,) = run(cloud, group, "stats count(*) by bin(1d)")
    assert (counted["count(*)"], counted["bin(1d)"][10:]) == ("4", " 00:00:00.000")


@pytest.mark.parametrize(
    "text", ["fields", "fields @message | pattern @message", "filter (", "stats nothing(x)", "x y"]
)
def test_a_malformed_query_is_rejected(cloud, group, text):
    now = int(time.time())
    params = {"logGroupName": group, "startTime": now - 60, "endTime": now, "queryString": text}
    assert refusal(cloud.client("logs").start_query, **params)[0] == "MalformedQueryException"


def test_queries_are_listed_by_their_group_and_state(cloud, group):
    logs = cloud.client("logs")
    run(cloud, group, "fields @message | limit 1")
    listed = logs.describe_queries(logGroupName=group, status="Complete")["queries"]
    assert listed[0]["queryString"].endswith("| fields @message | limit 1")
    assert (listed[0]["logGroupName"], listed[0]["queryLanguage"]) == (group, "CWLI")
    assert logs.describe_queries(logGroupName=group, status="Failed")["queries"] == []
    code, _, message = refusal(logs.start_query, logGroupName="/no", startTime=1, endTime=2, queryString="fields a")
    assert (code, "Log group '/no' does not exist" in message) == ("ResourceNotFoundException", True)
