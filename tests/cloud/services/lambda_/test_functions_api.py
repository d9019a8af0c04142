"""Functions, versions, aliases, layers and policies through boto3."""

from __future__ import annotations

import json
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

from scones.cloud.services.lambda_.functions.code import CodeStore
from support.function_workbench import ROLE, archive
from support.zips import zip_of

ONE, TWO = "def handler(e, c):\n    return 1", "def handler(e, c):\n    return 2"


def test_a_function_is_described_as_aws_does(function, cloud):
    made = function(ONE, Description="why", Environment={"Variables": {"KEY": "b"}}, Tags={"team": "x"})
    described = made.client.get_function(FunctionName=made.name)
    configuration = described["Configuration"]
    assert configuration["FunctionArn"] == f"arn:aws:lambda:us-east-1:111122223333:function:{made.name}"
    assert (configuration["Timeout"], configuration["MemorySize"], configuration["Version"]) == (3, 128, "$LATEST")
    assert (configuration["State"], configuration["LastUpdateStatus"]) == ("Active", "Successful")
    assert configuration["Environment"] == {"Variables": {"KEY": "b"}}
    assert configuration["LastModified"].endswith("+0000")
    assert described["Tags"] == {"team": "x"}


def test_waiters_end(function):
    made = function(ONE)
    for waiter in ("function_active_v2", "function_updated_v2", "function_exists"):
        made.client.get_waiter(waiter).wait(FunctionName=made.name, WaiterConfig={"Delay": 1, "MaxAttempts": 2})


@pytest.mark.parametrize(
    "form",
    [
        "{name}",
        "{name}:$LATEST",
        "function:{name}",
        "111122223333:function:{name}",
        "arn:aws:lambda:us-east-1:111122223333:function:{name}",
        "arn:aws:lambda:us-east-1:111122223333:function:{name}:$LATEST",
    ],
)
def test_a_function_is_found_by_every_form_of_its_name(function, form):
    made = function(ONE)
    answer = made.client.invoke(FunctionName=form.format(name=made.name))
    assert answer["Payload"].read() == b"1"


def test_a_name_can_be_used_once(function):
    made = function(ONE)
    with pytest.raises(ClientError, match=f"Function already exist: {made.name}"):
        function(ONE, FunctionName=made.name)


def test_responses_to_changes_have_a_pending_status(function, cloud):
    client = cloud.client("lambda")
    settings = {"FunctionName": "changing", "Runtime": "python3.11", "Role": ROLE, "Handler": "code.handler"}
    created = client.create_function(**settings, Code={"ZipFile": archive(code=ONE)})
    assert (created["State"], created["StateReasonCode"], "LastUpdateStatus" in created) == (
        "Pending",
        "Creating",
        False,
    )
    changed = client.update_function_configuration(FunctionName="changing", Timeout=4)
    assert (changed["State"], changed["LastUpdateStatus"]) == ("Active", "InProgress")
    settled = client.get_function_configuration(FunctionName="changing")
    assert (settled["State"], settled["LastUpdateStatus"], "StateReason" in settled) == ("Active", "Successful", False)


def test_code_is_fetched_from_its_location(function, cloud):
    packed = archive(code=ONE)
    made = function(ONE, Code={"ZipFile": packed})
    content = {"ZipFile": packed}
    layer = made.client.publish_layer_version(LayerName="fetched", Content=content)
    location = made.client.get_function(FunctionName=made.name)["Code"]["Location"]
    for address in (location, layer["Content"]["Location"]):
        with urlopen(address) as answer:
            assert (answer.read(), answer.headers["Content-Type"]) == (packed, "application/zip")
    for changed in (location[:-1] + "_", location.replace("Expires=1", "Expires=2"), location.partition("?")[0]):
        with pytest.raises(HTTPError, match="403"):
            urlopen(changed)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"Timeout": 901}, "'901' at 'timeout' failed to satisfy constraint: Member must have value less than .* 900$"),
        (
            {"MemorySize": 10241},
            "'10241' at 'memorySize' failed to satisfy constraint: .* less than or equal to 10240$",
        ),
        ({"Layers": [f"arn:aws:lambda:us-east-1:111122223333:layer:l{n}:1" for n in range(6)]}, "more than 5 layers"),
        (
            {"Layers": [f"arn:aws:lambda:us-east-1:111122223333:layer:one:{n}" for n in (1, 2)]},
            "Two different versions of the same layer are not allowed",
        ),
        ({"FunctionName": "x" * 65}, "at 'functionName' failed to satisfy .* length less than or equal to 64"),
        ({"Code": {"ZipFile": b"x" * 52_428_801}}, "Zipped size must be smaller than 52428800 bytes"),
    ],
)
def test_settings_have_the_limits_of_aws(function, settings, message):
    with pytest.raises(ClientError, match=message):
        function(ONE, **settings)


