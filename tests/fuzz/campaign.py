"""A run of the fuzz test: workers that send requests, a prober that detects stalls, and the findings."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from botocore.credentials import Credentials
from botocore.model import OperationModel

from scones.cloud.all_services import all_services
from scones.cloud.wire.model import operation_model, protocols

from .connection import Connection
from .judgement import Answered, fault
from .mutation import mutate
from .sampling import sample
from .templates import REGION
from .wire import Signed, draft, malform_request, malform_signature, malformed_chunks, sign
from .world import World

PATIENCE = 20.0
"""Maximum seconds that a worker waits for a response."""
SHORT_PATIENCE = 1.0
"""Maximum seconds that a worker waits for a response of an operation in MAY_WAIT."""
STALL = 2.0
"""Seconds without a response to the prober that count as a failure."""
HANG = 30.0
"""Seconds without a response to the prober that end a run."""
PROBE_EVERY = 0.02
MAY_WAIT = {
    "ReceiveMessage",
    "GetActivityTask",
    "StartSyncExecution",
    "Invoke",
    "InvokeWithResponseStream",
    "InvokeAsync",
    "InvokeEndpoint",
    "TestState",
}
"""Operations that legitimately wait."""
ROUND = 600
"""Number of requests after which the first worker restores the resources that requests use."""
_LOCATION = re.compile(r'File ".*?/(scones/[^"]+)", line (\d+), in (\w+)')
HEALTH = b"GET /_scones/health HTTP/1.1\r\nhost: %s\r\n\r\n"


@dataclass
class Failure:
    """A request that the cloud handled wrongly, with the reason."""

    reason: str
    request: Signed
    request_id: str = ""

    def __str__(self) -> str:
        return f"{self.request.service}:{self.request.operation}: {self.reason}\n  {self.request.content[:3000]!r}"


@dataclass
class Findings:
    """The results of a run."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    stalls: list[str] = field(default_factory=list)
    longest_probe: float = 0.0
    probes: list[float] = field(default_factory=list)
    slowest: list[tuple[float, str, bytes]] = field(default_factory=list)
    tracebacks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


