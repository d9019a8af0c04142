"""Batch requests: their limits, and entries that fail independently."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members
from scones.cloud.wire.query_error import query_code

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def check_batch(entries: list[Members], kind: str) -> None:
    """Raise SQS's error if a batch is empty, has more than ten entries, or has invalid or repeated IDs."""
    if not entries:
        raise ServiceError("EmptyBatchRequest", f"There should be at least one {kind} in the request.")
    if len(entries) > 10:
        raise ServiceError(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are 10. You have sent {len(entries)}.",
        )
    seen: set[str] = set()
    for entry in entries:
        if not _ID.fullmatch(entry["Id"]):
            raise ServiceError(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most "
                "80 letters long.",
            )
        if entry["Id"] in seen:
            raise ServiceError("BatchEntryIdsNotDistinct", f"Id {entry['Id']} repeated.")
        seen.add(entry["Id"])


def failed(entry_id: str, error: ServiceError) -> Members:
    """Return the response member for an entry that failed."""
    return {"Id": entry_id, "SenderFault": True, "Code": query_code(error.code), "Message": error.message}


def batch_response(successes: list[Members], failures: list[Members]) -> Members:
    """Return a batch's response; AWS leaves empty lists out."""
    return {"Successful": successes or None, "Failed": failures or None}


def run_each(entries: Iterable[Members], work: Callable[[Members], None]) -> Members:
    """Run `work` for each entry and return the batch's response."""
    successes: list[Members] = []
    failures: list[Members] = []
    for entry in entries:
        try:
            work(entry)
        except ServiceError as error:
            failures.append(failed(entry["Id"], error))
        else:
            successes.append({"Id": entry["Id"]})
    return batch_response(successes, failures)
