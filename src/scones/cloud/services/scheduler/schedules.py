"""Operations on schedules."""

from __future__ import annotations

from scones.cloud.context import CloudContext
from scones.cloud.core import pages
from scones.cloud.service import OperationCall
from scones.cloud.services.scheduler.errors import invalid
from scones.cloud.services.scheduler.expressions import ExpressionError, parse_expression, time_zone
from scones.cloud.services.scheduler.groups import PAGE
from scones.cloud.services.scheduler.runner import ScheduleRunner
from scones.cloud.services.scheduler.schedule_records import DEFAULT_GROUP, ScheduleRecords, StoredSchedule
from scones.cloud.services.scheduler.targets import check_target
from scones.cloud.wire.members import Members

_DEFAULTS: Members = {"ScheduleExpressionTimezone": "UTC", "State": "ENABLED", "ActionAfterCompletion": "NONE"}
_RETRIES: Members = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
_STORED_MEMBERS = (
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "EndDate",
    "Description",
    "State",
    "KmsKeyArn",
    "FlexibleTimeWindow",
    "ActionAfterCompletion",
)
_DATES = ("StartDate", "EndDate")


class ScheduleOperations:
    """Operations on schedules."""

    def __init__(self, cloud: CloudContext, records: ScheduleRecords, runner: ScheduleRunner) -> None:
        self._cloud = cloud
        self._records = records
        self._runner = runner

    async def create_schedule(self, call: OperationCall) -> Members:
        """Create a schedule."""
        group, name, document = self._read(call)
        if await self._records.add(group, name, document, call.params.get("ClientToken")):
            self._runner.changed(group, name)
        return {"ScheduleArn": self._records.schedule_arn(group, name)}

    async def update_schedule(self, call: OperationCall) -> Members:
        """Replace all settings of a schedule; omitted settings get their defaults."""
        group, name, document = self._read(call)
        self._records.schedule(group, name)
        await self._records.update(group, name, document)
        self._runner.changed(group, name)
        return {"ScheduleArn": self._records.schedule_arn(group, name)}

    async def get_schedule(self, call: OperationCall) -> Members:
        """Describe a schedule."""
        found = self._records.schedule(call.params.get("GroupName", DEFAULT_GROUP), call.params["Name"])
        return {**self._identity(found), **found.document}

    async def list_schedules(self, call: OperationCall) -> Members:
        """List schedules of a group or of all groups, sorted by group and name."""
        params = call.params
        if "GroupName" in params:
            self._records.group(params["GroupName"])
        prefix, state = params.get("NamePrefix", ""), params.get("State")
        schedules = [
            each
            for each in self._records.schedules(params.get("GroupName"))
            if each.name.startswith(prefix) and state in (None, each.document["State"])
        ]
        refusal = invalid("Invalid NextToken.")
        found, token = pages.page(schedules, params.get("NextToken"), params.get("MaxResults", PAGE), refusal)
        return {"Schedules": [self._listed(each) for each in found], "NextToken": token}

    async def delete_schedule(self, call: OperationCall) -> Members:
        """Delete a schedule; invocations that are being retried continue."""
        found = self._records.schedule(call.params.get("GroupName", DEFAULT_GROUP), call.params["Name"])
        await self._records.delete(*found.key)
        self._runner.changed(*found.key)
        return {}

    def _listed(self, schedule: StoredSchedule) -> Members:
        target = {"Arn": schedule.document["Target"]["Arn"]}
        return {**self._identity(schedule), "State": schedule.document["State"], "Target": target}

    def _identity(self, schedule: StoredSchedule) -> Members:
        return {
            "Arn": self._records.schedule_arn(*schedule.key),
            "GroupName": schedule.group,
            "Name": schedule.name,
            "CreationDate": schedule.created,
            "LastModificationDate": schedule.modified,
        }

    def _read(self, call: OperationCall) -> tuple[str, str, Members]:
        """Return the group, the name and the checked document of the schedule in a request."""
        params = call.params
        group = params.get("GroupName", DEFAULT_GROUP)
        document: Members = {**_DEFAULTS, **{member: params[member] for member in _STORED_MEMBERS if member in params}}
        document |= {member: document[member].timestamp() for member in _DATES if member in document}
        try:
            zone = time_zone(document["ScheduleExpressionTimezone"])
        except ExpressionError as error:
            raise invalid(f"Invalid Schedule Expression Timezone {error}.") from error  # AWS's wording is not known
        try:
            parse_expression(document["ScheduleExpression"], zone)
        except ExpressionError as error:
            raise invalid(f"Invalid Schedule Expression {error}.") from error
        _check_window(document)
        target = params["Target"]
        check_target(self._cloud, target)
        self._records.group(group)
        return (
            group,
            params["Name"],
            {**document, "Target": {**target, "RetryPolicy": _RETRIES | target.get("RetryPolicy", {})}},
        )


def _check_window(document: Members) -> None:
    """Check the flexible window and the dates; AWS's wording of these errors is not known."""
    window = document["FlexibleTimeWindow"]
    if (window["Mode"] == "FLEXIBLE") != ("MaximumWindowInMinutes" in window):
        raise invalid(
            "MaximumWindowInMinutes must be specified if and only if the FlexibleTimeWindow mode is FLEXIBLE."
        )
    if "StartDate" in document and "EndDate" in document and document["StartDate"] >= document["EndDate"]:
        raise invalid("StartDate must be before EndDate.")
