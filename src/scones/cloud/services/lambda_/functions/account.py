"""The account's quotas and usage."""

from __future__ import annotations

from scones.cloud.context import CloudContext
from scones.cloud.service import OperationCall
from scones.cloud.services.lambda_.functions.code import UNZIPPED_LIMIT, ZIPPED_LIMIT
from scones.cloud.wire.members import Members

CONCURRENT_EXECUTIONS = 1000
CODE_LIMIT = 80_530_636_800
"""Maximum bytes of all code together (AWS's quota)."""


class AccountOperations:
    """Operations on the account."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud

    async def get_account_settings(self, call: OperationCall) -> Members:  # noqa: ARG002
        """Return AWS's default quotas and the current usage."""
        usage = self._cloud.store.row(
            "SELECT count(*) AS functions, coalesce(sum(reserved), 0) AS reserved,"
            " coalesce(sum(json_extract(document, '$.CodeSize')), 0) AS size FROM functions"
        )
        versions = self._cloud.store.row(
            "SELECT coalesce(sum(json_extract(document, '$.CodeSize')), 0) AS size FROM function_versions"
        )
        layers = self._cloud.store.row(
            "SELECT coalesce(sum(json_extract(document, '$.Content.CodeSize')), 0) AS size FROM layer_versions"
            " WHERE NOT deleted"
        )
        assert usage is not None
        assert versions is not None
        assert layers is not None
        return {
            "AccountLimit": {
                "TotalCodeSize": CODE_LIMIT,
                "CodeSizeUnzipped": UNZIPPED_LIMIT,
                "CodeSizeZipped": ZIPPED_LIMIT,
                "ConcurrentExecutions": CONCURRENT_EXECUTIONS,
                "UnreservedConcurrentExecutions": CONCURRENT_EXECUTIONS - usage["reserved"],
            },
            "AccountUsage": {
                "TotalCodeSize": usage["size"] + versions["size"] + layers["size"],
                "FunctionCount": usage["functions"],
            },
        }
