"""Lifecycle rules: which objects, versions and uploads they select, and when these expire."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from scones.cloud.services.s3.conditions import http_date
from scones.cloud.wire.members import Members

DAY = 86_400_000
"""Milliseconds of a day."""
YEAR_9999 = 253_370_764_800_000
"""Beginning of the year 9999, in milliseconds since 1970: later times cannot be written in a header."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a rule may select: an object, a version or an upload. `modified` is in milliseconds since 1970."""

    key: str
    modified: int
    size: int = 0
    tags: str = "[]"


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """An enabled rule."""

    document: Members

    def selects(self, candidate: Candidate) -> bool:
        """Return True if the rule's filter matches."""
        chosen = self.document.get("Filter", {})
        conditions = {**chosen, **chosen.get("And", {})}
        prefix: str = conditions.get("Prefix") or self.document.get("Prefix", "")
        wanted = [*conditions.get("Tags", []), *([conditions["Tag"]] if "Tag" in conditions else [])]
        if not candidate.key.startswith(prefix):
            return False
        if candidate.size <= conditions.get("ObjectSizeGreaterThan", -1):
            return False
        if candidate.size >= conditions.get("ObjectSizeLessThan", 2**63):
            return False
        return not wanted or all(tag in json.loads(candidate.tags) for tag in wanted)

    def expiry(self, candidate: Candidate) -> int | None:
        """Return the time at which a current object expires, in milliseconds since 1970, or None if it does not."""
        expiration = self.document.get("Expiration", {})
        if "Date" in expiration:
            return int(expiration["Date"] * 1000)
        return midnight_after(candidate.modified, expiration["Days"]) if "Days" in expiration else None

    @property
    def removes_lone_markers(self) -> bool:
        """Return True if a delete marker without older versions is removed at once."""
        return bool(self.document.get("Expiration", {}).get("ExpiredObjectDeleteMarker"))

    def noncurrent_expiry(self, superseded: int, newer: int) -> int | None:
        """Return the time at which an older version expires, or None.

        `superseded` is the time at which it was replaced, `newer` the number of newer versions that are not current.
        """
        expiration = self.document.get("NoncurrentVersionExpiration")
        if expiration is None or newer < expiration.get("NewerNoncurrentVersions", 0):
            return None
        return midnight_after(superseded, expiration.get("NoncurrentDays", 0))

    def upload_expiry(self, initiated: int) -> int | None:
        """Return the time at which an unfinished upload is aborted, or None."""
        days = self.document.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation")
        return None if days is None else midnight_after(initiated, days)


def midnight_after(moment: int, days: int) -> int:
    """Return the first midnight, in UTC, of a day that begins at least `days` days after a moment."""
    return -(-(moment + days * DAY) // DAY) * DAY


def first_expiry(rules: Iterable[LifecycleRule], candidate: Candidate) -> tuple[int, LifecycleRule] | None:
    """Return the time at which an object expires by the earliest of its rules, and that rule, or None."""
    found = [
        (expiry, rule) for rule in rules if rule.selects(candidate) and (expiry := rule.expiry(candidate)) is not None
    ]
    return min(found, key=lambda each: each[0], default=None)


def expiration_header(rules: Iterable[LifecycleRule], candidate: Candidate) -> str | None:
    """Return the header that announces an object's expiry, or None."""
    found = first_expiry(rules, candidate)
    if found is None:
        return None
    expiry, rule = found
    if expiry >= YEAR_9999:
        return None
    return f'expiry-date="{http_date(expiry)}", rule-id="{quote(rule.document["ID"])}"'
