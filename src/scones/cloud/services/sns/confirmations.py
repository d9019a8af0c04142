"""Confirmation of subscriptions of HTTP endpoints."""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import time
import uuid
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn
from scones.cloud.core.clock import iso_milliseconds
from scones.cloud.core.credentials import ANONYMOUS
from scones.cloud.delivery.outbox import Outbox
from scones.cloud.service import OperationCall
from scones.cloud.services.sns.delivery import CONFIRMED
from scones.cloud.services.sns.errors import invalid, malformed_token
from scones.cloud.services.sns.topic_records import Subscription, TopicRecords
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS sns_confirmations (
        token TEXT PRIMARY KEY, topic TEXT NOT NULL REFERENCES sns_topics(arn) ON DELETE CASCADE,
        subscription TEXT NOT NULL, created REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS sns_confirmations_by_time ON sns_confirmations (created)
"""
SUBSCRIBED = "SubscriptionConfirmation"
UNSUBSCRIBED = "UnsubscribeConfirmation"
_TEXTS = {
    SUBSCRIBED: "You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit the "
    "SubscribeURL included in this message.",
    UNSUBSCRIBED: "You have chosen to deactivate subscription {arn}.\nTo cancel this operation and restore the "
    "subscription, visit the SubscribeURL included in this message.",
}
VALID_SECONDS = 2 * 86_400
"""Seconds for which a token is valid: two days (Subscribe, API reference)."""
_TOKEN_BYTES = 144
_TOKEN = re.compile("[0-9a-f]+")


class Confirmations:
    """Confirmation tokens, each with the subscription that it confirms, and the messages that contain them."""

    def __init__(self, cloud: CloudContext, outbox: Outbox[dict[str, Any]]) -> None:
        self._store = cloud.store
        self._outbox = outbox

    async def send(self, kind: str, subscription: Subscription) -> None:
        """Store a token for a subscription, and send it to the endpoint; `kind` is the message's Type."""
        token, now = secrets.token_hex(_TOKEN_BYTES), time.time()
        message = {
            "Type": kind,
            "MessageId": str(uuid.uuid4()),
            "Token": token,
            "Message": _TEXTS[kind].format(topic=subscription.topic, arn=subscription.arn),
            "Timestamp": iso_milliseconds(datetime.now(UTC)),
            CONFIRMED: asdict(subscription),
        }

        def keep(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM sns_confirmations WHERE created < ?", (now - VALID_SECONDS,))
            connection.execute(
                "INSERT INTO sns_confirmations VALUES (?, ?, ?, ?)",
                (token, subscription.topic, json.dumps(asdict(subscription)), now),
            )
            self._outbox.put(connection, [subscription.arn], message)

        await self._store.write(keep)
        self._outbox.wake([subscription.arn])

    def subscription(self, token: str) -> Subscription:
        """Return the subscription that a token confirms; raises `InvalidParameter`."""
        if not _TOKEN.fullmatch(token):
            raise malformed_token()
        row = self._store.row(
            "SELECT subscription FROM sns_confirmations WHERE token = ? AND created > ?",
            token,
            time.time() - VALID_SECONDS,
        )
        if row is None:
            raise invalid("Token")
        return Subscription(**json.loads(row["subscription"]))


class ConfirmationOperations:
    """ConfirmSubscription, which also restores a subscription that a request without a signature deleted."""

    def __init__(self, cloud: CloudContext, records: TopicRecords, confirmations: Confirmations) -> None:
        self._settings = cloud.settings
        self._records = records
        self._confirmations = confirmations

    async def confirm_subscription(self, call: OperationCall) -> Members:
        """Confirm the subscription of a token; of the topic's ARN, only the region is compared, as on AWS."""
        try:
            region = Arn.parse(call.params["TopicArn"]).region
        except ValueError:
            region = ""
        if region != self._settings.region:
            raise invalid("Topic")
        found = self._confirmations.subscription(call.params["Token"])
        signed = call.caller is not ANONYMOUS
        guarded = signed and call.params.get("AuthenticateOnUnsubscribe", "").lower() == "true"
        await self._records.confirm(replace(found, authenticated=signed, guarded=guarded))
        return {"SubscriptionArn": found.arn}
