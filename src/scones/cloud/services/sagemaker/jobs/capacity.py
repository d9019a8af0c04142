"""The capacity for jobs: the number of jobs that run at once, and of instances per job."""

from __future__ import annotations

import asyncio

from scones.cloud.process.sandbox import isolation
from scones.cloud.services.sagemaker.container_settings import CORES
from scones.cloud.services.sagemaker.errors import not_supported, too_many_instances

AT_ONCE = max(1, min(2, CORES // 4))
"""Maximum number of jobs of one kind (training, processing, transform) that run at once; further ones wait."""
MAX_INSTANCES = 32
"""Maximum number of instances per job."""


async def check_instance_count(count: int, member: str, activity: str) -> None:
    """Check a job's InstanceCount in the request's `member`; raises `ServiceError`.

    `activity` is training or processing.
    """
    if count > MAX_INSTANCES:
        raise too_many_instances(member, count, MAX_INSTANCES, f"{activity} job")
    if count > 1 and (reason := await asyncio.to_thread(isolation)):
        raise not_supported(
            f"{activity} on several instances on this machine, where {reason}", f"Set {member}.InstanceCount to 1."
        )
