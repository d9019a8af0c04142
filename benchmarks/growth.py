"""Latency of listings as the stored data grows, up to 200,000 executions, objects and messages.

Scones' data folder is filled between starts: rows that the API wrote are copied in the database, where a finished
execution consists only of its rows. Other clouds are filled through their API, and only up to 10,000.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks import clouds
from benchmarks.clouds import OURS, Cloud
from benchmarks.figures import Cell, Row, Scale, percentile, timed
from benchmarks.functions import ROLE

PART = "Growth"
SIZES = (1_000, 10_000, 50_000, 100_000, 200_000)
PEERS_UP_TO = 10_000
PREFIXES = 60
RARE = 10
"""Number of executions with the rare status; they are the oldest."""
NAME = "growth"
AT_A_TIME = 8
LISTS = {
    "ListExecutions, the newest 100": "executions",
    "ListExecutions, 10 failed ones, the oldest": "executions",
    "ListExecutions, 100 near the end": "executions",
    f"ListObjectsV2 with a delimiter, {PREFIXES} prefixes": "objects",
    "ListObjectsV2 below a prefix, 10 keys": "objects",
    "ReceiveMessage and DeleteMessage": "messages",
}
"""The kind of stored records that each measured call works on."""
Cells = dict[tuple[str, int], dict[str, Cell]]
"""Figures of each subject, by measured call and number of stored records."""
MACHINE = {
    "StartAt": "End",
    "States": {
        "End": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.fail", "BooleanEquals": True, "Next": "F"}],
            "Default": "S",
        },
        "S": {"Type": "Succeed"},
        "F": {"Type": "Fail"},
    },
}


class Subject:
    """The clients of one running cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.states, self.s3, self.sqs = (
            cloud.client(name, connections=AT_A_TIME) for name in ("stepfunctions", "s3", "sqs")
        )

    @cached_property
    def machine(self) -> str:
        """ARN of the state machine."""
        machines = self.states.list_state_machines()["stateMachines"]
        return next(str(each["stateMachineArn"]) for each in machines if each["name"] == NAME)

    def prepare(self) -> None:
        """Create the state machine, the bucket and the queue, with the oldest executions, an object and a message."""
        self.states.create_state_machine(name=NAME, roleArn=ROLE, definition=json.dumps(MACHINE))
        self.s3.create_bucket(Bucket=NAME)
        self.sqs.create_queue(QueueName=NAME)
        for _ in range(RARE):
            self._execute(fail=True)
        time.sleep(0.5)  # later executions must be newer
        self.add(0, 1)

    def add(self, first: int, end: int) -> None:
        """Add successful executions, objects and messages through the API."""
        queue = self.sqs.get_queue_url(QueueName=NAME)["QueueUrl"]

        def one(number: int) -> None:
            self._execute(fail=False)
            self.s3.put_object(Bucket=NAME, Key=_key(number), Body=b"growth")
            self.sqs.send_message(QueueUrl=queue, MessageBody="growth")

        with ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(one, range(first, end)))

    def _execute(self, *, fail: bool) -> None:
        self.states.start_execution(stateMachineArn=self.machine, input=json.dumps({"fail": fail}))

    def calls(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Yield the measured calls, in the order of `LISTS`."""
        queue = self.sqs.get_queue_url(QueueName=NAME)["QueueUrl"]
        token = self._near_the_end()
        near_the_end = {"nextToken": token} if token else {}

        def receive() -> None:
            (message,) = self.sqs.receive_message(QueueUrl=queue)["Messages"]
            self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

        def failed() -> None:
            found = self.states.list_executions(stateMachineArn=self.machine, statusFilter="FAILED", maxResults=100)
            assert len(found["executions"]) == RARE

        def delimited() -> None:
            assert len(self.s3.list_objects_v2(Bucket=NAME, Delimiter="/")["CommonPrefixes"]) == PREFIXES

        calls: list[Callable[[], Any]] = [
            lambda: self.states.list_executions(stateMachineArn=self.machine, maxResults=100),
            failed,
            lambda: self.states.list_executions(stateMachineArn=self.machine, maxResults=100, **near_the_end),
            delimited,
            lambda: self.s3.list_objects_v2(Bucket=NAME, Prefix="p030/", MaxKeys=10),
            receive,
        ]
        yield from zip(LISTS, calls, strict=True)

    def _near_the_end(self) -> str:
        """Return the token of the last page of 1,000 executions, or an empty string if there is only one page."""
        token, more = "", {}
        while True:
            answer = self.states.list_executions(stateMachineArn=self.machine, maxResults=1000, **more)
            if "nextToken" not in answer:
                return token
            token = answer["nextToken"]
            more = {"nextToken": token}


def measure(scale: Scale, folder: Path) -> list[Row]:
    """Return the rows: one for each list and size."""
    sizes = [size for size in SIZES if size <= max(SIZES) * scale.share]
    cells: Cells = {(what, size): {} for what in LISTS for size in sizes}
    _measure_ours(cells, sizes, scale, folder / "ours")
    clouds.install()
    for name, start in clouds.STARTERS.items():
        if name != OURS:
            with start(folder / name) as cloud:
                _measure_peer(cells, name, Subject(cloud), [size for size in sizes if size <= PEERS_UP_TO], scale)
    rows = {key: Row(PART, f"{key[0]}, among {key[1]:,} {LISTS[key[0]]}", "ms", cells[key]) for key in cells}
    for what in LISTS:
        smallest = rows[what, sizes[0]].median(OURS)
        if smallest is not None:
            rows[what, sizes[-1]].want_at_most(OURS, 1.5 * smallest)
    return list(rows.values())


def _measure_ours(cells: Cells, sizes: Sequence[int], scale: Scale, folder: Path) -> None:
    with clouds.scones(folder) as cloud:
        Subject(cloud).prepare()
        time.sleep(2)  # until the executions end
    kept = 1
    for size in sizes:
        _copy(folder / "cloud.sqlite", kept, size)
        kept = size
        with clouds.scones(folder) as cloud:
            _measure(cells, OURS, Subject(cloud), size, scale)


def _measure_peer(cells: Cells, name: str, subject: Subject, sizes: Sequence[int], scale: Scale) -> None:
    subject.prepare()
    kept = 1
    for size in sizes:
        subject.add(kept, size)
        kept = size
        _measure(cells, name, subject, size, scale)


def _measure(cells: Cells, name: str, subject: Subject, size: int, scale: Scale) -> None:
    """Measure each call; a call that fails has the error in place of figures."""
    for what, call in subject.calls():
        try:
            values = [percentile(timed(call, scale.calls(100), 5), 50) for _ in range(scale.repeats)]
        except Exception as error:
            cells[what, size][name] = f"failed: {type(error).__name__}"
        else:
            cells[what, size][name] = values


def _copy(path: Path, kept: int, size: int) -> None:
    """Fill a stopped data folder with copies of its records: executions with their events, objects, messages."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.row_factory = sqlite3.Row
        numbers = range(kept, size)
        execution = _template(connection, "sfn_executions", "status = 'SUCCEEDED'")
        events = connection.execute("SELECT * FROM sfn_events WHERE execution = ?", (execution["id"],)).fetchall()
        (last,) = connection.execute("SELECT max(id) FROM sfn_executions").fetchone()
        ids = {number: last + 1 + number - kept for number in numbers}
        _insert(
            connection,
            "sfn_executions",
            (execution | {"id": ids[n], "name": f"copy-{n}", "arn": f"{execution['arn']}-copy-{n}"} for n in numbers),
        )
        _insert(connection, "sfn_events", (dict(event) | {"execution": ids[n]} for n in numbers for event in events))
        body, item = _template(connection, "s3_bodies"), _template(connection, "s3_objects")
        bodies = {number: 1_000_000_000 + number for number in numbers}
        _insert(connection, "s3_bodies", (body | {"id": bodies[n]} for n in numbers))
        _insert(connection, "s3_objects", (item | {"key": _key(n), "body": bodies[n]} for n in numbers))
        message = _template(connection, "sqs_messages")
        _insert(connection, "sqs_messages", (message | {"id": None} for _ in numbers))


def _template(connection: sqlite3.Connection, table: str, condition: str = "true") -> dict[str, Any]:
    return dict(connection.execute(f"SELECT * FROM {table} WHERE {condition} LIMIT 1").fetchone())


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def _key(number: int) -> str:
    return f"p{number % PREFIXES:03}/object-{number:07}"
