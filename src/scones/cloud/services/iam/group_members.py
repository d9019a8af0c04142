"""Stored memberships of users in groups."""

from __future__ import annotations

from scones.cloud.core.store import Store

SCHEMA = """
    CREATE TABLE IF NOT EXISTS iam_group_members (
        group_name TEXT NOT NULL, user_name TEXT NOT NULL, PRIMARY KEY (group_name, user_name)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS iam_group_members_by_user ON iam_group_members (user_name, group_name)
"""


class GroupMembers:
    """Reads and changes the table of memberships."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def groups_of(self, user: str) -> list[str]:
        """Return the names of a user's groups."""
        sql = "SELECT group_name FROM iam_group_members WHERE user_name = ? ORDER BY group_name"
        return [row["group_name"] for row in self._store.rows(sql, user)]

    def users_of(self, group: str) -> list[str]:
        """Return the names of a group's users."""
        sql = "SELECT user_name FROM iam_group_members WHERE group_name = ? ORDER BY user_name"
        return [row["user_name"] for row in self._store.rows(sql, group)]

    async def add(self, group: str, user: str) -> None:
        """Add a user to a group; a second time has no effect."""
        await self._store.execute("INSERT OR IGNORE INTO iam_group_members VALUES (?, ?)", group, user)

    async def remove(self, group: str, user: str) -> bool:
        """Remove a user from a group; returns False if it was no member."""
        sql = "DELETE FROM iam_group_members WHERE group_name = ? AND user_name = ?"
        return bool(await self._store.execute(sql, group, user))

    async def rename_user(self, user: str, new_name: str) -> None:
        """Pass a user's memberships on to its new name."""
        await self._store.execute("UPDATE iam_group_members SET user_name = ? WHERE user_name = ?", new_name, user)

    async def rename_group(self, group: str, new_name: str) -> None:
        """Pass a group's members on to its new name."""
        await self._store.execute("UPDATE iam_group_members SET group_name = ? WHERE group_name = ?", new_name, group)
