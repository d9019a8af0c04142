"""A function's configuration: its entry in a list, its revision, and its LoggingConfig."""

from __future__ import annotations

from collections.abc import Mapping

from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members

_NOT_LISTED = frozenset(
    {
        "State",
        "StateReason",
        "StateReasonCode",
        "LastUpdateStatus",
        "LastUpdateStatusReason",
        "LastUpdateStatusReasonCode",
        "RuntimeVersionConfig",
    }
)
_LEVELS = ("ApplicationLogLevel", "SystemLogLevel")


def listed(configuration: Members) -> Members:
    """Return a function's entry in a list: its configuration without its state, as the API's documentation says."""
    return {name: value for name, value in configuration.items() if name not in _NOT_LISTED}


def check_revision(described: Members, params: Members) -> None:
    """Raise `PreconditionFailedException` if a request names another revision of a function or alias."""
    if params.get("RevisionId", described["RevisionId"]) != described["RevisionId"]:
        raise ServiceError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
            "retrieve the latest Revision Id",
            412,
            Type="User",
        )


def merged_logging(known: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return a LoggingConfig updated with the given members.

    Raises `InvalidParameterValueException` if a level is given and LogFormat is Text.
    """
    config = {"LogFormat": "Text", **known, **given}
    if config["LogFormat"] == "JSON":
        return {**dict.fromkeys(_LEVELS, "INFO"), **config}
    if any(level in given for level in _LEVELS):
        raise ServiceError(
            "InvalidParameterValueException",
            'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change '
            'the LogFormat to "Json" and try again.',
            Type="User",
        )
    return {name: value for name, value in config.items() if name not in _LEVELS}
