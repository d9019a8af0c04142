"""Fields that each type of state may have, by query language."""

from __future__ import annotations

from collections.abc import Collection, Mapping

_COMMON_FIELDS = frozenset({"Type", "Comment", "QueryLanguage"})
_TRANSITION_FIELDS = frozenset({"Next", "End"})
_RETRY_FIELDS = frozenset({"Retry", "Catch"})
_PATHS = frozenset({"InputPath", "OutputPath"})
_RESULT = frozenset({"Parameters", "ResultPath"})
_DISTRIBUTED = frozenset(
    {"ItemReader", "ItemBatcher", "ResultWriter", "Label", "ToleratedFailurePercentage", "ToleratedFailureCount"}
)

_BOTH: dict[str, frozenset[str]] = {
    "Pass": _COMMON_FIELDS | _TRANSITION_FIELDS | {"Assign"},
    "Task": _COMMON_FIELDS
    | _TRANSITION_FIELDS
    | _RETRY_FIELDS
    | {"Assign", "Resource", "TimeoutSeconds", "HeartbeatSeconds", "Credentials"},
    "Parallel": _COMMON_FIELDS | _TRANSITION_FIELDS | _RETRY_FIELDS | {"Assign", "Branches"},
    "Map": _COMMON_FIELDS
    | _TRANSITION_FIELDS
    | _RETRY_FIELDS
    | _DISTRIBUTED
    | {"Assign", "ItemProcessor", "ItemSelector", "MaxConcurrency"},
    "Choice": _COMMON_FIELDS | {"Assign", "Choices", "Default"},
    "Wait": _COMMON_FIELDS | _TRANSITION_FIELDS | {"Assign", "Seconds", "Timestamp"},
    "Succeed": _COMMON_FIELDS,
    "Fail": _COMMON_FIELDS | {"Error", "Cause"},
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
"""Map fields that an inline Map must not have; AWS ignores the other fields of a distributed Map there."""
LANGUAGES = ("JSONPath", "JSONata")
GROUPS: dict[str, frozenset[str]] = {
    "": frozenset({"Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"}),
    "Branches": frozenset({"Comment", "StartAt", "States"}),
    "ItemProcessor": frozenset({"Comment", "ProcessorConfig", "StartAt", "States"}),
}
"""Fields of a machine (""), of a branch and of a processor."""
RETRIER = frozenset(
    {"BackoffRate", "Comment", "ErrorEquals", "IntervalSeconds", "JitterStrategy", "MaxAttempts", "MaxDelaySeconds"}
)
_CATCHER = frozenset({"Assign", "Comment", "ErrorEquals", "Next"})
CATCHER = {"JSONPath": _CATCHER | {"ResultPath"}, "JSONata": _CATCHER | {"Output"}}


def unsupported(kind: str, language: str, field: str) -> str | None:
    """Return AWS's message for a field that a type of state does not have in a query language, or None."""
    return unsupported_in_language(
        field, language, {"JSONPath": _BOTH[kind] | _JSONPATH[kind], "JSONata": _BOTH[kind] | _JSONATA[kind]}
    )


def unsupported_in_language(field: str, language: str, allowed: Mapping[str, Collection[str]]) -> str | None:
    """Return AWS's message for a field that a query language does not allow, or None.

    `allowed` contains the allowed fields by query language.
    """
    other = LANGUAGES[language == LANGUAGES[0]]
    if field in allowed[language]:
        return None
    if field in allowed[other]:
        return (
            f"The QueryLanguage is set to '{language}', but field '{field}' is only supported for the '{other}' "
            "QueryLanguage"
        )
    return f"Field '{field}' is not supported"


REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "Task": (("Resource",),),
    "Parallel": (("Branches",),),
    "Map": (("ItemProcessor", "Iterator"),),
    "Choice": (("Choices",),),
    "Wait": (("SecondsPath", "Seconds", "TimestampPath", "Timestamp"),),
}
"""Required fields by state type: at least one field of each group."""
EXCLUSIVE = (
    ("Next", "End"),
    ("TimeoutSeconds", "TimeoutSecondsPath"),
    ("HeartbeatSeconds", "HeartbeatSecondsPath"),
    ("SecondsPath", "Seconds", "TimestampPath", "Timestamp"),
    ("Error", "ErrorPath"),
    ("Cause", "CausePath"),
    ("ItemProcessor", "Iterator"),
    ("ItemSelector", "Parameters"),
)
"""Groups of fields of which a state may have at most one."""
