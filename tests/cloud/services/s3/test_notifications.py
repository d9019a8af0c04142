"""Event notifications of buckets to Lambda functions and SQS queues."""

from __future__ import annotations

import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from support.zips import zip_of


@pytest.fixture
def queue(cloud):
    """Create a queue; return its ARN and a function that waits for a number of messages and returns their bodies."""
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName=f"changes-{uuid.uuid4().hex[:12]}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def receive(count):
        found = []
        deadline = time.monotonic() + 60
        while len(found) < count and time.monotonic() < deadline:
            for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages", []):
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    return arn, receive


def configure(s3, bucket, arn, *events, rules=(), kind="Queue", **options):
    entry = {f"{kind}Arn": arn, "Events": list(events), "Id": "mine"}
    if rules:
        entry["Filter"] = {"Key": {"FilterRules": [{"Name": name, "Value": value} for name, value in rules]}}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={f"{kind}Configurations": [entry]}, **options
    )


def test_a_change_is_announced_in_the_form_of_aws(s3, bucket, queue):
    arn, receive = queue
    configure(s3, bucket, arn, "s3:ObjectCreated:*")
    (test,) = receive(1)
    assert (test["Service"], test["Event"], test["Bucket"]) == ("Amazon S3", "s3:TestEvent", bucket)
    answer = s3.put_object(Bucket=bucket, Key="a folder/ü+1.png", Body=b"12345")
    (message,) = receive(1)
    (record,) = message["Records"]
    assert (record["eventVersion"], record["eventSource"], record["awsRegion"]) == ("2.1", "aws:s3", "us-east-1")
    assert record["eventName"] == "ObjectCreated:Put"
    assert record["eventTime"].endswith("Z")
    assert record["responseElements"]["x-amz-request-id"] == answer["ResponseMetadata"]["RequestId"]
    assert record["s3"]["configurationId"] == "mine"
    assert record["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{bucket}"
    changed = record["s3"]["object"]
    assert int(changed.pop("sequencer"), 16) > 0
    assert changed == {"key": "a+folder/%C3%BC%2B1.png", "size": 5, "eTag": answer["ETag"].strip('"')}


def test_each_way_to_create_or_delete_an_object_has_its_event(s3, bucket, queue):
    arn, receive = queue
    configure(s3, bucket, arn, "s3:ObjectCreated:*", "s3:ObjectRemoved:*")
    receive(1)
    s3.put_object(Bucket=bucket, Key="one", Body=b"1")
    s3.copy_object(Bucket=bucket, Key="two", CopySource=f"{bucket}/one")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="three")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="three", UploadId=upload, PartNumber=1, Body=b"3")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="three", UploadId=upload, MultipartUpload=parts)
    s3.delete_object(Bucket=bucket, Key="one")
    s3.delete_object(Bucket=bucket, Key="never there")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "two"}, {"Key": "three"}, {"Key": "missing"}]})
    reported = [
        (each["eventName"], each["s3"]["object"]["key"]) for message in receive(7) for each in message["Records"]
    ]
    assert sorted(reported) == [
        ("ObjectCreated:CompleteMultipartUpload", "three"),
        ("ObjectCreated:Copy", "two"),
        ("ObjectCreated:Put", "one"),
        ("ObjectRemoved:Delete", "missing"),
        ("ObjectRemoved:Delete", "one"),
        ("ObjectRemoved:Delete", "three"),
        ("ObjectRemoved:Delete", "two"),
    ]


