"""Training scripts on framework images: arguments, requirements, several instances, and the end of a job."""

from __future__ import annotations

import io
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scones.cloud.process.sandbox import isolation
from support.sagemaker_workbench import IMAGE, Workbench, archive, until
from support.zips import zip_of

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
PYTORCH = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3-cpu-py311"
GROUP = "/aws/sagemaker/TrainingJobs"
REPORT = "import json, os, pathlib, sys; pathlib.Path('/opt/ml/model/reported.json').write_text(json.dumps({}))"
several = pytest.mark.skipif(isolation() is not None, reason="several instances need namespaces of their own")


def run(bench: Workbench, source: bytes, program: str = "train.py", **request: Any) -> dict[str, Any]:
    """Run a script with the request that SageMaker's SDK sends; return the description of the ended job."""
    location = bench.put(f"code/{bench.name('source')}/sourcedir.tar.gz", source)
    given = request.pop("HyperParameters", {})
    spoken = {"sagemaker_program": json.dumps(program), "sagemaker_submit_directory": json.dumps(location)}
    image = request.pop("image", SKLEARN)
    return bench.ended(bench.train(image=image, HyperParameters=given | spoken, **request))


def files(bench: Workbench, job: dict[str, Any]) -> dict[str, str]:
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    location = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{bench.bucket}/")
    with tarfile.open(fileobj=io.BytesIO(bench.objects(location)[location])) as tar:
        return {member.name: tar.extractfile(member).read().decode() for member in tar if member.isfile()}  # type: ignore[union-attr]


def test_a_script_gets_its_arguments_and_variables(bench: Workbench) -> None:
    script = REPORT.format("{'argv': sys.argv, 'env': dict(os.environ), 'cwd': os.getcwd()}")
    bench.put("data/a.csv", "1,2")
    job = run(
        bench,
        archive(train_py=script),
        channels={"train": {"S3Uri": f"s3://{bench.bucket}/data/"}},
        HyperParameters={
            "epochs": "3",
            "learning-rate": "0.5",
            "name": '"quoted"',
            "flag": "true",
            "plain": "as it is",
        },
        Environment={"MINE": "yes"},
    )
    reported = json.loads(files(bench, job)["reported.json"])
    assert reported["cwd"] == "/opt/ml/code"
    assert reported["argv"] == [
        "train.py",
        "--epochs",
        "3",
        "--flag",
        "True",
        "--learning-rate",
        "0.5",
        "--name",
        "quoted",
        "--plain",
        "as it is",
    ]
    env = reported["env"]
    assert (env["SM_MODEL_DIR"], env["SM_CHANNEL_TRAIN"]) == ("/opt/ml/model", "/opt/ml/input/data/train")
    assert (env["SM_HP_LEARNING-RATE"], env["SM_HOSTS"], env["MINE"]) == ("0.5", '["algo-1"]', "yes")
    assert json.loads(env["SM_HPS"]) == {
        "epochs": 3,
        "learning-rate": 0.5,
        "name": "quoted",
        "flag": True,
        "plain": "as it is",
    }
    assert json.loads(env["SM_TRAINING_ENV"])["job_name"] == job["TrainingJobName"]


def test_the_training_toolkit_of_awss_images_can_be_imported(bench: Workbench) -> None:
    script = """
import json, pathlib
import sagemaker_containers
from sagemaker_containers.beta.framework import entry_point as older, modules
from sagemaker_training import entry_point, environment, mapping

env = environment.Environment()
assert env.channel_input_dirs["train"] == "/opt/ml/input/data/train"
assert env["hosts"] == ["algo-1"] == dict(env)["hosts"]
assert env.hyperparameters == {"rate": 0.5} and env.model_dir == environment.model_dir and not env.is_hetero
assert env.to_cmd_args() == ["--rate", "0.5"] and env.to_env_vars()["SM_HP_RATE"] == "0.5"
assert mapping.to_env_vars({"a": [1]}) == {"SM_A": "[1]"}
assert sagemaker_containers.training_env().current_host == env.current_host == "algo-1"
assert older.run.__name__ == "run" and modules.import_module.__name__ == "import_module"
entry_point.run(env.module_dir, "other.py", env.to_cmd_args(), {"MINE": "yes"})
"""
    other = REPORT.format("[sys.argv, os.environ['MINE']]")
    bench.put("data/a.csv", "1,2")
    job = run(
        bench,
        archive(train_py=script, other_py=other),
        channels={"train": {"S3Uri": f"s3://{bench.bucket}/data/"}},
        HyperParameters={"rate": "0.5"},
    )
    assert json.loads(files(bench, job)["reported.json"]) == [["other.py", "--rate", "0.5"], "yes"]
    lines = bench.log_lines(GROUP, f"{job['TrainingJobName']}/algo-1-")
    assert lines[0].startswith(
        "The image sagemaker-scikit-learn:1.2-1-cpu-py3 has scikit-learn 1.2. The local cloud runs"
    )


