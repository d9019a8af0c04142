"""Access control lists (S3 User Guide, "Access control list (ACL) overview"): their grants, and S3's checks of them."""

from __future__ import annotations

import re

from scones.cloud.errors import ServiceError
from scones.cloud.services.s3 import errors
from scones.cloud.wire.members import Members

_GROUPS = "http://acs.amazonaws.com/groups/"
ALL_USERS = f"{_GROUPS}global/AllUsers"
AUTHENTICATED_USERS = f"{_GROUPS}global/AuthenticatedUsers"
LOG_DELIVERY = f"{_GROUPS}s3/LogDelivery"
GROUPS = frozenset({ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY})
EC2 = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c"
"""Canonical user ID that the canned ACL `aws-exec-read` names: Amazon EC2."""
CANNED: dict[str, list[tuple[str, str]]] = {
    "private": [],
    "public-read": [(ALL_USERS, "READ")],
    "public-read-write": [(ALL_USERS, "READ"), (ALL_USERS, "WRITE")],
    "authenticated-read": [(AUTHENTICATED_USERS, "READ")],
    "aws-exec-read": [(EC2, "READ")],
    "bucket-owner-read": [],
    "bucket-owner-full-control": [],
    "log-delivery-write": [(LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")],
}
"""For each canned ACL, the grantees and permissions besides the owner's full control."""
GRANT_HEADERS = {
    "GrantFullControl": ("x-amz-grant-full-control", "FULL_CONTROL"),
    "GrantRead": ("x-amz-grant-read", "READ"),
    "GrantReadACP": ("x-amz-grant-read-acp", "READ_ACP"),
    "GrantWrite": ("x-amz-grant-write", "WRITE"),
    "GrantWriteACP": ("x-amz-grant-write-acp", "WRITE_ACP"),
}
PERMISSIONS = frozenset(permission for _, permission in GRANT_HEADERS.values())
_CANONICAL_ID = re.compile("[0-9a-f]{64}")


def owners_grants(owner: Members) -> list[Members]:
    """Return the grants of a resource without an ACL: the owner has full control."""
    return [_grant({"Type": "CanonicalUser", **owner}, "FULL_CONTROL")]


def requested_grants(params: Members, owner: Members) -> list[Members] | None:
    """Return the grants of the ACL that a request sends, or None if it sends none."""
    headers = {member: params[member] for member in GRANT_HEADERS if member in params}
    if "ACL" in params and headers:
        raise ServiceError("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")
    if "AccessControlPolicy" in params:
        if "ACL" in params or headers:
            raise ServiceError("UnexpectedContent", "This request does not support content")
        return _checked_policy(params["AccessControlPolicy"])
    if "ACL" in params:
        granted = CANNED[params["ACL"]]
        return owners_grants(owner) + [_grant(_grantee(name), permission) for name, permission in granted]
    if headers:
        return [grant for member, value in headers.items() for grant in _grants_in_header(member, value)]
    return None


def grants_to_anyone(grants: list[Members], permission: str) -> bool:
    """Return True if grants give a permission to all users, who need not sign their requests."""
    return any(
        grant["Grantee"].get("URI") == ALL_USERS and grant["Permission"] in (permission, "FULL_CONTROL")
        for grant in grants
    )


def are_public(grants: list[Members]) -> bool:
    """Return True if grants give any permission to all users, or to all users with an AWS account."""
    return any(grant["Grantee"].get("URI") in (ALL_USERS, AUTHENTICATED_USERS) for grant in grants)


def _grants_in_header(member: str, value: str) -> list[Members]:
    header, permission = GRANT_HEADERS[member]
    grants = []
    for item in value.split(","):
        kind, equals, name = item.strip().partition("=")
        name = name.strip().strip('"')
        if not equals or kind not in ("uri", "id", "emailAddress"):
            raise errors.invalid_argument("Argument format not recognized", header, item.strip())
        _check_grantee(kind, name, "uri", "id")
        grants.append(_grant(_grantee(name), permission))
    return grants


def _checked_policy(policy: Members) -> list[Members]:
    if "Owner" not in policy or "Grants" not in policy:
        raise errors.malformed_acl()
    _check_grantee("id", policy["Owner"].get("ID", ""), "Group/URI", "CanonicalUser/ID")
    grants = []
    for grant in policy["Grants"]:
        grantee = grant.get("Grantee", {})
        kind = {"Group": "uri", "CanonicalUser": "id", "AmazonCustomerByEmail": "emailAddress"}.get(grantee.get("Type"))
        if kind is None or grant.get("Permission") not in PERMISSIONS:
            raise errors.malformed_acl()
        name = grantee.get("URI" if kind == "uri" else "ID", "")
        _check_grantee(kind, name, "Group/URI", "CanonicalUser/ID")
        grants.append(_grant(_grantee(name), grant["Permission"]))
    return grants


def _check_grantee(kind: str, name: str, uri_argument: str, id_argument: str) -> None:
    """Raise S3's error for a grantee that does not exist; no account has an e-mail address here."""
    if kind == "emailAddress":
        raise ServiceError(
            "UnresolvableGrantByEmailAddress",
            "The e-mail address you provided does not match any account on record.",
        )
    if kind == "uri" and name not in GROUPS:
        raise errors.invalid_argument("Invalid group uri", uri_argument, name)
    if kind == "id" and not _CANONICAL_ID.fullmatch(name):
        raise errors.invalid_argument("Invalid id", id_argument, name)


def _grantee(name: str) -> Members:
    return {"Type": "Group", "URI": name} if name in GROUPS else {"Type": "CanonicalUser", "ID": name}


def _grant(grantee: Members, permission: str) -> Members:
    return {"Grantee": grantee, "Permission": permission}
