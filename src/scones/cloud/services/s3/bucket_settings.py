"""Settings of buckets: encryption, policies, CORS, lifecycle and others, each stored as one JSON value."""

from __future__ import annotations

import json

from scones.cloud.core.store import Store
from scones.cloud.wire.members import MemberValue

SCHEMA = """
    CREATE TABLE IF NOT EXISTS s3_bucket_settings (
        bucket TEXT NOT NULL, setting TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (bucket, setting)
    ) WITHOUT ROWID
"""


class BucketSettings:
    """The table of settings."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, bucket: str, setting: str, value: MemberValue) -> None:
        """Store a setting, which is any JSON value; None means that it was removed."""
        await self._store.execute(
            "INSERT OR REPLACE INTO s3_bucket_settings VALUES (?, ?, ?)", bucket, setting, json.dumps(value)
        )

    def get(self, bucket: str, setting: str, default: MemberValue = None) -> MemberValue:
        """Return a setting, `default` if it was never set, or None if it was removed."""
        row = self._store.row("SELECT value FROM s3_bucket_settings WHERE bucket = ? AND setting = ?", bucket, setting)
        return default if row is None else json.loads(row["value"])

    def all(self, setting: str) -> list[tuple[str, MemberValue]]:
        """Return the buckets for which a setting is stored, with its value."""
        rows = self._store.rows("SELECT bucket, value FROM s3_bucket_settings WHERE setting = ?", setting)
        return [(row["bucket"], json.loads(row["value"])) for row in rows]
