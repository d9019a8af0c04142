"""The workflow: dataset, training job, endpoint, functions, state machine, monitoring. It reaches AWS through boto3.

`pipeline.py` has its steps in order.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # __getattr__ imports them when they are used: they load boto3, NumPy and Pillow
    from scones.workflow.observer import Level, LoggingObserver, Observer
    from scones.workflow.pipeline import Pipeline
    from scones.workflow.result import PipelineResult, Summary
    from scones.workflow.target import Target

__all__ = ["Level", "LoggingObserver", "Observer", "Pipeline", "PipelineResult", "Summary", "Target"]

_MODULES = {
    "Level": "observer",
    "LoggingObserver": "observer",
    "Observer": "observer",
    "Pipeline": "pipeline",
    "PipelineResult": "result",
    "Summary": "result",
    "Target": "target",
}


def __getattr__(name: str) -> Any:  # the type of an attribute depends on its name
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
