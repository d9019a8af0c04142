"""Lists of executions: every filter, with paging, by state machine, version, alias and Map Run."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

ANY_END = {
    "StartAt": "C",
    "States": {
        "C": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.end", "StringEquals": "SUCCEEDED", "Next": "S"},
                {"Variable": "$.end", "StringEquals": "FAILED", "Next": "F"},
            ],
            "Default": "W",
        },
        "S": {"Type": "Succeed"},
        "F": {"Type": "Fail"},
        "W": {"Type": "Wait", "Seconds": 600, "End": True},
    },
}
ENDS = ["SUCCEEDED", "FAILED", "RUNNING", "ABORTED", "SUCCEEDED", "FAILED", "FAILED", "ABORTED", "SUCCEEDED"]


def listed(client, size, **params):
    pages = client.get_paginator("list_executions").paginate(**params, PaginationConfig={"PageSize": size})
    found = []
    for page in pages:
        assert len(page["executions"]) <= size
        found += [(each["name"], each["status"]) for each in page["executions"]]
    return found


def test_executions_of_a_machine_a_version_and_an_alias_by_every_status(machines):
    client, machine = machines.client, machines.create(ANY_END)
    version = client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    routing = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = client.create_state_machine_alias(name="live", routingConfiguration=routing)["stateMachineAliasArn"]
    begun: dict[str, list[tuple[str, str]]] = {machine: [], version: [], alias: []}
    for number, end in enumerate(ENDS):
        for arn, also in ((machine, []), (version, [machine]), (alias, [machine, version])):
            name = f"{number}-{len(arn)}"
            execution = machines.start(arn, {"end": end}, name=name)
            for each in (arn, *also):
                begun[each].append((name, end))
            if end == "ABORTED":
                client.stop_execution(executionArn=execution)
            elif end != "RUNNING":
                machines.wait(execution)
    for arn, executions in begun.items():
        newest_first = executions[::-1]
        for size in (2, 1000):
            assert listed(client, size, stateMachineArn=arn) == newest_first
            for status in ("RUNNING", "SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT", "PENDING_REDRIVE"):
                expected = [each for each in newest_first if each[1] == status]
                assert listed(client, size, stateMachineArn=arn, statusFilter=status) == expected, (arn, status)
    shown = client.list_executions(stateMachineArn=alias, maxResults=1)["executions"][0]
    assert (shown["stateMachineAliasArn"], shown["stateMachineVersionArn"], shown["redriveCount"]) == (
        alias,
        version,
        0,
    )
    for execution in client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        client.stop_execution(executionArn=execution["executionArn"])


def test_children_of_a_map_run_by_every_status(machines):
    processor = {**ANY_END, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    each = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": processor, "End": True}
    machine = machines.create({"StartAt": "M", "States": {"M": {**each, "ToleratedFailurePercentage": 100}}})
    ends = [end for end in ENDS if end in ("SUCCEEDED", "FAILED")]
    execution = machines.start(machine, {"items": [{"end": end} for end in ends]})
    assert machines.wait(execution)["status"] == "SUCCEEDED"
    run = machines.client.list_map_runs(executionArn=execution)["mapRuns"][0]["mapRunArn"]
    for size in (2, 1000):
        found = [status for _, status in listed(machines.client, size, mapRunArn=run)]
        assert found == ends[::-1]
        for status in ("SUCCEEDED", "FAILED", "RUNNING", "PENDING_REDRIVE"):
            found = [status for _, status in listed(machines.client, size, mapRunArn=run, statusFilter=status)]
            assert found == [status] * ends.count(status)


def test_a_history_is_paged_in_both_directions(machines):
    execution = machines.start(machines.create(ANY_END), {"end": "SUCCEEDED"})
    machines.wait(execution)
    whole = machines.history(execution)
    for size in (1, 3, 1000):
        pages = {"PaginationConfig": {"PageSize": size}}
        assert machines.history(execution, **pages) == whole
        assert machines.history(execution, reverseOrder=True, **pages) == whole[::-1]


def test_a_page_of_a_history_has_about_a_megabyte_at_most(machines):
    text = "x" * 200_000
    states = {f"S{n}": {"Type": "Pass", **({"Next": f"S{n + 1}"} if n < 9 else {"End": True})} for n in range(10)}
    execution = machines.start(machines.create({"StartAt": "S0", "States": states}), {"text": text})
    assert machines.wait(execution)["status"] == "SUCCEEDED"
    first = machines.client.get_execution_history(executionArn=execution, maxResults=1000)
    assert 1 < len(first["events"]) < 10
    ids = [event["id"] for event in machines.history(execution)]
    assert ids == list(range(1, 23))


@pytest.mark.parametrize(
    "token", ["forged", "YWZ0ZXI6eA==", "YWZ0ZXI6OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "é", "b2Zmc2V0OjE="]
)
def test_other_tokens_are_rejected(machines, token):
    machine = machines.create(ANY_END)
    execution = machines.start(machine, {"end": "SUCCEEDED"})
    calls = [
        (machines.client.list_executions, {"stateMachineArn": machine}),
        (machines.client.get_execution_history, {"executionArn": execution}),
        (machines.client.list_map_runs, {"executionArn": execution}),
    ]
    for operation, params in calls:
        with pytest.raises(ClientError) as caught:
            operation(**params, nextToken=token)
        assert caught.value.response["Error"]["Code"] == "InvalidToken"


def test_machines_and_activities_are_listed_in_pages(machines):
    client = machines.client
    made = {machines.create(ANY_END) for _ in range(3)}
    made_activities = {client.create_activity(name=f"{arn.rpartition(':')[2]}")["activityArn"] for arn in made}
    for operation, member, arns in (
        ("list_state_machines", "stateMachines", made),
        ("list_activities", "activities", made_activities),
    ):
        pages = client.get_paginator(operation).paginate(PaginationConfig={"PageSize": 2})
        found = [each["name"] for page in pages for each in page[member]]
        assert found == sorted(found)
        assert {arn.rpartition(":")[2] for arn in arns} <= set(found)
