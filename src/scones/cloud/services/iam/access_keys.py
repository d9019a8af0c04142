"""Access keys of users: requests that are signed with them come from the user."""

from __future__ import annotations

import secrets
import sqlite3
from datetime import UTC, datetime

from scones.cloud.context import CloudContext
from scones.cloud.core.credentials import Caller, UserKey, new_access_key_id
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.callers import user_of
from scones.cloud.services.iam.errors import limit_exceeded, no_such_entity
from scones.cloud.services.iam.pages import list_page
from scones.cloud.services.iam.resource_records import ResourceRecords
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS iam_access_keys (
        id TEXT PRIMARY KEY, user_name TEXT NOT NULL, secret TEXT NOT NULL, active INTEGER NOT NULL,
        created REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS iam_access_keys_by_user ON iam_access_keys (user_name, created)
"""
MAX_KEYS = 2
"""Maximum number of access keys per user: IAM User Guide, "IAM and AWS STS quotas"."""


class AccessKeys:
    """The stored access keys; those in `Credentials.user_keys` authenticate requests."""

    def __init__(self, cloud: CloudContext, users: ResourceRecords) -> None:
        self._store = cloud.store
        self._account = cloud.settings.account
        self._authentication = cloud.credentials.user_keys
        self._users = users

    def load(self) -> None:
        """Make all stored keys known to the authentication; call it when the cloud starts."""
        for row in self._store.rows("SELECT * FROM iam_access_keys"):
            self._publish(row["id"], row["user_name"], row["secret"], active=bool(row["active"]))

    def of_user(self, user: str) -> list[sqlite3.Row]:
        """Return the rows of a user's keys, the oldest first."""
        return self._store.rows("SELECT * FROM iam_access_keys WHERE user_name = ? ORDER BY created", user)

    def owner(self, key: str) -> str | None:
        """Return the user of a key, or None if it does not exist."""
        row = self._store.row("SELECT user_name FROM iam_access_keys WHERE id = ?", key)
        return None if row is None else str(row["user_name"])

    async def create(self, user: str) -> Members:
        """Create a key, and return it with its secret; raises `ServiceError` (LimitExceeded)."""
        key, secret, now = new_access_key_id("AKIA", self._account), secrets.token_urlsafe(30), datetime.now(UTC)

        def create(connection: sqlite3.Connection) -> None:
            count = "SELECT count(*) AS keys FROM iam_access_keys WHERE user_name = ?"
            if connection.execute(count, (user,)).fetchone()["keys"] >= MAX_KEYS:
                raise limit_exceeded(f"Cannot exceed quota for AccessKeysPerUser: {MAX_KEYS}")
            row = (key, user, secret, 1, now.timestamp())
            connection.execute("INSERT INTO iam_access_keys VALUES (?, ?, ?, ?, ?)", row)

        await self._store.write(create)
        self._publish(key, user, secret, active=True)
        return {
            "UserName": user,
            "AccessKeyId": key,
            "Status": "Active",
            "SecretAccessKey": secret,
            "CreateDate": now.timestamp(),
        }

    async def set_active(self, user: str, key: str, *, active: bool) -> None:
        """Activate or deactivate a key; raises `ServiceError` (NoSuchEntity)."""
        sql = "UPDATE iam_access_keys SET active = ? WHERE id = ? AND user_name = ?"
        if not await self._store.execute(sql, active, key, user):
            raise _no_key(key)
        self._publish(key, user, self._authentication[key].secret_access_key, active=active)

    async def delete(self, user: str, key: str) -> None:
        """Delete a key; raises `ServiceError` (NoSuchEntity)."""
        if not await self._store.execute("DELETE FROM iam_access_keys WHERE id = ? AND user_name = ?", key, user):
            raise _no_key(key)
        self._authentication.pop(key, None)

    async def rename(self, user: str, new_name: str) -> None:
        """Pass a user's keys on to its new name, and publish its new ARN."""
        await self._store.execute("UPDATE iam_access_keys SET user_name = ? WHERE user_name = ?", new_name, user)
        for row in self.of_user(new_name):
            self._publish(row["id"], new_name, row["secret"], active=bool(row["active"]))

    def _publish(self, key: str, name: str, secret: str, *, active: bool) -> None:
        user = self._users.find(name)
        if user is not None:
            caller = Caller(self._account, user["Arn"], user["UserId"], key)
            self._authentication[key] = UserKey(secret, caller, active)


class AccessKeyOperations:
    """Operations on access keys. Without a user name, they are on the keys of the user that signed the request."""

    def __init__(self, keys: AccessKeys, users: ResourceRecords) -> None:
        self._keys = keys
        self._users = users

    async def create_access_key(self, call: OperationCall) -> Members:
        """Create a key, which signs requests from now on."""
        return {"AccessKey": await self._keys.create(self._user(call))}

    async def list_access_keys(self, call: OperationCall) -> Members:
        """List a user's keys, without their secrets."""
        listed = [
            {
                "UserName": row["user_name"],
                "AccessKeyId": row["id"],
                "Status": "Active" if row["active"] else "Inactive",
                "CreateDate": row["created"],
            }
            for row in self._keys.of_user(self._user(call))
        ]
        return list_page("AccessKeyMetadata", listed, call.params)

    async def update_access_key(self, call: OperationCall) -> Members:
        """Activate or deactivate a key."""
        active = call.params["Status"] == "Active"
        await self._keys.set_active(self._user(call), call.params["AccessKeyId"], active=active)
        return {}

    async def delete_access_key(self, call: OperationCall) -> Members:
        """Delete a key; requests that are signed with it are rejected from now on."""
        await self._keys.delete(self._user(call), call.params["AccessKeyId"])
        return {}

    async def get_access_key_last_used(self, call: OperationCall) -> Members:
        """Return the user of a key. Uses are not recorded: the answer is that of a key that was never used."""
        key = call.params["AccessKeyId"]
        user = self._keys.owner(key)
        if user is None:
            raise _no_key(key)
        return {"UserName": user, "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}

    def _user(self, call: OperationCall) -> str:
        name: str = call.params.get("UserName") or user_of(call.caller)
        self._users.get(name)
        return name


def _no_key(key: str) -> Exception:
    return no_such_entity(f"The Access Key with id {key} cannot be found.")
