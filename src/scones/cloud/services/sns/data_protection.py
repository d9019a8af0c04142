"""Data protection policies of topics. They are stored and returned; messages are not inspected."""

from __future__ import annotations

from scones.cloud.core.store import Store
from scones.cloud.service import OperationCall
from scones.cloud.services.sns.errors import check_json
from scones.cloud.services.sns.topic_records import TopicRecords
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS sns_data_protection_policies (
        topic TEXT PRIMARY KEY REFERENCES sns_topics(arn) ON DELETE CASCADE, policy TEXT NOT NULL
    ) WITHOUT ROWID
"""


class DataProtectionPolicies:
    """The table of policies."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, topic: str, policy: str) -> None:
        """Store a topic's policy; an empty one removes it. Raises `InvalidParameter` if it is not JSON."""
        if policy:
            check_json(policy, "DataProtectionPolicy Reason: ")
            statement = "INSERT OR REPLACE INTO sns_data_protection_policies VALUES (?, ?)"
            await self._store.execute(statement, topic, policy)
        else:
            await self._store.execute("DELETE FROM sns_data_protection_policies WHERE topic = ?", topic)

    def policy(self, topic: str) -> str:
        """Return a topic's policy, or an empty text."""
        row = self._store.row("SELECT policy FROM sns_data_protection_policies WHERE topic = ?", topic)
        return str(row["policy"]) if row else ""


class DataProtectionOperations:
    """PutDataProtectionPolicy and GetDataProtectionPolicy."""

    def __init__(self, records: TopicRecords, policies: DataProtectionPolicies) -> None:
        self._records = records
        self._policies = policies

    async def put_data_protection_policy(self, call: OperationCall) -> Members:
        """Store or remove a topic's policy."""
        topic = self._records.topic(call.params["ResourceArn"])
        await self._policies.put(topic.arn, call.params["DataProtectionPolicy"])
        return {}

    async def get_data_protection_policy(self, call: OperationCall) -> Members:
        """Return a topic's policy."""
        topic = self._records.topic(call.params["ResourceArn"])
        return {"DataProtectionPolicy": self._policies.policy(topic.arn)}
