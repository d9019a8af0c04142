"""A function's LoggingConfig, with AWS's defaults for members that are not given."""

from __future__ import annotations

from collections.abc import Mapping

from scones.cloud.errors import ServiceError

_LEVELS = ("ApplicationLogLevel", "SystemLogLevel")


def merged(known: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
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
