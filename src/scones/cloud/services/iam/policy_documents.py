"""Policy documents: JSON that IAM stores and returns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from scones.cloud.errors import ServiceError

_MEMBERS = {"Version", "Id", "Statement"}
_STATEMENT_MEMBERS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
_VERSION = "2012-10-17"
_SERVICES_WITHOUT_REGION = {
    "iam": "IAM resource {} cannot contain region information.",
    "s3": "Resource {} can not contain region information.",
}
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")


def check_trust_policy(document: str) -> None:
    """Raise `ServiceError` for a trust policy that is not a JSON object or names a resource."""
    policy = _json_object(document, "This policy contains invalid Json")
    statements = policy.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        if isinstance(statement, dict) and ("Resource" in statement or "NotResource" in statement):
            raise _malformed("Has prohibited field Resource.")


def check_identity_policy(document: str) -> None:
    """Raise `ServiceError` for a policy of a role, user or group that AWS rejects.

    The grammar is that of the IAM User Guide, "Grammar of the IAM JSON policy language"; operators and keys of
    conditions, and the names of actions, are not checked.
    """
    policy = _json_object(document, "Syntax errors in policy.")
    statements = policy.get("Statement")
    listed: list[Any] = statements if isinstance(statements, list) else [statements]
    if not _is_well_formed(policy, listed):
        raise _malformed("Syntax errors in policy.")
    if policy.get("Version") != _VERSION:
        raise _malformed(f"Policy document must be version {_VERSION} or greater.")
    _check_statements(listed)


def _json_object(document: str, message: str) -> dict[str, Any]:
    try:
        policy = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise _malformed(message) from error
    if not isinstance(policy, dict):
        raise _malformed(message)
    return policy


def _is_well_formed(policy: dict[str, Any], statements: list[Any]) -> bool:
    return (
        policy.keys() <= _MEMBERS
        and isinstance(policy.get("Id", ""), str)
        and policy.get("Version", _VERSION) in (_VERSION, "2008-10-17")
        and bool(statements)
        and all(isinstance(statement, dict) and _is_well_formed_statement(statement) for statement in statements)
    )


def _is_well_formed_statement(statement: dict[str, Any]) -> bool:
    return (
        statement.keys() <= _STATEMENT_MEMBERS
        and statement.get("Effect") in ("Allow", "Deny")
        and isinstance(statement.get("Sid", ""), str)
        and not {"Action", "NotAction"} <= statement.keys()
        and not {"Resource", "NotResource"} <= statement.keys()
        and all(
            _is_text_or_texts(statement.get(name, "")) for name in ("Action", "NotAction", "Resource", "NotResource")
        )
        and _is_condition(statement.get("Condition", {}))
    )


def _is_text_or_texts(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))


def _is_condition(condition: object) -> bool:
    return isinstance(condition, dict) and all(
        isinstance(keys, dict) and all(isinstance(value, str | bool | int | float | list) for value in keys.values())
        for keys in condition.values()
    )


def _check_statements(statements: list[dict[str, Any]]) -> None:
    names = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(names)) < len(names):
        raise _malformed("Statement IDs (SID) in a single policy must be unique.")
    for statement in statements:
        if not list(_texts(statement, "Action")):
            raise _malformed("Policy statement must contain actions.")
    for statement in statements:
        if not list(_texts(statement, "Resource")):
            raise _malformed("Policy statement must contain resources.")
    for statement in statements:
        for resource in _texts(statement, "Resource"):
            _check_resource(resource)
    for statement in statements:
        for action in _texts(statement, "Action"):
            _check_action(action)


def _texts(statement: dict[str, Any], name: str) -> Iterator[str]:
    """Yield the texts of a member of a statement, or of its negation."""
    found = statement.get(name, statement.get(f"Not{name}", []))
    yield from [found] if isinstance(found, str) else found


def _check_action(action: str) -> None:
    if action == "*":
        return
    vendor, colon, name = action.partition(":")
    if not colon:
        raise _malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    if ":" in name:
        raise _malformed("Actions/Condition can contain only one colon.")
    if not re.fullmatch(r"[a-zA-Z0-9*?-]+", vendor):
        raise _malformed(f"Vendor {vendor} is not valid")


def _check_resource(resource: str) -> None:
    if resource == "*":
        return
    parts = resource.split(":", 5)
    if parts[0] != "arn" or len(parts) < 2:
        raise _malformed(f'Resource {resource} must be in ARN format or "*".')
    if parts[1] not in (*_PARTITIONS, "*") and not set(parts[1]) & {"*", "?"}:
        raise _malformed(f'Partition "{parts[1]}" is not valid for resource "{resource}".')
    if len(parts) < 6:
        raise _malformed("The policy failed legacy parsing")
    service, region = parts[2], parts[3]
    if set(service) & {"*", "?"} and service != "*":
        raise _malformed("Resource vendor must be fully qualified and cannot contain regexes.")
    if region and service in _SERVICES_WITHOUT_REGION:
        raise _malformed(_SERVICES_WITHOUT_REGION[service].format(resource))


def _malformed(message: str) -> ServiceError:
    return ServiceError("MalformedPolicyDocument", message)