def test_the_size_of_code_and_layers_together_is_limited(function, cloud):
    def large(megabytes):
        return zip_of({"zeros": bytes(megabytes << 20)}, compression=1)

    client = cloud.client("lambda")
    layer = client.publish_layer_version(LayerName="large", Content={"ZipFile": large(150)})["LayerVersionArn"]
    with pytest.raises(ClientError, match="combined with layers exceeds .* 262144000 bytes. The actual size is 263"):
        function(ONE, Code={"ZipFile": large(101)}, Layers=[layer])
    with pytest.raises(ClientError, match="Unzipped size must be smaller than 262144000 bytes"):
        function(ONE, Code={"ZipFile": large(251)})


def test_empty_values_remove_layers_and_dead_letter_target(function, cloud):
    content = {"ZipFile": archive(**{"python/gone": "number = 1"})}
    layer = cloud.client("lambda").publish_layer_version(LayerName="gone", Content=content)["LayerVersionArn"]
    queue = cloud.client("sqs").create_queue(QueueName="dead-letters-gone")["QueueUrl"].rpartition("/")[2]
    dead = {"TargetArn": f"arn:aws:sqs:us-east-1:111122223333:{queue}"}
    made = function(ONE, Layers=[layer], DeadLetterConfig=dead)
    settled = made.client.get_function_configuration(FunctionName=made.name)
    assert (settled["Layers"][0]["Arn"], settled["DeadLetterConfig"]) == (layer, dead)
    empty = {"Layers": [], "DeadLetterConfig": {"TargetArn": ""}}
    made.client.update_function_configuration(FunctionName=made.name, **empty)
    settled = made.client.get_function_configuration(FunctionName=made.name)
    assert not {"Layers", "DeadLetterConfig"} & settled.keys()


def test_an_invalid_zip_is_rejected(function):
    with pytest.raises(ClientError, match="Could not unzip uploaded file"):
        function(ONE, Code={"ZipFile": b"no zip"})


def test_a_missing_runtime_is_rejected(function):
    with pytest.raises(ClientError, match="it does not support java21"):
        function(ONE, Runtime="java21")
    with pytest.raises(ClientError, match=r"Value python9 at 'runtime' failed .* set: \[.*\] or be a valid ARN"):
        function(ONE, Runtime="python9")


def test_new_code_runs_at_once(function):
    made = function(ONE)
    assert made.invoke().payload == 1
    made.client.update_function_code(FunctionName=made.name, ZipFile=archive(code=TWO))
    assert made.invoke().payload == 2


def test_new_settings_take_effect_at_once(function):
    made = function("import os\ndef handler(e, c):\n    return os.environ.get('KEY')")
    assert made.invoke().payload is None
    made.client.update_function_configuration(FunctionName=made.name, Environment={"Variables": {"KEY": "b"}})
    assert made.invoke().payload == "b"


def test_code_comes_from_s3(function, cloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="function-code")
    s3.put_object(Bucket="function-code", Key="code.zip", Body=archive(code=TWO))
    assert function(ONE, Code={"S3Bucket": "function-code", "S3Key": "code.zip"}).invoke().payload == 2


def test_code_that_is_missing_in_s3_is_reported(function, cloud):
    cloud.client("s3").create_bucket(Bucket="no-function-code")
    with pytest.raises(ClientError, match="Error occurred while GetObject. S3 Error Code: NoSuchKey"):
        function(ONE, Code={"S3Bucket": "no-function-code", "S3Key": "code.zip"})


