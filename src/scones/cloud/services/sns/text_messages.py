"""Settings of text messages. They are stored and returned; the local cloud sends no text messages."""

from __future__ import annotations

import re
import sqlite3

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.sns.errors import invalid
from scones.cloud.services.sns.topic_records import page
from scones.cloud.wire.members import Members

SCHEMA = "CREATE TABLE IF NOT EXISTS sns_sms_attributes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
_DEFAULTS = {"MonthlySpendLimit": "1"}
_ATTRIBUTES = {
    "DefaultSMSType": re.compile("Promotional|Transactional"),
    "DefaultSenderID": re.compile("(?=.*[A-Za-z])[A-Za-z0-9]{1,11}"),
    "DeliveryStatusIAMRole": re.compile(".*"),
    "DeliveryStatusSuccessSamplingRate": re.compile("[0-9]{1,2}|100"),
    "MonthlySpendLimit": re.compile("[0-9]{1,9}"),
    "UsageReportS3Bucket": re.compile(".*"),
}
_PHONE_NUMBER = re.compile(r"\+?[1-9][0-9]{1,14}")


class TextMessageOperations:
    """Operations on text messages. No phone number has opted out, because none receives a message."""

    def __init__(self, cloud: CloudContext) -> None:
        self._store = cloud.store

    async def get_sms_attributes(self, call: OperationCall) -> Members:
        """Return the attributes that were set, and the default spend limit."""
        stored = {row["name"]: row["value"] for row in self._store.rows("SELECT * FROM sns_sms_attributes")}
        found, names = _DEFAULTS | stored, call.params.get("attributes")
        return {"attributes": {name: value for name, value in found.items() if not names or name in names}}

    async def set_sms_attributes(self, call: OperationCall) -> Members:
        """Store attributes."""
        given = call.params["attributes"]
        for name, value in given.items():
            if name not in _ATTRIBUTES:
                raise ServiceError("InvalidParameter", f"{name} is not a valid attribute")
            if not _ATTRIBUTES[name].fullmatch(value):
                raise ServiceError("InvalidParameter", f"{name} is invalid")

        def keep(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO sns_sms_attributes VALUES (?, ?)", given.items())

        await self._store.write(keep)
        return {}

    async def check_if_phone_number_is_opted_out(self, call: OperationCall) -> Members:
        """Return False for any phone number."""
        _check_number(call.params["phoneNumber"])
        return {"isOptedOut": False}

    async def list_phone_numbers_opted_out(self, call: OperationCall) -> Members:
        """Return an empty list."""
        found, token = page([], call.params.get("nextToken"))
        return {"phoneNumbers": found, "nextToken": token}

    async def opt_in_phone_number(self, call: OperationCall) -> Members:
        """Accept a phone number, which has not opted out."""
        _check_number(call.params["phoneNumber"])
        return {}


def _check_number(number: str) -> None:
    if not _PHONE_NUMBER.fullmatch(number):
        raise invalid("PhoneNumber Reason: input incorrectly formatted")
