"""From exceptions to one sentence and an exit status; Ctrl-C and SIGTERM end a command with everything put away."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click


class Mistake(click.ClickException):
    """Something that the user can mend: one sentence that names what to do."""

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - click's signature
        """Print the sentence to standard error."""
        click.echo(f"scones: {self.message}", err=True)


@contextmanager
def told_plainly(verbose: bool) -> Iterator[None]:
    """Turn what the parts raise into a `Mistake`; with `verbose` exceptions come as they are."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, KeyboardInterrupt, SystemExit):
        raise
    except BrokenPipeError:  # nobody reads the output any more: click ends the command with 1 and no message
        raise
    except Exception as error:
        if verbose:
            raise
        raise Mistake(sentence(error)) from error


def sentence(error: Exception) -> str:
    """Return what to tell people of an exception."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

    if isinstance(error, NoCredentialsError):
        return "AWS has no credentials of yours: run `aws configure`, or set AWS_PROFILE."
    if isinstance(error, NoRegionError):
        return "AWS needs a region: give one with --region, or set AWS_REGION."
    if isinstance(error, ClientError):
        told = error.response.get("Error", {})
        return f"{error.operation_name} was refused with {told.get('Code')}: {told.get('Message')}"
    if isinstance(error, BotoCoreError):
        return str(error)
    if type(error).__module__.startswith("scones."):
        return str(error)
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}."
    return f"{type(error).__name__}: {error} (run again with --verbose to see where)"


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the end of the block: it must not be cut in the middle."""
    came: list[int] = []

    def hold(number: int, _: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP unwind the program as Ctrl-C does, so that what it started is stopped."""

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
