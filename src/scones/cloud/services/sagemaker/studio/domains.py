"""Domains, which contain user profiles, spaces and apps."""

from __future__ import annotations

import asyncio
import secrets
import string
import time

from scones.cloud.context import CloudContext
from scones.cloud.process.untrusted_files import remove_tree
from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import not_supported
from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.services.sagemaker.studio.errors import already_exists, in_use, not_found
from scones.cloud.services.sagemaker.studio.resources import StudioResources
from scones.cloud.services.sagemaker.studio.settings import merge
from scones.cloud.wire.members import Members

_DEFAULTS = {"AppNetworkAccessType": "PublicInternetOnly", "TagPropagation": "DISABLED"}
_SUMMARY = ("DomainArn", "DomainId", "DomainName", "Status", "CreationTime", "LastModifiedTime", "Url")


class DomainOperations:
    """Operations on domains; a domain needs no setup here, so it is InService at once."""

    def __init__(self, cloud: CloudContext, studio: StudioResources) -> None:
        self._cloud = cloud
        self._studio = studio

    async def create_domain(self, call: OperationCall) -> Members:
        """Create a domain, which must not use IAM Identity Center (AuthMode SSO)."""
        request = call.params
        if request["AuthMode"] == "SSO":
            raise not_supported("domains with the AuthMode SSO", "Use IAM.")
        if self._studio.domains.first(DomainName=request["DomainName"]):
            raise already_exists()
        identifier = "d-" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))
        now = time.time()
        document = {
            **_DEFAULTS,
            **{key: value for key, value in request.items() if key != "Tags"},
            "DomainId": identifier,
            "DomainArn": self._arn(identifier),
            "Url": f"https://{identifier}.studio.{self._cloud.settings.region}.sagemaker.aws",
            "Status": "InService",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        await self._studio.domains.add(identifier, document["DomainArn"], document, request.get("Tags", []))
        return {key: document[key] for key in ("DomainArn", "DomainId", "Url")}

    async def describe_domain(self, call: OperationCall) -> Members:
        """Describe a domain."""
        return self._studio.domain(call.params["DomainId"])

    async def list_domains(self, call: OperationCall) -> Members:
        """List domains."""
        page, more = await self._studio.domains.page(call.params, "Ascending")
        return {"Domains": [{key: each[key] for key in _SUMMARY} for each in page], **more}

    async def update_domain(self, call: OperationCall) -> Members:
        """Change a domain's settings."""
        identifier = call.params["DomainId"]
        given = {key.removesuffix("ForUpdate"): value for key, value in call.params.items()}

        def change(document: Document) -> None:
            merge(document, given | {"LastModifiedTime": time.time()})

        if await self._studio.domains.update(identifier, change) is None:
            raise not_found("Domain", identifier)
        return {"DomainArn": self._arn(identifier)}

    async def delete_domain(self, call: OperationCall) -> Members:
        """Delete a domain without user profiles and spaces.

        Its files are kept unless the RetentionPolicy's HomeEfsFileSystem is Delete.
        """
        identifier = call.params["DomainId"]
        self._studio.domain(identifier)
        for resources in (self._studio.profiles, self._studio.spaces):
            if resources.any(DomainId=identifier):
                raise in_use("Domain", self._arn(identifier), resources.kind.title)
        await self._studio.apps.remove_all(identifier)
        await self._studio.domains.remove(identifier)
        if call.params.get("RetentionPolicy", {}).get("HomeEfsFileSystem") == "Delete":
            await asyncio.to_thread(remove_tree, self._cloud.settings.data_dir / "studio" / identifier)
        return {}

    def _arn(self, identifier: str) -> str:
        return self._cloud.arn("sagemaker", f"domain/{identifier}")
