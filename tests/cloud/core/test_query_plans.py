"""No service executes a SQL statement that scans a growing table or sorts its rows.

A table is growing if work adds rows to it. One test finds the statements that the code contains as complete strings;
another records what a cloud executes, to find the statements that the code assembles from pieces.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scones.cloud import services
from scones.cloud.all_services import all_services
from scones.cloud.cloud import Cloud
from scones.cloud.context import CloudSettings
from scones.cloud.core.credentials import Credentials
from scones.cloud.core.pages import key_token
from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError

CONFIGURATION = {
    "events_archives",
    "events_buses",
    "events_replays",
    "events_rules",
    "events_targets",
    "event_invoke_configs",
    "event_source_mappings",
    "event_source_mapping_tags",
    "code_signing_configs",
    "layer_policies",
    "functions",
    "function_aliases",
    "function_settings",
    "function_statements",
    "function_urls",
    "function_versions",
    "layer_versions",
    "group_policies",
    "iam_access_keys",
    "iam_group_members",
    "iam_resources",
    "policies",
    "policy_versions",
    "roles",
    "role_policies",
    "user_policies",
    "s3_buckets",
    "s3_bucket_settings",
    "s3_notification_configurations",
    "scheduler_groups",
    "scheduler_schedules",
    "sfn_activities",
    "sfn_aliases",
    "sfn_machines",
    "sfn_versions",
    "sns_platform_applications",
    "sns_signing_key",
    "sns_sms_attributes",
    "sns_subscriptions",
    "sns_topics",
    "sqs_queues",
    "cloudwatch_alarms",
    "cloudwatch_dashboards",
    "log_documents",
    "log_filters",
    "log_group_settings",
    "log_groups",
}
"""Tables of resources that users create. AWS has quotas for most, and work adds rows to none."""
ALLOWED = {
    "SELECT id, function FROM accepted_events": "the start goes on with every event that has not ended",
    "SELECT id, group_name, name, due FROM scheduler_invocations": "the start goes on with every invocation",
    "SELECT lane, min(id) AS first, max(id) AS last FROM": "the start goes on with every delivery that is not made",
    "SELECT file FROM s3_objects WHERE file IS NOT NULL": "the sweep for files that no row names",
    "SELECT 1 FROM sqlite_master": "tables, and not what they hold",
    "SELECT seq FROM sqlite_sequence": "a row for each table",
    "SELECT arn, document FROM sagemaker_resources WHERE kind = ?": "Search: AWS, too, looks at all, and counts them",
}
"""Beginnings of the statements that may scan or sort a whole table, each with the reason."""
_STATEMENT = re.compile(r"\s*(SELECT|UPDATE|DELETE|INSERT|WITH)\s")


@pytest.fixture(scope="module")
def schema() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for kind in all_services():
        for statement in (kind.schema or "").split(";"):
            connection.execute(statement)
    yield connection
    connection.close()


def complaints(schema: sqlite3.Connection, sql: str) -> list[str]:
    """Return the steps of a query plan that scan or sort a growing table; none if the statement is incomplete."""
    return [
        step
        for step in plan(schema, sql)
        if ((scanned := re.match(r"SCAN (\w+)", step)) and scanned[1] in growing(schema))
        or (step.startswith("USE TEMP B-TREE FOR") and "ORDER BY" in step and set(words(sql)) & growing(schema))
    ]


def plan(schema: sqlite3.Connection, sql: str) -> list[str]:
    for count in range(40):
        try:
            return [row[3] for row in schema.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * count)]
        except sqlite3.ProgrammingError:  # wrong number of parameters
            continue
        except sqlite3.OperationalError:
            return []
    raise AssertionError(f"more parameters than expected: {sql}")


def growing(schema: sqlite3.Connection) -> set[str]:
    tables = {row[0] for row in schema.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return tables - CONFIGURATION


def words(sql: str) -> list[str]:
    return re.findall(r"\w+", sql)


def allowed(sql: str) -> bool:
    return any(" ".join(sql.split()).startswith(beginning) for beginning in ALLOWED)


def written() -> Iterator[tuple[str, str]]:
    """Yield the module and the text of each statement in the code, including f-strings of module-level names."""
    for found in pkgutil.walk_packages(services.__path__, services.__name__ + "."):
        module = importlib.import_module(found.name)
        tree = ast.parse(Path(module.__file__ or "").read_text())
        pieces = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            text: Any = None
            if isinstance(node, ast.Constant) and id(node) not in pieces:
                text = node.value
            elif isinstance(node, ast.JoinedStr):
                try:
                    text = eval(compile(ast.Expression(node), found.name, "eval"), vars(module))
                except NameError:
                    continue
            if isinstance(text, str) and _STATEMENT.match(text):
                yield found.name, text


def test_no_sql_statement_scans_a_growing_table(schema):
    statements = list(written())
    assert len(statements) > 250
    wrong = [
        (module, sql, found) for module, sql in statements if not allowed(sql) and (found := complaints(schema, sql))
    ]
    assert not wrong, "\n".join(f"{module}: {' '.join(sql.split())}\n    {found}" for module, sql, found in wrong)


class TracedStore(Store):
    """A store that records the statements that it executes."""

    executed: set[str] = set()

    def _connect(self) -> sqlite3.Connection:
        connection = super()._connect()
        connection.set_trace_callback(self.executed.add)
        return connection


MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:m"
ROLE = "arn:aws:iam::111122223333:role/states"
PASS = '{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}'
JOBS = [
    "TrainingJobs",
    "ProcessingJobs",
    "TransformJobs",
    "HyperParameterTuningJobs",
    "Models",
    "EndpointConfigs",
    "Endpoints",
    "ModelPackageGroups",
    "ModelPackages",
    "Apps",
    "Domains",
    "UserProfiles",
    "Spaces",
]


def calls() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the operations whose statements the code assembles from pieces."""
    yield "stepfunctions", "CreateStateMachine", {"name": "m", "definition": PASS, "roleArn": ROLE, "publish": True}
    yield (
        "stepfunctions",
        "CreateStateMachineAlias",
        {
            "name": "a",
            "routingConfiguration": [{"stateMachineVersionArn": f"{MACHINE}:1", "weight": 100}],
        },
    )
    for arn in (MACHINE, f"{MACHINE}:1", f"{MACHINE}:a"):
        for status in ({}, {"statusFilter": "FAILED"}):
            yield "stepfunctions", "ListExecutions", {"stateMachineArn": arn, **status}
    for kind in JOBS:
        for more in (
            {},
            {"SortOrder": "Ascending"},
            {"SortBy": "Name"},
            {"NameContains": "x"},
            {"StatusEquals": "Failed"},
            {"CreationTimeAfter": time.time()},
        ):
            yield "sagemaker", f"List{kind}", more
    yield "sagemaker", "ListTrainingJobs", {"SortBy": "Status"}
    yield "logs", "CreateLogGroup", {"logGroupName": "g"}
    for more in ({}, {"orderBy": "LastEventTime"}, {"descending": True}, {"logStreamNamePrefix": "x"}):
        key = [-1, "x"] if more.get("orderBy") else ["x"]
        for token in ({}, {"nextToken": key_token(*key)}):
            yield "logs", "DescribeLogStreams", {"logGroupName": "g", **more, **token}
    yield "logs", "CreateLogStream", {"logGroupName": "g", "logStreamName": "s"}
    for token in ({}, {"nextToken": f"f/{0:020d}{0:020d}"}, {"startFromHead": True}):
        yield "logs", "GetLogEvents", {"logGroupName": "g", "logStreamName": "s", **token}
    yield "logs", "DeleteLogStream", {"logGroupName": "g", "logStreamName": "s"}
    yield "logs", "DeleteLogGroup", {"logGroupName": "g"}
    for more in ({}, {"Namespace": "n"}, {"Namespace": "n", "MetricName": "m"}):
        yield "cloudwatch", "ListMetrics", more
    yield "sqs", "CreateQueue", {"QueueName": "q"}
    yield "sqs", "PurgeQueue", {"QueueUrl": "http://localhost/111122223333/q"}
    yield "sqs", "DeleteQueue", {"QueueUrl": "http://localhost/111122223333/q"}
    yield "s3", "CreateBucket", {"Bucket": "bucket"}
    for more in ({}, {"Prefix": "p", "Delimiter": "/"}, {"StartAfter": "p"}):
        yield "s3", "ListObjectsV2", {"Bucket": "bucket", **more}


async def test_no_assembled_sql_statement_scans_a_growing_table(schema, tmp_path):
    store = TracedStore(tmp_path / "cloud.sqlite")
    cloud = Cloud(CloudSettings(data_dir=tmp_path, port=1), store, Credentials.of(tmp_path))
    refused = []
    await cloud.start(all_services())
    try:
        for service, operation, params in calls():
            try:
                await cloud.call(service, operation, params)
            except ServiceError as error:
                refused.append((operation, params, error.code, error.message))
    finally:
        await cloud.stop()
    assert not refused, refused
    statements = [sql for sql in store.executed if _STATEMENT.match(sql)]
    assert len(statements) > 100
    wrong = [(sql, found) for sql in statements if not allowed(sql) and (found := complaints(schema, sql))]
    assert not wrong, "\n".join(f"{' '.join(sql.split())}\n    {found}" for sql, found in wrong)
