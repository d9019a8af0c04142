"""Requests to SNS that AWS accepts twice, and its words for those that it refuses."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def sns(cloud: Any) -> Any:
    return cloud.client("sns")


def name(suffix: str = "") -> str:
    return f"t-{uuid.uuid4().hex}{suffix}"


@pytest.fixture
def topic(sns: Any) -> str:
    return sns.create_topic(Name=name())["TopicArn"]


def refusal(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def attributes_of(sns: Any, subscription: str) -> dict[str, str]:
    return sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]


def test_a_topic_is_created_again_with_some_of_its_attributes_and_tags(sns: Any) -> None:
    topic, tags = name(), [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    arn = sns.create_topic(Name=topic, Attributes={"DisplayName": "Value1"}, Tags=tags)["TopicArn"]
    for given in ({"Tags": tags[:1]}, {"Attributes": {"FifoTopic": "false"}}, {"Attributes": {}}):
        assert sns.create_topic(Name=topic, **given)["TopicArn"] == arn
    more = [*tags, {"Key": "c", "Value": "3"}]
    assert refusal(sns.create_topic, Name=topic, Tags=more) == (
        "InvalidParameter",
        "Invalid parameter: Tags Reason: Topic already exists with different tags",
    )
    assert refusal(sns.create_topic, Name=topic, Attributes={"SignatureVersion": "2"}) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
    )
    assert "FifoTopic" not in sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    duplicated = ("InvalidParameter", "Invalid parameter: Duplicated keys are not allowed.")
    assert refusal(sns.tag_resource, ResourceArn=arn, Tags=twice) == duplicated
    assert refusal(sns.create_topic, Name="test", Attributes={"FifoTopic": "true"}) == (
        "InvalidParameter",
        "Invalid parameter: Topic Name",
    )


def test_an_endpoint_is_subscribed_again_with_the_same_attributes(sns: Any, topic: str, make_queue: Any) -> None:
    to_queue = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": make_queue().arn}
    subscription = sns.subscribe(**to_queue, Attributes={"RawMessageDelivery": "TrUe"})["SubscriptionArn"]
    found = attributes_of(sns, subscription)
    assert found["RawMessageDelivery"] == "true"
    assert not found.keys() & {"FilterPolicy", "FilterPolicyScope"}
    for again in ({"RawMessageDelivery": "true", "FilterPolicyScope": "MessageAttributes"}, {}):
        assert sns.subscribe(**to_queue, Attributes=again)["SubscriptionArn"] == subscription
    assert refusal(sns.subscribe, **to_queue, Attributes={"RawMessageDelivery": "false"}) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes",
    )
    change = {"SubscriptionArn": subscription, "AttributeName": "FilterPolicy"}
    sns.set_subscription_attributes(**change, AttributeValue='{"a": ["b"]}')
    assert attributes_of(sns, subscription)["FilterPolicyScope"] == "MessageAttributes"
    sns.set_subscription_attributes(**change, AttributeValue="{}")
    assert not attributes_of(sns, subscription).keys() & {"FilterPolicy", "FilterPolicyScope"}


def test_attributes_that_are_not_json_are_described_as_jackson_does(sns: Any, topic: str, make_queue: Any) -> None:
    queue = make_queue().arn
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    where = "at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column:"
    for attribute in ("RedrivePolicy", "FilterPolicy"):
        change = {"SubscriptionArn": subscription, "AttributeName": attribute, "AttributeValue": "{invalidjson}"}
        assert refusal(sns.set_subscription_attributes, **change) == (
            "InvalidParameter",
            f"Invalid parameter: {attribute}: failed to parse JSON. Unexpected character ('i' (code 105)): was "
            f"expecting double-quote to start field name\n {where} 2]",
        )
    email = {"Protocol": "email", "Endpoint": "test@example.com", "Attributes": {"FilterPolicy": "invalid-json"}}
    assert refusal(sns.subscribe, TopicArn=topic, **email) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: FilterPolicy: failed to parse JSON. Unrecognized token 'invalid': was "
        f"expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n {where} 8]",
    )
    fake = {"SubscriptionArn": subscription, "AttributeName": "RedrivePolicy"}
    assert refusal(sns.set_subscription_attributes, **fake, AttributeValue='{"deadLetterTargetArn": "fake-arn"}') == (
        "InvalidParameter",
        "Invalid parameter: RedrivePolicy: deadLetterTargetArn is an invalid arn",
    )


_BINARY = {"DataType": "Binary", "BinaryValue": b"x"}


@pytest.mark.parametrize(
    ("attribute", "given", "message"),
    [
        (
            "attr1",
            {"DataType": "String", "StringValue": ""},
            "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type "
            "'String'.",
        ),
        (
            "attr1",
            {"DataType": "String", "BinaryValue": b"x"},
            "The message attribute 'attr1' with type 'String' must use field 'String'.",
        ),
        (
            "attr1",
            {"DataType": "Binary", "StringValue": "x"},
            "The message attribute 'attr1' with type 'Binary' must use field 'Binary'.",
        ),
        (
            "attr1",
            {"DataType": "Prefix.String", "StringValue": "x"},
            "The message attribute 'attr1' has an invalid message attribute type, the set of supported type prefixes "
            "is Binary, Number, and String.",
        ),
        ("a" * 257, _BINARY, "Length of message attribute name must be less than 256 bytes."),
        (
            "^*?",
            _BINARY,
            "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include "
            "alphanumeric characters, hyphens, underscores, or dots.",
        ),
        (".test", _BINARY, "Invalid message attribute name starting with character '.' was found."),
        ("test.", _BINARY, "Invalid message attribute name ending with character '.' was found."),
        ("te..st", _BINARY, "Message attribute name can not have successive '.' character."),
    ],
)
def test_message_attributes_are_refused_in_the_words_of_aws(
    sns: Any, topic: str, attribute: str, given: dict[str, Any], message: str
) -> None:
    answer = refusal(sns.publish, TopicArn=topic, Message="m", MessageAttributes={attribute: given})
    assert answer == ("ParameterValueInvalid", message)


def test_a_batch_is_refused_as_a_whole(sns: Any, topic: str) -> None:
    place = "The Id of a batch entry in the batch request"
    for entry_id, reason in (
        ("message.id", "contains an impermissible character"),
        ("a" * 81, "is too long"),
        ("a." * 50, "is too long"),
    ):
        batch = [{"Id": entry_id, "Message": "m"}]
        answer = refusal(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=batch)
        assert answer == ("InvalidBatchEntryId", f"{place} {reason}: {entry_id}")
    fifo = sns.create_topic(Name=name(".fifo"), Attributes={"FifoTopic": "true"})["TopicArn"]
    complete = {"Id": "1", "Message": "m", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    for member, message in (
        ("MessageGroupId", "The MessageGroupId parameter is required for FIFO topics"),
        (
            "MessageDeduplicationId",
            "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
            "explicitly",
        ),
    ):
        batch = [complete, {key: value for key, value in complete.items() if key != member} | {"Id": "2"}]
        answer = refusal(sns.publish_batch, TopicArn=fifo, PublishBatchRequestEntries=batch)
        assert answer == ("InvalidParameter", f"Invalid parameter: {message}")


def test_entries_of_a_message_that_are_not_text_are_ignored(sns: Any, topic: str, make_queue: Any) -> None:
    queue = make_queue()
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
    sns.publish(TopicArn=topic, Message=json.dumps({"default": "d", "sqs": {"a": "b"}}), MessageStructure="json")
    assert queue.bodies(1) == ["d"]


def test_groups_reach_a_standard_queue_only_from_a_standard_topic(cloud: Any, sns: Any, make_queue: Any) -> None:
    given = {"FifoTopic": "true", "ContentBasedDeduplication": "TRUE"}
    fifo, standard = sns.create_topic(Name=name(".fifo"), Attributes=given)["TopicArn"], sns.create_topic(Name=name())
    queue = make_queue()
    for arn in (fifo, standard["TopicArn"]):
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
        sns.publish(TopicArn=arn, Message=arn, MessageGroupId="g")
    groups = {each["Body"]: each["Attributes"].get("MessageGroupId") for each in queue.receive(2)}
    assert groups == {fifo: None, standard["TopicArn"]: "g"}


def test_filters_compare_numbers_with_six_decimal_places(sns: Any, topic: str, make_queue: Any) -> None:
    queue = make_queue()
    policy = json.dumps({"price": [100.123456789, {"numeric": [">=", 200.1234569]}]})
    given = {"RawMessageDelivery": "true", "FilterPolicy": policy}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=given)
    for price in ("100.123457", "100.1234567", "200.1234561", "200.123455", "100.1234561"):
        attributes = {"price": {"DataType": "Number", "StringValue": price}}
        sns.publish(TopicArn=topic, Message=price, MessageAttributes=attributes)
    assert sorted(queue.bodies(3)) == ["100.1234561", "100.1234567", "200.1234561"]


def test_permissions_are_statements_of_the_policy(sns: Any, topic: str) -> None:
    account = topic.split(":")[4]
    permission = {"TopicArn": topic, "Label": "test", "AWSAccountId": [account], "ActionName": ["Publish", "Subscribe"]}

    def statements() -> list[dict[str, Any]]:
        return json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])["Statement"]

    sns.add_permission(**permission)
    assert [each["Sid"] for each in statements()] == ["__default_statement_ID", "test"]
    assert statements()[1] == {
        "Sid": "test",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": ["SNS:Publish", "SNS:Subscribe"],
        "Resource": topic,
    }
    assert refusal(sns.add_permission, **permission) == (
        "InvalidParameter",
        "Invalid parameter: Statement already exists",
    )
    assert refusal(sns.add_permission, **permission | {"Label": "other", "ActionName": ["InvalidAction"]}) == (
        "InvalidParameter",
        "Invalid parameter: Policy statement action out of service scope!",
    )
    sns.remove_permission(TopicArn=topic, Label="test")
    assert [each["Sid"] for each in statements()] == ["__default_statement_ID"]
    missing = refusal(sns.remove_permission, TopicArn=f"{topic}-none", Label="test")
    assert missing == ("NotFound", "Topic does not exist")


def test_subscribers_and_targets_are_refused_in_the_words_of_aws(sns: Any, topic: str) -> None:
    accepted = sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+1234567890")["SubscriptionArn"]
    assert attributes_of(sns, accepted)["PendingConfirmation"] == "false"
    sns.publish(TopicArn=topic, Message="m")
    for number in ("+15--551234567", "+15551234567.", "/+15551234567", "NAA+15551234567"):
        answer = refusal(sns.subscribe, TopicArn=topic, Protocol="sms", Endpoint=number)
        assert answer == ("InvalidParameter", f"Invalid SMS endpoint: {number}")
    invalid = "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"
    assert refusal(sns.unsubscribe, SubscriptionArn="randomstring")[1] == invalid
    assert refusal(sns.unsubscribe, SubscriptionArn=topic)[1] == "Invalid parameter: SubscriptionId"
    endpoint = f"{topic.rpartition(':')[0]}:endpoint/APNS/abcdef/0f7d5971-aa8b-4bd5-b585-0826e9f93a66"
    assert refusal(sns.publish, TargetArn=endpoint, Message="m")[1] == (
        "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified"
    )
    typed = {"attr1": {"DataType": "String.", "StringValue": "prefixed-1"}}
    assert refusal(sns.publish, TopicArn=topic, Message="m", MessageAttributes=typed)[0] == "ParameterValueInvalid"


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"key": [["value"]]}, "Match value must be String, number, true, false, or null@10"),
        ({"key": [{"suffix": "value", "prefix": "value2"}]}, "Only one key allowed in match expression@37"),
        ({"key": {"suffix": "value"}}, '"suffix" must be an object or an array@19'),
        ({"key": [{"numeric": [">", 20, "<=", "30"]}]}, "Value of <= must be numeric@34"),
        ({"key": [{"cidr": "bad-filter/64"}]}, "Nonstandard IP address: bad-filter"),
        ({"key": [{"anything-but": {"suffix": "test"}}]}, "Unsupported anything-but pattern: suffix@36"),
        ({"key": [{"anything-but": {"wrong-operator": None}}]}, "Unsupported anything-but pattern: wrong-operator@47"),
        ({"key": [{"anything-but": {"prefix": False}}]}, "prefix match pattern must be a string@40"),
    ],
)
def test_filter_policies_are_refused_with_the_location(sns: Any, topic: str, policy: Any, message: str) -> None:
    text, _, column = message.partition("@")
    compact = json.dumps(policy, separators=(",", ":"))
    location = f'\n at [Source: (String)"{compact}"; line: 1, column: {column}]' if column else ""
    given = {"FilterPolicy": json.dumps(policy)}
    assert refusal(sns.subscribe, TopicArn=topic, Protocol="sms", Endpoint="+1234567890", Attributes=given) == (
        "InvalidParameter",
        f"Invalid parameter: Attributes Reason: FilterPolicy: {text}{location}",
    )


def test_a_batch_with_invalid_attributes_is_refused_in_the_words_of_aws(sns: Any, topic: str) -> None:
    typed = {"attr1": {"DataType": "Binary", "StringValue": "123"}}
    entries = [{"Id": "1", "Message": "m", "MessageAttributes": typed}]
    assert refusal(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries) == (
        "ParameterValueInvalid",
        "The message attribute 'attr1' with type 'Binary' must use field 'Binary'.",
    )


def test_a_missing_subscription_arn_is_refused_in_the_words_of_aws(cloud: Any) -> None:
    unchecked = cloud.client("sns", parameter_validation=False)
    assert refusal(unchecked.unsubscribe) == (
        "InvalidParameter",
        "Invalid parameter: SubscriptionArn Reason: no value for required parameter",
    )


def test_a_topic_keeps_its_data_protection_policy(sns: Any, topic: str) -> None:
    policy = json.dumps({"Name": "p", "Version": "2021-06-01", "Statement": []})
    assert sns.get_data_protection_policy(ResourceArn=topic)["DataProtectionPolicy"] == ""
    sns.put_data_protection_policy(ResourceArn=topic, DataProtectionPolicy=policy)
    assert sns.get_data_protection_policy(ResourceArn=topic)["DataProtectionPolicy"] == policy
    other = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}", DataProtectionPolicy=policy)["TopicArn"]
    assert sns.get_data_protection_policy(ResourceArn=other)["DataProtectionPolicy"] == policy
