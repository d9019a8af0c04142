"""The data log of a transform job: which objects could not be transformed, and why."""

from __future__ import annotations

from datetime import UTC, datetime

from scones.cloud.core.clock import iso_milliseconds
from scones.cloud.services.sagemaker.log_stream import LogStream
from scones.cloud.services.sagemaker.s3_access import S3Location


class DataLog(LogStream):
    """The log stream `JOB/INSTANCE/data-log`; its lines have the form that users of AWS have published."""

    def write_failure(self, source: S3Location, reason: str) -> None:
        """Log why an object could not be transformed, with the object's location before each line."""
        moment = iso_milliseconds(datetime.now(UTC)).removesuffix("Z")
        lines = reason.splitlines()
        self.read_errors(lines)
        for line in lines:
            self.write(f"{moment}:[sagemaker logs]: {source.bucket}/{source.key}: {line}")