def test_a_stale_revision_is_rejected(function):
    made = function(ONE)
    revision = made.client.get_function_configuration(FunctionName=made.name)["RevisionId"]
    made.client.update_function_configuration(FunctionName=made.name, Timeout=4, RevisionId=revision)
    with pytest.raises(made.client.exceptions.PreconditionFailedException):
        made.client.update_function_configuration(FunctionName=made.name, Timeout=5, RevisionId=revision)


def test_a_revision_changes_with_the_state_with_versions_and_with_tags(cloud):
    client = cloud.client("lambda")
    settings = {"FunctionName": "revised", "Runtime": "python3.11", "Role": ROLE, "Handler": "code.handler"}
    created = client.create_function(**settings, Code={"ZipFile": archive(code=ONE)})
    revisions = [created["RevisionId"]]

    def described():
        revisions.append(client.get_function_configuration(FunctionName="revised")["RevisionId"])

    described()
    version = client.publish_version(FunctionName="revised", RevisionId=revisions[-1])
    revisions.append(version["RevisionId"])
    described()
    client.tag_resource(Resource=created["FunctionArn"], Tags={"a": "1"})
    described()
    revisions.append(client.update_function_configuration(FunctionName="revised", Timeout=4)["RevisionId"])
    described()
    assert len(set(revisions)) == len(revisions)
    client.create_alias(FunctionName="revised", Name="live", FunctionVersion="1")
    assert client.get_function_configuration(FunctionName="revised")["RevisionId"] == revisions[-1]
    again = client.get_function_configuration(FunctionName="revised", Qualifier="1")
    assert again["RevisionId"] == version["RevisionId"]


