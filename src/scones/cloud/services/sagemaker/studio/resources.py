"""The resources of Studio, which its groups of operations share."""

from __future__ import annotations

from dataclasses import dataclass

from scones.cloud.context import CloudContext
from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.services.sagemaker.studio.apps import Apps
from scones.cloud.services.sagemaker.studio.domain_resources import SPACE, USER_PROFILE, DomainResources
from scones.cloud.services.sagemaker.studio.errors import not_found


@dataclass(frozen=True, slots=True)
class StudioResources:
    """The domains of a cloud, with their user profiles, spaces and apps."""

    domains: ResourceTable
    profiles: DomainResources
    spaces: DomainResources
    apps: Apps

    @classmethod
    def of(cls, cloud: CloudContext) -> StudioResources:
        """Return the resources in a cloud's store."""
        domains = ResourceTable(cloud.store, "domain", "Status")
        return cls(domains, DomainResources(cloud, USER_PROFILE), DomainResources(cloud, SPACE), Apps(cloud))

    def domain(self, identifier: str) -> Document:
        """Return a domain's document; raises `ServiceError` (ResourceNotFound)."""
        document = self.domains.get(identifier)
        if document is None:
            raise not_found("Domain", identifier)
        return document
