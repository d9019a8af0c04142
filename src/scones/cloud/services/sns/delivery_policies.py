"""Delivery policies of topics and subscriptions; of their settings, the content type has an effect."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from scones.cloud.services.sns.errors import check_json, invalid

DEFAULT_CONTENT_TYPE = "text/plain; charset=UTF-8"
_RETRIES = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
_CONTENT_TYPE = re.compile(
    r"(application/(json|octet-stream|soap\+xml|x-www-form-urlencoded|xml)|text/(css|csv|html|plain|xml))"
    r"(; ?charset=[A-Za-z0-9-]+)?"
)
"""Content types that a delivery policy may name: SNS Developer Guide, "Creating an HTTP/S delivery policy"."""


def check_delivery_policy(text: str, reason: str) -> None:
    """Raise `InvalidParameter` unless a text is a delivery policy; `reason` begins the message."""
    check_json(text, reason)
    policy = json.loads(text)
    if not isinstance(policy, dict):
        raise invalid(f"{reason}the policy is not an object")  # AWS's wording is not known
    for each in (policy.get("requestPolicy"), _http(policy).get("defaultRequestPolicy")):
        given = each.get("headerContentType") if isinstance(each, dict) else None
        if given is not None and not _CONTENT_TYPE.fullmatch(str(given)):
            raise invalid(f"{reason}headerContentType {given} is not supported")  # AWS's wording is not known


def topic_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return a topic's attributes DeliveryPolicy and EffectiveDeliveryPolicy."""
    given = _http(_document(attributes))
    default = {
        "defaultHealthyRetryPolicy": _RETRIES,
        "disableSubscriptionOverrides": False,
        "defaultRequestPolicy": {"headerContentType": DEFAULT_CONTENT_TYPE},
    }
    shown = {"EffectiveDeliveryPolicy": json.dumps({"http": {**default, **given}})}
    if given:
        shown["DeliveryPolicy"] = json.dumps({"http": {"disableSubscriptionOverrides": False, **given}})
    return shown


def subscription_attributes(topic: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return a subscription's attributes DeliveryPolicy and EffectiveDeliveryPolicy, if it has a policy."""
    given = _document(own)
    if not given:
        return {}
    none = {"healthyRetryPolicy": None, "sicklyRetryPolicy": None, "throttlePolicy": None, "requestPolicy": None}
    shown = {**none, "guaranteed": False, **given}
    effective = {
        **shown,
        "healthyRetryPolicy": shown["healthyRetryPolicy"] or _RETRIES,
        "requestPolicy": {"headerContentType": content_type(topic, own)},
    }
    return {"DeliveryPolicy": json.dumps(shown), "EffectiveDeliveryPolicy": json.dumps(effective)}


def content_type(topic: Mapping[str, str], subscription: Mapping[str, str]) -> str:
    """Return the Content-Type of a notification: the subscription's, the topic's, or the default."""
    default = _http(_document(topic))
    own = {} if default.get("disableSubscriptionOverrides") is True else _document(subscription)
    for each in (own.get("requestPolicy"), default.get("defaultRequestPolicy")):
        if isinstance(each, dict) and each.get("headerContentType"):
            return str(each["headerContentType"])
    return DEFAULT_CONTENT_TYPE


def _document(attributes: Mapping[str, str]) -> dict[str, Any]:
    found = json.loads(attributes.get("DeliveryPolicy") or "{}")
    return found if isinstance(found, dict) else {}


def _http(policy: Mapping[str, Any]) -> dict[str, Any]:
    found = policy.get("http")
    return found if isinstance(found, dict) else {}