def test_deprecated_runtimes_and_long_names_are_refused_in_awss_words(function, cloud):
    for runtime in ("python3.7", "nodejs14.x", "go1.x"):
        with pytest.raises(ClientError) as caught:
            function(ONE, Runtime=runtime)
        assert caught.value.response["Error"]["Message"] == (
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    with pytest.raises(ClientError, match="InvalidParameterValueException.*length less than or equal to 64"):
        function(ONE, FunctionName="a" * 65)
    with pytest.raises(ClientError, match="ResourceNotFoundException.*Function not found"):
        cloud.client("lambda").get_function(FunctionName="a" * 65)
    with pytest.raises(ClientError, match=r"InvalidParameterValueException.*LATEST version cannot be deleted"):
        cloud.client("lambda").delete_function(FunctionName="absent", Qualifier="$LATEST")


def test_a_changed_description_is_a_new_version(function):
    made = function(ONE, Description="one")
    client, name = made.client, made.name
    assert client.publish_version(FunctionName=name, Description="of the version")["Version"] == "1"
    assert client.publish_version(FunctionName=name)["Version"] == "1"
    client.update_function_configuration(FunctionName=name, Description="two")
    assert client.publish_version(FunctionName=name)["Description"] == "two"
    digest = client.get_function_configuration(FunctionName=name)["CodeSha256"]
    with pytest.raises(ClientError) as caught:
        client.publish_version(FunctionName=name, CodeSha256="other")
    assert caught.value.response["Error"]["Message"] == (
        f"CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ({digest}). Please try again with the "
        "CodeSHA256 in $LATEST."
    )


def test_responses_that_publish_have_the_arns_of_aws(cloud):
    client = cloud.client("lambda")
    settings = {"FunctionName": "publishing", "Runtime": "python3.11", "Role": ROLE, "Handler": "code.handler"}
    created = client.create_function(**settings, Code={"ZipFile": archive(code=ONE)}, Publish=True)
    assert (created["Version"], created["FunctionArn"].rpartition(":")[2]) == ("1", "publishing")
    updated = client.update_function_code(FunctionName="publishing", ZipFile=archive(code=TWO), Publish=True)
    assert (updated["Version"], updated["FunctionArn"].rpartition(":")[2]) == ("2", "2")
    assert (updated["State"], "LastUpdateStatus" in updated) == ("Pending", False)


def test_an_error_for_a_missing_function_names_latest_where_aws_does(cloud):
    client = cloud.client("lambda")
    arn = "Function not found: arn:aws:lambda:us-east-1:111122223333:function:absent"
    reserve = {"FunctionName": "absent", "ReservedConcurrentExecutions": 1}
    for call, params, suffix in (
        (client.invoke, {"FunctionName": "absent"}, ":$LATEST"),
        (client.put_function_concurrency, reserve, ":$LATEST"),
        (client.get_function, {"FunctionName": "absent"}, ""),
        (client.get_function_concurrency, {"FunctionName": "absent"}, ""),
    ):
        with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
            call(**params)
        assert caught.value.response["Error"]["Message"] == arn + suffix


@pytest.mark.slow
def test_an_archive_beyond_the_limit_is_too_large(function):
    made = function(ONE)
    with pytest.raises(ClientError) as caught:
        made.client.update_function_code(FunctionName=made.name, ZipFile=bytes(52_428_801))
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == (
        "RequestEntityTooLargeException",
        413,
    )
    assert error["Error"]["Message"] == "Zipped size must be smaller than 52428800 bytes"


def test_a_deleted_function_is_gone(function):
    made = function(ONE)
    made.invoke()
    made.client.delete_function(FunctionName=made.name)
    with pytest.raises(made.client.exceptions.ResourceNotFoundException):
        made.client.get_function(FunctionName=made.name)


def test_functions_are_listed_in_pages(function, start_cloud):
    client = start_cloud().client("lambda")
    for index in range(5):
        function(ONE, client=client, FunctionName=f"paged-{index}")
    pages = client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    names = [entry["FunctionName"] for page in pages for entry in page["Functions"]]
    assert names == [f"paged-{index}" for index in range(5)]


def test_versions_and_aliases_keep_what_was_published(function):
    made = function(ONE)
    assert made.client.publish_version(FunctionName=made.name)["Version"] == "1"
    assert made.client.publish_version(FunctionName=made.name)["Version"] == "1"  # no change, no new version
    made.client.create_alias(FunctionName=made.name, Name="live", FunctionVersion="1")
    made.client.update_function_code(FunctionName=made.name, ZipFile=archive(code=TWO), Publish=True)
    assert [made.invoke(Qualifier=name).payload for name in ("1", "2", "live", "$LATEST")] == [1, 2, 1, 2]
    made.client.update_alias(FunctionName=made.name, Name="live", FunctionVersion="2")
    assert made.invoke(Qualifier="live").payload == 2
    versions = made.client.list_versions_by_function(FunctionName=made.name)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1", "2"]


def test_a_layer_provides_modules(function, cloud):
    client = cloud.client("lambda")
    layer = client.publish_layer_version(
        LayerName="words", Content={"ZipFile": archive(**{"python/words": "greeting = 'hello'"})}
    )
    assert layer["Version"] == 1
    made = function("import words\ndef handler(e, c):\n    return words.greeting", Layers=[layer["LayerVersionArn"]])
    assert made.invoke().payload == "hello"


def test_shared_libraries_of_a_layer_are_found(function, cloud):
    content = {"ZipFile": archive({"lib/libwords.so": ""})}
    layer = cloud.client("lambda").publish_layer_version(LayerName="native", Content=content)["LayerVersionArn"]
    code = "import os\ndef handler(e, c):\n    return os.environ.get('LD_LIBRARY_PATH')"
    assert [function(code, Layers=layers).invoke().payload for layers in ([layer], [])] == ["/opt/lib", None]


def test_a_missing_layer_is_rejected(function):
    arn = "arn:aws:lambda:us-east-1:111122223333:layer:nothing:1"
    with pytest.raises(ClientError, match="Layer version .* does not exist"):
        function(ONE, Layers=[arn])


def test_a_layer_of_another_account_is_rejected_by_name(cloud, function):
    content = {"ZipFile": archive(**{"python/shared": "number = 3"})}
    own = cloud.client("lambda").publish_layer_version(LayerName="shared", Content=content)["LayerVersionArn"]
    foreign = own.replace("111122223333", "336392948345")
    with pytest.raises(ClientError, match=f"no layers of other accounts and regions: {foreign}. Publish"):
        function(ONE, Layers=[foreign])


def test_permissions_make_a_policy(function):
    made = function(ONE)
    made.client.add_permission(
        FunctionName=made.name,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::pictures",
    )
    policy = json.loads(made.client.get_policy(FunctionName=made.name)["Policy"])
    assert policy["Statement"][0]["Principal"] == {"Service": "s3.amazonaws.com"}
    assert policy["Statement"][0]["Condition"] == {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::pictures"}}
    made.client.remove_permission(FunctionName=made.name, StatementId="s3")
    with pytest.raises(made.client.exceptions.ResourceNotFoundException):
        made.client.get_policy(FunctionName=made.name)


def test_tags_are_added_and_removed(function):
    made = function(ONE, Tags={"a": "1"})
    arn = made.client.get_function(FunctionName=made.name)["Configuration"]["FunctionArn"]
    made.client.tag_resource(Resource=arn, Tags={"b": "2"})
    made.client.untag_resource(Resource=arn, TagKeys=["a"])
    assert made.client.list_tags(Resource=arn)["Tags"] == {"b": "2"}


def test_functions_survive_kill_9(function, start_cloud):
    cloud = start_cloud()
    made = function(ONE, client=cloud.client("lambda"), FunctionName="lasting", Role=ROLE)
    assert made.invoke().payload == 1
    cloud.kill()
    answer = start_cloud().client("lambda").invoke(FunctionName="lasting")
    assert answer["Payload"].read() == b"1"


def test_an_accepted_event_survives_kill_9(function, start_cloud, tmp_path):
    cloud = start_cloud()
    cloud.client("s3").create_bucket(Bucket="events")
    code = """
import boto3, time
def handler(event, context):
    boto3.client("s3").put_object(Bucket="events", Key="seen", Body=b"1")
"""
    made = function(code, client=cloud.client("lambda"), FunctionName="later", Timeout=30, MemorySize=512)
    made.client.invoke(FunctionName="later", InvocationType="Event", Payload=b"{}")
    cloud.kill()
    s3 = start_cloud().client("s3")
    s3.get_waiter("object_exists").wait(Bucket="events", Key="seen", WaiterConfig={"Delay": 1, "MaxAttempts": 20})


def test_a_function_keeps_a_layer_that_was_deleted(function, cloud):
    client = cloud.client("lambda")
    published = [
        client.publish_layer_version(LayerName="kept", Content={"ZipFile": archive(**{"python/kept": "number = 1"})})
    ]
    code = "import kept\ndef handler(e, c):\n    return kept.number"
    made = function(code, Layers=[published[0]["LayerVersionArn"]])
    client.delete_layer_version(LayerName="kept", VersionNumber=1)
    published.append(
        client.publish_layer_version(LayerName="kept", Content={"ZipFile": archive(**{"python/kept": "number = 2"})})
    )
    assert [version["Version"] for version in published] == [1, 2]
    assert made.invoke().payload == 1
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_layer_version(LayerName="kept", VersionNumber=1)
    assert [version["Version"] for version in client.list_layer_versions(LayerName="kept")["LayerVersions"]] == [2]
    with pytest.raises(ClientError, match="Layer version .* does not exist"):
        function(code, Layers=[published[0]["LayerVersionArn"]])


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"AWS_REGION": "eu-west-1", "KEY": "x"}, r"Reserved keys used in this request: AWS_REGION$"),
        ({"LONG": "x" * 4096}, "exceeded the 4KB limit. String measured: "),
    ],
)
def test_variables_that_aws_rejects_are_rejected(function, variables, message):
    made = function(ONE, Environment={"Variables": {"KEPT": "1"}})
    environment = {"Variables": variables}
    with pytest.raises(made.client.exceptions.InvalidParameterValueException, match=message):
        function(ONE, client=made.client, Environment=environment)
    with pytest.raises(made.client.exceptions.InvalidParameterValueException, match=message):
        made.client.update_function_configuration(FunctionName=made.name, Environment=environment)
    described = made.client.get_function_configuration(FunctionName=made.name)
    assert described["Environment"] == {"Variables": {"KEPT": "1"}}


