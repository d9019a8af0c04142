"""Domains, which contain user profiles, spaces and apps."""

from __future__ import annotations

import secrets
import string
import time
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.services.sagemaker.errors import not_supported
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.services.sagemaker.studio.errors import already_exists, not_found
from scones.cloud.services.sagemaker.studio.settings import merge

_DEFAULTS = {"AppNetworkAccessType": "PublicInternetOnly", "TagPropagation": "DISABLED"}
_SUMMARY = ("DomainArn", "DomainId", "DomainName", "Status", "CreationTime", "LastModifiedTime", "Url")


class Domains:
    """The domains of a cloud, by ID; a domain needs no setup here, so it is InService at once."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._domains = ResourceTable(cloud.store, "domain", "Status")

    def arn(self, identifier: str) -> str:
        """Return a domain's ARN, whether or not it exists."""
        return self._cloud.arn("sagemaker", f"domain/{identifier}")

    async def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Store a domain; raises `ServiceError` if its name exists or it uses IAM Identity Center (AuthMode SSO)."""
        if request["AuthMode"] == "SSO":
            raise not_supported("domains with the AuthMode SSO", "Use IAM.")
        if self._domains.first(DomainName=request["DomainName"]):
            raise already_exists()
        identifier = "d-" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))
        now = time.time()
        document = {
            **_DEFAULTS,
            **{key: value for key, value in request.items() if key != "Tags"},
            "DomainId": identifier,
            "DomainArn": self.arn(identifier),
            "Url": f"https://{identifier}.studio.{self._cloud.settings.region}.sagemaker.aws",
            "Status": "InService",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        await self._domains.add(identifier, document["DomainArn"], document, request.get("Tags", []))
        return {key: document[key] for key in ("DomainArn", "DomainId", "Url")}

    def describe(self, identifier: str) -> Document:
        """Return a domain's document; raises `ServiceError` (ResourceNotFound)."""
        document = self._domains.get(identifier)
        if document is None:
            raise not_found("Domain", identifier)
        return document

    async def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return one page of summaries."""
        page, more = await self._domains.page(params, "Ascending")
        return {"Domains": [{key: each[key] for key in _SUMMARY} for each in page], **more}

    async def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """Merge a request's members into the domain; raises `ServiceError` (ResourceNotFound)."""
        identifier = request["DomainId"]
        given = {key.removesuffix("ForUpdate"): value for key, value in request.items()}

        def change(document: Document) -> None:
            merge(document, given | {"LastModifiedTime": time.time()})

        if await self._domains.update(identifier, change) is None:
            raise not_found("Domain", identifier)
        return {"DomainArn": self.arn(identifier)}

    async def remove(self, identifier: str) -> None:
        """Delete a domain."""
        await self._domains.remove(identifier)
