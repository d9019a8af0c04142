"""All states of a valid definition, including those of branches and processors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Found(NamedTuple):
    """A state, its name (unique in the machine) and its location, such as `/States/A/Branches[0]/States/B`."""

    name: str
    state: dict[str, Any]
    place: str


def states_below(group: Mapping[str, Any], place: str = "") -> Iterator[Found]:
    """Yield the states of a machine, a branch or a processor, each before the states below it."""
    for name, state in group["States"].items():
        where = f"{place}/States/{name}"
        yield Found(name, state, where)
        yield from states_inside(state, where)


def states_inside(state: Mapping[str, Any], place: str = "") -> Iterator[Found]:
    """Yield the states of a Parallel's branches or a Map's processor."""
    for index, branch in enumerate(state.get("Branches", ())):
        yield from states_below(branch, f"{place}/Branches[{index}]")
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            yield from states_below(state[field], f"{place}/{field}")
