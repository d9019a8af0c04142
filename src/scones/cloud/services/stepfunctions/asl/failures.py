"""Failures of states: error name, cause, and the rules by which Retry and Catch match them."""

from __future__ import annotations

from scones.cloud.core.surrogates import well_formed
from scones.cloud.services.stepfunctions.asl.text import MAX_DEPTH


class StateFailedError(Exception):
    """The failure of a state.

    `error` and `cause` are None if a Fail state omits them. A `fatal` failure (States.Runtime) ends the execution
    regardless of Retry and Catch, as recorded on AWS.
    """

    heartbeat: bool = False
    """True if a heartbeat was missed: the error is States.Timeout, and States.HeartbeatTimeout matches it as well."""

    def __init__(self, error: str | None, cause: str | None, *, fatal: bool = False) -> None:
        super().__init__(error, cause)
        self.error = None if error is None else well_formed(error)
        self.cause = None if cause is None else well_formed(cause)
        self.fatal = fatal

    def matches(self, names: tuple[str, ...]) -> bool:
        """Return True if an ErrorEquals list matches this failure."""
        if self.fatal:
            return False
        for name in names:
            if name in ("States.ALL", self.error):  # States.ALL matches States.DataLimitExceeded, as recorded on AWS
                return True
            if name == "States.TaskFailed" and self.error != "States.Timeout":
                return True
            if name == "States.Timeout" and self.error == "States.HeartbeatTimeout":
                return True
            if name == "States.HeartbeatTimeout" and self.heartbeat:
                return True
        return False


class EvaluationError(Exception):
    """Raised if a path, template or rule cannot be evaluated on this input; `error` is the state's error name.

    `field` is the field whose JSONata failed, if any. The history has an event for each States.QueryEvaluationError.
    AWS chains that event to the event before the state was entered or, with `after_entry`, to the entry itself.
    """

    def __init__(
        self, message: str, error: str = "States.Runtime", field: str | None = None, *, after_entry: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error = error
        self.field = field
        self.after_entry = after_entry


class TimedOutError(StateFailedError):
    """The failure of a task that exceeded TimeoutSeconds or missed a heartbeat.

    AWS records both as States.Timeout, and documents that Retry and Catch may also match a missed heartbeat as
    States.HeartbeatTimeout.
    """

    def __init__(self, *, heartbeat: bool = False) -> None:
        super().__init__("States.Timeout", None)
        self.heartbeat = heartbeat


def data_limit_exceeded(name: str) -> StateFailedError:
    """Return AWS's failure for a result of more than 256 KiB; `name` is a state, a service or a function's ARN."""
    return StateFailedError(
        "States.DataLimitExceeded",
        f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit.",
    )


def nested_too_deeply(name: str) -> StateFailedError:
    """Return the failure for a result nested deeper than the local cloud accepts; AWS's limit is not known."""
    cause = f"The state/task '{name}' returned a result nested deeper than {MAX_DEPTH} levels."
    return StateFailedError("States.Runtime", cause, fatal=True)