def test_filters_and_event_types_select_notifications(s3, bucket, queue):
    arn, receive = queue
    configure(s3, bucket, arn, "s3:ObjectCreated:Put", rules=[("prefix", "in/"), ("suffix", ".png")])
    receive(1)
    for key in ("in/a.jpg", "out/a.png", "in/a.png"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.delete_object(Bucket=bucket, Key="in/a.png")
    s3.put_object(Bucket=bucket, Key="in/last.png", Body=b"")
    keys = [message["Records"][0]["s3"]["object"]["key"] for message in receive(2)]
    assert sorted(keys) == ["in/a.png", "in/last.png"]


def test_a_function_is_run(cloud, s3, bucket):
    code = """
import boto3
def handler(event, context):
    reported = event["Records"][0]["s3"]
    s3 = boto3.client("s3")
    body = s3.get_object(Bucket=reported["bucket"]["name"], Key=reported["object"]["key"])["Body"].read()
    s3.put_object(Bucket=reported["bucket"]["name"], Key="out", Body=body.upper())
"""
    name = f"reported-{uuid.uuid4().hex[:12]}"
    function = cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role="arn:aws:iam::111122223333:role/any",
        Handler="code.handler",
        Timeout=30,
        Code={"ZipFile": zip_of({"code.py": code})},
    )
    configure(
        s3, bucket, function["FunctionArn"], "s3:ObjectCreated:*", rules=[("prefix", "in")], kind="LambdaFunction"
    )
    s3.put_object(Bucket=bucket, Key="in", Body=b"text")
    s3.get_waiter("object_exists").wait(Bucket=bucket, Key="out", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    assert s3.get_object(Bucket=bucket, Key="out")["Body"].read() == b"TEXT"


def test_the_notification_configuration_is_returned_and_removed(s3, bucket, queue):
    arn, _ = queue
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    configure(s3, bucket, arn, "s3:ObjectCreated:*", rules=[("prefix", "in/")])
    found = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    rules = [{"Name": "Prefix", "Value": "in/"}]
    expected = {
        "Id": "mine",
        "QueueArn": arn,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": rules}},
    }
    assert found == [expected]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_a_missing_target_is_rejected_unless_validation_is_skipped(s3, bucket, refusal):
    arn = "arn:aws:sqs:us-east-1:111122223333:nowhere-to-be-found"
    with pytest.raises(ClientError, match="Unable to validate the following destination configurations") as raised:
        configure(s3, bucket, arn, "s3:ObjectCreated:*")
    assert raised.value.response["Error"]["Code"] == "InvalidArgument"
    configure(s3, bucket, arn, "s3:ObjectCreated:*", SkipDestinationValidation=True)


def test_overlapping_notification_rules_are_rejected(s3, bucket, queue):
    arn, _ = queue
    entries = [{"QueueArn": arn, "Events": [event]} for event in ("s3:ObjectCreated:*", "s3:ObjectCreated:Put")]
    with pytest.raises(ClientError, match="ambiguously defined"):
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": entries}
        )


def test_events_that_the_local_cloud_never_sends_are_rejected_by_name(s3, bucket, queue):
    arn, _ = queue
    with pytest.raises(ClientError, match="s3:ObjectRestore:Delete"):
        configure(s3, bucket, arn, "s3:ObjectRestore:Delete")


