"""Make `data/version-N` with the present release: `python tests/upgrades/make_old_folder.py`, before the next release.

The program starts a local cloud, creates resources of every service through boto3, and ends the cloud. It stores the
folder as text, with calls and their responses; `test_old_folders.py` repeats these calls on later releases.
"""

# The requests marked "fmt: skip" stay on few lines, because one argument per line would hide the sequence of requests.
from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.old_folder import DUMP, RESPONSES, dump, plain

PROGRAM = Path(__file__).parents[1] / "support" / "image_program.py"
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/test-image:1"
KEYS = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
"""The keys of AWS's documentation: this folder is public."""
URL = "http://127.0.0.1:4566"
"""The cloud's address in the stored text, in place of the port that was free when it was made."""
SOURCE = "def handler(event, context):\n    return {'echo': event}\n"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})


class Recorder:
    """Makes calls, and keeps those that later releases must answer in the same way."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.client = client
        self.calls: list[dict[str, Any]] = []

    def keep(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Make a call that reads, and keep it with its response."""
        response = plain(getattr(self.client(service), operation)(**parameters))
        self.calls.append({"service": service, "operation": operation, "parameters": parameters, "response": response})
        return response


def make_s3(recorder: Recorder) -> None:
    s3, bucket = recorder.client("s3"), "upgraded"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "ml"}]})
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
        ]}),
    )  # fmt: skip
    s3.put_object(Bucket=bucket, Key="small.txt", Body=b"small", Metadata={"made": "by hand"}, Tagging="kind=text")
    for key, complete in (("parts.txt", True), ("open.txt", False)):
        upload = {"Bucket": bucket, "Key": key}
        upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
        tag = s3.upload_part(**upload, PartNumber=1, Body=f"the part of {key}".encode())["ETag"]
        if complete:
            s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
        else:
            recorder.keep("s3", "list_parts", **upload)
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={"QueueConfigurations": [
            {"Id": "1", "QueueArn": "arn:aws:sqs:us-east-1:111122223333:notified", "Events": ["s3:ObjectRemoved:*"]}
        ]},
    )  # fmt: skip
    for key in ("small.txt", "parts.txt"):
        recorder.keep("s3", "get_object", Bucket=bucket, Key=key)
    recorder.keep("s3", "get_object_tagging", Bucket=bucket, Key="small.txt")
    for operation in (
        "list_objects_v2", "list_multipart_uploads", "get_bucket_tagging", "get_bucket_policy",
        "get_bucket_notification_configuration",
    ):  # fmt: skip
        recorder.keep("s3", operation, Bucket=bucket)


