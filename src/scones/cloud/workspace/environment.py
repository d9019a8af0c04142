"""The environment variables of a workspace."""

from __future__ import annotations

import os
from pathlib import Path

from scones.cloud.core.arns import Arn
from scones.cloud.core.credentials import EXECUTION_ROLE, Credentials
from scones.cloud.process.lifecycle import RunningCloud

SESSION_NAME = "SageMaker"
SESSION_SECONDS = 10 * 365 * 86400.0
_HERE = Path(__file__).parent
STARTUP = _HERE / "startup"
"""Folder of the start-up hooks, for PYTHONPATH and NODE_OPTIONS."""
SDKS = "sdks"
"""Folder in a data folder in which the hook records the locations of the SageMaker SDKs that a workspace imports."""


def environment(running: RunningCloud, role: str | None = None) -> dict[str, str]:
    """Return the environment variables that make unmodified boto3, AWS CLI and SageMaker SDK code use a local cloud.

    The keys are temporary keys of the execution role `role`, an ARN; the default is the account's own execution role.
    `get_execution_role()` returns this role. Python and Node.js run the start-up hooks (`startup/`), which have no
    effect if AWS_ENDPOINT_URL is not set.
    """
    arn = role or str(Arn(service="iam", account=running.account, resource=f"role/service-role/{EXECUTION_ROLE}"))
    session = Credentials.of(running.data_dir).session(arn, SESSION_NAME, SESSION_SECONDS)
    hook, options = f'--require "{STARTUP / "host_names.cjs"}"', os.environ.get("NODE_OPTIONS", "")
    paths = [str(STARTUP), os.environ.get("PYTHONPATH", "")]
    return {
        **running.environment(),
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "NODE_OPTIONS": options if hook in options else f"{options} {hook}".strip(),
        "SCONES_SDKS": str(running.data_dir / SDKS),
        # The SDK's defaults here: no usage reports over the network. A user's own settings override them.
        "SAGEMAKER_ADMIN_CONFIG_OVERRIDE": str(_HERE / "sagemaker-config.yaml"),
    }
