"""A workspace: unmodified SDK code reaches the local cloud even if it names AWS's addresses, and has a role."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import scones.cloud.workspace

STARTUP = Path(scones.cloud.workspace.__file__).parent / "startup"
AWS = str(Path(sys.executable).with_name("aws"))
WHO = """
import boto3
sts = boto3.client("sts", region_name="us-east-1", endpoint_url="https://sts.us-east-1.amazonaws.com")
print(sts.get_caller_identity()["Arn"])
"""
WHERE = """
import boto3
client = boto3.client("sts", region_name="eu-west-1", endpoint_url="https://sts.eu-west-1.amazonaws.com")
print(client.meta.endpoint_url)
"""


@pytest.fixture
def up(scones):
    started = scones("up", "--detach", "--port", "0")
    assert started.returncode == 0, started.stderr
    return scones


def test_an_explicit_endpoint_of_aws_leads_to_the_cloud_and_the_caller_is_a_role(up):
    reported = up("exec", "--", sys.executable, "-c", WHO)
    assert reported.stderr == ""
    role = "AmazonSageMaker-ExecutionRole-Scones"
    assert reported.stdout.strip() == f"arn:aws:sts::111122223333:assumed-role/{role}/SageMaker"
    known = up("exec", "--", AWS, "iam", "get-role", "--role-name", role, "--query", "Role.Arn", "--output", "text")
    assert known.stdout.strip() == f"arn:aws:iam::111122223333:role/service-role/{role}"


def test_notebooks_do_not_show_that_the_variable_is_used(up):
    program = f"import logging; logging.basicConfig(level=logging.INFO)\n{WHO}"
    reported = up("exec", "--", sys.executable, "-c", program)
    assert "INFO" in reported.stderr
    assert "Found endpoint" not in reported.stderr


def test_other_urls_are_not_changed(up):
    other = WHERE.replace("https://sts.eu-west-1.amazonaws.com", "http://127.0.0.1:1")
    assert up("exec", "--", sys.executable, "-c", other).stdout.strip() == "http://127.0.0.1:1"


def test_the_startup_hook_does_nothing_outside_a_workspace():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-c", WHERE]
    reported = subprocess.run(
        command, env=environment | {"PYTHONPATH": str(STARTUP)}, capture_output=True, text=True, check=True
    )
    assert reported.stdout.strip() == "https://sts.eu-west-1.amazonaws.com"


def test_the_users_sitecustomize_still_runs(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.own = 'ran'\n")
    environment = os.environ | {
        "PYTHONPATH": f"{STARTUP}{os.pathsep}{tmp_path}",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }
    command = [sys.executable, "-c", "import sys; print(sys.own)"]
    reported = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert reported.stdout.strip() == "ran"


def test_the_simulated_policies_of_a_role_allow_everything(cloud):
    iam = cloud.client("iam")
    role = "arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole-Scones"
    reported = iam.simulate_principal_policy(
        PolicySourceArn=role, ActionNames=["s3:PutObject", "ecr:GetAuthorizationToken"]
    )
    assert [result["EvalDecision"] for result in reported["EvaluationResults"]] == ["allowed", "allowed"]
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.simulate_principal_policy(PolicySourceArn=role + "-none", ActionNames=["s3:PutObject"])


def test_exec_finds_the_users_commands_before_those_of_scones(up, tmp_path):
    own = tmp_path / "v2" / "2.11.3" / "bin"
    own.mkdir(parents=True)
    (own / "sh").symlink_to("/bin/sh")
    found = up("exec", "--", "sh", "-c", "command -v aws", PATH=str(own))
    assert found.stdout.strip() == AWS
    (own / "aws").write_text("#!/bin/sh\necho own\n")
    (own / "aws").chmod(0o755)
    used = up("exec", "--", "aws", PATH=str(own))
    assert used.stdout.strip() == "own"
    assert "AWS CLI 2.11.3 does not read AWS_ENDPOINT_URL" in used.stderr
