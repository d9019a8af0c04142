"""Function settings outside its configuration: policies, tags, concurrency, asynchronous invocation, and layers."""

from __future__ import annotations

import json
import time

import pytest
from botocore.exceptions import ClientError

from support.function_workbench import archive

CODE = "def handler(e, c):\n    return 1"


def allow(made, sid, principal, **options):
    statement = {"StatementId": sid, "Action": "lambda:InvokeFunction", "Principal": principal, **options}
    return json.loads(made.client.add_permission(FunctionName=made.name, **statement)["Statement"])


def test_statements_have_the_form_of_aws(function):
    made = function(CODE)
    source = {"SourceArn": "arn:aws:s3:::pictures", "SourceAccount": "111122223333"}
    assert allow(made, "s3", "s3.amazonaws.com", **source)["Condition"] == {
        "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::pictures"},
        "StringEquals": {"AWS:SourceAccount": "111122223333"},
    }
    assert allow(made, "account", "444455556666")["Principal"] == {"AWS": "arn:aws:iam::444455556666:root"}
    everybody = allow(made, "url", "*", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    assert everybody["Principal"] == "*"
    assert everybody["Condition"] == {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}


def test_a_policy_has_a_revision_and_no_statement_for_latest(function):
    made = function(CODE)
    allow(made, "one", "s3.amazonaws.com")
    revision = made.client.get_policy(FunctionName=made.name)["RevisionId"]
    allow(made, "two", "s3.amazonaws.com", RevisionId=revision)
    with pytest.raises(made.client.exceptions.PreconditionFailedException, match="Call the GetPolicy API"):
        made.client.remove_permission(FunctionName=made.name, StatementId="one", RevisionId=revision)
    with pytest.raises(ClientError, match="do not support adding policies for .LATEST"):
        allow(made, "three", "s3.amazonaws.com", Qualifier="$LATEST")
    with pytest.raises(made.client.exceptions.ResourceNotFoundException, match="Statement three is not found"):
        made.client.remove_permission(FunctionName=made.name, StatementId="three")
    assert made.client.get_policy(FunctionName=made.name)["RevisionId"] not in {revision, None}
    other = function(CODE)
    with pytest.raises(other.client.exceptions.PreconditionFailedException, match="Call the GetPolicy API"):
        allow(other, "one", "s3.amazonaws.com", RevisionId=revision)
    with pytest.raises(ClientError, match="No policy is associated"):
        other.client.remove_permission(FunctionName=other.name, StatementId="one")


@pytest.mark.parametrize("qualifier", ["$LATEST", "1", "live"])
def test_a_policy_has_the_revision_of_its_function_version_or_alias(function, qualifier):
    """As recorded on AWS by LocalStack (test_function_revisions_permissions, test_lambda_permission_fn_versioning)."""
    made = function(CODE)
    made.client.publish_version(FunctionName=made.name)
    made.client.create_alias(FunctionName=made.name, Name="live", FunctionVersion="1")
    named = {} if qualifier == "$LATEST" else {"Qualifier": qualifier}

    def revision():
        if qualifier == "live":
            return made.client.get_alias(FunctionName=made.name, Name="live")["RevisionId"]
        return made.client.get_function_configuration(FunctionName=made.name, Qualifier=qualifier)["RevisionId"]

    before = revision()
    allow(made, "one", "s3.amazonaws.com", RevisionId=before, **named)
    added = revision()
    assert made.client.get_policy(FunctionName=made.name, **named)["RevisionId"] == added
    made.client.remove_permission(FunctionName=made.name, StatementId="one", RevisionId=added, **named)
    assert len({before, added, revision()}) == 3


def test_versions_have_neither_tags_nor_concurrency(function):
    made = function(CODE)
    version = made.client.publish_version(FunctionName=made.name)["FunctionArn"]
    with pytest.raises(ClientError, match="Tags on function aliases and versions are not supported"):
        made.client.tag_resource(Resource=version, Tags={"a": "1"})
    with pytest.raises(ClientError, match="This operation is permitted on Lambda functions only"):
        made.client.put_function_concurrency(FunctionName=version, ReservedConcurrentExecutions=1)


def test_an_account_keeps_a_hundred_unreserved_concurrent_executions(start_cloud, function):
    client = start_cloud().client("lambda")
    one, other = (function(CODE, client=client) for _ in range(2))
    client.put_function_concurrency(FunctionName=one.name, ReservedConcurrentExecutions=800)
    with pytest.raises(ClientError, match=r"UnreservedConcurrentExecution below its minimum value of \[100\]"):
        client.put_function_concurrency(FunctionName=other.name, ReservedConcurrentExecutions=101)
    # the reservation that the function already has does not count
    client.put_function_concurrency(FunctionName=one.name, ReservedConcurrentExecutions=900)


def provisioned(client, name):
    """Return the provisioned concurrency of version 1 when its environments have started."""
    deadline = time.monotonic() + 60
    while True:
        config = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
        if config["Status"] != "IN_PROGRESS":
            return config
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_provisioned_environments_serve_a_version_only(function):
    """As recorded on AWS by LocalStack (test_lambda_concurrency_block, test_provisioned_concurrency)."""
    made = function("import os\ndef handler(e, c):\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']")
    client, name = made.client, made.name
    client.publish_version(FunctionName=name)
    version = {"FunctionName": name, "Qualifier": "1"}
    assert client.invoke(**version)["Payload"].read() == b'"on-demand"'
    asked = client.put_provisioned_concurrency_config(**version, ProvisionedConcurrentExecutions=1)
    assert (asked["Status"], asked["AvailableProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 0)
    assert provisioned(client, name)["Status"] == "READY"
    assert client.invoke(**version)["Payload"].read() == b'"provisioned-concurrency"'
    assert made.invoke().payload == "on-demand"
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    with pytest.raises(client.exceptions.TooManyRequestsException):  # all of it is provisioned for the version
        made.invoke()
    assert client.invoke(**version)["Payload"].read() == b'"provisioned-concurrency"'
    client.delete_provisioned_concurrency_config(**version)
    assert client.invoke(**version)["Payload"].read() == b'"on-demand"'


def test_provisioned_concurrency_fails_with_the_initialisation(function):
    check = "import os\nassert os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'] == 'on-demand'\n"
    made = function(f"{check}def handler(e, c):\n    return e")
    made.client.publish_version(FunctionName=made.name)
    version = {"FunctionName": made.name, "Qualifier": "1"}
    made.client.put_provisioned_concurrency_config(**version, ProvisionedConcurrentExecutions=1)
    config = provisioned(made.client, made.name)
    assert (config["Status"], config["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    assert config["AvailableProvisionedConcurrentExecutions"] == 0
    assert made.client.invoke(**version, Payload=b'"on demand"')["Payload"].read() == b'"on demand"'


def test_reserved_concurrency_covers_provisioned_concurrency(function):
    made = function(CODE)
    client, name = made.client, made.name
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")

    def provision(executions, qualifier="1"):
        client.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=executions
        )

    provision(2)
    with pytest.raises(ClientError) as caught:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    assert caught.value.response["Error"]["Message"] == (
        " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2]."
    )
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    with pytest.raises(ClientError, match="should not be greater than the reservedConcurrentExecution for function"):
        provision(3)
    with pytest.raises(ClientError, match="Alias can't be used for .* on an already Provisioned version"):
        provision(1, "live")
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    provision(1, "live")
    with pytest.raises(ClientError, match="Version is pointed by a Provisioned Concurrency alias"):
        provision(1)
    client.delete_alias(FunctionName=name, Name="live")
    assert client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"] == []
    with pytest.raises(ClientError, match="Cannot find alias arn: .*:live"):
        provision(1, "live")
    with pytest.raises(ClientError, match="must be an alias or a published version"):
        client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="$LATEST")


def test_tags_have_the_limits_of_aws(function):
    made = function(CODE)
    arn = made.client.get_function_configuration(FunctionName=made.name)["FunctionArn"]
    made.client.tag_resource(Resource=arn, Tags={f"k{number}": "" for number in range(50)})
    with pytest.raises(ClientError, match="Number of tags exceeds resource tag limit"):
        made.client.tag_resource(Resource=arn, Tags={"another": ""})
    mapping = arn.replace(f"function:{made.name}", "event-source-mapping:01234567-0123-0123-0123-0123456789ab")
    with pytest.raises(ClientError, match=f"Event source mapping not found: {mapping}"):
        made.client.list_tags(Resource=mapping)


def test_invalid_settings_of_asynchronous_events_are_rejected(function):
    made = function(CODE)
    arn = made.client.get_function_configuration(FunctionName=made.name)["FunctionArn"]

    def put(**settings):
        made.client.put_function_event_invoke_config(**{"FunctionName": made.name, **settings})

    with pytest.raises(ClientError, match="at least one of error handling or destination setting"):
        put()
    with pytest.raises(ClientError, match="can't specify the function as a destination for itself"):
        put(DestinationConfig={"OnFailure": {"Destination": arn}})
    with pytest.raises(ClientError, match="The destination ARN .*:nobody is invalid"):
        put(DestinationConfig={"OnSuccess": {"Destination": arn.replace(made.name, "nobody")}})
    with pytest.raises(made.client.exceptions.ResourceNotFoundException, match="The function doesn't exist"):
        put(FunctionName="nobody", MaximumRetryAttempts=1)


def test_layers_are_listed_by_compatible_runtime_and_architecture(start_cloud):
    client = start_cloud().client("lambda")
    content = {"ZipFile": archive(words="x = 1")}
    for runtime in ("python3.11", "nodejs20.x"):
        client.publish_layer_version(LayerName="both", Content=content, CompatibleRuntimes=[runtime])
    client.publish_layer_version(LayerName="any", Content=content)
    (layer,) = client.list_layers(CompatibleRuntime="python3.11")["Layers"]
    assert (layer["LayerName"], layer["LatestMatchingVersion"]["Version"]) == ("both", 1)
    assert [layer["LayerName"] for layer in client.list_layers()["Layers"]] == ["any", "both"]
    versions = client.list_layer_versions(LayerName="both", CompatibleRuntime="nodejs20.x")["LayerVersions"]
    assert [version["Version"] for version in versions] == [2]
    with pytest.raises(ClientError, match="Layer Version Cannot be less than 1"):
        client.get_layer_version(LayerName="both", VersionNumber=0)


def test_recorded_settings_are_returned(function):
    made = function(CODE)
    client, name = made.client, made.name
    client.publish_version(FunctionName=name)
    asked = client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=3
    )
    assert asked["Status"] == "IN_PROGRESS"
    config = provisioned(client, name)
    assert (config["Status"], config["AvailableProvisionedConcurrentExecutions"]) == ("READY", 3)
    (listed,) = client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
    assert listed["FunctionArn"].endswith(f":{name}:1")
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    with pytest.raises(client.exceptions.ProvisionedConcurrencyConfigNotFoundException):
        client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    with pytest.raises(ClientError, match="cannot be applied to unpublished function versions"):
        client.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier="$LATEST", ProvisionedConcurrentExecutions=3
        )
    assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"
    client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"
    client.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="FunctionUpdate")
    assert client.get_runtime_management_config(FunctionName=name)["UpdateRuntimeOn"] == "FunctionUpdate"
