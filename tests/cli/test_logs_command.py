"""`scones logs`: the log of the local cloud, of functions, jobs and endpoints."""

from __future__ import annotations

import signal
import time
import uuid
from functools import partial
from typing import Any

import pytest

from support.zips import zip_of

NOW = int(time.time() * 1000) - 60_000
SOURCE = 'def handler(event, context):\n    print("seen", event)\n'


def write(cloud: Any, group: str, stream: str, *messages: str, start: int = NOW) -> None:
    """Write one event per second to a log stream."""
    client = cloud.client("logs")
    for create in (
        partial(client.create_log_group, logGroupName=group),
        partial(client.create_log_stream, logGroupName=group, logStreamName=stream),
    ):
        try:
            create()
        except client.exceptions.ResourceAlreadyExistsException:
            continue
    events = [{"timestamp": start + 1000 * number, "message": message} for number, message in enumerate(messages)]
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


@pytest.fixture
def shown(scones: Any, cloud: Any) -> Any:
    """Return the messages that `scones logs` prints, without their times."""

    def messages(*arguments: str) -> list[str]:
        ran = scones("logs", *arguments, SCONES_DATA_DIR=str(cloud.data_dir))
        assert ran.returncode == 0, ran.stderr
        return [line.partition("Z ")[2] for line in ran.stdout.splitlines()]

    return messages


def test_the_last_events_of_all_streams_of_an_endpoint_are_in_order(shown: Any, scones: Any, cloud: Any) -> None:
    name = f"e-{uuid.uuid4().hex[:8]}"
    group = f"/aws/sagemaker/Endpoints/{name}"
    write(cloud, group, "AllTraffic/one", "1", "3", "5")
    write(cloud, group, "AllTraffic/two", "2", "4", start=NOW + 500)
    write(cloud, group, "AllTraffic/old", *"abcd", start=NOW - 60_000)
    assert shown("--endpoint", name) == [*"abcd", *"12345"]
    assert shown("--endpoint", name, "--lines", "4") == [*"2345"]
    on_aws = scones(
        "logs", "--endpoint", name, "--lines", "1", "--target", "aws", **cloud.running.environment()
    )  # the endpoint of the cloud stands for AWS
    assert on_aws.stdout.endswith("Z 5\n"), on_aws.stderr


@pytest.mark.parametrize("kind", ["TrainingJobs", "ProcessingJobs", "TransformJobs"])
def test_a_job_of_any_kind_is_found_by_its_name(shown: Any, cloud: Any, kind: str) -> None:
    name = f"j-{uuid.uuid4().hex[:8]}"
    write(cloud, f"/aws/sagemaker/{kind}", f"{name}/algo-1-1", "first\nsecond line")
    write(cloud, f"/aws/sagemaker/{kind}", f"{name}-2/algo-1-1", "of another job")
    write(cloud, f"/aws/sagemaker/{kind}", f"{name}/algo-2-1", "third", start=NOW + 1)
    assert shown("--job", name) == ["first", "", "third"]  # a continued line has no time


def test_a_functions_log_is_in_the_group_of_its_settings(shown: Any, cloud: Any) -> None:
    name = f"f-{uuid.uuid4().hex[:8]}"
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="index.handler",
        Role="arn:aws:iam::111122223333:role/r",
        Code={"ZipFile": zip_of({"index.py": SOURCE})},
        LoggingConfig={"LogGroup": f"/mine/{name}"},
    )
    write(cloud, f"/mine/{name}", "stream", "in my group")
    assert shown("--function", name) == ["in my group"]
    write(cloud, f"/aws/lambda/{name}-deleted", "stream", "of a deleted function")
    assert shown("--function", f"{name}-deleted") == ["of a deleted function"]


def test_follow_prints_each_new_event_once_until_ctrl_c(scones: Any, cloud: Any) -> None:
    name = f"e-{uuid.uuid4().hex[:8]}"
    group = f"/aws/sagemaker/Endpoints/{name}"
    write(cloud, group, "one", "old", "last")
    following = scones.start("logs", "--endpoint", name, "--follow", "--lines", "1", "--data-dir", str(cloud.data_dir))
    lines = iter(following.stdout.readline, "")
    assert next(lines).endswith("Z last\n")
    write(cloud, group, "one", "new", "newest", start=NOW + 2000)
    assert [next(lines).partition("Z ")[2] for _ in range(2)] == ["new\n", "newest\n"]
    write(cloud, group, "two", "late", start=NOW + 2500)  # between two events that have been printed
    assert next(lines).endswith("Z late\n")
    following.send_signal(signal.SIGINT)
    rest, errors = following.communicate(timeout=60)
    assert (following.returncode, rest, errors) == (0, "", "")


def test_follow_waits_for_the_first_event(scones: Any, cloud: Any) -> None:
    name = f"e-{uuid.uuid4().hex[:8]}"
    following = scones.start("logs", "--endpoint", name, "--follow", "--data-dir", str(cloud.data_dir))
    waiting = following.stderr.readline()
    assert waiting.startswith(f"The endpoint '{name}' has no log: it does not exist, or has not written anything yet.")
    write(cloud, f"/aws/sagemaker/Endpoints/{name}", "one", "first")
    assert following.stdout.readline().endswith("Z first\n")
    following.send_signal(signal.SIGINT)
    assert following.communicate(timeout=60) == ("", "")


def test_the_log_of_the_cloud_itself_is_shown_and_followed(scones: Any) -> None:
    before = scones("logs")
    assert before.returncode == 1
    assert "cloud.log does not exist: no local cloud has run in the background on" in before.stderr
    assert scones("up", "--detach", "--port", "0").returncode == 0
    scones("down")
    ended = scones("logs").stdout.splitlines()
    assert f"data in {scones.data_dir}" in ended[0]
    assert scones("logs", "--lines", "1").stdout.splitlines() == ended[-1:]
    following = scones.start("logs", "--follow", "--lines", "1")
    assert following.stdout.readline().splitlines() == ended[-1:]
    with (scones.data_dir / "cloud.log").open("a") as log:
        for part in ("one ", "line\n"):
            log.write(part)
            log.flush()
            time.sleep(0.5)
    assert following.stdout.readline() == "one line\n"
    following.send_signal(signal.SIGINT)
    assert following.communicate(timeout=60)[1] == ""
    assert following.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["--function", "a", "--job", "b"], "Only one of --function, --job can be used."),
        (["--target", "aws"], "--target aws needs --function, --job or --endpoint."),
        (["--lines", "0"], "Invalid value for '--lines'"),
        (["--job", "nonesuch"], "The job 'nonesuch' has no log: it does not exist, or has not written anything yet."),
        (["--job", "nonesuch", "--follow"], "The job 'nonesuch' has no log"),
        (["--endpoint", "nonesuch"], "The endpoint 'nonesuch' has no log"),
        (["--function", "nonesuch"], "The function 'nonesuch' has no log"),
    ],
)
def test_a_log_that_does_not_exist_is_reported(scones: Any, cloud: Any, arguments: list[str], reported: str) -> None:
    refused = scones("logs", *arguments, SCONES_DATA_DIR=str(cloud.data_dir))
    assert refused.returncode in (1, 2)
    assert reported in refused.stderr
    assert refused.stderr.count("\n") == 1
