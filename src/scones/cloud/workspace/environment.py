"""The environment variables of a workspace."""

from __future__ import annotations

import os
from pathlib import Path

from scones.cloud.credentials import EXECUTION_ROLE, Credentials
from scones.cloud.lifecycle import RunningCloud

SESSION_NAME = "SageMaker"
SESSION_SECONDS = 10 * 365 * 86400.0
_HERE = Path(__file__).parent
STARTUP = _HERE / "startup"
"""The folder of the start-up hook, for PYTHONPATH."""
SDKS = "sdks"
"""The folder of a data folder in which the hook leaves word of the SageMaker SDKs that a workspace imports."""


def environment(running: RunningCloud, role: str | None = None) -> dict[str, str]:
    """Return the variables that make unmodified boto3, AWS CLI and SageMaker SDK code use a local cloud.

    The keys are temporary ones of an execution role, the account's own unless another's ARN is given, so that
    `get_execution_role()` returns it. PYTHONPATH begins with the start-up hook (`startup/`), which does nothing where
    AWS_ENDPOINT_URL is not set.
    """
    arn = role or f"arn:aws:iam::{running.account}:role/service-role/{EXECUTION_ROLE}"
    session = Credentials.of(running.data_dir).session(arn, SESSION_NAME, SESSION_SECONDS)
    paths = [str(STARTUP), os.environ.get("PYTHONPATH", "")]
    return {
        **running.environment(),
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "SCONES_SDKS": str(running.data_dir / SDKS),
        # Settings below a user's own: the SDK's usage reports stay away from the network.
        "SAGEMAKER_ADMIN_CONFIG_OVERRIDE": str(_HERE / "sagemaker-config.yaml"),
    }
