"""Distributed Maps: child executions, Map Runs, readers, batches, writers, tolerated failures, and resumption."""

from __future__ import annotations

import gzip
import json
import time
import uuid

import pytest

from support.zips import zip_of

S3 = "arn:aws:states:::s3"
PASS = {"One": {"Type": "Pass", "End": True}}
FAIL_ON_3 = {
    "Which": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 3, "Next": "No"}], "Default": "Yes"},
    "Yes": {"Type": "Succeed"},
    "No": {"Type": "Fail", "Error": "Three", "Cause": "It is three."},
}


def distributed(states, kind="STANDARD", **fields):
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, "StartAt": next(iter(states))}
    state = {"Type": "Map", "ItemProcessor": {**processor, "States": states}, "End": True, **fields}
    return {"StartAt": "Each", "States": {"Each": state}}


def reader(bucket, key, **config):
    return {"Resource": f"{S3}:getObject", "ReaderConfig": config, "Parameters": {"Bucket": bucket, "Key": key}}


def output(described):
    assert described["status"] == "SUCCEEDED", described
    return json.loads(described["output"])


def map_run(machines, execution):
    (listed,) = machines.client.list_map_runs(executionArn=execution)["mapRuns"]
    return listed["mapRunArn"]


def children(machines, run, **params):
    pages = machines.client.get_paginator("list_executions").paginate(mapRunArn=run, **params)
    return [each for page in pages for each in page["executions"]]


def until(what, timeout=30):
    deadline = time.monotonic() + timeout
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


@pytest.fixture
def bucket(cloud):
    s3 = cloud.client("s3")
    name = f"items-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def test_every_item_is_an_execution_under_the_map_run(machines):
    fields = {"Label": "Numbers", "ItemSelector": {"n.$": "$$.Map.Item.Value", "from.$": "$$.Map.Item.Source"}}
    context = {"Name.$": "$$.Execution.Name", "Machine.$": "$$.StateMachine.Id", "n.$": "$.n"}
    states = {"One": {"Type": "Pass", "Parameters": context, "End": True}}
    machine = machines.create(distributed(states, **fields))
    execution = machines.start(machine, [1, 2])
    results = output(machines.wait(execution))
    assert [result["n"] for result in results] == [1, 2]
    run = map_run(machines, execution)
    base, label = machine.replace(":stateMachine:", ":mapRun:"), f"{machine}/Numbers"
    assert run.startswith(f"{base}/Numbers:")
    listed = {each["name"]: each for each in children(machines, run)}
    assert {result["Name"] for result in results} == set(listed)
    assert {result["Machine"] for result in results} == {label}
    for each in listed.values():
        assert each["executionArn"] == f"{label.replace(':stateMachine:', ':execution:')}:{each['name']}"
        assert (each["stateMachineArn"], each["mapRunArn"], each["itemCount"]) == (label, run, 1)
        described = machines.client.describe_execution(executionArn=each["executionArn"])
        assert described["mapRunArn"] == run
        assert json.loads(described["input"])["from"] == "STATE_DATA"
        assert [event["type"] for event in machines.history(each["executionArn"])] == [
            "ExecutionStarted",
            "PassStateEntered",
            "PassStateExited",
            "ExecutionSucceeded",
        ]
    assert [each["executionArn"] for each in children_of_machine(machines, machine)] == [execution]
    counts = machines.client.describe_map_run(mapRunArn=run)
    assert (counts["status"], counts["executionCounts"]["succeeded"], counts["itemCounts"]["total"]) == (
        "SUCCEEDED",
        2,
        2,
    )
    assert counts["itemCounts"]["resultsWritten"] == 2


def children_of_machine(machines, machine):
    return machines.client.list_executions(stateMachineArn=machine)["executions"]


