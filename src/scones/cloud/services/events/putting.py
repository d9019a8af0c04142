"""The PutEvents operation."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.clock import iso_seconds
from scones.cloud.core.text_size import utf8_size
from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.events.errors import invalid
from scones.cloud.services.events.routing import EventRouter
from scones.cloud.services.events.rule_records import DEFAULT_BUS, RuleRecords
from scones.cloud.wire import json_document
from scones.cloud.wire.members import Members

SIZE_LIMIT = 1_048_576
"""Maximum total bytes of the entries in a request."""


class EventOperations:
    """Accepts events from applications and from the cloud's services."""

    def __init__(self, cloud: CloudContext, records: RuleRecords, router: EventRouter) -> None:
        self._cloud = cloud
        self._records = records
        self._router = router

    async def put_events(self, call: OperationCall) -> Members:
        """Put up to ten events on their buses.

        An invalid entry gets an error at its position in the response; the valid entries are still put.
        """
        entries = call.params["Entries"]
        if sum(_size(entry) for entry in entries) > SIZE_LIMIT:
            raise invalid("Total size of the entries in the request is over the limit.")
        if "EndpointId" in call.params:
            raise invalid("The local cloud does not support global endpoints; omit EndpointId.")
        responses = []
        events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        async with TimeSlices() as slices:
            for entry in entries:
                if slices.used_up():
                    await slices.pause()
                detail, response = _detail(entry)
                if detail is not None:
                    event = self._event(entry, detail)
                    response = {"EventId": event["id"]}
                    if bus := self._bus(entry.get("EventBusName")):
                        events[bus].append(event)
                responses.append(response)
        for bus, given in events.items():
            await self._router.route(bus, given)
        return {"FailedEntryCount": sum("ErrorCode" in response for response in responses), "Entries": responses}

    async def put_service_event(
        self, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]
    ) -> None:
        """Put an event of one of the cloud's services (`aws.states`) on the default bus."""
        entry = {"Source": source, "DetailType": detail_type, "Resources": resources}
        await self._router.route(DEFAULT_BUS, [self._event(entry, detail)])

    def _bus(self, given: str | None) -> str | None:
        """Return the bus of an entry, or None if it does not exist: AWS accepts and drops events for such a bus."""
        try:
            return self._records.bus(given)
        except ServiceError:
            return None

    def _event(self, entry: Members, detail: dict[str, Any]) -> dict[str, Any]:
        moment: datetime = entry.get("Time") or datetime.now(UTC)
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": self._cloud.settings.account,
            "time": iso_seconds(moment),
            "region": self._cloud.settings.region,
            "resources": entry.get("Resources") or [],
            "detail": detail,
        }


def _detail(entry: Members) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return an entry's parsed detail and {}; for an entry that EventBridge refuses, None and the error entry."""
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return None, {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
    if entry["Source"].startswith("aws."):
        return None, {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
    try:
        detail = json_document.load_text(entry["Detail"])
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        return None, {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return detail, {}


def _size(entry: Members) -> int:
    """Return an entry's size in bytes (EventBridge User Guide, "Calculating PutEvents event entry size")."""
    texts = [entry.get(name) or "" for name in ("Source", "DetailType", "Detail")] + (entry.get("Resources") or [])
    return sum(map(utf8_size, texts)) + (14 if "Time" in entry else 0)
