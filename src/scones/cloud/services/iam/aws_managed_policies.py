"""The policies that AWS manages: `aws_managed_policies.json` has the ARN and the default version of each.

The list has the names and versions that moto 5.2.5 read from AWS at the end of September 2026. AWS adds about ten
policies per month. Documents of policies are not included.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from importlib import resources

from scones.cloud.core.credentials import unique_id
from scones.cloud.wire.members import Members

_PREFIX = "arn:aws:iam::aws:policy/"


def aws_managed_policy(arn: str) -> Members | None:
    """Return the description of a policy that AWS manages, or None if AWS has no policy with the ARN."""
    known = _policies().get(arn.removeprefix(_PREFIX)) if arn.startswith(_PREFIX) else None
    if known is None:
        return None
    version, created, updated = known
    path, _, name = arn.removeprefix(_PREFIX[:-1]).rpartition("/")
    return {
        "PolicyName": name,
        "PolicyId": unique_id("ANPA", arn),
        "Arn": arn,
        "Path": f"{path}/",
        "DefaultVersionId": version,
        "IsAttachable": True,
        "CreateDate": datetime.fromisoformat(created).timestamp(),
        "UpdateDate": datetime.fromisoformat(updated).timestamp(),
    }


def is_aws_managed(arn: str) -> bool:
    """Return True for the ARN of a policy that AWS manages."""
    return aws_managed_policy(arn) is not None


@cache
def _policies() -> dict[str, list[str]]:
    """Return the default version, the creation time and the time of the last change of each policy."""
    file = resources.files("scones.cloud.services.iam") / "aws_managed_policies.json"
    policies: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
    return policies
