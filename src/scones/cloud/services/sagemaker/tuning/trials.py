"""The trials of a tuning job: its training jobs with their hyperparameters and objective values."""

from __future__ import annotations

import time

from scones.cloud.services.sagemaker.resources import Document
from scones.cloud.services.sagemaker.tuning import hyperparameter_search as search
from scones.cloud.wire.members import Members, MemberValue

MAX_JOBS_WITHOUT_OBJECTIVE = 5
"""Number of training jobs after which a tuning job fails if none has an objective value, as on AWS."""
MAX_REASON_CHARACTERS = 800
"""Maximum characters of a training job's failure reason that a tuning job quotes: AWS allows 1,024 in total."""
TRIALS = "Trials"
"""Member of a tuning job's document with its trials; Describe does not show it."""
_COUNTED = {"Completed": "Completed", "InProgress": "InProgress", "Stopping": "InProgress", "Stopped": "Stopped"}


def limit_of(config: Members) -> int:
    """Return the maximum number of training jobs of a tuning job with a HyperParameterTuningJobConfig."""
    limit: int | None = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    return search.grid_size(config) if limit is None else limit


def trial_count(document: Document) -> int:
    """Return the number of training jobs that a tuning job has started."""
    return len(document[TRIALS])


def final_status(document: Document) -> tuple[str, str] | None:
    """Return the final status and reason of a job that starts no more training jobs, or None if it continues."""
    config, trials = document["HyperParameterTuningJobConfig"], document[TRIALS]
    ended = [trial for trial in trials if trial["Status"] != "InProgress"]
    if document["HyperParameterTuningJobStatus"] == "Stopping":
        return "Stopped", ""
    if len(ended) >= min(MAX_JOBS_WITHOUT_OBJECTIVE, limit_of(config)) and all(
        trial["Value"] is None for trial in ended
    ):
        return "Failed", (
            f"No training job succeeded after {len(ended)} attempts. Please take a look at the training job failures "
            f"to get more details.{_last_failure(ended)}"
        )
    limit = config["ResourceLimits"].get("MaxRuntimeInSeconds")
    if limit is not None and time.time() - document["CreationTime"] > limit:
        return "Stopped", ""
    criteria = config.get("TuningJobCompletionCriteria", {})
    best = best_trial(document, trials)
    target = criteria.get("TargetObjectiveMetricValue")
    if target is not None and best is not None and _better_or_equal(config, best["Value"], target):
        return "Completed", ""
    patience = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
    if patience is not None and best is not None and len(ended) - 1 - _in_order(ended).index(best) >= patience:
        return "Completed", ""
    return ("Completed", "") if len(ended) >= limit_of(config) else None


def _last_failure(ended: list[Document]) -> str:
    """Return a sentence with the reason of the training job that failed last; "" if none failed."""
    reasons = [trial["FailureReason"] for trial in _in_order(ended) if "FailureReason" in trial]
    return f" The last one: {reasons[-1][:MAX_REASON_CHARACTERS]}" if reasons else ""


def _in_order(ended: list[Document]) -> list[Document]:
    """Return the ended training jobs in the order in which they ended."""
    return sorted(ended, key=lambda trial: trial["TrainingEndTime" if "TrainingEndTime" in trial else "CreationTime"])


def _better_or_equal(config: Members, value: float, target: float) -> bool:
    return value >= target if config["HyperParameterTuningJobObjective"]["Type"] == "Maximize" else value <= target


def best_trial(document: Document, trials: list[Document]) -> Document | None:
    """Return the trial with the best objective value, or None if no trial has one."""
    objective = document["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    valued = [trial for trial in trials if trial["Value"] is not None]
    choose = max if objective["Type"] == "Maximize" else min
    return choose(valued, key=lambda trial: float(trial["Value"]), default=None)


def counters(trials: list[Document]) -> Document:
    """Return the members of Describe that count the training jobs by their status and by their objective's status."""
    status = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    objective = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
    for trial in trials:
        status[_COUNTED.get(trial["Status"], "NonRetryableError")] += 1
        objective[_objective_status(trial)] += 1
    return {"TrainingJobStatusCounters": status, "ObjectiveStatusCounters": objective}


def summary(document: Document, trial: Document, arn: str) -> Document:
    """Return a trial as a HyperParameterTrainingJobSummary; `arn` is that of its training job."""
    objective = document["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    summary: Document = {
        "TrainingJobName": trial["Name"],
        "TrainingJobArn": arn,
        "TuningJobName": document["HyperParameterTuningJobName"],
        "CreationTime": trial["CreationTime"],
        "TrainingJobStatus": trial["Status"],
        "TunedHyperParameters": trial["Tuned"],
        "ObjectiveStatus": _objective_status(trial),
        **{key: trial[key] for key in ("TrainingStartTime", "TrainingEndTime", "FailureReason") if key in trial},
    }
    if trial["Value"] is not None:
        metric = {"MetricName": objective["MetricName"], "Value": trial["Value"]}
        summary["FinalHyperParameterTuningJobObjectiveMetric"] = metric
    return summary


def _objective_status(trial: Document) -> str:
    if trial["Value"] is not None:
        return "Succeeded"
    return "Pending" if trial["Status"] == "InProgress" else "Failed"


def sort_key(summary: Document, by: str) -> MemberValue:
    """Return the value by which a summary is sorted: a text, a number or a pair, depending on SortBy."""
    if by == "FinalObjectiveMetricValue":
        metric = summary.get("FinalHyperParameterTuningJobObjectiveMetric")
        return (metric is not None, metric["Value"] if metric else 0.0)
    return summary[{"Name": "TrainingJobName", "Status": "TrainingJobStatus"}.get(by, by)]