def test_a_failure_quotes_the_scripts_error(bench: Workbench) -> None:
    job = run(bench, archive(train_py="print('begun', flush=True)\nraise ValueError('no such image')"))
    assert job["FailureReason"] == (
        "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage \"raise ValueError('no such image')\n "
        'ValueError: no such image"\nCommand "/opt/scones-environment/bin/python train.py", exit code: 1'
    )
    assert "begun" in bench.log_lines(GROUP, f"{job['TrainingJobName']}/algo-1-")


def test_a_missing_script_is_reported_with_the_files_that_exist(bench: Workbench) -> None:
    job = run(bench, archive(train_py=""), program="other.py")
    assert "'other.py' is not in the source code: it has train.py." in job["FailureReason"]


def test_a_shell_script_can_be_an_entry_point(bench: Workbench) -> None:
    shell = archive(run_sh='printf %s "$*" > /opt/ml/model/args.txt')
    assert files(bench, run(bench, shell, "run.sh", HyperParameters={"a": "'1 2'"})) == {"args.txt": "-a '1 2'"}


def wheel() -> bytes:
    """Return a wheel of a package that exists nowhere else."""
    return zip_of(
        {
            "brought.py": "WORDS = 'from a requirement'",
            "brought-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: brought\nVersion: 1\n",
            "brought-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "brought-1.dist-info/RECORD": "",
        }
    )


def test_packages_installed_by_a_script_stay_in_its_environment(bench: Workbench) -> None:
    sources = {
        "train.py": b"import pathlib, brought; pathlib.Path('/opt/ml/model/words.txt').write_text(brought.WORDS)",
        "requirements.txt": b"./brought-1-py3-none-any.whl",
        "brought-1-py3-none-any.whl": wheel(),
    }
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name, content in sources.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    assert files(bench, run(bench, written.getvalue())) == {"words.txt": "from a requirement"}
    gone = run(bench, archive(train_py="import brought"))
    assert "No module named 'brought'" in gone["FailureReason"]


def test_a_requirement_that_cannot_be_installed_fails_the_job(bench: Workbench) -> None:
    job = run(bench, archive(train_py="", requirements_txt="./nowhere"))
    assert job["FailureReason"].startswith("AlgorithmError: InstallRequirementsError:\nExitCode 1\n")


def test_a_framework_that_is_not_installed_is_reported_in_a_sentence(bench: Workbench) -> None:
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.14-cpu-py310"
    job = run(bench, archive(train_py="import tensorflow"), image=image)
    assert "tensorflow is not installed" in job["FailureReason"]
    assert run(bench, archive(train_py="print(1)"), image=image)["TrainingJobStatus"] == "Completed"


@several
def test_instances_know_each_other_and_divide_the_data(bench: Workbench) -> None:
    script = """
import json, os, pathlib, socket
host = os.environ["SM_CURRENT_HOST"]
reported = {
    "hosts": os.environ["SM_HOSTS"],
    "name": socket.gethostname(),
    "files": sorted(os.listdir("/opt/ml/input/data/part")),
    "whole": len(os.listdir("/opt/ml/input/data/whole")),
    "addresses": [socket.gethostbyname(f"algo-{i}") for i in (1, 2)],
}
pathlib.Path(f"/opt/ml/model/{host}.json").write_text(json.dumps(reported))
pathlib.Path("/opt/ml/model/last.txt").write_text(host)
"""
    for index in range(4):
        bench.put(f"data/{index}.txt", str(index))
    uri = f"s3://{bench.bucket}/data/"
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    channels = {"part": {"S3Uri": uri, "S3DataDistributionType": "ShardedByS3Key"}, "whole": {"S3Uri": uri}}
    job = run(bench, archive(train_py=script), channels=channels, ResourceConfig=resources)
    found = files(bench, job)
    first, second = json.loads(found["algo-1.json"]), json.loads(found["algo-2.json"])
    assert found["last.txt"] == "algo-1"
    assert (first["name"], second["name"]) == ("algo-1", "algo-2")
    assert first["hosts"] == second["hosts"] == '["algo-1","algo-2"]'
    assert sorted(first["files"] + second["files"]) == ["0.txt", "1.txt", "2.txt", "3.txt"]
    assert len(first["files"]) == len(second["files"]) == 2
    assert first["whole"] == second["whole"] == 4
    assert len(set(first["addresses"])) == 2


@several
def test_one_instances_failure_ends_the_others(bench: Workbench) -> None:
    script = """
import os, time
if os.environ["SM_CURRENT_HOST"] == "algo-2":
    raise RuntimeError("the second gives up")
time.sleep(600)
"""
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    job = run(bench, archive(train_py=script), ResourceConfig=resources)
    assert "RuntimeError: the second gives up" in job["FailureReason"]


