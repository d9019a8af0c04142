"""SNS: platform applications, platform endpoints and settings of text messages, which are stored and returned."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

CREDENTIALS = {"PlatformPrincipal": "id", "PlatformCredential": "secret"}


@pytest.fixture(scope="module")
def sns(cloud: Any) -> Any:
    return cloud.client("sns")


@pytest.fixture
def application(sns: Any) -> str:
    name = f"app-{uuid.uuid4().hex[:12]}"
    made = sns.create_platform_application(Name=name, Platform="ADM", Attributes=CREDENTIALS)
    return str(made["PlatformApplicationArn"])


@pytest.fixture
def endpoint(sns: Any, application: str) -> str:
    made = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="token_1", CustomUserData="bar")
    return str(made["EndpointArn"])


def refusal(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_platform_application_is_stored_without_showing_its_credentials(sns: Any, application: str) -> None:
    sns.set_platform_application_attributes(
        PlatformApplicationArn=application, Attributes={"SuccessFeedbackSampleRate": "50"}
    )
    shown = {"Enabled": "true", "SuccessFeedbackSampleRate": "50"}
    got = sns.get_platform_application_attributes(PlatformApplicationArn=application)
    assert got["Attributes"] == shown
    pages = sns.get_paginator("list_platform_applications").paginate()
    listed = [each for page in pages for each in page["PlatformApplications"]]
    assert {"PlatformApplicationArn": application, "Attributes": shown} in listed
    sns.delete_platform_application(PlatformApplicationArn=application)
    assert refusal(sns.list_endpoints_by_platform_application, PlatformApplicationArn=application) == (
        "NotFound",
        "PlatformApplication does not exist",
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Platform": "AAA"}, "Invalid parameter: Platform Reason: AAA is not supported"),
        ({"Name": ""}, "Invalid parameter:  Reason: cannot be empty"),
        ({"Name": "a" * 257}, f"Invalid parameter: {'a' * 257} Reason: must be at most 256 characters long"),
        (
            {"Name": "@name"},
            "Invalid parameter: @name Reason: must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', "
            "and '.'",
        ),
        (
            {"Attributes": {"PlatformPrincipal": "id"}},
            "Invalid parameter: Attributes Reason: PlatformPrincipal attribute provided without PlatformCredential",
        ),
        (
            {"Attributes": {"PlatformCredential": "secret"}},
            "Invalid parameter: Attributes Reason: PlatformCredential attribute provided without PlatformPrincipal",
        ),
    ],
)
def test_platform_applications_are_refused_in_the_words_of_aws(sns: Any, changed: Any, message: str) -> None:
    given = {"Name": "app", "Platform": "ADM", "Attributes": CREDENTIALS} | changed
    assert refusal(sns.create_platform_application, **given) == ("InvalidParameter", message)


def test_the_arn_of_a_platform_application_is_checked_first(sns: Any) -> None:
    call = sns.set_platform_application_attributes
    assert refusal(call, PlatformApplicationArn="invalid-arn", Attributes={})[1] == (
        "Invalid parameter: PlatformApplicationArn Reason: An ARN must have at least 6 elements, not 1"
    )


def test_a_platform_endpoint_is_stored_once_for_its_token(sns: Any, application: str, endpoint: str) -> None:
    token = {"PlatformApplicationArn": application, "Token": "token_1"}
    assert sns.create_platform_endpoint(**token, CustomUserData="bar")["EndpointArn"] == endpoint
    assert refusal(sns.create_platform_endpoint, **token, Attributes={"Enabled": "false"})[1] == (
        f"Invalid parameter: Token Reason: Endpoint {endpoint} already exists with the same Token, but different "
        "attributes."
    )
    stored = {"CustomUserData": "bar", "Enabled": "true", "Token": "token_1"}
    assert sns.get_endpoint_attributes(EndpointArn=endpoint)["Attributes"] == stored
    sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"Enabled": "false"})
    (listed,) = sns.list_endpoints_by_platform_application(PlatformApplicationArn=application)["Endpoints"]
    assert listed == {"EndpointArn": endpoint, "Attributes": stored | {"Enabled": "false"}}
    assert refusal(sns.publish, TargetArn=endpoint, Message="m")[0] == "EndpointDisabled"
    invalid = refusal(sns.set_endpoint_attributes, EndpointArn=endpoint, Attributes={"CustomUserData": "ü" * 1025})
    assert invalid[1].endswith("CustomUserData: must be at most 2048 bytes long in UTF-8 encoding")
    unknown = refusal(sns.set_endpoint_attributes, EndpointArn=endpoint, Attributes={"InvalidKey": "x"})
    assert unknown[1] == "Invalid parameter: Attributes Reason: Invalid attribute name: InvalidKey"
    sns.delete_endpoint(EndpointArn=endpoint)
    assert refusal(sns.get_endpoint_attributes, EndpointArn=endpoint) == ("NotFound", "Endpoint does not exist")


def test_push_notifications_are_refused_by_name_and_subscriptions_are_stored(sns: Any, endpoint: str) -> None:
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
    subscribed = sns.subscribe(TopicArn=topic, Protocol="application", Endpoint=endpoint)["SubscriptionArn"]
    assert subscribed.startswith(topic)
    sns.publish(TopicArn=topic, Message="m")
    assert "push notifications" in refusal(sns.publish, TargetArn=endpoint, Message="m")[1]
    assert refusal(sns.subscribe, TopicArn=topic, Protocol="application", Endpoint=topic)[1] == (
        "Invalid parameter: ApplicationEndpoint ARN"
    )


def test_settings_of_text_messages_are_stored(sns: Any) -> None:
    given = {"DefaultSMSType": "Promotional", "DefaultSenderID": "Test", "DeliveryStatusSuccessSamplingRate": "100"}
    sns.set_sms_attributes(attributes=given)
    assert sns.get_sms_attributes()["attributes"] == given | {"MonthlySpendLimit": "1"}
    assert sns.get_sms_attributes(attributes=["DefaultSenderID"])["attributes"] == {"DefaultSenderID": "Test"}
    assert refusal(sns.set_sms_attributes, attributes={"DefaultSMSType": "x"})[1] == "DefaultSMSType is invalid"
    assert refusal(sns.set_sms_attributes, attributes={"Unknown": "x"})[1] == "Unknown is not a valid attribute"


def test_no_phone_number_has_opted_out(sns: Any) -> None:
    assert sns.check_if_phone_number_is_opted_out(phoneNumber="+1234567890")["isOptedOut"] is False
    assert sns.list_phone_numbers_opted_out()["phoneNumbers"] == []
    sns.opt_in_phone_number(phoneNumber="+1234567890")
    assert refusal(sns.opt_in_phone_number, phoneNumber="no number")[1] == (
        "Invalid parameter: PhoneNumber Reason: input incorrectly formatted"
    )
    assert refusal(sns.publish, PhoneNumber="+1a234", Message="m")[1] == (
        "Invalid parameter: PhoneNumber Reason: +1a234 is not valid to publish to"
    )


@pytest.mark.parametrize("arn", ["a:b:c:d:e:f:g", "arn:aws:sns:us-east-1:111122223333:endpoint/GCM/application"])
def test_the_arn_of_a_platform_endpoint_has_four_parts(sns: Any, arn: str) -> None:
    reason = "Wrong number of slashes in relative portion of the ARN."
    assert refusal(sns.get_endpoint_attributes, EndpointArn=arn) == (
        "InvalidParameter",
        f"Invalid parameter: EndpointArn Reason: {reason}",
    )