def test_too_many_failures_fail_the_map(machines):
    machine = machines.create(distributed(FAIL_ON_3, MaxConcurrency=1))
    execution = machines.start(machine, [1, 3, 5, 7])
    described = machines.wait(execution)
    error = "States.ExceedToleratedFailureThreshold"
    cause = "The specified tolerated failure threshold was exceeded"
    assert (described["error"], described["cause"]) == (error, cause)
    events = machines.history(execution)
    assert [event["type"] for event in events[2:]] == [
        "MapStateStarted",
        "MapRunStarted",
        "MapRunFailed",
        "MapStateFailed",
        "ExecutionFailed",
    ]
    assert events[4]["mapRunFailedEventDetails"] == {"error": error, "cause": cause}
    run = machines.client.describe_map_run(mapRunArn=map_run(machines, execution))
    counts = run["executionCounts"]
    assert (run["status"], counts["succeeded"], counts["failed"], counts["pending"]) == ("FAILED", 1, 1, 2)


@pytest.mark.parametrize(
    ("tolerated", "status"),
    [
        ({"ToleratedFailureCount": 1}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 25}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 24.9}, "FAILED"),
        ({"ToleratedFailureCount": 1, "ToleratedFailurePercentage": 0}, "FAILED"),
        ({"ToleratedFailureCountPath": "$$.Execution.Input[0]"}, "refused"),
    ],
)
def test_failures_are_tolerated_up_to_a_count_or_a_percentage(machines, tolerated, status):
    definition = distributed(FAIL_ON_3, **tolerated)
    if status == "refused":
        with pytest.raises(machines.client.exceptions.InvalidDefinition, match="not a Reference Path"):
            machines.create(definition)
        return
    described = machines.run(definition, [1, 2, 3, 4])
    assert described["status"] == status
    if status == "SUCCEEDED":
        assert output(described) == [1, 2, 4]


def test_a_map_is_retried_with_a_new_run_and_caught(machines):
    error = ["States.ExceedToleratedFailureThreshold"]
    retry = [{"ErrorEquals": error, "MaxAttempts": 1, "IntervalSeconds": 1}]
    definition = distributed(
        FAIL_ON_3, Retry=retry, Catch=[{"ErrorEquals": error, "Next": "Caught", "ResultPath": "$[0]"}]
    )
    definition["States"]["Caught"] = {"Type": "Pass", "End": True}
    execution = machines.start(machines.create(definition), [3])
    (caught,) = output(machines.wait(execution))
    assert caught["Error"] == error[0]
    assert len(machines.client.list_map_runs(executionArn=execution)["mapRuns"]) == 2


def test_batches_have_limits_of_items_and_bytes(machines):
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"who.$": "$$.Execution.Name"}}
    execution = machines.start(machines.create(distributed(PASS, ItemBatcher=batcher)), [1, 2, 3])
    name = execution.rpartition(":")[2]
    assert output(machines.wait(execution)) == [
        {"BatchInput": {"who": name}, "Items": [1, 2]},
        {"BatchInput": {"who": name}, "Items": [3]},
    ]
    run = machines.client.describe_map_run(mapRunArn=map_run(machines, execution))
    assert (run["itemCounts"]["succeeded"], run["executionCounts"]["succeeded"]) == (3, 2)
    small = distributed(PASS, ItemBatcher={"MaxInputBytesPerBatch": len('{"Items":["aaaa","bbbb"]}')})
    assert output(machines.run(small, ["aaaa", "bbbb", "cc"])) == [{"Items": ["aaaa", "bbbb"]}, {"Items": ["cc"]}]
    described = machines.run(small, ["a" * 100])
    assert described["error"] == "States.DataLimitExceeded"


