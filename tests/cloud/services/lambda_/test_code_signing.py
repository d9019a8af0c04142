"""Code signing configurations, and the policies of layer versions."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from botocore.exceptions import ClientError

from support.function_workbench import archive

PUBLISHERS = {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:111122223333:/signing-profiles/test"]}


def refused(call, **params):
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_function_has_a_code_signing_configuration(function):
    made = function("def handler(e, c):\n    pass")
    client, name = made.client, {"FunctionName": made.name}
    enforced = {"UntrustedArtifactOnDeployment": "Enforce"}
    created = client.create_code_signing_config(AllowedPublishers=PUBLISHERS, CodeSigningPolicies=enforced)
    config = created["CodeSigningConfig"]
    arn = {"CodeSigningConfigArn": config["CodeSigningConfigArn"]}
    assert client.get_code_signing_config(**arn)["CodeSigningConfig"] == config
    assert config in client.list_code_signing_configs()["CodeSigningConfigs"]
    assert "CodeSigningConfigArn" not in client.get_function_code_signing_config(**name)
    client.put_function_code_signing_config(**name, **arn)
    assert client.get_function_code_signing_config(**name)["CodeSigningConfigArn"] == arn["CodeSigningConfigArn"]
    (listed,) = client.list_functions_by_code_signing_config(**arn)["FunctionArns"]
    assert listed.endswith(f":function:{made.name}")
    code = {"ZipFile": archive(code="def handler(e, c):\n    return 2")}
    assert refused(client.update_function_code, **name, **code)[0] == "CodeVerificationFailedException"
    assert refused(client.delete_code_signing_config, **arn)[0] == "ResourceConflictException"
    client.update_code_signing_config(**arn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"})
    client.update_function_code(**name, **code)
    assert made.invoke().payload == 2
    client.delete_function_code_signing_config(**name)
    client.delete_code_signing_config(**arn)
    missing = arn["CodeSigningConfigArn"]
    assert refused(client.get_code_signing_config, **arn) == (
        "ResourceNotFoundException",
        f"The Lambda code signing configuration {missing} can not be found.",
    )
    assert refused(client.put_function_code_signing_config, **name, **arn) == (
        "CodeSigningConfigNotFoundException",
        "The code signing configuration cannot be found. Check that the provided configuration is not deleted: "
        f"{missing}.",
    )


def test_a_layer_version_has_a_policy(cloud):
    client = cloud.client("lambda")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("python/a.py", "")
    size = client.get_account_settings()["AccountUsage"]["TotalCodeSize"]
    published = client.publish_layer_version(LayerName="shared", Content={"ZipFile": content.getvalue()})
    assert client.get_account_settings()["AccountUsage"]["TotalCodeSize"] - size == len(content.getvalue())
    version = {"LayerName": "shared", "VersionNumber": published["Version"]}
    without = ("ResourceNotFoundException", "No policy is associated with the given resource.")
    assert refused(client.get_layer_version_policy, **version) == without
    statement = {"StatementId": "s1", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    added = client.add_layer_version_permission(**version, **statement)
    expected = {
        "Sid": "s1",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "lambda:GetLayerVersion",
        "Resource": published["LayerVersionArn"],
    }
    assert json.loads(added["Statement"]) == expected
    policy = client.get_layer_version_policy(**version)
    assert (json.loads(policy["Policy"])["Statement"], policy["RevisionId"]) == ([expected], added["RevisionId"])
    assert refused(client.add_layer_version_permission, **version, **statement)[0] == "ResourceConflictException"
    wrong = refused(client.remove_layer_version_permission, **version, StatementId="s1", RevisionId="wrong")
    assert wrong[0] == "PreconditionFailedException"
    absent = refused(client.remove_layer_version_permission, **version, StatementId="s2")
    assert absent == ("ResourceNotFoundException", "Statement s2 is not found in resource policy.")
    other = refused(client.get_layer_version_policy, LayerName="other", VersionNumber=1)
    assert other == (
        "ResourceNotFoundException",
        "Layer version arn:aws:lambda:us-east-1:111122223333:layer:other:1 does not exist.",
    )
    client.remove_layer_version_permission(**version, StatementId="s1")
    assert refused(client.get_layer_version_policy, **version) == without


def test_policies_have_revisions_and_an_order(function):
    made = function("def handler(e, c):\n    pass")
    client, name = made.client, {"FunctionName": made.name}
    first = client.get_function(**name)["Configuration"]["RevisionId"]
    added = {"Action": "lambda:InvokeFunction", "Principal": "logs.amazonaws.com"}
    for sid, revision in (("z", {"RevisionId": first}), ("a", {})):
        client.add_permission(**name, **added, StatementId=sid, **revision)
    policy = client.get_policy(**name)
    assert [each["Sid"] for each in json.loads(policy["Policy"])["Statement"]] == ["z", "a"]
    assert policy["RevisionId"] == client.get_function(**name)["Configuration"]["RevisionId"] != first
    for call in (client.add_permission, client.remove_permission):
        more = added if call == client.add_permission else {}
        assert refused(call, **name, **more, StatementId="b", RevisionId=first)[0] == "PreconditionFailedException"
    assert refused(client.add_permission, **name, **{**added, "Principal": "invalid.nonaws.com"}, StatementId="b") == (
        "InvalidParameterValueException",
        "The provided principal was invalid. Please check the principal and try again.",
    )
    assert refused(client.remove_permission, FunctionName="absent", StatementId="b") == (
        "ResourceNotFoundException",
        "No policy found for: arn:aws:lambda:us-east-1:111122223333:function:absent",
    )
    client.remove_permission(**name, StatementId="z", RevisionId=policy["RevisionId"])
    client.remove_permission(**name, StatementId="a")
    assert refused(client.get_policy, **name)[0] == "ResourceNotFoundException"


def test_errors_of_settings_have_awss_words(function):
    made = function("def handler(e, c):\n    pass")
    client, name = made.client, {"FunctionName": made.name}
    modes = "[RESPONSE_STREAM, BUFFERED]"
    assert refused(client.create_function_url_config, **name, AuthType="NONE", InvokeMode="X")[1].endswith(modes)
    assert refused(client.put_function_recursion_config, **name, RecursiveLoop="X")[1].endswith("[Terminate, Allow]")
    unknown = refused(client.update_function_configuration, **name, Runtime="absent")[1]
    assert "set: [nodejs20.x, python3.14, provided.al2023, python3.12," in unknown
    assert refused(client.list_function_event_invoke_configs, FunctionName="absent") == (
        "ResourceNotFoundException",
        "The function doesn't exist.",
    )
    assert refused(client.update_function_event_invoke_config, FunctionName="absent", MaximumRetryAttempts=1) == (
        "ResourceNotFoundException",
        "The function doesn't exist.",
    )
    role = "arn:aws:iam::111122223333:role/r"
    wrong = {"OnSuccess": {"Destination": role}}
    assert refused(client.put_function_event_invoke_config, **name, DestinationConfig=wrong) == (
        "InvalidParameterValueException",
        f"The provided destination config DestinationConfig(onSuccess=OnSuccess(destination={role}), onFailure=null) "
        "is invalid.",
    )
    assert refused(client.list_layers, CompatibleRuntime="absent")[0] == "ValidationException"
    before = client.get_function_configuration(**name)["RuntimeVersionConfig"]
    client.update_function_configuration(**name, Runtime="python3.12")
    assert client.get_function_configuration(**name)["RuntimeVersionConfig"] != before
