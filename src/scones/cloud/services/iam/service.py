"""The IAM service."""

from __future__ import annotations

import json
from typing import ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.core.credentials import EXECUTION_ROLE
from scones.cloud.core.uuids import uuid4
from scones.cloud.service import OperationCall, Service
from scones.cloud.services.iam import managed_policies, role_policies, role_records
from scones.cloud.services.iam.managed_policies import ManagedPolicyOperations
from scones.cloud.services.iam.role_policies import RolePolicyOperations
from scones.cloud.services.iam.role_records import RoleRecords
from scones.cloud.services.iam.roles import RoleOperations
from scones.cloud.services.iam.simulation import SimulationOperations

_TRUST_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


class IdentityAndAccessManagement(Service):
    """The IAM API for roles and policies, which are stored and returned; nothing is enforced."""

    name: ClassVar[str] = "iam"
    groups = (RoleOperations, RolePolicyOperations, ManagedPolicyOperations, SimulationOperations)
    schema: ClassVar[str] = ";".join(module.SCHEMA for module in (role_records, role_policies, managed_policies))
    validation_code: ClassVar[str] = "ValidationError"

    def __init__(self, cloud: CloudContext) -> None:
        self._records = RoleRecords(cloud.store)
        self._roles = RoleOperations(cloud, self._records)
        super().__init__(
            cloud,
            self._roles,
            RolePolicyOperations(cloud.store, self._records),
            ManagedPolicyOperations(cloud),
            SimulationOperations(self._records),
        )

    async def start(self) -> None:
        """Create the execution role of workspaces, as Studio's set-up does."""
        if self._records.exists(EXECUTION_ROLE):
            return
        params = {"RoleName": EXECUTION_ROLE, "Path": "/service-role/", "AssumeRolePolicyDocument": _TRUST_POLICY}
        root = self.cloud.credentials.root(self.cloud.settings.account)
        await self._roles.create_role(
            OperationCall(operation="CreateRole", params=params, caller=root, request_id=uuid4())
        )