@pytest.mark.parametrize(
    ("body", "config", "expected"),
    [
        ('{"a": {"b/c": [1, 2]}}', {"InputType": "JSON", "ItemsPointer": "/a/b~1c"}, [1, 2]),
        ('{"x": 1}\n\n[2]\n', {"InputType": "JSONL"}, [{"x": 1}, [2]]),
        (
            "b|a\n1|2\n",
            {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "CSVDelimiter": "PIPE"},
            [{"a": "2", "b": "1"}],
        ),
        (
            '"1,5",2\n3\n',
            {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a", "b"], "MaxItems": 1},
            [{"a": "1,5", "b": "2"}],
        ),
        ('["\\ud800"]', {"InputType": "JSON"}, ["?"]),
    ],
)
def test_items_are_read_from_an_object(cloud, machines, bucket, body, config, expected):
    cloud.client("s3").put_object(Bucket=bucket, Key="items", Body=body)
    assert output(machines.run(distributed(PASS, ItemReader=reader(bucket, "items", **config)))) == expected


@pytest.mark.parametrize(
    ("body", "kind", "cause"),
    [
        ('{"a": 1}', "JSON", "Attempting to map over non-iterable node."),
        ("[1", "JSON", "not valid JSON"),
        ("[1]\n[2", "JSONL", "could not be read"),
        (None, "JSON", "The specified key does not exist"),
    ],
)
def test_an_object_that_cannot_be_read_fails_the_map(cloud, machines, bucket, body, kind, cause):
    if body is not None:
        cloud.client("s3").put_object(Bucket=bucket, Key="items", Body=body)
    catch = [{"ErrorEquals": ["States.ItemReaderFailed"], "Next": "Caught"}]
    definition = distributed(PASS, ItemReader=reader(bucket, "items", InputType=kind), Catch=catch)
    definition["States"]["Caught"] = {"Type": "Pass", "End": True}
    assert cause in output(machines.run(definition))["Cause"]


def test_objects_of_a_bucket_and_of_an_inventory_are_items(cloud, machines, bucket):
    s3 = cloud.client("s3")
    for key in ("in/a", "in/b", "other"):
        s3.put_object(Bucket=bucket, Key=key, Body=key)
    listing = {"Resource": f"{S3}:listObjectsV2", "Parameters": {"Bucket": bucket, "Prefix": "in/"}}
    items = output(machines.run(distributed(PASS, ItemReader=listing)))
    assert [list(item) for item in items] == [["Etag", "Key", "LastModified", "Size", "StorageClass"]] * 2
    assert [(item["Key"], item["Size"]) for item in items] == [("in/a", 4), ("in/b", 4)]

    s3.put_object(Bucket=bucket, Key="data/1.csv.gz", Body=gzip.compress(b'"b","in/a","4"\n"b","in/b","4"\n'))
    manifest = {
        "destinationBucket": f"arn:aws:s3:::{bucket}",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size",
        "files": [{"key": "data/1.csv.gz"}],
    }
    s3.put_object(Bucket=bucket, Key="manifest.json", Body=json.dumps(manifest))
    inventory = reader(bucket, "manifest.json", InputType="MANIFEST")
    items = output(machines.run(distributed(PASS, ItemReader=inventory)))
    assert [item["Key"] for item in items] == ["in/a", "in/b"]


def test_items_in_listed_objects_and_in_those_of_a_manifest_of_athena(cloud, machines, bucket):
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="in/1", Body='{"a": 1}\n{"a": 2}\n')
    s3.put_object(Bucket=bucket, Key="in/2", Body='{"a": 3}\n')
    listing = {
        "Resource": f"{S3}:listObjectsV2",
        "ReaderConfig": {"InputType": "JSONL", "Transformation": "LOAD_AND_FLATTEN"},
        "Parameters": {"Bucket": bucket, "Prefix": "in/"},
    }
    assert output(machines.run(distributed(PASS, ItemReader=listing))) == [{"a": 1}, {"a": 2}, {"a": 3}]

    s3.put_object(Bucket=bucket, Key="manifest.csv", Body=f"s3://{bucket}/in/2\ns3://{bucket}/in/1\n")
    athena = reader(bucket, "manifest.csv", InputType="JSONL", ManifestType="ATHENA_DATA", MaxItems=2)
    assert output(machines.run(distributed(PASS, ItemReader=athena))) == [{"a": 3}, {"a": 1}]


def test_jsonata_reads_selects_batches_and_limits(cloud, machines, bucket):
    cloud.client("s3").put_object(Bucket=bucket, Key="items", Body="[1, 2, 3, 4]")
    definition = distributed(
        PASS,
        ItemReader={
            "Resource": f"{S3}:getObject",
            "ReaderConfig": {"InputType": "JSON", "MaxItems": "{% $states.input.most %}"},
            "Arguments": {"Bucket": bucket, "Key": "{% $states.input.key %}"},
        },
        ItemSelector={"v": "{% $states.context.Map.Item.Value * 2 %}"},
        ItemBatcher={"MaxItemsPerBatch": "{% $states.input.most - 1 %}"},
        MaxConcurrency="{% 1 + 1 %}",
        ToleratedFailurePercentage="{% 5 * 2 %}",
        ToleratedFailureCount="{% 3 %}",
        Output="{% $states.result.Items.v %}",
    )
    definition["QueryLanguage"] = "JSONata"
    execution = machines.start(machines.create(definition), {"key": "items", "most": 3})
    assert output(machines.wait(execution)) == [2, 4, 6]
    run = machines.client.describe_map_run(mapRunArn=map_run(machines, execution))
    limits = (run["maxConcurrency"], run["toleratedFailureCount"], run["toleratedFailurePercentage"])
    assert limits == (2, 3, 10.0)


