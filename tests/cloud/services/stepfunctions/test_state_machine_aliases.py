"""Aliases of state machines: routing, conflicts, and the alias and version that executions report."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError


def definition(result: int) -> str:
    return json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": result, "End": True}}})


@pytest.fixture
def versions(machines: Any) -> Iterator[tuple[str, str, str]]:
    """The ARNs of a state machine and of its two versions; the first returns 1 and the second 2."""
    made = machines.client.create_state_machine(
        name=f"aliased-{uuid.uuid4().hex[:12]}",
        definition=definition(1),
        roleArn="arn:aws:iam::111122223333:role/states",
        publish=True,
    )
    updated = machines.client.update_state_machine(
        stateMachineArn=made["stateMachineArn"], definition=definition(2), publish=True
    )
    yield made["stateMachineArn"], made["stateMachineVersionArn"], updated["stateMachineVersionArn"]
    machines.client.delete_state_machine(stateMachineArn=made["stateMachineArn"])


def route(*weights: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"stateMachineVersionArn": version, "weight": weight} for version, weight in weights]


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_an_execution_through_an_alias_shows_the_alias_and_its_version(machines, versions):
    machine, first, second = versions
    alias = machines.client.create_state_machine_alias(name="PROD", routingConfiguration=route((first, 100)))
    through_alias = machines.start(alias["stateMachineAliasArn"])
    through_version = machines.start(second)
    described = machines.wait(through_alias)
    assert described["output"] == "1"
    assert described["stateMachineArn"] == machine
    assert described["stateMachineVersionArn"] == first
    assert described["stateMachineAliasArn"] == f"{machine}:PROD"
    assert "stateMachineAliasArn" not in machines.wait(through_version)
    begun = machines.history(through_alias)[0]["executionStartedEventDetails"]
    assert (begun["stateMachineVersionArn"], begun["stateMachineAliasArn"]) == (first, f"{machine}:PROD")
    listed = machines.client.list_executions(stateMachineArn=f"{machine}:PROD")["executions"]
    assert [(each["executionArn"], each["stateMachineAliasArn"]) for each in listed] == [
        (through_alias, f"{machine}:PROD")
    ]
    both = machines.client.list_executions(stateMachineArn=machine)["executions"]
    assert [each["executionArn"] for each in both] == [through_version, through_alias]


def test_an_alias_of_two_versions_splits_executions_by_weight(machines, versions):
    machine, first, second = versions
    alias = f"{machine}:split"
    machines.client.create_state_machine_alias(name="split", routingConfiguration=route((first, 50), (second, 50)))
    outputs = {machines.wait(machines.start(alias))["output"] for _ in range(40)}
    assert outputs == {"1", "2"}  # fails by chance once in 5 * 10^11 runs
    machines.client.update_state_machine_alias(
        stateMachineAliasArn=alias, routingConfiguration=route((first, 0), (second, 100))
    )
    assert {machines.wait(machines.start(alias))["output"] for _ in range(10)} == {"2"}


def test_creating_an_alias_again_is_idempotent_and_another_of_its_name_a_conflict(machines, versions):
    machine, first, second = versions
    create = machines.client.create_state_machine_alias
    made = create(name="live", description="one", routingConfiguration=route((first, 100)))
    again = create(name="live", description="one", routingConfiguration=route((first, 100)))
    assert (again["stateMachineAliasArn"], again["creationDate"]) == (f"{machine}:live", made["creationDate"])
    assert refused(create, name="live", description="one", routingConfiguration=route((second, 100)))[0] == (
        "ConflictException"
    )


def test_aliases_are_described_updated_listed_and_deleted(machines, versions):
    machine, first, second = versions
    client = machines.client
    for name, version in (("a", first), ("b", second)):
        client.create_state_machine_alias(name=name, routingConfiguration=route((version, 100)))
    client.update_state_machine_alias(stateMachineAliasArn=f"{machine}:a", description="changed")
    described = client.describe_state_machine_alias(stateMachineAliasArn=f"{machine}:a")
    assert (described["name"], described["description"]) == ("a", "changed")
    assert described["routingConfiguration"] == route((first, 100))
    assert described["updateDate"] > described["creationDate"]

    def names(arn: str, **params: Any) -> list[str]:
        pages = client.list_state_machine_aliases(stateMachineArn=arn, **params)["stateMachineAliases"]
        return [each["stateMachineAliasArn"].rpartition(":")[2] for each in pages]

    assert names(machine) == ["a", "b"]
    assert names(second) == ["b"]
    token = client.list_state_machine_aliases(stateMachineArn=machine, maxResults=1)["nextToken"]
    assert names(machine, nextToken=token) == ["b"]
    client.delete_state_machine_alias(stateMachineAliasArn=f"{machine}:a")
    client.delete_state_machine_alias(stateMachineAliasArn=f"{machine}:a")
    assert names(machine) == ["b"]
    missing = ("ResourceNotFound", "Request references a resource that does not exist.")
    assert refused(client.describe_state_machine_alias, stateMachineAliasArn=f"{machine}:a") == missing
    assert refused(client.update_state_machine_alias, stateMachineAliasArn=f"{machine}:a", description="x") == missing
    assert refused(client.start_execution, stateMachineArn=f"{machine}:a")[0] == "StateMachineDoesNotExist"


def test_a_version_with_an_alias_cannot_be_deleted(machines, versions):
    _, first, second = versions
    client = machines.client
    alias = client.create_state_machine_alias(name="held", routingConfiguration=route((first, 100)))
    code, message = refused(client.delete_state_machine_version, stateMachineVersionArn=first)
    assert code == "ConflictException"
    assert message.endswith("Current list of aliases referencing this version: [held]")
    client.update_state_machine_alias(
        stateMachineAliasArn=alias["stateMachineAliasArn"], routingConfiguration=route((second, 100))
    )
    client.delete_state_machine_version(stateMachineVersionArn=first)


def test_routing_to_missing_versions_is_rejected(machines, versions):
    machine, first, second = versions
    create = machines.client.create_state_machine_alias
    wrong = {
        "Sum of routing configuration weights must equal 100. Received: [70, 29]": route((first, 70), (second, 29)),
        f"must contain distinct state machine version ARNs. Received: [{first}, {first}]": route(
            (first, 50), (first, 50)
        ),
        f"must contain state machine version ARNs. Received: [{machine}]": route((machine, 100)),
        f"RoutingConfigurationListItem(stateMachineVersionArn={first}, weight=1)": route(*[(first, 1)] * 3),
    }
    for expected, routing in wrong.items():
        code, message = refused(create, name="bad", routingConfiguration=routing)
        assert code == "ValidationException"
        assert expected in message
    assert refused(create, name="bad", routingConfiguration=route((f"{machine}:99", 100)))[0] == "ResourceNotFound"
