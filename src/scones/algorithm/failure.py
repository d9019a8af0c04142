"""How a training job tells that it failed, and whose fault it was.

JobError
├── CustomerError     the request or the data: exit status 2
└── AlgorithmError    the algorithm: exit status 1
"""

from __future__ import annotations


class JobError(Exception):
    """The job cannot go on; the message is what /opt/ml/output/failure gets."""

    exit_status = 1


class CustomerError(JobError):
    """Hyperparameters or data that the user must change."""

    exit_status = 2


class AlgorithmError(JobError):
    """A fault of the algorithm's own."""