def test_variables_of_the_parent_are_not_seen_by_children(machines):
    definition = distributed({"One": {"Type": "Pass", "Parameters": {"seen.$": "$outer"}, "End": True}})
    definition["StartAt"] = "Set"
    definition["States"]["Set"] = {"Type": "Pass", "Assign": {"outer": 1}, "Next": "Each"}
    execution = machines.start(machines.create(definition), [1])
    assert machines.wait(execution)["error"] == "States.ExceedToleratedFailureThreshold"
    (child,) = children(machines, map_run(machines, execution), statusFilter="FAILED")
    assert "outer" in machines.client.describe_execution(executionArn=child["executionArn"])["cause"]


def test_results_are_written_to_s3(cloud, machines, bucket):
    writer = {"Resource": f"{S3}:putObject", "Parameters": {"Bucket": bucket, "Prefix": "out"}}
    definition = distributed(FAIL_ON_3, ResultWriter=writer, MaxConcurrency=1, ToleratedFailureCount=1)
    s3 = cloud.client("s3")

    def read(key):
        return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    result = output(machines.run(definition, [1, 3]))
    run, details = result["MapRunArn"], result["ResultWriterDetails"]
    assert details == {"Bucket": bucket, "Key": f"out/{run.rpartition(':')[2]}/manifest.json"}
    manifest = read(details["Key"])
    assert (manifest["DestinationBucket"], manifest["MapRunArn"]) == (bucket, run)
    files = manifest["ResultFiles"]
    assert files["PENDING"] == []
    assert (
        files["SUCCEEDED"][0]["Size"]
        == s3.head_object(Bucket=bucket, Key=files["SUCCEEDED"][0]["Key"])["ContentLength"]
    )
    (good,), (bad,) = read(files["SUCCEEDED"][0]["Key"]), read(files["FAILED"][0]["Key"])
    assert (good["Input"], good["Output"], good["Status"]) == ("1", "1", "SUCCEEDED")
    assert (bad["Error"], bad["Cause"], bad["Input"], bad["Status"]) == ("Three", "It is three.", "3", "FAILED")

    del definition["States"]["Each"]["ToleratedFailureCount"]
    execution = machines.start(machines.create(definition), [3, 1])
    assert machines.wait(execution)["error"] == "States.ExceedToleratedFailureThreshold"
    folder = f"out/{map_run(machines, execution).rpartition(':')[2]}"
    assert [each["Input"] for each in read(f"{folder}/PENDING_0.json")] == ["1"]

    writer["Parameters"]["Bucket"] = f"missing-{bucket}"
    assert machines.run(definition, [1])["error"] == "States.ResultWriterFailed"


def test_results_are_transformed(cloud, machines, bucket):
    writer = {"WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSON"}}
    assert output(machines.run(distributed(PASS, ResultWriter=writer), [[1, 2], [3], {"a": 4}])) == [1, 2, 3, {"a": 4}]
    writer = {
        "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSONL"},
        "Resource": f"{S3}:putObject",
        "Parameters": {"Bucket": bucket},
    }
    key = output(machines.run(distributed(PASS, ResultWriter=writer), [[1], 2]))["ResultWriterDetails"]["Key"]
    body = cloud.client("s3").get_object(Bucket=bucket, Key=key.replace("manifest", "SUCCEEDED_0"))["Body"].read()
    assert body == b"[1]\n2\n"


