"""Training on several hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def rabit_run(
    exec_fun: Callable[..., Any],
    args: Mapping[str, Any],
    include_in_training: bool,
    hosts: Sequence[str],
    current_host: str,  # noqa: ARG001 - AWS's signature
    first_port: int | None = None,  # noqa: ARG001
    second_port: int | None = None,  # noqa: ARG001
    max_connect_attempts: int | None = None,  # noqa: ARG001
    connect_retry_timeout: int = 3,  # noqa: ARG001
    update_rabit_args: bool = False,
) -> None:
    """Run a training function on a single host; raises `NotImplementedError` for several hosts."""
    if len(hosts) > 1:
        raise NotImplementedError(
            "The local cloud supports XGBoost training on one instance only: set instance_count to 1."
        )
    if include_in_training:
        exec_fun(**args, **({"is_master": True} if update_rabit_args else {}))
