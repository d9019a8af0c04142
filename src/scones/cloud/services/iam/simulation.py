"""The policy simulator."""

from __future__ import annotations

from scones.cloud.service import OperationCall
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.role_records import RoleRecords
from scones.cloud.wire.members import Members


class SimulationOperations:
    """Operations of the policy simulator."""

    def __init__(self, roles: RoleRecords) -> None:
        self._roles = roles

    async def simulate_principal_policy(self, call: OperationCall) -> Members:
        """Return "allowed" for every action, because policies are not enforced."""
        params = call.params
        if ":role/" in params["PolicySourceArn"]:
            self._roles.get(params["PolicySourceArn"].rpartition("/")[2])
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": "allowed",
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
            for action in params["ActionNames"]
            for resource in params.get("ResourceArns", ["*"])
        ]
        return list_page("EvaluationResults", results, params)