def test_changes_of_tags_and_acls_are_announced(s3, bucket, queue):
    arn, receive = queue
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"x")["ETag"].strip('"')
    configure(s3, bucket, arn, "s3:ObjectTagging:*", "s3:ObjectAcl:Put")
    receive(1)
    s3.put_object_tagging(Bucket=bucket, Key="key", Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    s3.delete_object_tagging(Bucket=bucket, Key="key")
    s3.put_object_acl(Bucket=bucket, Key="key", ACL="private")  # no change
    s3.put_object_acl(Bucket=bucket, Key="key", ACL="aws-exec-read")
    records = [message["Records"][0] for message in receive(3)]
    assert sorted(record["eventName"] for record in records) == [
        "ObjectAcl:Put",
        "ObjectTagging:Delete",
        "ObjectTagging:Put",
    ]
    for record in records:
        assert (record["eventVersion"], record["s3"]["object"]) == ("2.3", {"key": "key", "eTag": etag})


def test_a_restored_object_is_announced(cloud, s3, bucket, queue):
    arn, receive = queue
    events = cloud.client("events")
    rule = f"restored-{bucket}"
    events.put_rule(Name=rule, EventPattern=json.dumps({"detail-type": [{"prefix": "Object Restore"}]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    to_queue = {"Id": "mine", "QueueArn": arn, "Events": ["s3:ObjectRestore:*"]}
    configuration = {"EventBridgeConfiguration": {}, "QueueConfigurations": [to_queue]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    s3.put_object(Bucket=bucket, Key="key", Body=b"body", StorageClass="GLACIER")
    s3.restore_object(Bucket=bucket, Key="key", RestoreRequest={"Days": 1})
    messages = [message for message in receive(5) if message.get("Event") != "s3:TestEvent"]
    records = {
        message["Records"][0]["eventName"]: message["Records"][0] for message in messages if "Records" in message
    }
    restored = records["ObjectRestore:Completed"]["glacierEventData"]["restoreEventData"]
    assert restored["lifecycleRestoreStorageClass"] == "GLACIER"
    assert restored["lifecycleRestorationExpiryTime"].endswith("T00:00:00.000Z")
    assert "glacierEventData" not in records["ObjectRestore:Post"]
    details = {message["detail-type"]: message["detail"] for message in messages if "detail" in message}
    assert set(details) == {"Object Restore Initiated", "Object Restore Completed"}
    for detail in details.values():
        assert (detail["object"]["size"], detail["source-storage-class"]) == (4, "GLACIER")
    assert details["Object Restore Completed"]["restore-expiry-time"].endswith("T00:00:00Z")


def test_stored_notifications_are_delivered_after_a_crash(start_cloud):
    cloud = start_cloud()
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    s3.create_bucket(Bucket="crashing")
    url = sqs.create_queue(QueueName="changes")["QueueUrl"]
    configure(s3, "crashing", "arn:aws:sqs:us-east-1:111122223333:changes", "s3:ObjectCreated:*")
    for number in range(20):
        s3.put_object(Bucket="crashing", Key=str(number), Body=b"")
    cloud.kill()
    cloud = start_cloud()
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="changes")["QueueUrl"]
    keys, deadline = set(), time.monotonic() + 60
    while len(keys) < 20 and time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages", []):
            keys |= {record["s3"]["object"]["key"] for record in json.loads(message["Body"]).get("Records", [])}
    assert keys == {str(number) for number in range(20)}


def test_filters_ignore_the_case_of_their_names(s3, bucket, queue):
    arn, _ = queue
    configure(s3, bucket, arn, "s3:ObjectCreated:*", rules=[("PREFIX", "a"), ("suffix", "b")])
    (found,) = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    names = [rule["Name"] for rule in found["Filter"]["Key"]["FilterRules"]]
    assert names == ["Prefix", "Suffix"]


@pytest.mark.parametrize("rule", [{}, {"Name": "prefix"}, {"Value": "a"}])
def test_a_rule_has_a_name_and_a_value(s3, bucket, queue, refusal, rule):
    arn, _ = queue
    entry = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": [rule]}}}
    configuration = {"QueueConfigurations": [entry]}
    put = s3.put_bucket_notification_configuration
    assert refusal(put, Bucket=bucket, NotificationConfiguration=configuration)[0] == "MalformedXML"


def test_messages_to_topics_have_a_subject(cloud, s3, bucket, queue):
    arn, receive = queue
    sns = cloud.client("sns")
    topic = sns.create_topic(Name=f"changes-{uuid.uuid4().hex[:12]}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    configure(s3, bucket, topic, "s3:ObjectCreated:*", kind="Topic")
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    assert [message["Subject"] for message in receive(2)] == ["Amazon S3 Notification"] * 2


def test_all_missing_targets_are_named(s3, bucket, refusal):
    arns = [f"arn:aws:sqs:us-east-1:111122223333:missing-{number}" for number in (1, 2)]
    entries = [
        {"QueueArn": arn, "Events": [f"s3:ObjectCreated:{kind}"]}
        for arn, kind in zip(arns, ("Put", "Copy"), strict=True)
    ]
    configuration = {"NotificationConfiguration": {"QueueConfigurations": entries}}
    code, status, error = refusal(s3.put_bucket_notification_configuration, Bucket=bucket, **configuration)
    assert (code, status) == ("InvalidArgument", 400)
    assert [error["ArgumentName1"], error["ArgumentName2"]] == arns
    assert error["ArgumentValue2"] == "The destination queue does not exist"


def test_events_go_to_event_bridge(cloud, s3, bucket, queue):
    arn, receive = queue
    events = cloud.client("events")
    rule = f"changes-{bucket}"
    events.put_rule(
        Name=rule, EventPattern=json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}})
    )
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    assert s3.get_bucket_notification_configuration(Bucket=bucket)["EventBridgeConfiguration"] == {}
    etag = s3.put_object(Bucket=bucket, Key="a b", Body=b"x")["ETag"]
    s3.delete_object(Bucket=bucket, Key="a b")
    found = {event["detail-type"]: event for event in receive(2)}
    created, deleted = found["Object Created"], found["Object Deleted"]
    assert (created["source"], created["resources"]) == ("aws.s3", [f"arn:aws:s3:::{bucket}"])
    changed = created["detail"]["object"]
    assert (changed["key"], changed["size"], changed["etag"]) == ("a b", 1, etag.strip('"'))
    assert (created["detail"]["reason"], deleted["detail"]["reason"]) == ("PutObject", "DeleteObject")
    assert deleted["detail"]["deletion-type"] == "Permanently Deleted"
