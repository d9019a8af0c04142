"""Checks of a data folder, its identity (account and region), and the permissions of its files."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pwd
import re
import sqlite3
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from scones.cloud.core.arns import Arn, is_arn
from scones.cloud.core.durable_files import BrokenFileError, make_private, not_a_file_error, read_object, write_durably
from scones.cloud.errors import CloudError

log = logging.getLogger(__name__)

ACCOUNT = "111122223333"
REGION = "us-east-1"
DATABASE = "cloud.sqlite"
STATE_FILES = frozenset(
    {
        *(DATABASE + part for part in ("", "-wal", "-shm", "-mark")),
        *("cloud.json", "cloud.log", "credentials.json", "identity.json", "left.json", "lock"),
        *("resumed-step", "resumed-strikes.json", "stuck"),
    }
)
"""Names of the files in a data folder; all other entries are folders."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The account and the region of a data folder, fixed at its first start because its ARNs contain them."""

    account: str
    region: str


def require_own(data_dir: Path) -> None:
    """Raise `CloudError` for a data folder that belongs to another user or contains another user's files.

    A user who prepares a folder can choose its keys and read its data. A missing folder passes.
    """
    try:
        owner = os.stat(data_dir).st_uid  # noqa: PTH116 - follows a link to a folder
        with os.scandir(data_dir) as found:
            entries = list(found)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise CloudError(f"{data_dir} is not a folder: specify another with --data-dir.") from None
    except PermissionError:
        raise CloudError(f"The current user cannot read {data_dir}: specify another folder with --data-dir.") from None
    if owner != os.geteuid():
        raise CloudError(f"{data_dir} belongs to {_user_name(owner)}: specify your own folder with --data-dir.")
    for entry in entries:
        with contextlib.suppress(FileNotFoundError):  # deleted in the meantime
            status = entry.stat(follow_symlinks=False)
            if status.st_uid != os.geteuid():
                raise CloudError(
                    f"{entry.path} belongs to {_user_name(status.st_uid)}: remove it, or specify another folder "
                    "with --data-dir."
                )


def require_state_files(data_dir: Path) -> None:
    """Raise `CloudError` if a state file is not a regular file; a missing folder passes."""
    for name in STATE_FILES:
        path = data_dir / name
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(os.lstat(path).st_mode):
                raise not_a_file_error(path)


def lost_database(data_dir: Path) -> str:
    """Return "missing" or "empty" for a lost database, or "" for an intact or new folder.

    A database is lost if other files of it, or bodies of S3 objects, still exist.
    """
    database = data_dir / DATABASE
    if _size(database):
        return ""
    log, mark, bodies = (data_dir / name for name in (f"{DATABASE}-wal", f"{DATABASE}-mark", "s3"))
    there = _size(log) or mark.exists() or (bodies.is_dir() and any(bodies.iterdir()))
    return ("empty" if database.exists() else "missing") if there else ""


def require_database(data_dir: Path) -> None:
    """Raise `CloudError` if the database is lost: opening it would make SQLite delete the remaining write-ahead log."""
    if lost := lost_database(data_dir):
        raise CloudError(
            f"{data_dir / DATABASE} is {lost}, but the data folder is not new: restore a backup of the "
            "complete folder, or salvage readable data into a new database with `scones up --recover` "
            "(docs/explanation/recovery.md)."
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _user_name(number: int) -> str:
    """Return a user by name, or by number if the system has no name for it."""
    try:
        return f"another user ({pwd.getpwuid(number).pw_name})"
    except KeyError:
        return f"another user ({number})"


def restrict_to_owner(data_dir: Path) -> None:
    """Make a data folder readable by its owner only; a log message states how many entries were changed."""
    if changed := make_private(data_dir):
        log.warning(
            "Other users could read %s: permissions of %d files and folders have been restricted to the owner.",
            data_dir,
            changed,
        )


def identify(data_dir: Path, region: str | None, account: str | None) -> Identity:
    """Return a folder's identity, recording it at first use.

    A broken identity.json is rebuilt from the ARNs in the database. Raises `CloudError` if those ARNs do not agree, if
    the folder has another account or region than the given ones, or if a given one could not exist on AWS.
    """
    if account and not re.fullmatch(r"[0-9]{12}", account):
        raise CloudError(f"{account!r} is not an AWS account ID, which has 12 digits.")
    if region and not re.fullmatch(r"[a-z]{2,3}(-[a-z]+)+-[0-9]{1,2}", region):
        raise CloudError(f"{region!r} is not an AWS region, such as {REGION}.")
    path = data_dir / "identity.json"
    try:
        identity = Identity(**{name: read_object(path, "account", "region")[name] for name in ("account", "region")})
    except FileNotFoundError:
        identity = _stored_identity(path, _identity_from_arns(path, region, account))
    except BrokenFileError as broken:
        identity = _stored_identity(path, _identity_from_arns(path, region, account))
        log.warning("%s. Rebuilt it with account %s, region %s.", broken, identity.account, identity.region)
    for name, requested, has in (("account", account, identity.account), ("region", region, identity.region)):
        if requested and requested != has:
            raise CloudError(
                f"{data_dir} belongs to {name} {has}, not {requested}: specify another folder with --data-dir."
            )
    return identity


def _stored_identity(path: Path, identity: Identity) -> Identity:
    write_durably(path, json.dumps(asdict(identity)))
    return identity


def _identity_from_arns(path: Path, region: str | None, account: str | None) -> Identity:
    """Return the identity that stored ARNs agree on; a part that none contains is the given value or the default."""
    try:
        arns = [Arn.parse(arn) for arn in _stored_arns(path.with_name(DATABASE))]
    except sqlite3.Error as error:
        if region and account:
            return Identity(account, region)
        raise CloudError(
            f"Neither {path} nor the database can be read ({error}): restore one of them from a backup, or "
            "specify --account and --region as at the first start."
        ) from error
    accounts = {arn.account for arn in arns if arn.account.isdecimal()}
    regions = {arn.region for arn in arns if arn.region}
    if len(accounts) > 1 or len(regions) > 1:
        raise CloudError(
            f"{path} cannot be read, and the database contains ARNs of several accounts or regions "
            f"({', '.join(sorted(accounts | regions))}): recreate the file with "
            '{"account": "111122223333", "region": "us-east-1"}.'
        )
    return Identity(*accounts or (account or ACCOUNT,), *regions or (region or REGION,))


def _stored_arns(database: Path) -> list[str]:
    if not _size(database):
        return []
    # Read-only, because closing a writable connection would checkpoint the log into the database before it is checked.
    with contextlib.closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        queries = [
            f'SELECT arn FROM "{table}" LIMIT 1000'  # noqa: S608 - a table's own name
            for table in tables
            if any(column[1] == "arn" for column in connection.execute(f'PRAGMA table_info("{table}")'))
        ]
        if "roles" in tables:
            queries.append("SELECT json_extract(document, '$.Arn') FROM roles WHERE json_valid(document)")
        found = [arn for query in queries for (arn,) in connection.execute(query)]
    return [arn for arn in found if isinstance(arn, str) and is_arn(arn) and "::aws:" not in arn]