class Campaign:
    """Sends requests to one cloud from several threads; the seed and a thread's number reproduce its requests."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        world: World,
        log: Path,
        seed: str,
        *,
        workers: int,
        stall: float = STALL,
    ) -> None:
        self._stall = stall
        self._url, self._credentials, self._world, self._log = url, credentials, world, log
        self._seed, self._workers = seed, workers
        host, _, port = url.removeprefix("http://").partition(":")
        self._address = host, int(port)
        self._operations = _operations()
        self._lock = threading.Lock()
        self._in_flight: dict[int, Signed] = {}
        self._ending = threading.Event()
        self.findings = Findings()

    def run(self, seconds: float = 0.0, per_operation: int = 0) -> Findings:
        """Send requests for `seconds`, or `per_operation` requests for each operation; return the findings."""
        self._world.restore()
        deadline = time.monotonic() + seconds if seconds else float("inf")
        prober = threading.Thread(target=self._probe, daemon=True)
        workers = [
            threading.Thread(target=self._work, args=(number, deadline, per_operation), daemon=True)
            for number in range(self._workers)
        ]
        for thread in (prober, *workers):
            thread.start()
        for worker in workers:
            worker.join()
        self._ending.set()
        prober.join()
        self.findings.tracebacks = tracebacks(self._log)
        return self.findings

    def _work(self, number: int, deadline: float, per_operation: int) -> None:
        rng = random.Random(f"{self._seed}/{number}")
        connection = Connection(self._address)
        sent = 0
        assigned = [
            operation
            for at, operation in enumerate(self._operations)
            if per_operation == 0 or at % self._workers == number
        ]
        limit = per_operation * len(assigned) or float("inf")
        while not self._ending.is_set() and time.monotonic() < deadline and sent < limit:
            if sent % len(assigned) == 0:
                rng.shuffle(assigned)
            if number == 0 and sent and sent % ROUND == 0:
                self._world.tidy()
                self._world.restore()
            self._send(connection, assigned[sent % len(assigned)], rng, number)
            sent += 1
        connection.close()

    def _send(self, connection: Connection, operation: OperationModel, rng: random.Random, number: int) -> None:
        request = compose(operation, self._world, rng, self._url, self._credentials)
        self._in_flight[number] = request
        begun = time.monotonic()
        patience = SHORT_PATIENCE if operation.name in MAY_WAIT else PATIENCE
        try:
            answered = connection.exchange(request.method, request.content, patience)
        except TimeoutError:
            failure = None if operation.name in MAY_WAIT else Failure(f"no answer within {PATIENCE:g} s", request)
            self._record(request, failure, None, patience)
            return
        except OSError as error:
            self._record(request, Failure(f"no answer: {error!r}", request), None, time.monotonic() - begun)
            time.sleep(0.1)
            return
        reason = fault(operation.service_model, request.method, answered)
        failure = Failure(reason, request, answered.request_id) if reason else None
        self._record(request, failure, answered, time.monotonic() - begun)

    def _record(self, request: Signed, failure: Failure | None, answered: Answered | None, seconds: float) -> None:
        name = f"{request.service}:{request.operation}"
        with self._lock:
            found = self.findings
            found.requests += 1
            found.operations[name] += 1
            if answered is not None:
                found.statuses[answered.status] += 1
                found.succeeded[name] += answered.status < 400
            if failure is not None:
                found.failures.append(failure)
            if request.operation not in MAY_WAIT:
                found.slowest = sorted([*found.slowest, (seconds, name, request.content[:600])], reverse=True)[:5]

    def _probe(self) -> None:
        connection = Connection(self._address)
        health = HEALTH % self._url.removeprefix("http://").encode()
        while not self._ending.is_set():
            begun = time.monotonic()
            in_flight = "\n  ".join(
                f"{each.service}:{each.operation} {each.content[:2000]!r}" for each in self._in_flight.values()
            )
            try:
                connection.exchange("GET", health, HANG)
            except OSError as error:
                self.findings.stalls.append(f"the cloud does not answer: {error!r}, after\n  {in_flight}")
                self._ending.set()
            took = time.monotonic() - begun
            self.findings.probes.append(took)
            if took > self._stall:
                self.findings.stalls.append(f"{took:.1f} s without an answer, after\n  {in_flight}")
            time.sleep(PROBE_EVERY)
        connection.close()


def compose(operation: OperationModel, world: World, rng: random.Random, url: str, credentials: Credentials) -> Signed:
    """Return one signed request for an operation: valid by its model (one in eight), or malformed."""
    params = sample(operation, world, rng)
    chance = rng.random()
    if chance < 0.7:
        mutate(params, rng)
    request = draft(operation, params)
    if 0.6 < chance < 0.88:
        malform_request(request, rng)
    if operation.name in ("PutObject", "UploadPart") and rng.random() < 0.3:
        headers, request.body = malformed_chunks(rng)
        request.headers |= headers
    signed = sign(request, operation, url, credentials, REGION)
    return malform_signature(signed, rng) if rng.random() < 0.04 else signed


def _operations() -> list[OperationModel]:
    return [
        operation_model(service.name, name, protocol)
        for service in all_services()
        for protocol in protocols(service.name)
        for name in sorted(service.operations())
    ]


def tracebacks(log: Path) -> dict[str, list[str]]:
    """Return the tracebacks of a log, by exception and innermost location in our code."""
    found: dict[str, list[str]] = defaultdict(list)
    text = log.read_text(errors="replace") if log.exists() else ""
    for part in re.split(r"(?m)^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} )", text):
        if "Traceback (most recent call last)" not in part:
            continue
        locations = _LOCATION.findall(part)
        last = [line for line in part.splitlines() if line and not line.startswith(" ")][-1]
        kind = last.partition(":")[0]
        location = "{}:{} {}".format(*locations[-1]) if locations else "?"
        found[f"{kind} at {location}"].append(part)
    return found


def summary(findings: Findings, seed: str) -> str:
    """Return the report of a run as text."""
    probes: Sequence[float] = sorted(findings.probes) or [0.0]
    covered, succeeded = len(findings.operations), sum(1 for count in findings.succeeded.values() if count)
    never = sorted(name for name in findings.operations if not findings.succeeded[name])
    lines = [
        f"seed {seed}: {findings.requests:,} requests for {covered} operations, {succeeded} of which succeeded",
        "answers: " + ", ".join(f"{status}: {count:,}" for status, count in sorted(findings.statuses.items())),
        f"prober: {len(probes):,} probes, median {probes[len(probes) // 2] * 1e3:.1f} ms, "
        f"99th percentile {probes[int(len(probes) * 0.99)] * 1e3:.0f} ms, longest {probes[-1] * 1e3:.0f} ms",
        "slowest: " + "; ".join(f"{name} {seconds:.2f} s" for seconds, name, _ in findings.slowest),
        f"never succeeded: {', '.join(never) or 'none'}",
        f"failures: {len(findings.failures)}, stalls: {len(findings.stalls)}, "
        f"tracebacks: {sum(map(len, findings.tracebacks.values()))} in {len(findings.tracebacks)} groups",
    ]
    groups: dict[str, list[Failure]] = defaultdict(list)
    for failure in findings.failures:
        groups[_group(failure, findings)].append(failure)
    for name, members in sorted(groups.items(), key=lambda item: -len(item[1])):
        lines.append(f"\n{len(members)} times: {name}\n  {min(members, key=lambda each: len(each.request.content))}")
    for name, parts in findings.tracebacks.items():
        if name not in groups:
            lines.append(f"\n{len(parts)} times: only in the log: {name}\n{parts[0]}")
    lines += [f"\nstall: {stall}" for stall in findings.stalls[:10]]
    return "\n".join(lines)


def _group(failure: Failure, findings: Findings) -> str:
    for name, parts in findings.tracebacks.items():
        if failure.request_id and any(failure.request_id in part for part in parts):
            return name
    return re.sub(r"'.*|b\".*", "", failure.reason)


def passed(findings: Findings) -> bool:
    """Return True if nothing failed."""
    return not (findings.failures or findings.stalls or findings.tracebacks)
