"""TestState's `inspectionData`: the data of a state between its processing steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scones.cloud.services.stepfunctions.asl.definition import AnyState, Map, Parallel, Pass, Task
from scones.cloud.services.stepfunctions.asl.text import JsonTexts

_RESULTS = frozenset({"afterResultSelector", "afterResultPath"})
_INPUTS = frozenset({"afterInputPath", "afterParameters"})
_ITEMS = frozenset({"afterItemsPointer", "afterItemSelector", "afterItemBatcher"})


@dataclass(slots=True)
class Inspection:
    """The data recorded during one run of a state; `payloads` holds its input, `mocked` the mocked result if any."""

    payloads: JsonTexts
    mocked: JsonTexts | None
    texts: dict[str, str] = field(default_factory=dict)
    """JSON texts of the state's data, by the step that produced it."""
    error_details: dict[str, int] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    """A Map's maxConcurrency and tolerated failures."""

    def text(self, value: Any) -> str:
        """Return a value's JSON text; a mocked result keeps its original text, like the input."""
        mocked = self.mocked
        return mocked.of(value) if mocked is not None and value is mocked.root else self.payloads.of(value)

    def record(self, stage: str, value: Any) -> None:
        """Record the text of the state's data after a step."""
        self.texts[stage] = self.text(value)

    def show(self, state: AnyState, text: str, variables: str | None) -> dict[str, Any]:
        """Return the response's inspectionData; `text` is the input, `variables` the JSON of the variables or None."""
        shown: dict[str, Any] = {"input": text, **self.limits}
        shown |= {stage: seen for stage, seen in self.texts.items() if stage in _stages(state)}
        if self.error_details:
            shown["errorDetails"] = self.error_details
        if variables is not None:
            shown["variables"] = variables
        return shown


def _stages(state: AnyState) -> frozenset[str]:
    """Return the steps that AWS shows for a type of state, as recorded."""
    if state.jsonata:
        return _ITEMS | ({"afterArguments", "result"} if isinstance(state, Task) else frozenset())
    if isinstance(state, Pass):
        return _RESULTS | ({"result"} if state.has_result else _INPUTS)
    if isinstance(state, Task):
        return _INPUTS | {"result"} | _RESULTS
    if isinstance(state, Parallel):
        return _RESULTS
    if isinstance(state, Map):
        return _RESULTS | _ITEMS | {"afterInputPath", "afterItemsPath"}
    return frozenset({"afterInputPath"})
