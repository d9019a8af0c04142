"""The fields that each type of state may have, per query language."""

from __future__ import annotations

_TOP = frozenset({"Type", "Comment", "QueryLanguage"})
_STEP = frozenset({"Next", "End"})
_WORK = frozenset({"Retry", "Catch"})
_PATHS = frozenset({"InputPath", "OutputPath"})
_RESULT = frozenset({"Parameters", "ResultPath"})
_DISTRIBUTED = frozenset(
    {"ItemReader", "ItemBatcher", "ResultWriter", "Label", "ToleratedFailurePercentage", "ToleratedFailureCount"}
)

_BOTH: dict[str, frozenset[str]] = {
    "Pass": _TOP | _STEP | {"Assign"},
    "Task": _TOP | _STEP | _WORK | {"Assign", "Resource", "TimeoutSeconds", "HeartbeatSeconds", "Credentials"},
    "Parallel": _TOP | _STEP | _WORK | {"Assign", "Branches"},
    "Map": _TOP | _STEP | _WORK | _DISTRIBUTED | {"Assign", "ItemProcessor", "ItemSelector", "MaxConcurrency"},
    "Choice": _TOP | {"Assign", "Choices", "Default"},
    "Wait": _TOP | _STEP | {"Assign", "Seconds", "Timestamp"},
    "Succeed": _TOP,
    "Fail": _TOP | {"Error", "Cause"},
}
_JSONPATH: dict[str, frozenset[str]] = {
    "Pass": _PATHS | _RESULT | {"Result"},
    "Task": _PATHS | _RESULT | {"ResultSelector", "TimeoutSecondsPath", "HeartbeatSecondsPath"},
    "Parallel": _PATHS | _RESULT | {"ResultSelector"},
    "Map": _PATHS
    | _RESULT
    | {"ResultSelector", "ItemsPath", "Iterator", "MaxConcurrencyPath"}
    | {"ToleratedFailurePercentagePath", "ToleratedFailureCountPath"},
    "Choice": _PATHS,
    "Wait": _PATHS | {"SecondsPath", "TimestampPath"},
    "Succeed": _PATHS,
    "Fail": frozenset({"ErrorPath", "CausePath"}),
}
_JSONATA: dict[str, frozenset[str]] = {
    "Pass": frozenset({"Output"}),
    "Task": frozenset({"Arguments", "Output"}),
    "Parallel": frozenset({"Arguments", "Output"}),
    "Map": frozenset({"Items", "Output"}),
    "Choice": frozenset({"Output"}),
    "Wait": frozenset({"Output"}),
    "Succeed": frozenset({"Output"}),
    "Fail": frozenset(),
}

TYPES = frozenset(_BOTH)
DISTRIBUTED = frozenset({"ItemReader", "ItemBatcher", "ResultWriter"})
"""Fields of a Map that need the distributed mode; AWS ignores the others where the mode is inline."""


def allowed(kind: str, language: str) -> frozenset[str]:
    """Return the fields of a state type in a query language."""
    return _BOTH[kind] | (_JSONATA if language == "JSONata" else _JSONPATH)[kind]


REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "Task": (("Resource",),),
    "Parallel": (("Branches",),),
    "Map": (("ItemProcessor", "Iterator"),),
    "Choice": (("Choices",),),
    "Wait": (("Seconds", "SecondsPath", "Timestamp", "TimestampPath"),),
}
"""Per state type: of each group, one field must be there."""
