"""The SNS service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from types import MappingProxyType
from typing import ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.http_route import HttpRoute
from scones.cloud.service import OperationCall, Service
from scones.cloud.services.sns import confirmations, outboxes, signing, topic_records
from scones.cloud.services.sns.certificate_route import CertificateRoute
from scones.cloud.services.sns.confirmations import ConfirmationOperations, Confirmations
from scones.cloud.services.sns.delivery import MessageDelivery
from scones.cloud.services.sns.envelope import Envelopes
from scones.cloud.services.sns.outboxes import Outboxes
from scones.cloud.services.sns.permissions import PermissionOperations
from scones.cloud.services.sns.publishing import PublishingOperations
from scones.cloud.services.sns.signing import Signer
from scones.cloud.services.sns.subscriptions import SubscriptionOperations
from scones.cloud.services.sns.topic_records import TopicRecords
from scones.cloud.services.sns.topics import TopicOperations


class SNS(Service):
    """The SNS API; messages are delivered from outboxes in the store."""

    name: ClassVar[str] = "sns"
    groups = (
        TopicOperations,
        PermissionOperations,
        SubscriptionOperations,
        ConfirmationOperations,
        PublishingOperations,
    )
    schema: ClassVar[str] = ";".join((topic_records.SCHEMA, confirmations.SCHEMA, signing.SCHEMA, outboxes.SCHEMA))
    validation_code: ClassVar[str] = "ValidationError"
    unsigned_operations: ClassVar[Set[str]] = frozenset({"ConfirmSubscription", "Unsubscribe"})
    refused_parameters: ClassVar[Mapping[str, Mapping[str, str]]] = MappingProxyType(
        {
            "CreateTopic": {"DataProtectionPolicy": ""},
        }
    )

    def __init__(self, cloud: CloudContext) -> None:
        records, signer = TopicRecords(cloud), Signer(cloud)
        delivery = MessageDelivery(cloud, records, Envelopes(cloud, records, signer))
        self._outboxes = Outboxes(cloud, delivery)
        self._certificate = CertificateRoute(signer)
        requests = Confirmations(cloud, self._outboxes.endpoints)
        super().__init__(
            cloud,
            TopicOperations(cloud, records),
            PermissionOperations(records, cloud.settings.account),
            SubscriptionOperations(cloud, records, requests),
            ConfirmationOperations(cloud, records, requests),
            PublishingOperations(cloud, records, self._outboxes),
        )

    def http_routes(self) -> Sequence[HttpRoute]:
        """Return the route of the signing certificate."""
        return (self._certificate,)

    def check_unsigned(self, call: OperationCall) -> None:
        """Accept the links of notifications: their tokens, and the ARNs of subscriptions, authorize them."""

    async def start(self) -> None:
        """Resume the deliveries that an earlier process left unfinished."""
        self._outboxes.start()
