"""User profiles and spaces: the named resources of a domain."""

from __future__ import annotations

import time
from dataclasses import dataclass

from scones.cloud.context import CloudContext
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.services.sagemaker.studio.errors import already_exists, not_found
from scones.cloud.services.sagemaker.studio.settings import merge
from scones.cloud.wire.members import Members, MemberValue


@dataclass(frozen=True, slots=True)
class DomainResourceKind:
    """A kind of resource: `resource` is its name in ARNs, `title` its name in members and messages."""

    resource: str
    title: str

    @property
    def name(self) -> str:
        """Name of the member that holds a resource's name."""
        return f"{self.title}Name"


USER_PROFILE = DomainResourceKind("user-profile", "UserProfile")
SPACE = DomainResourceKind("space", "Space")


class DomainResources:
    """The user profiles, or the spaces, of all domains; each belongs to one domain and is InService at once."""

    def __init__(self, cloud: CloudContext, kind: DomainResourceKind) -> None:
        self._cloud = cloud
        self.kind = kind
        self._resources = ResourceTable(cloud.store, kind.resource, "Status")

    def arn(self, domain: str, name: str) -> str:
        """Return a resource's ARN; the resource need not exist."""
        return self._cloud.arn("sagemaker", f"{self.kind.resource}/{domain}/{name.lower()}")

    async def create(self, request: Members) -> Members:
        """Store a resource of an existing domain; raises `ServiceError` (ResourceInUse) if the name exists."""
        domain, name = request["DomainId"], request[self.kind.name]
        arn, now = self.arn(domain, name), time.time()
        document = {
            **{key: value for key, value in request.items() if key != "Tags"},
            f"{self.kind.title}Arn": arn,
            "Status": "InService",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        # Two names that differ only in case would share an ARN and, on some machines, a folder.
        if not await self._resources.add(f"{domain}/{name.lower()}", arn, document, request.get("Tags", [])):
            raise already_exists()
        return {f"{self.kind.title}Arn": arn}

    def find(self, domain: str, name: str) -> Document:
        """Return a resource's document; raises `ServiceError` (ResourceNotFound)."""
        document = self._resources.get(f"{domain}/{name.lower()}")
        if document is None:
            raise not_found(self.kind.title, self.arn(domain, name))
        return document

    async def page(self, params: Members) -> tuple[list[Document], dict[str, str]]:
        """Return one page of documents for a List operation, and its NextToken member."""
        equal = {"DomainId": params["DomainIdEquals"]} if "DomainIdEquals" in params else {}
        part = params.get(f"{self.kind.name}Contains")
        return await self._resources.page(params, "Ascending", equal, {self.kind.name: part} if part else {})

    def any(self, **equal: MemberValue) -> bool:
        """Return True if a resource with these values exists."""
        return self._resources.first(**equal) is not None

    def owned_by(self, domain: str, profile: str) -> list[Document]:
        """Return the spaces of a domain that belong to a user profile."""
        return [
            each
            for each in self._resources.all()
            if each["DomainId"] == domain and each.get("OwnershipSettings", {}).get("OwnerUserProfileName") == profile
        ]

    async def update(self, request: Members) -> Members:
        """Merge a request's values into the resource's document; raises `ServiceError` (ResourceNotFound)."""
        domain, name = request["DomainId"], request[self.kind.name]
        self.find(domain, name)
        given = {key: value for key, value in request.items() if key not in ("DomainId", self.kind.name)}

        def change(document: Document) -> None:
            merge(document, given | {"LastModifiedTime": time.time()})

        await self._resources.update(f"{domain}/{name.lower()}", change)
        return {f"{self.kind.title}Arn": self.arn(domain, name)}

    async def remove(self, domain: str, name: str) -> None:
        """Delete a resource."""
        await self._resources.remove(f"{domain}/{name.lower()}")
