"""A training job's record: its status transitions with AWS's messages, each on disk before the next step begins."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from scones.cloud.services.sagemaker.resources import Document, ResourceTable
from scones.cloud.wire.members import Members

MESSAGES = {
    "Starting": "Starting the training job",
    "Pending": "Training job waiting for capacity",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
}
FINAL_STATUSES = {"Completed": "Completed", "Failed": "Failed", "Stopped": "Stopped", "MaxRuntimeExceeded": "Stopped"}
"""TrainingJobStatus by final SecondaryStatus."""
ENDED = frozenset(FINAL_STATUSES.values())


def enter(document: Document, secondary: str) -> None:
    """End a document's last status transition and add a new one."""
    now = time.time()
    transitions: list[Members] = document["SecondaryStatusTransitions"]
    if transitions:
        transitions[-1].setdefault("EndTime", now)
    transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": MESSAGES[secondary]})
    document |= {"SecondaryStatus": secondary, "LastModifiedTime": now}


def finish(document: Document, secondary: str, reason: str = "") -> None:
    """Set a document's final status, its failure reason, and the seconds between its start and end."""
    enter(document, secondary)
    now: float = document["LastModifiedTime"]
    document["SecondaryStatusTransitions"][-1]["EndTime"] = now
    document["TrainingJobStatus"] = FINAL_STATUSES[secondary]
    if reason:
        document["FailureReason"] = reason
    if "TrainingStartTime" in document:
        seconds = math.ceil(now - document["TrainingStartTime"])
        document |= {"TrainingEndTime": now, "TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}


@dataclass(frozen=True, slots=True)
class TrainingJobRecord:
    """One training job in the store."""

    jobs: ResourceTable
    name: str

    async def enter(self, secondary: str) -> None:
        """Set a secondary status that is not final; do nothing if the job has ended or has this status already."""

        def change(document: Document) -> None:
            if document["TrainingJobStatus"] in ENDED or document["SecondaryStatus"] == secondary:
                return
            enter(document, secondary)
            if secondary == "Downloading":
                document["TrainingStartTime"] = document["LastModifiedTime"]

        await self.jobs.update(self.name, change)

    async def metrics(self, final: list[Members]) -> None:
        """Store the latest metrics, which Describe shows while the job runs."""

        def change(document: Document) -> None:
            document["FinalMetricDataList"] = final
            document["LastModifiedTime"] = time.time()

        await self.jobs.update(self.name, change)

    async def finish(self, secondary: str, reason: str = "") -> None:
        """Set the job's final status, unless it has one already."""

        def change(document: Document) -> None:
            if document["TrainingJobStatus"] not in ENDED:
                finish(document, secondary, reason)

        await self.jobs.update(self.name, change)
