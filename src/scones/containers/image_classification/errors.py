"""Exceptions of a training job, by the party at fault.

JobError
├── CustomerError     the request or the data: exit status 2
└── AlgorithmError    the algorithm: exit status 1
"""

from __future__ import annotations


class JobError(Exception):
    """The job cannot continue; the message is written to /opt/ml/output/failure."""

    exit_status = 1


class CustomerError(JobError):
    """Invalid hyperparameters or data, which the user must change."""

    exit_status = 2


class AlgorithmError(JobError):
    """A fault of the algorithm itself."""