def make_messages(recorder: Recorder) -> None:
    sqs, sns = recorder.client("sqs"), recorder.client("sns")
    for name in ("dead", "notified"):
        sqs.create_queue(QueueName=name)
    dead_arn = "arn:aws:sqs:us-east-1:111122223333:dead"
    url = sqs.create_queue(
        QueueName="upgraded",
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 5})},
        tags={"team": "ml"},
    )["QueueUrl"]
    sqs.send_message(
        QueueUrl=url, MessageBody="kept", MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}}
    )
    fifo = sqs.create_queue(QueueName="upgraded.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for number in range(2):
        sqs.send_message(QueueUrl=fifo, MessageBody=f"{number}", MessageGroupId="g", MessageDeduplicationId=f"{number}")
    sqs.start_message_move_task(SourceArn=dead_arn)
    until(lambda: sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"][0]["Status"] == "COMPLETED")
    recorder.keep("sqs", "list_queue_tags", QueueUrl=url)
    recorder.keep("sqs", "list_message_move_tasks", SourceArn=dead_arn)
    topic = sns.create_topic(Name="upgraded", Tags=[{"Key": "team", "Value": "ml"}])["TopicArn"]
    queue = "arn:aws:sqs:us-east-1:111122223333:upgraded"
    subscription = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue, ReturnSubscriptionArn=True,
        Attributes={"RawMessageDelivery": "true", "FilterPolicy": json.dumps({"kind": ["kept"]})},
    )["SubscriptionArn"]  # fmt: skip
    fifo_topic = sns.create_topic(Name="upgraded.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    sns.publish(TopicArn=fifo_topic, Message="m", MessageGroupId="g", MessageDeduplicationId="d")
    recorder.keep("sns", "list_topics")
    recorder.keep("sns", "get_topic_attributes", TopicArn=topic)
    recorder.keep("sns", "list_tags_for_resource", ResourceArn=topic)
    recorder.keep("sns", "get_subscription_attributes", SubscriptionArn=subscription)


def make_events(recorder: Recorder) -> None:
    events = recorder.client("events")
    events.create_event_bus(Name="upgraded", Description="kept")
    for name, more in (
        ("matched", {"EventBusName": "upgraded", "EventPattern": json.dumps({"source": ["upgrade"]})}),
        ("scheduled", {"ScheduleExpression": "rate(1 day)", "State": "DISABLED"}),
    ):
        events.put_rule(Name=name, Description="kept", Tags=[{"Key": "team", "Value": "ml"}], **more)
        bus = {"EventBusName": more["EventBusName"]} if "EventBusName" in more else {}
        target = {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:111122223333:upgraded", "InputPath": "$.detail"}
        events.put_targets(Rule=name, Targets=[target], **bus)
        recorder.keep("events", "describe_rule", Name=name, **bus)
        recorder.keep("events", "list_targets_by_rule", Rule=name, **bus)
    recorder.keep("events", "list_event_buses")


def make_logs_and_metrics(recorder: Recorder) -> None:
    logs = recorder.client("logs")
    stream = {"logGroupName": "/upgraded", "logStreamName": "stream"}
    logs.create_log_group(logGroupName="/upgraded", tags={"team": "ml"})
    logs.put_retention_policy(logGroupName="/upgraded", retentionInDays=30)
    logs.create_log_stream(**stream)
    now = int(time.time() * 1000)
    logs.put_log_events(
        **stream, logEvents=[{"timestamp": now + number, "message": f"line {number}"} for number in range(3)]
    )
    recorder.keep("logs", "describe_log_groups", logGroupNamePrefix="/upgraded")
    recorder.keep("logs", "describe_log_streams", logGroupName="/upgraded")
    recorder.keep("logs", "get_log_events", **stream, startFromHead=True)
    at = int(time.time()) // 60 * 60
    recorder.client("cloudwatch").put_metric_data(
        Namespace="Upgraded",
        MetricData=[{"MetricName": "m", "Dimensions": [{"Name": "d", "Value": "v"}], "Value": 7.0, "Timestamp": at}],
    )
    recorder.keep("cloudwatch", "list_metrics", Namespace="Upgraded")
    recorder.keep(
        "cloudwatch", "get_metric_statistics", Namespace="Upgraded", MetricName="m", StartTime=at - 60,
        EndTime=at + 60, Period=60, Statistics=["Sum"], Dimensions=[{"Name": "d", "Value": "v"}],
    )  # fmt: skip


def make_identity(recorder: Recorder) -> str:
    iam = recorder.client("iam")
    role = iam.create_role(
        RoleName="upgraded", AssumeRolePolicyDocument=TRUST, Description="kept", Tags=[{"Key": "team", "Value": "ml"}]
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName="upgraded", PolicyName="inline", PolicyDocument=POLICY)
    policy = iam.create_policy(PolicyName="upgraded", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="upgraded", PolicyArn=policy)
    recorder.keep("iam", "get_role", RoleName="upgraded")
    recorder.keep("iam", "get_role_policy", RoleName="upgraded", PolicyName="inline")
    recorder.keep("iam", "list_attached_role_policies", RoleName="upgraded")
    recorder.keep("iam", "get_policy", PolicyArn=policy)
    recorder.keep("sts", "get_caller_identity")
    return str(role)


def make_functions(recorder: Recorder, role: str) -> str:
    client, name = recorder.client("lambda"), {"FunctionName": "upgraded"}
    layer = client.publish_layer_version(
        LayerName="upgraded", Content={"ZipFile": zipped({"python/lib.py": "VALUE = 1\n"})}, Description="kept"
    )["LayerVersionArn"]
    client.create_function(
        **name, Runtime="python3.12", Handler="main.handler", Role=role, Layers=[layer], Tags={"team": "ml"},
        Environment={"Variables": {"KEPT": "yes"}}, Code={"ZipFile": zipped({"main.py": SOURCE})},
    )  # fmt: skip
    client.get_waiter("function_active_v2").wait(**name)
    version = client.publish_version(**name)["Version"]
    client.create_alias(**name, Name="live", FunctionVersion=version)
    client.add_permission(**name, StatementId="one", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    client.put_function_event_invoke_config(**name, MaximumRetryAttempts=1)
    client.put_function_recursion_config(**name, RecursiveLoop="Allow")
    client.put_function_concurrency(**name, ReservedConcurrentExecutions=5)
    client.create_function_url_config(**name, AuthType="NONE")
    client.create_event_source_mapping(
        **name, EventSourceArn="arn:aws:sqs:us-east-1:111122223333:upgraded.fifo", Enabled=False
    )
    until(lambda: client.list_event_source_mappings(**name)["EventSourceMappings"][0]["State"] == "Disabled")
    for operation in (
        "get_function_configuration", "list_versions_by_function", "list_aliases", "get_policy",
        "get_function_event_invoke_config", "get_function_recursion_config", "get_function_concurrency",
        "list_event_source_mappings",
    ):  # fmt: skip
        recorder.keep("lambda", operation, **name)
    recorder.keep("lambda", "list_layers")
    return str(client.get_function_configuration(**name)["FunctionArn"])


def make_machines(recorder: Recorder, role: str, function: str) -> None:
    client = recorder.client("stepfunctions")
    again = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    failing = {"Type": "Task", "Resource": f"{function}-none", "Retry": again, "End": True}
    mapped = {
        "Type": "Map", "End": True, "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "Each",
            "States": {"Each": {"Type": "Pass", "End": True}},
        },
    }  # fmt: skip
    waiting = {
        "Type": "Task", "End": True, "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"MessageBody": {"token.$": "$$.Task.Token"},
                       "QueueUrl": recorder.client("sqs").create_queue(QueueName="tokens")["QueueUrl"]},
    }  # fmt: skip
    for name, state, given, status in (
        ("finished", {"Type": "Task", "Resource": function, "End": True}, '{"a": 1}', "SUCCEEDED"),
        ("mapped", mapped, "[1, 2]", "SUCCEEDED"),
        ("failed", failing, "{}", "FAILED"),
        ("waiting", waiting, "{}", "RUNNING"),
    ):
        machine = client.create_state_machine(
            name=name, roleArn=role, definition=json.dumps({"StartAt": "Only", "States": {"Only": state}}),
            tags=[{"key": "team", "value": "ml"}],
        )["stateMachineArn"]  # fmt: skip
        version = client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
        routing = [{"stateMachineVersionArn": version, "weight": 100}]
        alias = client.create_state_machine_alias(name="live", routingConfiguration=routing)["stateMachineAliasArn"]
        execution = client.start_execution(stateMachineArn=alias, input=given, name="one")["executionArn"]
        ended(client, execution, status)
        if status == "FAILED":
            client.redrive_execution(executionArn=execution)
            ended(client, execution, status)
        recorder.keep("stepfunctions", "describe_state_machine", stateMachineArn=machine)
        recorder.keep("stepfunctions", "describe_state_machine_alias", stateMachineAliasArn=alias)
        recorder.keep("stepfunctions", "list_tags_for_resource", resourceArn=machine)
        recorder.keep("stepfunctions", "list_executions", stateMachineArn=alias)
        recorder.keep("stepfunctions", "describe_execution", executionArn=execution)
        if status != "RUNNING":
            recorder.keep("stepfunctions", "get_execution_history", executionArn=execution)
        if name == "mapped":
            (run,) = recorder.keep("stepfunctions", "list_map_runs", executionArn=execution)["mapRuns"]
            recorder.keep("stepfunctions", "describe_map_run", mapRunArn=run["mapRunArn"])
            recorder.keep("stepfunctions", "list_executions", mapRunArn=run["mapRunArn"])
    recorder.keep("stepfunctions", "describe_activity", activityArn=client.create_activity(name="kept")["activityArn"])
    sqs = recorder.client("sqs")
    queue = sqs.get_queue_url(QueueName="tokens")["QueueUrl"]
    shown = ["ApproximateNumberOfMessages"]
    until(lambda: sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=shown)["Attributes"][shown[0]] == "1")


def make_models(recorder: Recorder, role: str) -> None:
    client = recorder.client("sagemaker")
    recorder.client("s3").create_bucket(Bucket="models")
    recorder.client("s3").put_object(Bucket="models", Key="model.tar.gz", Body=b"a model")
    data = "s3://models/model.tar.gz"
    tags = [{"Key": "team", "Value": "ml"}]
    client.create_training_job(
        TrainingJobName="upgraded", RoleArn=role, OutputDataConfig={"S3OutputPath": "s3://models/trained"},
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 300}, Tags=tags,
    )  # fmt: skip
    client.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName="upgraded", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    container = {"Image": IMAGE, "ModelDataUrl": data}
    client.create_model(ModelName="upgraded", PrimaryContainer=container, ExecutionRoleArn=role, Tags=tags)
    variant = {"VariantName": "all", "ModelName": "upgraded", "InitialInstanceCount": 1}
    client.create_endpoint_config(
        EndpointConfigName="upgraded",
        ProductionVariants=[{**variant, "InstanceType": "ml.m5.large", "InitialVariantWeight": 1.0}],
        DataCaptureConfig={
            "EnableCapture": True, "InitialSamplingPercentage": 100, "DestinationS3Uri": "s3://models/captures",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        },
    )  # fmt: skip
    client.create_model_package_group(ModelPackageGroupName="upgraded", ModelPackageGroupDescription="kept")
    package = client.create_model_package(
        ModelPackageGroupName="upgraded", ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [container], "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]
        },
    )["ModelPackageArn"]  # fmt: skip
    domain = client.create_domain(
        DomainName="upgraded", AuthMode="IAM", DefaultUserSettings={"ExecutionRole": role}
    )["DomainId"]  # fmt: skip
    until(lambda: client.describe_domain(DomainId=domain)["Status"] == "InService")
    client.create_user_profile(DomainId=domain, UserProfileName="ana")
    profile = {"DomainId": domain, "UserProfileName": "ana"}
    until(lambda: client.describe_user_profile(**profile)["Status"] == "InService")
    recorder.keep("sagemaker", "describe_training_job", TrainingJobName="upgraded")
    model = recorder.keep("sagemaker", "describe_model", ModelName="upgraded")["ModelArn"]
    recorder.keep("sagemaker", "list_tags", ResourceArn=model)
    recorder.keep("sagemaker", "describe_endpoint_config", EndpointConfigName="upgraded")
    recorder.keep("sagemaker", "describe_model_package_group", ModelPackageGroupName="upgraded")
    recorder.keep("sagemaker", "describe_model_package", ModelPackageName=package)
    recorder.keep("sagemaker", "describe_user_profile", **profile)


