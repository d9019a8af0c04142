"""A Map whose iterations are mocked: its items are made, and its failed iterations are held against its limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scones.cloud.services.states import fanout
from scones.cloud.services.states.definition import Map
from scones.cloud.services.states.failures import StateFailedError
from scones.cloud.services.states.history import Track
from scones.cloud.services.states.paths import Path, Scope, compile_path
from scones.cloud.services.states.queries import JsonataQuery, query_text
from scones.cloud.services.states.written import as_written

if TYPE_CHECKING:
    from scones.cloud.services.states.resume import Entry
    from scones.cloud.services.states.state_tester import StateTester


_THRESHOLDS = {
    "ToleratedFailureCount": "toleratedFailureCount",
    "ToleratedFailurePercentage": "toleratedFailurePercentage",
}


async def prepare(tester: StateTester, state: Map, entry: Entry, scope: Scope, track: Track) -> None:
    """Evaluate what a Map evaluates before its iterations, and fail where too many of them have failed."""
    limits = tester.inspection.limits
    limits["maxConcurrency"] = fanout.concurrency(state.max_concurrency, scope)
    for name, given in tester.supposed.thresholds.items():
        limits[name] = _number(given, scope)
    items = tester.supposed.read_items
    if items is None:
        items = fanout.items_of(state, scope)
        if not state.jsonata:
            written = await asyncio.to_thread(as_written, tester.texts.of(tester.texts.root), items)
            tester.inspection.texts["afterItemsPath"] = written or tester.text(items)
    if state.item_selector is not None:
        tracks = [track.fork("", {"Index": index, "Value": item}) for index, item in enumerate(items)]
        tester.saw("afterItemSelector", [fanout.item_input(tester, state, entry, scope, below) for below in tracks])
    _hold(limits, tester.supposed.failed_iterations, len(items))


def _hold(limits: dict[str, float], failed: int, total: int) -> None:
    count, percentage = limits.get("toleratedFailureCount"), limits.get("toleratedFailurePercentage")
    beyond_count = count is not None and failed > count
    if beyond_count or (percentage is not None and failed * 100 > percentage * total):
        raise StateFailedError(
            "States.ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded"
        )


def _number(given: float | Path | JsonataQuery, scope: Scope) -> float:
    if isinstance(given, JsonataQuery):
        number: float = given.typed(scope, "number")
        return number
    return given if isinstance(given, (int, float)) else float(given.evaluate(scope))


def thresholds(state: Mapping[str, Any], *, jsonata: bool) -> dict[str, Any]:
    """Return a Map's tolerated failures, compiled, by the names that TestState answers them with."""
    found: dict[str, Any] = {}
    for field, name in _THRESHOLDS.items():
        given = state.get(field)
        text = query_text(given) if jsonata else None
        if f"{field}Path" in state:
            found[name] = compile_path(state[f"{field}Path"])
        elif text is not None:
            found[name] = JsonataQuery(field, text)
        elif given is not None:
            found[name] = given
    return found


def read_items(data: str) -> list[Any]:
    """Return the items in what an ItemReader has read."""
    items = json.loads(data)
    if not isinstance(items, list):
        raise ValueError(data)
    return items
