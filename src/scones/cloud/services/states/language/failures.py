"""How a state fails: an error name, a cause, and whether Retry and Catch may see it."""

from __future__ import annotations

from scones.cloud.services.states.language.text import MAX_DEPTH
from scones.cloud.surrogates import well_formed


class StateFailedError(Exception):
    """A state's failure.

    `error` and `cause` are None where a Fail state leaves them out. A `fatal` failure (States.Runtime) ends the
    execution whatever Retry and Catch say, as recorded on AWS.
    """

    heartbeat: bool = False
    """Whether a heartbeat was missed: it is shown as States.Timeout, and States.HeartbeatTimeout names it as well."""

    def __init__(self, error: str | None, cause: str | None, *, fatal: bool = False) -> None:
        super().__init__(error, cause)
        self.error = None if error is None else well_formed(error)
        self.cause = None if cause is None else well_formed(cause)
        self.fatal = fatal

    def matches(self, names: tuple[str, ...]) -> bool:
        """Whether an ErrorEquals list names this failure."""
        if self.fatal:
            return False
        for name in names:
            if name in ("States.ALL", self.error):  # States.DataLimitExceeded too, as recorded on AWS
                return True
            if name == "States.TaskFailed" and self.error != "States.Timeout":
                return True
            if name == "States.Timeout" and self.error == "States.HeartbeatTimeout":
                return True
            if name == "States.HeartbeatTimeout" and self.heartbeat:
                return True
        return False


class EvaluationError(Exception):
    """A path, template or rule that cannot be evaluated on this input; `error` is the name of the state's failure.

    `field` is where JSONata failed, which has an event of its own in the history.
    """

    def __init__(self, message: str, error: str = "States.Runtime", field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.error = error
        self.field = field


class TimedOutError(StateFailedError):
    """A task that ran past TimeoutSeconds or went without a heartbeat.

    AWS records both as States.Timeout, and says that Retry and Catch may name the second States.HeartbeatTimeout.
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
    """Return the failure for a result that nests deeper than the local cloud takes; AWS's limit is not known to us."""
    cause = f"The state/task '{name}' returned a result nested deeper than {MAX_DEPTH} levels."
    return StateFailedError("States.Runtime", cause, fatal=True)
