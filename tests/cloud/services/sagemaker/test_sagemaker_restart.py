"""Training jobs, endpoints and capture records after a crash or a stop of the cloud."""

from __future__ import annotations

import json
from typing import Any

import psutil

from scones.cloud.process import lifecycle
from support.sagemaker_workbench import Workbench, until


def crash(cloud: Any) -> None:
    """Kill the cloud with SIGKILL and check that its child processes end with it."""
    server = psutil.Process(cloud.running.pid)
    children = server.children(recursive=True)
    server.kill()
    _, left = psutil.wait_procs([server, *children], timeout=10)
    assert left == []


def test_all_resources_survive_kill_9(start_cloud: Any) -> None:
    cloud = start_cloud()
    bench = Workbench(cloud)
    endpoint = bench.endpoint(bench.config(bench.model("kept"), capture=bench.capture()))
    numbers = [str(number) for number in range(20)]
    for number in numbers:
        bench.invoke(endpoint, number)
    running = [bench.train(HyperParameters={"wait": "yes"}) for _ in range(3)]
    states = until(lambda: _trained(bench, running))
    crash(cloud)

    again = Workbench(start_cloud())
    again.bucket = bench.bucket
    for job in running:
        described = again.sagemaker.describe_training_job(TrainingJobName=job)
        if states[job] == "Training":
            assert described["TrainingJobStatus"] == "Failed"
            assert "the local cloud was stopped while the job was running" in described["FailureReason"]
        else:
            assert described["TrainingJobStatus"] == "InProgress"
            again.sagemaker.stop_training_job(TrainingJobName=job)
            assert again.ended(job)["TrainingJobStatus"] == "Stopped"
    again.in_service(endpoint)
    assert json.loads(again.invoke(endpoint, "last")["Body"].read())["model"] == "kept"
    again.delete(endpoint)
    lines = [line for body in again.objects("captures/").values() for line in body.splitlines()]
    data = [json.loads(line)["captureData"]["endpointInput"]["data"] for line in lines]
    assert sorted(data) == sorted([*numbers, "last"])


def _trained(bench: Workbench, jobs: list[str]) -> dict[str, str] | None:
    """Return each job's secondary status, once at least one job trains and the rest are pending."""
    states = {job: bench.sagemaker.describe_training_job(TrainingJobName=job)["SecondaryStatus"] for job in jobs}
    return states if set(states.values()) == {"Training", "Pending"} else None


def test_a_clean_stop_stores_the_captures_and_the_endpoint_is_restarted(start_cloud: Any) -> None:
    cloud = start_cloud()
    bench = Workbench(cloud)
    endpoint = bench.endpoint(bench.config(bench.model("kept"), capture=bench.capture()))
    bench.invoke(endpoint, "one")
    assert lifecycle.stop(cloud.data_dir)
    assert list((cloud.data_dir / "sagemaker" / "capture").iterdir()) == []

    again = Workbench(start_cloud())
    again.bucket = bench.bucket
    again.in_service(endpoint)
    assert json.loads(again.invoke(endpoint, "two")["Body"].read())["body"] == "two"
    again.delete(endpoint)
    assert sum(body.count(b"\n") for body in again.objects("captures/").values()) == 2


def test_an_update_continues_after_kill_9(start_cloud: Any) -> None:
    cloud = start_cloud()
    bench = Workbench(cloud)
    endpoint = bench.endpoint(bench.config(bench.model("old")))
    config = bench.config(bench.model("new", {"TEST_SECONDS_TO_LOAD": "1"}))
    bench.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    crash(cloud)

    again = Workbench(start_cloud())

    def updated() -> bool:
        described = again.sagemaker.describe_endpoint(EndpointName=endpoint)
        return bool(described["EndpointConfigName"] == config and described["EndpointStatus"] == "InService")

    until(updated)
    assert json.loads(again.invoke(endpoint)["Body"].read())["model"] == "new"
