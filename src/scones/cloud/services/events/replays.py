"""Operations on replays, which send archived events to the rules of their bus once more."""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3

from scones.cloud.context import CloudContext
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.events.archive_records import ArchiveRecords
from scones.cloud.services.events.errors import invalid
from scones.cloud.services.events.routing import EventRouter
from scones.cloud.services.events.rule_records import RuleRecords, page
from scones.cloud.wire.members import Members

SENT_AT_ONCE = 50
"""Maximum number of events that a replay stores for delivery in one write; requests are served between writes."""
_FILTERS = ("State", "EventSourceArn", "NamePrefix")
_TIMES = {"ReplayStartTime": "started", "ReplayEndTime": "ended", "EventLastReplayedTime": "replayed"}


class ReplayOperations:
    """Operations on replays, and the replays that run."""

    def __init__(
        self, cloud: CloudContext, records: RuleRecords, archives: ArchiveRecords, router: EventRouter
    ) -> None:
        self._cloud = cloud
        self._records = records
        self._archives = archives
        self._router = router

    def start(self) -> None:
        """Plan the resumption of the replays that an earlier process did not finish."""
        self._cloud.resumption.plan(self._resumable(name) for name in self._archives.active_replays())

    def _resumable(self, name: str) -> ResumableWork:
        async def take_up() -> None:
            self._cloud.spawn(self._run(name), name=f"replay {name}")

        async def give_up(_reason: str) -> None:
            await self._archives.change_replay(name, "FAILED")

        return ResumableWork("replay", name, take_up, give_up)

    async def start_replay(self, call: OperationCall) -> Members:
        """Start a replay of the archived events of a period."""
        params, name = call.params, call.params["ReplayName"]
        start, end = params["EventStartTime"].timestamp(), params["EventEndTime"].timestamp()
        if start >= end:
            raise _invalid_member("EventEndTime", "EventStartTime must be before EventEndTime.")
        destination = self._records.bus(params["Destination"]["Arn"])
        archive = self._archives.find(_name_in(params["EventSourceArn"]))
        if archive is None:
            missing = f"Archive {_name_in(params['EventSourceArn'])} does not exist."
            raise _invalid_member("EventSourceArn", missing)
        if archive.bus != destination:
            raise _invalid_member("Destination.Arn", "Cross event bus replay is not permitted.")
        document = {
            "Description": params.get("Description"),
            "Destination": params["Destination"],
            "EventStartTime": start,
            "EventEndTime": end,
        }
        # Events have times of whole seconds.
        started = await self._archives.add_replay(name, archive.name, document, math.floor(start))
        self._cloud.spawn(self._run(name), name=f"replay {name}")
        return {"ReplayArn": self._arn(name), "State": "STARTING", "ReplayStartTime": started}

    async def cancel_replay(self, call: OperationCall) -> Members:
        """Cancel a replay; events that have been sent are still delivered."""
        replay = self._archives.replay(call.params["ReplayName"])
        if replay["state"] not in ("STARTING", "RUNNING"):
            message = f"Replay {replay['name']} is not in a valid state for this operation."
            raise ServiceError("IllegalStatusException", message)
        await self._archives.change_replay(replay["name"], "CANCELLING")
        return {"ReplayArn": self._arn(replay["name"]), "State": "CANCELLING"}

    async def describe_replay(self, call: OperationCall) -> Members:
        """Describe a replay."""
        replay = self._archives.replay(call.params["ReplayName"])
        return {**self._listed(replay), "ReplayArn": self._arn(replay["name"]), **json.loads(replay["document"])}

    async def list_replays(self, call: OperationCall) -> Members:
        """List replays, sorted by name: all, or those with a name prefix, of an archive, or in a state."""
        params = call.params
        if sum(member in params for member in _FILTERS) > 1:
            raise invalid(
                "At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix."
            )
        archive = _name_in(params["EventSourceArn"]) if "EventSourceArn" in params else None
        found = [
            replay
            for replay in self._archives.replays()
            if replay["name"].startswith(params.get("NamePrefix", ""))
            and params.get("State") in (None, replay["state"])
            and archive in (None, replay["archive"])
        ]
        shown, token = page(found, params.get("NextToken"), params.get("Limit"))
        return {"Replays": [self._listed(replay) for replay in shown], "NextToken": token}

    async def _run(self, name: str) -> None:
        """Send the events of a replay, and record its end."""
        replay = self._archives.replay(name)
        document = json.loads(replay["document"])
        if replay["state"] == "STARTING":
            await self._archives.change_replay(name, "RUNNING")
        rules = document["Destination"].get("FilterArns") or None
        bus = self._records.bus(document["Destination"]["Arn"])
        while (replay := self._archives.replay(name))["state"] == "RUNNING":
            found = self._archives.page(replay, document["EventEndTime"], SENT_AT_ONCE)
            if not found:
                await self._archives.change_replay(name, "COMPLETED")
                return
            events = [{**each.event, "replay-name": name} for each in found]
            await self._router.replay(bus, events, rules)
            await self._archives.advance_replay(name, found[-1])
            await asyncio.sleep(0)
        await self._archives.change_replay(name, "CANCELLED")

    def _arn(self, name: str) -> str:
        return self._cloud.arn("events", f"replay/{name}")

    def _listed(self, replay: sqlite3.Row) -> Members:
        document = json.loads(replay["document"])
        return {
            "ReplayName": replay["name"],
            "EventSourceArn": self._cloud.arn("events", f"archive/{replay['archive']}"),
            "State": replay["state"],
            "EventStartTime": document["EventStartTime"],
            "EventEndTime": document["EventEndTime"],
            **{member: replay[column] for member, column in _TIMES.items()},
        }


def _name_in(archive_arn: str) -> str:
    return archive_arn.rpartition(":archive/")[2]


def _invalid_member(member: str, reason: str) -> ServiceError:
    return invalid(f"Parameter {member} is not valid. Reason: {reason}")
