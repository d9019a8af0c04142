"""Model package groups: named series of versions of a model."""

from __future__ import annotations

import time
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.credentials import Caller
from scones.cloud.services.sagemaker.errors import invalid
from scones.cloud.services.sagemaker.resources import Document, ResourceTable

KIND = "model-package-group"
_LATEST = "LatestVersion"
"""Member of a document with the last version's number, which is never reused; Describe does not show it."""


class ModelPackageGroups:
    """The model package groups of a cloud."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._groups = ResourceTable(cloud.store, KIND, "ModelPackageGroupStatus")

    def arn(self, name: str) -> str:
        """Return a group's ARN, whether or not it exists."""
        return self._cloud.arn("sagemaker", f"{KIND}/{name.lower()}")

    async def create(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Store a group; raises `ServiceError` (ValidationException) if the name exists."""
        name = request["ModelPackageGroupName"]
        arn = self.arn(name)
        document = {
            **{key: value for key, value in request.items() if key != "Tags"},
            "ModelPackageGroupArn": arn,
            "ModelPackageGroupStatus": "Completed",
            "CreationTime": time.time(),
            "CreatedBy": user_context(caller),
            _LATEST: 0,
        }
        if self._groups.with_arn(arn) or not await self._groups.add(name, arn, document, request.get("Tags", [])):
            raise invalid(f"Model Package Group already exists: {arn}")
        return {"ModelPackageGroupArn": arn}

    def describe(self, identifier: str) -> Document:
        """Return a group's document by its name or ARN; raises `ServiceError` (ValidationException)."""
        arn = identifier if identifier.startswith("arn:") else self.arn(identifier)
        document = self._groups.with_arn(arn)
        if document is None:
            raise invalid(f"ModelPackageGroup {arn} does not exist.")
        document.pop(_LATEST)
        return document

    async def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return one page of summaries."""
        page, more = await self._groups.page(params, "Ascending")
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

    async def next_version(self, name: str) -> int:
        """Reserve and return the number of a group's next version; raises `ServiceError` (ValidationException)."""

        def change(document: Document) -> None:
            document[_LATEST] += 1

        document = await self._groups.update(name, change)
        if document is None:
            raise invalid(f"ModelPackageGroup {self.arn(name)} does not exist.")
        version: int = document[_LATEST]
        return version

    async def remove(self, name: str) -> None:
        """Delete a group."""
        await self._groups.remove(name)


def user_context(caller: Caller) -> Document:
    """Return a caller as a UserContext, for CreatedBy and LastModifiedBy."""
    return {"IamIdentity": {"Arn": caller.arn, "PrincipalId": caller.user_id}}
