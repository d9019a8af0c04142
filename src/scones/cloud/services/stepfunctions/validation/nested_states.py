"""All states of a valid definition, including those of branches and processors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class LocatedState(NamedTuple):
    """A state, its name (unique in the machine) and its location, such as `/States/A/Branches[0]/States/B`."""

    name: str
    state: dict[str, Any]
    location: str


def all_states(group: Mapping[str, Any], location: str = "") -> Iterator[LocatedState]:
    """Yield the states of a machine, a branch or a processor, each before the states below it."""
    for name, state in group["States"].items():
        where = f"{location}/States/{name}"
        yield LocatedState(name, state, where)
        yield from nested_states(state, where)


def nested_states(state: Mapping[str, Any], location: str = "") -> Iterator[LocatedState]:
    """Yield the states of a Parallel's branches or a Map's processor."""
    for index, branch in enumerate(state.get("Branches", ())):
        yield from all_states(branch, f"{location}/Branches[{index}]")
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            yield from all_states(state[field], f"{location}/{field}")
