"""The training job and the endpoint that the workflow creates."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scones.settings import Settings
from scones.workflow import provision
from scones.workflow.dataset import Dataset, UploadedDataset, load, transform
from scones.workflow.dataset.extract import extract
from scones.workflow.endpoint import EndpointError, deploy, served_artifact
from scones.workflow.observer import silent
from scones.workflow.target import Target
from scones.workflow.training import TrainingError, TrainingSpec, image_uri, train, training_spec
from support.cifar_archives import NAMES, split_of, write_archive

ROLE = "arn:aws:iam::111122223333:role/sagemaker"


@pytest.fixture
def local_target(cloud: Any) -> Target:
    return Target(cloud.session(), cloud.url)


@pytest.fixture
def settings() -> Settings:
    return Settings(name=f"test-{uuid.uuid4().hex[:12]}", pretrained=False, epochs=1, mini_batch_size=4)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    labels = [NAMES.index("bicycle"), NAMES.index("motorcycle")] * 6
    archive = write_archive(tmp_path / "archive.tar.gz", train=pickle.dumps(split_of(labels), 2))
    return transform(extract(tmp_path, [str(archive)]), tmp_path / "pictures")


@pytest.fixture
def job(local_target: Target, settings: Settings, dataset: Dataset) -> TrainingSpec:
    bucket = settings.bucket(local_target.account, local_target.region)
    provision.bucket(local_target, bucket)
    images = UploadedDataset(dataset, bucket, "digest")
    load(dataset, local_target.client("s3"), bucket, images.prefix)
    return training_spec(local_target, settings, images)


def ignore(_: str) -> None:
    """Discard a message."""


def run(local_target: Target, settings: Settings, job: TrainingSpec, say: Callable[[str], None] = ignore) -> Any:
    output = f"{job.data.rpartition('/')[0]}/models"
    return train(local_target, settings, job, role=ROLE, output=output, on_message=say, log=ignore, progress=silent)


def jobs(local_target: Target, settings: Settings) -> list[dict[str, Any]]:
    found = local_target.client("sagemaker").list_training_jobs(NameContains=settings.name)
    return list(found["TrainingJobSummaries"])


def test_a_job_has_the_courses_hyperparameters(job: TrainingSpec) -> None:
    assert job.hyperparameters == {
        "image_shape": "3,32,32",
        "num_classes": "2",
        "num_training_samples": "12",
        "use_pretrained_model": "0",
        "epochs": "1",
        "mini_batch_size": "4",
    }
    assert job.image == "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"


def test_some_regions_have_a_container_image_and_some_have_none() -> None:
    assert image_uri("cn-north-1").endswith(".dkr.ecr.cn-north-1.amazonaws.com.cn/image-classification:1")
    with pytest.raises(TrainingError, match="No image-classification image is known for region 'moon-1'"):
        image_uri("moon-1")


@pytest.mark.slow
def test_the_same_job_runs_once_and_its_model_is_served(
    local_target: Target, settings: Settings, job: TrainingSpec
) -> None:
    reported: list[str] = []
    first = run(local_target, settings, job, reported.append)
    assert not first.reused
    assert 0 <= first.validation_accuracy <= 1
    assert any(line.startswith("Training") for line in reported)
    second = run(local_target, settings, job)
    assert second.reused
    assert (second.job, second.artifact) == (first.job, first.artifact)
    other = TrainingSpec(job.image, {**job.hyperparameters, "epochs": "2"}, job.data, job.data_digest)
    assert run(local_target, settings, other).job != first.job

    captures = f"{job.data.rpartition('/')[0]}/captures"
    deployed = deploy(local_target, settings, first, ROLE, captures, on_message=ignore)
    try:
        assert not deployed.reused
        assert served_artifact(local_target, settings) == first.artifact
        assert deploy(local_target, settings, first, ROLE, captures, on_message=ignore).reused
        moved = deploy(local_target, settings, first, ROLE, f"{captures}-elsewhere", on_message=ignore)
        assert not moved.reused, "another place for captures is another configuration"
    finally:
        local_target.client("sagemaker").delete_endpoint(EndpointName=settings.endpoint_name)


@pytest.mark.slow
def test_an_interrupted_run_stops_its_training_job(local_target: Target, settings: Settings, job: TrainingSpec) -> None:
    def interrupt(line: str) -> None:
        if line.startswith("Starting"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(local_target, settings, job, interrupt)
    [found] = jobs(local_target, settings)
    assert found["TrainingJobStatus"] in ("Stopping", "Stopped")


@pytest.mark.slow
def test_a_failed_job_is_reported_with_its_reason_and_not_reused(
    local_target: Target, settings: Settings, job: TrainingSpec
) -> None:
    wrong = TrainingSpec(job.image, {**job.hyperparameters, "num_classes": "many"}, job.data, job.data_digest)
    for _ in range(2):
        with pytest.raises(TrainingError, match=r"Training job .* failed: .*num_classes"):
            run(local_target, settings, wrong)
    assert [found["TrainingJobStatus"] for found in jobs(local_target, settings)] == ["Failed", "Failed"]


def test_without_an_endpoint_there_is_advice(local_target: Target, settings: Settings) -> None:
    with pytest.raises(EndpointError, match=r"Endpoint .* does not exist; run `scones run --keep` first"):
        served_artifact(local_target, settings)
