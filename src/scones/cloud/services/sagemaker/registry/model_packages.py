"""Model packages: a model's container image, data and metadata, either a version in a group or without a group."""

from __future__ import annotations

import time

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.announcements import announce_model_package
from scones.cloud.services.sagemaker.errors import invalid, not_supported
from scones.cloud.services.sagemaker.registry.model_package_groups import ModelPackageGroupOperations, user_context
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.wire.members import Members

_REQUEST = "ClientToken"
"""Member that identifies a repeated request; Describe does not show it."""
_REPLACED = (
    "ModelApprovalStatus",
    "ModelPackageRegistrationType",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)
"""Members that an update replaces."""
_REFUSED = {
    "ValidationSpecification": "the validation of a model package by transform jobs",
    "SourceAlgorithmSpecification": "model packages of an algorithm resource",
}
_SUMMARY = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)
_BATCH_SUMMARY = (*(member for member in _SUMMARY if member != "ModelPackageName"), "InferenceSpecification")


class ModelPackageOperations:
    """Operations on model packages."""

    def __init__(self, cloud: CloudContext, packages: ResourceTable, groups: ModelPackageGroupOperations) -> None:
        self._cloud = cloud
        self._packages = packages
        self._groups = groups

    async def create_model_package(self, call: OperationCall) -> Members:
        """Store a package, as the next version of a group if the request names one.

        A request with the ClientToken of an earlier request returns the earlier package's ARN.
        """
        request = call.params
        for member, what in _REFUSED.items():
            if member in request:
                raise not_supported(what, f"Leave {member} out.")
        if _REQUEST in request and (earlier := self._packages.first(ClientToken=request[_REQUEST])):
            return {"ModelPackageArn": earlier["ModelPackageArn"]}
        identity = await self._identity(request)
        arn = self._arn(_key(identity))
        document = {
            "CertifyForMarketplace": False,
            **{key: value for key, value in request.items() if key != "Tags"},
            **identity,
            "ModelPackageArn": arn,
            "CreationTime": time.time(),
            "CreatedBy": user_context(call.caller),
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        }
        if not await self._packages.add(_key(identity), arn, document, request.get("Tags", [])):
            raise _existing(arn)
        self._announce(document)
        return {"ModelPackageArn": arn}

    async def describe_model_package(self, call: OperationCall) -> Members:
        """Describe a model package."""
        return self.find(call.params["ModelPackageName"])

    async def batch_describe_model_package(self, call: OperationCall) -> Members:
        """Describe several model packages."""
        summaries, errors = {}, {}
        for arn in call.params["ModelPackageArnList"]:
            try:
                document = self.find(arn)
            except ServiceError as error:
                errors[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
            else:
                summaries[arn] = {key: document[key] for key in _BATCH_SUMMARY if key in document}
        return {"ModelPackageSummaries": summaries, "BatchDescribeModelPackageErrorMap": errors}

    async def list_model_packages(self, call: OperationCall) -> Members:
        """List the packages of a page: a group's versions, or the packages that ModelPackageType selects.

        The default is Unversioned: packages without a group.
        """
        params = call.params
        members: Members = {}
        kind = params.get("ModelPackageType", "Unversioned")
        if "ModelApprovalStatus" in params:
            members["ModelApprovalStatus"] = params["ModelApprovalStatus"]
        if "ModelPackageGroupName" in params:
            group = self._groups.find(params["ModelPackageGroupName"])
            members["ModelPackageGroupName"] = group["ModelPackageGroupName"]
        elif kind != "Both":
            members["ModelPackageVersion" if kind == "Unversioned" else "ModelPackageName"] = None
        page, more = await self._packages.page(params, "Ascending", members)
        return {
            "ModelPackageSummaryList": [{key: item[key] for key in _SUMMARY if key in item} for item in page],
            **more,
        }

    async def update_model_package(self, call: OperationCall) -> Members:
        """Change a package's approval, metadata or specifications."""
        params = call.params
        found = self.find(params["ModelPackageArn"])

        def change(document: Document) -> None:
            document |= {member: params[member] for member in _REPLACED if member in params}
            metadata = document.get("CustomerMetadataProperties", {}) | params.get("CustomerMetadataProperties", {})
            for name in params.get("CustomerMetadataPropertiesToRemove", []):
                metadata.pop(name, None)
            if metadata or "CustomerMetadataProperties" in document:
                document["CustomerMetadataProperties"] = metadata
            added = params.get("AdditionalInferenceSpecificationsToAdd", [])
            if added:
                document.setdefault("AdditionalInferenceSpecifications", []).extend(added)
            document |= {"LastModifiedTime": time.time(), "LastModifiedBy": user_context(call.caller)}

        document = await self._packages.update(_key(found), change)
        if document is None:
            raise _missing(found["ModelPackageArn"])
        self._announce(document)
        return {"ModelPackageArn": document["ModelPackageArn"]}

    async def delete_model_package(self, call: OperationCall) -> Members:
        """Delete a package; models created from it keep working."""
        await self._packages.remove(_key(self.find(call.params["ModelPackageName"])))
        return {}

    def find(self, identifier: str) -> Document:
        """Return a package in the form of Describe, by its name, `group/version` or ARN; raises `ServiceError`."""
        arn = identifier if identifier.startswith("arn:") else self._arn(identifier)
        document = self._packages.with_arn(arn)
        if document is None:
            raise _missing(arn)
        document.pop(_REQUEST, None)
        return document

    def container(self, identifier: str) -> Document:
        """Return the container of a package that may be deployed; raises `ServiceError` if it is not Approved."""
        document = self.find(identifier)
        approval = document.get("ModelApprovalStatus", "Approved")
        if approval != "Approved":
            # AWS's message is not known.
            raise invalid(
                f"ModelPackage {document['ModelPackageArn']} has the approval status {approval}; only Approved "
                "packages can be deployed. Change the status with UpdateModelPackage."
            )
        containers = document.get("InferenceSpecification", {}).get("Containers", [])
        if len(containers) != 1:
            raise not_supported(
                f"a model package with {len(containers)} containers", "Register the model with one container."
            )
        container: Document = containers[0]
        return container

    async def _identity(self, request: Members) -> Document:
        """Return a new package's group name, version and approval status, or its name if it has no group.

        Raises `ServiceError` (ValidationException).
        """
        if "ModelPackageGroupName" not in request:
            if "ModelPackageName" not in request:
                raise invalid("Missing ARN.")
            if self._packages.with_arn(self._arn(request["ModelPackageName"])):
                raise _existing(self._arn(request["ModelPackageName"]))
            return {"ModelPackageName": request["ModelPackageName"]}
        if "ModelPackageName" in request:
            raise invalid(
                "Both ModelPackageName and ModelPackageGroupName are provided in the input. "
                "Cannot determine which one to use."
            )
        if request.get("Tags"):  # AWS rejects them too; its message is not known
            raise invalid("Versions in a model package group cannot have tags. Tag the group instead.")
        group = self._groups.find(request["ModelPackageGroupName"])["ModelPackageGroupName"]
        return {
            "ModelPackageGroupName": group,
            "ModelPackageVersion": await self._groups.next_version(group),
            "ModelApprovalStatus": request.get("ModelApprovalStatus", "PendingManualApproval"),
        }

    def _announce(self, document: Document) -> None:
        announce_model_package(self._cloud, {key: value for key, value in document.items() if key != _REQUEST})

    def _arn(self, key: str) -> str:
        """Return the ARN of a package, given as `name` or `group/version`."""
        return self._cloud.arn("sagemaker", f"model-package/{key.lower()}")


def _missing(arn: str) -> ServiceError:
    return invalid(f"ModelPackage {arn} does not exist.")


def _existing(arn: str) -> ServiceError:
    return invalid(f"Model Package already exists: {arn}")


def _key(document: Document) -> str:
    if "ModelPackageVersion" in document:
        return f"{document['ModelPackageGroupName']}/{document['ModelPackageVersion']}"
    name: str = document["ModelPackageName"]
    return name
