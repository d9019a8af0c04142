"""Aliases: their versions, weighted routing, and versions that cannot be deleted while an alias names them."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

VERSION = "def handler(e, c):\n    return c.function_version"


@pytest.fixture
def published(function):
    """A function with versions 1 and 2."""
    made = function(VERSION)
    for number in "12":
        made.client.update_function_configuration(FunctionName=made.name, Description=number, Timeout=int(number) + 3)
        made.client.publish_version(FunctionName=made.name)
    return made


def weights(**of):
    return {"AdditionalVersionWeights": {name.removeprefix("v"): weight for name, weight in of.items()}}


def test_an_alias_splits_its_invocations_between_versions(published):
    client, name = published.client, published.name
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1", RoutingConfig=weights(v2=1.0))
    answer = client.invoke(FunctionName=name, Qualifier="live")
    assert (answer["Payload"].read(), answer["ExecutedVersion"]) == (b'"2"', "2")
    assert client.get_function_configuration(FunctionName=name, Qualifier="live")["Version"] == "1"
    client.update_alias(FunctionName=name, Name="live", RoutingConfig=weights(v2=0.5))
    assert {published.invoke(Qualifier="live").payload for _ in range(40)} == {"1", "2"}
    client.update_alias(FunctionName=name, Name="live", Description="all of it")  # this keeps the routing
    assert client.get_alias(FunctionName=name, Name="live")["RoutingConfig"] == weights(v2=0.5)
    client.update_alias(FunctionName=name, Name="live", RoutingConfig=weights())
    assert "RoutingConfig" not in client.get_alias(FunctionName=name, Name="live")


@pytest.mark.parametrize(
    ("version", "routing", "message"),
    [
        ("1", {"v1": 0.5}, "Invalid function version 1. Function version 1 is already included in routing"),
        ("1", {"v2": 0.5, "v3": 0.5}, "Number of items in AdditionalVersionWeights cannot be greater than 1"),
        ("$LATEST", {"v1": 0.5}, "LATEST is not supported for an alias pointing to more than 1 version"),
        ("1", {"v9": 0.5}, "Function not found: arn:aws:lambda:us-east-1:111122223333:function:.*:9"),
        ("9", {}, "Function not found: arn:aws:lambda:us-east-1:111122223333:function:.*:9"),
    ],
)
def test_routing_that_aws_rejects_is_rejected(published, version, routing, message):
    with pytest.raises(ClientError, match=message):
        published.client.create_alias(
            FunctionName=published.name, Name="live", FunctionVersion=version, RoutingConfig=weights(**routing)
        )
    assert published.client.list_aliases(FunctionName=published.name)["Aliases"] == []


def test_aliases_are_listed_by_version_and_missing_ones_are_reported(published):
    client, name = published.client, published.name
    revision = client.create_alias(FunctionName=name, Name="old", FunctionVersion="1")["RevisionId"]
    client.create_alias(FunctionName=name, Name="new", FunctionVersion="2")
    listed = client.list_aliases(FunctionName=name, FunctionVersion="2")["Aliases"]
    assert [alias["Name"] for alias in listed] == ["new"]
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Cannot find alias arn: arn:.*:nobody"):
        client.get_alias(FunctionName=name, Name="nobody")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Alias not found: arn:.*:nobody"):
        client.update_alias(FunctionName=name, Name="nobody", FunctionVersion="2")
    client.update_alias(FunctionName=name, Name="old", FunctionVersion="2", RevisionId=revision)
    with pytest.raises(client.exceptions.PreconditionFailedException):
        client.update_alias(FunctionName=name, Name="old", FunctionVersion="1", RevisionId=revision)


def test_only_versions_without_an_alias_can_be_deleted_by_qualifier(published):
    client, name = published.client, published.name
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1", RoutingConfig=weights(v2=0.5))
    for version in "12":
        with pytest.raises(client.exceptions.ResourceConflictException, match=r"aliases reference it: \[live\]"):
            client.delete_function(FunctionName=name, Qualifier=version)
    with pytest.raises(ClientError, match="LATEST version cannot be deleted without deleting the function"):
        client.delete_function(FunctionName=name, Qualifier="$LATEST")
    with pytest.raises(ClientError, match="Deletion of aliases is not currently supported"):
        client.delete_function(FunctionName=name, Qualifier="live")
    client.delete_alias(FunctionName=name, Name="live")
    for version in ("1", "99"):  # deleting a missing version is not an error
        client.delete_function(FunctionName=name, Qualifier=version)
    listed = client.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in listed] == ["$LATEST", "2"]