def test_stopping_the_parent_aborts_the_children(machines):
    states = {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}
    execution = machines.start(machines.create(distributed(states, MaxConcurrency=2)), [1, 2, 3])
    machines.reach(execution, "MapRunStarted")
    run = map_run(machines, execution)
    until(lambda: len(children(machines, run, statusFilter="RUNNING")) == 2)
    machines.client.stop_execution(executionArn=execution)
    assert {child["status"] for child in children(machines, run)} == {"ABORTED"}
    described = machines.client.describe_map_run(mapRunArn=run)
    counts = described["executionCounts"]
    assert (described["status"], counts["aborted"], counts["pending"]) == ("ABORTED", 2, 1)


def test_children_are_aborted_when_the_parent_times_out(machines):
    definition = distributed({"Wait": {"Type": "Wait", "Seconds": 600, "End": True}})
    execution = machines.start(machines.create({**definition, "TimeoutSeconds": 1}), [1])
    assert machines.wait(execution)["status"] == "TIMED_OUT"
    (child,) = children(machines, map_run(machines, execution))
    assert child["status"] == "ABORTED"


def test_a_running_map_run_can_be_changed(machines):
    states = {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}
    execution = machines.start(machines.create(distributed(states, MaxConcurrency=1)), [1, 2, 3])
    machines.reach(execution, "MapRunStarted")
    run = map_run(machines, execution)
    machines.client.update_map_run(mapRunArn=run, maxConcurrency=3, toleratedFailureCount=2)
    running = until(lambda: (found := children(machines, run, statusFilter="RUNNING"))[2:] and found)
    for child in running[:2]:
        machines.client.stop_execution(executionArn=child["executionArn"])
    assert machines.client.describe_execution(executionArn=execution)["status"] == "RUNNING"
    machines.client.stop_execution(executionArn=running[2]["executionArn"])
    assert machines.wait(execution)["error"] == "States.ExceedToleratedFailureThreshold"
    with pytest.raises(machines.client.exceptions.ClientError, match="ValidationException"):
        machines.client.update_map_run(mapRunArn=run, maxConcurrency=1)
    with pytest.raises(machines.client.exceptions.ResourceNotFound):
        machines.client.describe_map_run(mapRunArn=f"{run}0")


def test_failed_child_executions_are_redriven_under_the_same_map_run(cloud, machines, function):
    arn = function("def handler(event, context):\n    return 6 // (event - 3)\n")
    states = {"Call": {"Type": "Task", "Resource": arn, "End": True}}
    execution = machines.start(machines.create(distributed(states, MaxConcurrency=1)), [1, 3, 5])
    assert machines.wait(execution)["status"] == "FAILED"
    run = map_run(machines, execution)
    (failed,) = children(machines, run, statusFilter="FAILED")
    described = machines.client.describe_execution(executionArn=failed["executionArn"])
    assert described["redriveStatus"] == "REDRIVABLE_BY_MAP_RUN"
    with pytest.raises(machines.client.exceptions.ExecutionNotRedrivable, match="Map Run"):
        machines.client.redrive_execution(executionArn=failed["executionArn"])

    functions = cloud.client("lambda")
    repaired = zip_of({"main.py": "def handler(event, context):\n    return event\n"})
    functions.update_function_code(FunctionName=arn, ZipFile=repaired)
    functions.get_waiter("function_updated_v2").wait(FunctionName=arn)
    machines.client.redrive_execution(executionArn=execution)
    assert output(machines.wait(execution)) == [-3, 3, 5]
    described = machines.client.describe_map_run(mapRunArn=run)
    counts = described["executionCounts"]
    assert (described["status"], described["redriveCount"], counts["succeeded"]) == ("SUCCEEDED", 1, 3)
    types = [event["type"] for event in machines.history(execution)]
    assert types[7:] == [
        "ExecutionRedriven",
        "MapRunRedriven",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]
    assert "ExecutionRedriven" in [event["type"] for event in machines.history(failed["executionArn"])]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Label": ""}, "Label cannot be empty"),
        ({"Label": "x" * 41}, "exceeds the 40-character limit allowed by the service"),
        ({"ToleratedFailurePercentage": 101}, "Maximum value is 100.0"),
        ({"ToleratedFailureCount": 1, "ToleratedFailureCountPath": "$.n"}, "only be one of the following fields"),
        ({"ItemReader": {"Resource": f"{S3}:getObject", "ReaderConfig": {"InputType": "PARQUET"}}}, "PARQUET"),
        ({"ItemReader": {"Resource": f"{S3}:getObject", "ReaderConfig": {"InputType": "XML"}}}, "InputType"),
        ({"ItemReader": reader("b", "k", InputType="CSV")}, "CSVHeaderLocation"),
        (
            {"ItemProcessor": {"ProcessorConfig": {"Mode": "FAR"}, "StartAt": "One", "States": PASS}},
            "INLINE, DISTRIBUTED",
        ),
        ({"ItemBatcher": {}}, "MaxItemsPerBatch"),
        ({"ItemBatcher": {"MaxItemsPerBatch": 1, "BatchInput": {"a.$": "no path"}}}, "valid JSONPath"),
        ({"ResultWriter": {}}, "WriterConfig"),
    ],
)
def test_invalid_fields_are_rejected(machines, fields, message):
    with pytest.raises(machines.client.exceptions.InvalidDefinition, match=message):
        machines.create(distributed(PASS, **fields))


