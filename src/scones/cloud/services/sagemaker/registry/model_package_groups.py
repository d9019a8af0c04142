"""Model package groups: named series of versions of a model."""

from __future__ import annotations

import time

from scones.cloud.context import CloudContext
from scones.cloud.core.credentials import Caller
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import invalid
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.wire.members import Members

_LATEST = "LatestVersion"
"""Member of a document with the last version's number, which is never reused; Describe does not show it."""


class ModelPackageGroupOperations:
    """Operations on model package groups."""

    def __init__(self, cloud: CloudContext, packages: ResourceTable) -> None:
        self._cloud = cloud
        self._packages = packages
        self._groups = ResourceTable(cloud.store, "model-package-group", "ModelPackageGroupStatus")

    async def create_model_package_group(self, call: OperationCall) -> Members:
        """Create a model package group."""
        request, name = call.params, call.params["ModelPackageGroupName"]
        arn = self._arn(name)
        document = {
            **{key: value for key, value in request.items() if key != "Tags"},
            "ModelPackageGroupArn": arn,
            "ModelPackageGroupStatus": "Completed",
            "CreationTime": time.time(),
            "CreatedBy": user_context(call.caller),
            _LATEST: 0,
        }
        if self._groups.with_arn(arn) or not await self._groups.add(name, arn, document, request.get("Tags", [])):
            raise invalid(f"Model Package Group already exists: {arn}")
        return {"ModelPackageGroupArn": arn}

    async def describe_model_package_group(self, call: OperationCall) -> Members:
        """Describe a model package group."""
        return self.find(call.params["ModelPackageGroupName"])

    async def list_model_package_groups(self, call: OperationCall) -> Members:
        """List model package groups."""
        page, more = await self._groups.page(call.params, "Ascending")
        members = (
            "ModelPackageGroupName",
            "ModelPackageGroupArn",
            "ModelPackageGroupDescription",
            "CreationTime",
            "ModelPackageGroupStatus",
            "ManagedConfiguration",
        )
        summaries = [{key: item[key] for key in members if key in item} for item in page]
        return {"ModelPackageGroupSummaryList": summaries, **more}

    async def delete_model_package_group(self, call: OperationCall) -> Members:
        """Delete a model package group that has no versions."""
        group = self.find(call.params["ModelPackageGroupName"])
        name = group["ModelPackageGroupName"]
        if self._packages.first(ModelPackageGroupName=name):
            # AWS's message is not known.
            raise ServiceError(
                "ConflictException",
                f"ModelPackageGroup {group['ModelPackageGroupArn']} still contains model packages. Delete them first.",
            )
        await self._groups.remove(name)
        return {}

    def find(self, identifier: str) -> Document:
        """Return a group in the form of Describe, by its name or ARN; raises `ServiceError` (ValidationException)."""
        arn = identifier if identifier.startswith("arn:") else self._arn(identifier)
        document = self._groups.with_arn(arn)
        if document is None:
            raise _missing(arn)
        document.pop(_LATEST)
        return document

    async def next_version(self, name: str) -> int:
        """Reserve and return the number of a group's next version; raises `ServiceError` (ValidationException)."""

        def change(document: Document) -> None:
            document[_LATEST] += 1

        document = await self._groups.update(name, change)
        if document is None:
            raise _missing(self._arn(name))
        version: int = document[_LATEST]
        return version

    def _arn(self, name: str) -> str:
        return self._cloud.arn("sagemaker", f"model-package-group/{name.lower()}")


def _missing(arn: str) -> ServiceError:
    return invalid(f"ModelPackageGroup {arn} does not exist.")


def user_context(caller: Caller) -> Document:
    """Return a caller as a UserContext, for CreatedBy and LastModifiedBy."""
    return {"IamIdentity": {"Arn": caller.arn, "PrincipalId": caller.user_id}}
