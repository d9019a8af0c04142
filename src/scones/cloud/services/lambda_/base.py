"""The base class of Lambda's operation groups."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.core import pages
from scones.cloud.core.outbox import Outbox
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, Service, read_body
from scones.cloud.services.lambda_.event_sources.event_sources import SCHEMA as EVENT_SOURCES
from scones.cloud.services.lambda_.event_sources.event_sources import EventSources
from scones.cloud.services.lambda_.event_sources.pollers import Pollers
from scones.cloud.services.lambda_.functions.code import ZIPPED_LIMIT, CodeStore, Package
from scones.cloud.services.lambda_.functions.code_links import CodeLinks
from scones.cloud.services.lambda_.functions.function_records import SCHEMA, FunctionRecords
from scones.cloud.services.lambda_.functions.names import FunctionName
from scones.cloud.services.lambda_.invoke.async_invocations import AsyncInvocations
from scones.cloud.services.lambda_.invoke.destinations import TABLE
from scones.cloud.services.lambda_.invoke.invoker import Invoker


class LambdaBase(Service):
    """The state and the methods that the operation groups share."""

    name: ClassVar[str] = "lambda"
    schema: ClassVar[str] = f"{SCHEMA};{EVENT_SOURCES};{Outbox.schema(TABLE)}"
    unvalidated_members: ClassVar[frozenset[str]] = frozenset({"Runtime"})
    reports_null_members: ClassVar[bool] = True

    def __init__(self, cloud: CloudContext) -> None:
        super().__init__(cloud)
        folder = cloud.settings.data_dir / "lambda"
        self._records = FunctionRecords(cloud)
        self._code = CodeStore(folder)
        self.links = CodeLinks(cloud, self._code)
        self._invoker = Invoker(cloud, self._records, self._code, folder / "tmp")
        self._events = AsyncInvocations(cloud, self._records, self._invoker)
        self._event_sources = EventSources(cloud.store)
        self._pollers = Pollers(cloud, self._event_sources, self._invoker)

    def _function(self, call: OperationCall) -> FunctionName:
        """Return the function that a call names.

        Raises `ResourceNotFoundException` for a function in another region, and `AccessDeniedException` for one in
        another account.
        """
        given = call.params["FunctionName"] if "FunctionName" in call.params else call.params["Resource"]
        function = FunctionName.parse(given, call.params.get("Qualifier"))
        region, account = self.cloud.settings.region, self.cloud.settings.account
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

    def _check_revision(self, configuration: dict[str, Any], params: dict[str, Any]) -> None:
        if params.get("RevisionId", configuration["RevisionId"]) != configuration["RevisionId"]:
            raise ServiceError(
                "PreconditionFailedException",
                "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
                "retrieve the latest Revision Id",
                412,
                Type="User",
            )

    async def _package(self, code: dict[str, Any]) -> Package:
        archive = code.get("ZipFile")
        if archive is None:
            if "S3Bucket" not in code or "S3Key" not in code:
                raise ServiceError(
                    "InvalidParameterValueException", "Please provide a source for function code.", Type="User"
                )
            archive = await self._from_s3(code["S3Bucket"], code["S3Key"])
        elif len(archive) > ZIPPED_LIMIT:
            message = f"Zipped size must be smaller than {ZIPPED_LIMIT} bytes"
            raise ServiceError("InvalidParameterValueException", message, Type="User")
        return await asyncio.to_thread(self._code.add, archive)

    async def _from_s3(self, bucket: str, key: str) -> bytes:
        try:
            answer = await self.cloud.call("s3", "GetObject", {"Bucket": bucket, "Key": key})
        except ServiceError as error:
            raise ServiceError(
                "InvalidParameterValueException",
                f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}",
                Type="User",
            ) from error
        return await read_body(answer["Body"])


def page(name: str, items: list[dict[str, Any]], params: dict[str, Any]) -> dict[str, Any]:
    """Return one page of a list in Lambda's format: 50 items unless MaxItems is given."""
    marker = params.get("Marker")
    refusal = ServiceError("InvalidParameterValueException", f"Marker {marker} was not returned by an earlier request.")
    found, token = pages.page(items, marker, params.get("MaxItems", 50), refusal)
    return {name: found, "NextMarker": token}


def listed(configuration: dict[str, Any]) -> dict[str, Any]:
    """Return a function's entry in a list: its configuration without its state, as the API's documentation says."""
    return {name: value for name, value in configuration.items() if name not in _NOT_LISTED}


_NOT_LISTED = frozenset(
    {
        "State",
        "StateReason",
        "StateReasonCode",
        "LastUpdateStatus",
        "LastUpdateStatusReason",
        "LastUpdateStatusReasonCode",
        "RuntimeVersionConfig",
    }
)