def test_express_child_executions_run_but_cannot_wait_for_tokens(machines):
    assert output(machines.run(distributed(PASS, "EXPRESS"), [1])) == [1]
    token = {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}}
    waits = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "Parameters": token}
    with pytest.raises(machines.client.exceptions.InvalidDefinition, match="Express state machine does not support"):
        machines.create(distributed({"Wait": {**waits, "End": True}}, "EXPRESS"))


def test_fields_of_the_distributed_mode_need_it(machines):
    definition = distributed(PASS, ItemBatcher={"MaxItemsPerBatch": 2})
    definition["States"]["Each"]["ItemProcessor"]["ProcessorConfig"] = {"Mode": "INLINE"}
    with pytest.raises(machines.client.exceptions.InvalidDefinition, match="ItemBatcher"):
        machines.create(definition)


@pytest.mark.slow
def test_a_map_run_continues_after_a_crash(start_cloud, machines_of):
    cloud = start_cloud()
    before = machines_of(cloud)
    states = {
        "Note": {"Type": "Pass", "Next": "Wait"},
        "Wait": {"Type": "Wait", "SecondsPath": "$", "End": True},
    }
    execution = before.start(before.create(distributed(states, MaxConcurrency=3)), [0, 0, 3, 3, 0])
    before.reach(execution, "MapRunStarted")
    run = map_run(before, execution)
    until(lambda: len(children(before, run, statusFilter="SUCCEEDED")) == 3)
    first = {each["executionArn"]: before.history(each["executionArn"]) for each in children(before, run)}
    cloud.kill()

    after = machines_of(start_cloud())
    assert output(after.wait(execution)) == [0, 0, 3, 3, 0]
    assert map_run(after, execution) == run
    listed = children(after, run)
    assert len(listed) == 5
    for each in listed:
        events = after.history(each["executionArn"])
        assert [event["type"] for event in events] == [
            "ExecutionStarted",
            "PassStateEntered",
            "PassStateExited",
            "WaitStateEntered",
            "WaitStateExited",
            "ExecutionSucceeded",
        ]
        known = first[each["executionArn"]]
        assert events[: len(known)] == known
    types = [event["type"] for event in after.history(execution)]
    assert (types.count("MapRunStarted"), types.count("MapStateStarted")) == (1, 1)


def test_a_stop_after_a_crash_aborts_children_that_were_not_resumed_yet(start_cloud, machines_of):
    cloud = start_cloud()
    before = machines_of(cloud)
    states = {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}
    execution = before.start(before.create(distributed(states, MaxConcurrency=3)), [1, 2, 3])
    before.reach(execution, "MapRunStarted")
    run = map_run(before, execution)
    until(lambda: len(children(before, run, statusFilter="RUNNING")) == 3)
    before.client.update_map_run(mapRunArn=run, maxConcurrency=1)
    cloud.kill()

    after = machines_of(start_cloud())
    after.client.stop_execution(executionArn=execution)
    assert [child["status"] for child in children(after, run)] == ["ABORTED"] * 3
    for child in children(after, run):
        assert after.history(child["executionArn"])[-1]["type"] == "ExecutionAborted"
    assert after.client.describe_map_run(mapRunArn=run)["executionCounts"]["aborted"] == 3
