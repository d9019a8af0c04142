"""Function names in every form that AWS accepts: a name, a partial ARN or an ARN, with or without a qualifier."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall

LATEST = "$LATEST"
_FORM = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function's name, the requested version or alias, and the region and account that an ARN names."""

    name: str
    qualifier: str | None = None
    region: str | None = None
    account: str | None = None

    @classmethod
    def parse(cls, given: str, qualifier: str | None = None) -> FunctionName:
        """Parse a FunctionName parameter and its Qualifier.

        Raises `InvalidParameterValueException` if the name is invalid or the two have different qualifiers.
        """
        found = _FORM.fullmatch(given)
        if found is None:
            raise ServiceError("InvalidParameterValueException", f"Invalid function name: {given}", Type="User")
        inside: str | None = found["qualifier"]
        if inside and qualifier and inside != qualifier:
            raise ServiceError(
                "InvalidParameterValueException",
                "The derived qualifier from the function name does not match the specified qualifier.",
                Type="User",
            )
        return cls(found["name"], inside or qualifier, found["region"], found["account"])


class FunctionNames:
    """Finds the function that a request names."""

    def __init__(self, cloud: CloudContext) -> None:
        self._settings = cloud.settings

    def requested(self, call: OperationCall) -> FunctionName:
        """Return the function that a call names.

        Raises `ResourceNotFoundException` for a function in another region, and `AccessDeniedException` for one in
        another account.
        """
        given = call.params["FunctionName"] if "FunctionName" in call.params else call.params["Resource"]
        function = FunctionName.parse(given, call.params.get("Qualifier"))
        region, account = self._settings.region, self._settings.account
        if function.region not in (None, region):
            message = f"Functions from '{function.region}' are not reachable in this region ('{region}')"
            raise ServiceError("ResourceNotFoundException", message, 404, Type="User")
        if function.account not in (None, account):
            action = f"lambda:{'InvokeFunction' if call.operation == 'Invoke' else call.operation}"
            message = (
                f"User: {call.caller.arn} is not authorized to perform: {action} on resource: {given} because no "
                f"resource-based policy allows the {action} action"
            )
            raise ServiceError("AccessDeniedException", message, 403)
        return function
