"""The deletion of objects, versions and uploads that have expired by a lifecycle rule."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from itertools import islice, pairwise

from scones.cloud.core.clock import now_ms
from scones.cloud.core.resumption import describe
from scones.cloud.core.store import Store
from scones.cloud.core.time_slices import sliced_on_thread
from scones.cloud.errors import ServiceError
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.deletions import Deletion, ObjectDeletions
from scones.cloud.services.s3.lifecycle_configurations import LifecycleRules
from scones.cloud.services.s3.lifecycle_rules import Candidate, LifecycleRule, first_expiry
from scones.cloud.services.s3.upload_records import UploadRecords
from scones.cloud.services.s3.version_listings import VersionScan

log = logging.getLogger(__name__)

INTERVAL = 600.0
"""Seconds between two runs; on AWS, rules run once a day."""
BATCH = 1000
"""Maximum number of deletions in one transaction."""


class ExpiryRuns:
    """Applies the lifecycle rules of all buckets regularly, and those of a bucket when they change."""

    def __init__(
        self,
        store: Store,
        *,
        buckets: BucketRecords,
        rules: LifecycleRules,
        deletions: ObjectDeletions,
        uploads: UploadRecords,
    ) -> None:
        self._store = store
        self._buckets = buckets
        self._rules = rules
        self._deletions = deletions
        self._uploads = uploads

    async def run(self) -> None:
        """Apply the rules of all buckets until the task is cancelled."""
        while True:
            await self._rules.changed_within(INTERVAL)
            for bucket in self._rules.buckets():
                try:
                    await self._apply(bucket)
                except (ServiceError, sqlite3.Error) as error:  # the bucket was deleted, or its data is damaged
                    log.warning("The lifecycle rules of bucket %s were not applied: %s", bucket, describe(error))

    async def _apply(self, bucket: str) -> None:
        record = self._buckets.find({"Bucket": bucket})
        rules, now = self._rules.of(bucket), now_ms()
        while True:
            found = await self._store.read_on_thread_with(
                lambda connection: list(islice(_expired(connection, bucket, rules, now), BATCH))
            )
            results = await self._deletions.delete_all(None, record, found) if found else []
            if len(found) < BATCH or any(isinstance(result, ServiceError) for result in results):
                break
        await self._abort_uploads(bucket, rules, now)

    async def _abort_uploads(self, bucket: str, rules: list[LifecycleRule], now: int) -> None:
        rows = await self._store.read_on_thread("SELECT id, key, initiated FROM s3_uploads WHERE bucket = ?", bucket)
        for row in rows:
            candidate = Candidate(row["key"], row["initiated"])
            times = [rule.upload_expiry(row["initiated"]) for rule in rules if rule.selects(candidate)]
            if any(time is not None and time <= now for time in times):
                await self._uploads.delete({"Bucket": bucket, "Key": row["key"], "UploadId": row["id"]})
            await asyncio.sleep(0)


def _expired(connection: sqlite3.Connection, bucket: str, rules: list[LifecycleRule], now: int) -> Iterator[Deletion]:
    """Yield the deletions that are due, reading all versions of a bucket."""
    rows = VersionScan(connection, bucket, "", "").seek("")
    versions: list[sqlite3.Row] = []
    for row in sliced_on_thread(rows):
        if versions and row["key"] != versions[0]["key"]:
            yield from _expired_versions(versions, rules, now)
            versions = []
        versions.append(row)
    if versions:
        yield from _expired_versions(versions, rules, now)


def _expired_versions(versions: list[sqlite3.Row], rules: list[LifecycleRule], now: int) -> Iterator[Deletion]:
    """Yield the deletions that are due for the versions of one key; the newest version comes first."""
    newest = versions[0]
    candidate = _candidate(newest)
    found = first_expiry(rules, candidate)
    due = found is not None and found[0] <= now
    if not newest["marker"]:
        if due:
            yield Deletion(newest["key"], etag=newest["etag"])
    elif len(versions) == 1 and (due or any(rule.removes_lone_markers and rule.selects(candidate) for rule in rules)):
        yield Deletion(newest["key"], newest["version"])
    for newer, (successor, row) in enumerate(pairwise(versions)):
        older = _candidate(row)
        times = [rule.noncurrent_expiry(successor["modified"], newer) for rule in rules if rule.selects(older)]
        if any(time is not None and time <= now for time in times):
            yield Deletion(row["key"], row["version"])


def _candidate(row: sqlite3.Row) -> Candidate:
    return Candidate(row["key"], row["modified"], row["size"], row["tags"])
