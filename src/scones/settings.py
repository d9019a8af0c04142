"""Settings of a run: a frozen dataclass from scones.toml, SCONES_* variables and options; later sources override."""

from __future__ import annotations

import dataclasses
import os
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

FILE = "scones.toml"
PREFIX = "SCONES_"


@dataclass(frozen=True)
class Check:
    """Converts a setting from text or TOML and validates it."""

    read: Callable[[Any], Any]
    expected: str
    """Completes the sentence "must be …"."""


class SettingsError(Exception):
    """A setting is unknown or invalid; the message names it and its source."""


@dataclass(frozen=True)
class Settings:
    """Names, classes, threshold and instances. The defaults work unchanged, on the local cloud and on AWS."""

    name: str = "scones"
    """Prefix of the names of all resources: bucket, roles, functions, endpoint and state machine."""
    classes: tuple[str, ...] = ("bicycle", "motorcycle")
    """The classes of CIFAR-100 that the classifier distinguishes."""
    threshold: float = 0.93
    """Lowest confidence that passes the confidence gate."""
    region: str = ""
    """Region of the run. By default, the region of the local cloud, or of your AWS configuration."""
    training_instance: str = "ml.g4dn.xlarge"
    """Instance type of the training job. AWS trains its image-classification algorithm only on GPU instances."""
    hosting_instance: str = "ml.m5.xlarge"
    """Instance type of the endpoint."""
    training_image: str = ""
    """URI of the container image that trains and serves. By default, AWS's image for image-classification."""
    pretrained: bool = True
    """True to start from ImageNet's weights. On the local cloud, this requires the extra `scones[pretrained]`."""
    epochs: int | None = None
    """Number of passes over the training images. The default is 8 with ImageNet's weights, and 30 from scratch."""
    mini_batch_size: int | None = None
    """Images per training step. The default is 32 with ImageNet's weights, and 50 from scratch."""
    runtime: str = "python3.12"
    """Lambda runtime of the three functions."""
    concurrency: int = 8
    """Maximum number of executions that run at the same time."""

    @property
    def endpoint_name(self) -> str:
        """Name of the endpoint that classifies."""
        return f"{self.name}-image-classification"

    @property
    def state_machine_name(self) -> str:
        """Name of the state machine that chains the functions."""
        return f"{self.name}-classify"

    def bucket(self, account: str, region: str) -> str:
        """Return the bucket's name for an account and region: bucket names are unique across AWS."""
        return f"{self.name}-{account}-{region}"

    def function_name(self, module: str) -> str:
        """Return the name of the Lambda function of a module such as serialize_image."""
        return f"{self.name}-{module.replace('_', '-')}"

    def role_name(self, service: str) -> str:
        """Return the name of the role for a service: sagemaker, lambda or states."""
        return f"{self.name}-{service}"


def load(given: Mapping[str, Any] | None = None, folder: Path = Path()) -> Settings:
    """Read `folder`/scones.toml and the environment. The values in `given` override both. Raises SettingsError."""
    values = {**_from_file(folder / FILE), **_from_environment()}
    values |= {
        name: _checked(name, value, "on the command line") for name, value in (given or {}).items() if value is not None
    }
    return Settings(**values)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        read_values = tomllib.loads(_content(path))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from error
    return {name: _checked(name, value, f"in {path}") for name, value in read_values.items()}


def _content(path: Path) -> str:
    # O_NONBLOCK prevents the opening of a named pipe from blocking until a writer opens it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SettingsError(f"{path} is not a regular file (a folder, a pipe or a device): move it away and try again.")
    with os.fdopen(descriptor, "rb") as file:
        return file.read().decode()


def _from_environment() -> dict[str, Any]:
    read_values = {name: os.environ.get(PREFIX + name.upper(), "") for name in CHECKS}
    return {name: _checked(name, value, f"in {PREFIX}{name.upper()}") for name, value in read_values.items() if value}


def _checked(name: str, value: Any, where: str) -> Any:
    check = CHECKS.get(name)
    if check is None:
        near = get_close_matches(name, CHECKS, 1)
        raise SettingsError(
            f"Unknown setting {name!r} ({where}); "
            + (f"did you mean {near[0]!r}?" if near else f"available settings: {', '.join(CHECKS)}.")
        )
    try:
        return check.read(value)
    except (LookupError, ValueError, TypeError) as error:
        raise SettingsError(f"{name} is {value!r} {where}; it must be {check.expected}.") from error


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 3 <= len(value) <= 24 or "--" in value or value != value.lower():
        raise ValueError
    if not (value[0].isalpha() and value[-1] != "-" and value.isascii() and value.replace("-", "").isalnum()):
        raise ValueError
    return value


def _classes(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else list(value)
    found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if len(found) < 2:
        raise ValueError
    return found


def _fraction(value: Any) -> float:
    share = float(value)
    if not 0 < share <= 1:
        raise ValueError
    return share


def _count(value: Any) -> int:
    count = int(value)
    if count < 1 or isinstance(value, float):
        raise ValueError
    return count


def _flag(value: Any) -> bool:
    flags = {"true": True, "false": False}
    return value if isinstance(value, bool) else flags[str(value).lower()]


def _text(value: Any) -> str:
    if not isinstance(value, str) or any(character.isspace() for character in value):
        raise ValueError
    return value


_TEXT = Check(_text, "text without spaces")
_COUNT = Check(_count, "an integer of at least 1")
_OTHER_CHECKS = {
    "name": Check(_name, "3 to 24 lower-case letters, digits and single hyphens, beginning with a letter"),
    "classes": Check(_classes, "two or more class names, as a list or separated by commas"),
    "threshold": Check(_fraction, "a number greater than 0 and at most 1"),
    "pretrained": Check(_flag, "true or false"),
    "epochs": _COUNT,
    "mini_batch_size": _COUNT,
    "concurrency": _COUNT,
}
CHECKS: dict[str, Check] = {field.name: _OTHER_CHECKS.get(field.name, _TEXT) for field in dataclasses.fields(Settings)}
"""The check of each setting."""
