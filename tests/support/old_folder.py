"""Data folders of earlier releases as text, so that they can be reviewed: `data/version-N`, N being the schema version.

`cloud.sql` is the database. `responses.json` lists calls with the responses that the earlier release gave. All other
files are those of the data folder.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

DUMP, RESPONSES = "cloud.sql", "responses.json"
FOLDERS = sorted((Path(__file__).parents[1] / "upgrades" / "data").glob("version-*"))


@contextlib.contextmanager
def opened(path: Path | str) -> Iterator[sqlite3.Connection]:
    """Open a database without implicit transactions, and close it."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def dump(data_dir: Path, folder: Path) -> None:
    """Write the data folder of a cloud that has ended; what a start makes again is left out."""
    folder.mkdir(parents=True)
    with opened(data_dir / "cloud.sqlite") as connection:
        lines = ["PRAGMA foreign_keys = OFF;", *connection.iterdump()]
        for name in ("user_version", "application_id"):
            (value,) = connection.execute(f"PRAGMA {name}").fetchone()
            lines.append(f"PRAGMA {name} = {value};")
    (folder / DUMP).write_text("\n".join(lines) + "\n")
    for name in ("identity.json", "credentials.json"):
        shutil.copy(data_dir / name, folder)
    for part in ("s3", "lambda/code"):
        if (data_dir / part).is_dir():
            shutil.copytree(data_dir / part, folder / part)


def restore(folder: Path, data_dir: Path) -> None:
    """Make a data folder from its text."""
    shutil.copytree(folder, data_dir, ignore=shutil.ignore_patterns(DUMP, RESPONSES))
    with opened(data_dir / "cloud.sqlite") as connection:
        load(folder, connection)


def load(folder: Path, connection: sqlite3.Connection) -> None:
    """Fill a new database from a folder's dump."""
    connection.executescript((folder / DUMP).read_text())


def plain(response: dict[str, Any]) -> Any:
    """Return a response as JSON: without its metadata, with times and bodies as text."""
    members = {name: value for name, value in response.items() if name != "ResponseMetadata"}
    return json.loads(json.dumps(members, default=_text))


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone().isoformat() if value.tzinfo is None else value.isoformat()
    return value.read().decode()  # a streaming body