@several
@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["", "sagemaker_torch_distributed_enabled"])
def test_torch_distributed_connects_processes_of_two_instances(bench: Workbench, launcher: str) -> None:
    script = """
import os, pathlib, torch, torch.distributed as dist
hosts = ["algo-1", "algo-2"]
rank = int(os.environ.get("RANK", hosts.index(os.environ["SM_CURRENT_HOST"])))
dist.init_process_group("gloo", rank=rank, world_size=len(hosts))
total = torch.tensor([rank + 1.0])
dist.all_reduce(total)
if rank == 0:
    pathlib.Path("/opt/ml/model/total.txt").write_text(str(total.item()))
dist.destroy_process_group()
"""
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    asked = {launcher: "true"} if launcher else {}
    job = run(bench, archive(train_py=script), image=PYTORCH, ResourceConfig=resources, HyperParameters=asked)
    assert files(bench, job) == {"total.txt": "3.0"}


@several
@pytest.mark.slow
def test_only_one_job_of_all_clouds_runs_on_several_instances_at_a_time(start_cloud: Any) -> None:
    script = "import socket, time; socket.create_server(('', 7777)); time.sleep(1)"
    script = f"import os\nif os.environ['SM_CURRENT_HOST'] == 'algo-1':\n    {script}"
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    benches = [Workbench(start_cloud(name)) for name in ("one", "two")]
    with ThreadPoolExecutor(2) as threads:
        jobs = list(threads.map(lambda each: run(each, archive(train_py=script), ResourceConfig=resources), benches))
    assert [job["TrainingJobStatus"] for job in jobs] == ["Completed", "Completed"]
    waited = [each["Status"] for job in jobs for each in job["SecondaryStatusTransitions"]]
    assert waited.count("Pending") >= 1


def test_an_own_entry_point_runs_in_the_environment_of_the_job(bench: Workbench) -> None:
    specification = {
        "TrainingImage": IMAGE.replace("test-image", "never-heard-of"),
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["/bin/bash"],
        "ContainerArguments": ["-c", "which python pip > /opt/ml/model/where.txt"],
    }
    job = bench.ended(bench.train(AlgorithmSpecification=specification))
    assert files(bench, job)["where.txt"].split() == [
        "/opt/scones-environment/bin/python",
        "/opt/scones-environment/bin/pip",
    ]


def test_a_spot_job_needs_a_maximum_wait_time(bench: Workbench) -> None:
    with pytest.raises(ClientError, match="Invalid MaxWaitTimeInSeconds"):
        bench.train(EnableManagedSpotTraining=True)
    job = bench.train(
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
    )
    assert bench.ended(job)["EnableManagedSpotTraining"] is True


def test_a_script_that_uses_an_endpoint_of_aws_reaches_the_local_cloud(bench: Workbench) -> None:
    script = """
import boto3, pathlib
client = boto3.client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com")
pathlib.Path("/opt/ml/model/arn.txt").write_text(client.get_caller_identity()["Arn"])
"""
    found = files(bench, run(bench, archive(train_py=script)))
    assert found["arn.txt"] == "arn:aws:sts::111122223333:assumed-role/SageMakerTest/SageMaker"


def test_a_stopped_script_gets_sigterm_and_keeps_its_model(bench: Workbench) -> None:
    script = """
import pathlib, signal, sys, time
def stop(*_):
    pathlib.Path("/opt/ml/model/half.txt").write_text("half")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("Waiting", flush=True)
time.sleep(600)
"""
    location = bench.put("code/stopped.tar.gz", archive(train_py=script))
    name = bench.train(
        image=SKLEARN, HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": location}
    )
    until(lambda: "Waiting" in _lines(bench, name))
    bench.sagemaker.stop_training_job(TrainingJobName=name)
    job = bench.ended(name)
    assert job["TrainingJobStatus"] == "Stopped"
    location = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{bench.bucket}/")
    assert bench.objects(location)


def _lines(bench: Workbench, job: str) -> list[str]:
    try:
        return bench.log_lines(GROUP, f"{job}/")
    except ClientError:  # the first line creates the log group
        return []


@several
def test_at_the_time_limit_every_instance_gets_time_to_end(bench: Workbench) -> None:
    script = """
import os, pathlib, signal, sys, time
host = os.environ["SM_CURRENT_HOST"]
def stop(*_):
    time.sleep(0.5 if host == "algo-2" else 0)
    pathlib.Path(f"/opt/ml/model/{host}.txt").write_text("saved")
    sys.exit(1)
signal.signal(signal.SIGTERM, stop)
time.sleep(600)
"""
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    limit = {"MaxRuntimeInSeconds": 3}
    job = run(bench, archive(train_py=script), ResourceConfig=resources, StoppingCondition=limit)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    location = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{bench.bucket}/")
    with tarfile.open(fileobj=io.BytesIO(bench.objects(location)[location])) as tar:
        assert sorted(tar.getnames()) == ["algo-1.txt", "algo-2.txt"]
