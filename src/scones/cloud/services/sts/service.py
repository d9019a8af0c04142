"""The STS service."""

from __future__ import annotations

from typing import ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.service import Service
from scones.cloud.services.sts.sessions import SessionOperations


class SecurityTokenService(Service):
    """The STS API."""

    name: ClassVar[str] = "sts"
    groups = (SessionOperations,)
    validation_code: ClassVar[str] = "ValidationError"

    def __init__(self, cloud: CloudContext) -> None:
        super().__init__(cloud, SessionOperations(cloud.settings.account, cloud.credentials))
