"""The SNS service."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import ClassVar

from botocore.model import StructureShape

from scones.cloud.context import CloudContext
from scones.cloud.http_route import HttpRoute
from scones.cloud.service import OperationCall, Service
from scones.cloud.services.sns import (
    confirmations,
    data_protection,
    outboxes,
    platform_records,
    signing,
    text_messages,
    topic_records,
)
from scones.cloud.services.sns.certificate_route import CertificateRoute
from scones.cloud.services.sns.confirmations import ConfirmationOperations, Confirmations
from scones.cloud.services.sns.data_protection import DataProtectionOperations, DataProtectionPolicies
from scones.cloud.services.sns.delivery import MessageDelivery
from scones.cloud.services.sns.envelope import Envelopes
from scones.cloud.services.sns.errors import check_arn, invalid
from scones.cloud.services.sns.outboxes import Outboxes
from scones.cloud.services.sns.permissions import PermissionOperations
from scones.cloud.services.sns.platform_applications import PlatformApplicationOperations, PlatformEndpointOperations
from scones.cloud.services.sns.platform_records import PlatformRecords
from scones.cloud.services.sns.publishing import PublishingOperations
from scones.cloud.services.sns.signing import Signer
from scones.cloud.services.sns.subscriptions import SubscriptionOperations
from scones.cloud.services.sns.text_messages import TextMessageOperations
from scones.cloud.services.sns.topic_records import TopicRecords
from scones.cloud.services.sns.topics import TopicOperations
from scones.cloud.wire.members import Members


class SNS(Service):
    """The SNS API; messages are delivered from outboxes in the store."""

    name: ClassVar[str] = "sns"
    groups = (
        TopicOperations,
        PermissionOperations,
        SubscriptionOperations,
        ConfirmationOperations,
        PublishingOperations,
        PlatformApplicationOperations,
        PlatformEndpointOperations,
        TextMessageOperations,
        DataProtectionOperations,
    )
    schema: ClassVar[str] = ";".join(
        module.SCHEMA
        for module in (
            topic_records,
            confirmations,
            signing,
            outboxes,
            platform_records,
            text_messages,
            data_protection,
        )
    )
    validation_code: ClassVar[str] = "ValidationError"
    unsigned_operations: ClassVar[Set[str]] = frozenset({"ConfirmSubscription", "Unsubscribe"})

    def __init__(self, cloud: CloudContext) -> None:
        records, platforms, signer = TopicRecords(cloud), PlatformRecords(cloud), Signer(cloud)
        delivery = MessageDelivery(cloud, records, Envelopes(cloud, records, signer))
        self._outboxes = Outboxes(cloud, delivery)
        self._certificate = CertificateRoute(signer)
        policies = DataProtectionPolicies(cloud.store)
        requests = Confirmations(cloud, self._outboxes.endpoints)
        super().__init__(
            cloud,
            TopicOperations(cloud, records, policies),
            PermissionOperations(records, cloud.settings.account),
            SubscriptionOperations(cloud, records, requests),
            ConfirmationOperations(cloud, records, requests),
            PublishingOperations(cloud, records, platforms, self._outboxes),
            PlatformApplicationOperations(cloud, platforms),
            PlatformEndpointOperations(platforms),
            TextMessageOperations(cloud),
            DataProtectionOperations(records, policies),
        )

    def http_routes(self) -> Sequence[HttpRoute]:
        """Return the route of the signing certificate."""
        return (self._certificate,)

    def validate(self, params: Members, shape: StructureShape) -> None:
        """Raise `ServiceError` for parameters that violate the model.

        As recorded on AWS, Unsubscribe has its own words, and a platform application's ARN is checked first.
        """
        if (application := params.get("PlatformApplicationArn")) is not None:
            check_arn(application, "PlatformApplicationArn")
        if shape.name == "UnsubscribeInput" and params.get("SubscriptionArn") is None:
            raise invalid("SubscriptionArn Reason: no value for required parameter")
        super().validate(params, shape)

    def check_unsigned(self, call: OperationCall) -> None:
        """Accept the links of notifications: their tokens, and the ARNs of subscriptions, authorize them."""

    async def start(self) -> None:
        """Resume the deliveries that an earlier process left unfinished."""
        self._outboxes.start()