def zipped(members: dict[str, str]) -> bytes:
    """Return a zip of text files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, text in members.items():
            file.writestr(name, text)
    return content.getvalue()


def until(condition: Callable[[], bool]) -> None:
    """Poll until a condition is true."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ended(client: Any, execution: str, status: str) -> None:
    """Wait until an execution has a status, after its start or redrive."""
    until(lambda: client.describe_execution(executionArn=execution)["status"] == status)


def kill(pid: int) -> None:
    """Kill a cloud's processes, as in a crash: in a shutdown, functions would log paths of this machine."""
    process = psutil.Process(pid)
    tree = [process, *process.children(recursive=True)]
    for each in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(tree, timeout=10)


def main() -> None:
    """Make the folder of the release that this interpreter imports."""
    os.environ["SCONES_IMAGES"] = f"test-image={PROGRAM}"
    from scones.cloud.core.migrations import VERSION
    from scones.cloud.process import lifecycle

    folder = Path(__file__).parent / "data" / f"version-{VERSION}"
    with tempfile.TemporaryDirectory() as temporary:
        data_dir = Path(temporary) / "data"
        data_dir.mkdir(mode=0o700)
        (data_dir / "credentials.json").write_text(json.dumps(KEYS))
        running = lifecycle.start(data_dir, port=0)
        session = boto3.Session(KEYS["AccessKeyId"], KEYS["SecretAccessKey"], region_name=running.region)
        config = Config(inject_host_prefix=False)
        recorder = Recorder(lambda service: session.client(service, endpoint_url=running.url, config=config))
        try:
            make_messages(recorder)
            make_s3(recorder)
            make_events(recorder)
            make_logs_and_metrics(recorder)
            role = make_identity(recorder)
            function = make_functions(recorder, role)
            make_machines(recorder, role, function)
            make_models(recorder, role)
        finally:
            kill(running.pid)
        dump(data_dir, folder)
        (folder / DUMP).write_text((folder / DUMP).read_text().replace(running.url, URL))
        with sqlite3.connect(data_dir / "cloud.sqlite") as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            empty = [name for (name,) in tables if not connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()]
        connection.close()
    calls = [json.dumps(call, sort_keys=True).replace(running.url, URL) for call in recorder.calls]
    (folder / RESPONSES).write_text("[\n" + ",\n".join(calls) + "\n]\n")
    print(f"{folder}: {len(calls)} responses; tables without a row: {', '.join(empty)}")


if __name__ == "__main__":
    main()