def test_a_damaged_archive_is_rejected(function):
    damaged = bytearray(archive(code="def handler(e, c):\n    return 7"))
    damaged[damaged.find(b"return 7")] ^= 1
    with pytest.raises(ClientError, match="Could not unzip uploaded file"):
        function(ONE, Code={"ZipFile": bytes(damaged)})


def test_functions_of_another_region_or_account_are_rejected(function):
    made = function(ONE)
    with pytest.raises(
        made.client.exceptions.ResourceNotFoundException,
        match=r"Functions from 'eu-west-1' are not reachable in this region \('us-east-1'\)",
    ):
        made.client.get_function(FunctionName=f"arn:aws:lambda:eu-west-1:111122223333:function:{made.name}")
    with pytest.raises(ClientError, match="is not authorized to perform: lambda:InvokeFunction on resource") as refused:
        made.client.invoke(FunctionName=f"arn:aws:lambda:us-east-1:444455556666:function:{made.name}")
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


def test_an_invented_marker_is_rejected(cloud):
    with pytest.raises(ClientError, match="Marker x was not returned by an earlier request"):
        cloud.client("lambda").list_functions(Marker="x")


def test_list_functions_omits_the_state(function):
    made = function(ONE)
    listed = made.client.list_versions_by_function(FunctionName=made.name)["Versions"][0]
    assert listed["FunctionName"] == made.name
    assert "State" not in listed


