"""Error and signal handling: one sentence and an exit status per exception, and clean-up after Ctrl-C and SIGTERM."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

VERBOSE = "scones.verbose"
"""Key of click's context, under which the option --verbose is stored."""


class UserError(click.ClickException):
    """A mistake that the user can correct: one sentence that says what to do."""

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - click's signature
        """Print the sentence to standard error."""
        click.echo(f"scones: {self.message}", err=True)


class Command(click.Command):
    """A command that reports each exception as one sentence; with --verbose, Python prints the traceback instead."""

    def invoke(self, ctx: click.Context) -> Any:  # click's return type
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:  # the reader of the output has gone: click exits with 1 and no message
            raise
        except Exception as error:
            if ctx.meta.get(VERBOSE):
                raise
            advice = " (run again with --verbose for the traceback)" if VERBOSE in ctx.meta else ""
            raise UserError(sentence(error) or f"{type(error).__name__}: {error}{advice}") from error


def sentence(error: Exception) -> str:
    """Return an exception's message for the user, or "" for an unexpected exception."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

    if isinstance(error, NoCredentialsError):
        return "No AWS credentials found: run `aws configure`, or set AWS_PROFILE."
    if isinstance(error, NoRegionError):
        return "No AWS region configured: use --region, or set AWS_REGION."
    if isinstance(error, ClientError):
        error_fields = error.response.get("Error", {})
        return f"{error.operation_name} failed with {error_fields.get('Code')}: {error_fields.get('Message')}"
    if isinstance(error, BotoCoreError):
        return str(error)
    if type(error).__module__.startswith("scones."):
        return str(error)
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    return ""


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Defer Ctrl-C and SIGTERM until the end of the block, which must not be interrupted."""
    received: list[int] = []

    def hold(number: int, _: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:
        signal.raise_signal(received[0])


def end_on_signals() -> None:
    """Make SIGTERM and SIGHUP unwind the program as Ctrl-C does, so that it stops the processes it started."""

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