def test_the_account_settings_have_limits_and_usage(start_cloud, function):
    client = start_cloud().client("lambda")
    function(ONE, client=client, FunctionName="counted")
    client.put_function_concurrency(FunctionName="counted", ReservedConcurrentExecutions=100)
    settings = client.get_account_settings()
    assert settings["AccountUsage"] == {"FunctionCount": 1, "TotalCodeSize": len(archive(code=ONE))}
    assert settings["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 900


FILE, LINK = 0o100644, 0o120777


@pytest.mark.parametrize(
    "entries",
    [
        [("a" * 300, FILE)],
        [("é" * 128, FILE)],
        [("a/" * 1100 + "b", FILE)],
        [("a", FILE), ("a/b", FILE)],
        [("a/b/c", FILE), ("a/b", FILE)],
        [("a/", FILE), ("a", FILE)],
        [("l", LINK), ("l/x", FILE)],
        [("..", FILE)],
    ],
)
def test_an_archive_that_no_folder_can_hold_is_rejected(cloud, function, entries):
    archive = zip_of({name: "/etc" for name, _ in entries}, modes=dict(entries))
    made = function(ONE)
    with pytest.raises(ClientError, match=r"InvalidParameterValueException.*Could not unzip uploaded file"):
        function(ONE, Code={"ZipFile": archive})
    with pytest.raises(ClientError, match=r"InvalidParameterValueException.*Could not unzip uploaded file"):
        made.client.update_function_code(FunctionName=made.name, ZipFile=archive)
    assert made.invoke().payload == 1


def test_a_stored_archive_that_cannot_be_unpacked_leaves_nothing_behind(tmp_path):
    store = CodeStore(tmp_path)
    store.archive("0" * 64).write_bytes(zip_of({"a": "x", "a/b": "x"}))  # as an earlier release accepted it
    with pytest.raises(OSError, match="a/b"):
        store.contents(("0" * 64,))
    assert not list((tmp_path / "tasks").iterdir())


@pytest.mark.parametrize("qualifier", ["9" * 30, "9" * 120])
def test_a_missing_version_may_have_a_number_of_any_length(function, qualifier):
    made = function(ONE)
    with pytest.raises(made.client.exceptions.ResourceNotFoundException):
        made.client.get_function(FunctionName=made.name, Qualifier=qualifier)
    with pytest.raises(made.client.exceptions.ResourceNotFoundException):
        made.client.invoke(FunctionName=made.name, Qualifier=qualifier)
    made.client.delete_function(FunctionName=made.name, Qualifier=qualifier)
    arn = f"arn:aws:lambda:us-east-1:111122223333:layer:none:{qualifier[:60]}"
    with pytest.raises(made.client.exceptions.ResourceNotFoundException):
        made.client.get_layer_version_by_arn(Arn=arn)
