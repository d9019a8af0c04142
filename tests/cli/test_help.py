"""The help texts, and one-sentence messages for users' mistakes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import click
import pytest

from scones.cli import commands

WIDTH = 100


def help_of(name: str) -> str:
    command = commands.commands[name]
    with click.Context(command, info_name=f"scones {name}", terminal_width=WIDTH) as context:
        return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_each_command_shows_how_to_run_it(name: str) -> None:
    assert f"\n  scones {name}" in help_of(name) or f"$(scones {name})" in help_of(name)


def test_help_loads_nothing_heavy() -> None:
    program = """
import sys
sys.argv = ["scones", "--help"]
from scones.cli import main
try:
    main()
except SystemExit:
    print({"boto3", "botocore", "matplotlib", "numpy", "torch", "PIL", "rich"} & sys.modules.keys())
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["nonesuch"], "No such command 'nonesuch'. See `scones --help`."),
        (
            ["run", "--classes", "bicycle"],
            "classes is 'bicycle' on the command line; it must be two or more class names",
        ),
        (
            ["run", "--threshold", "2"],
            "threshold is 2.0 on the command line; it must be a number greater than 0 and at most 1.",
        ),
        (["run", "--sha256", "ab"], "--sha256 applies only to your own archive; specify it with --source."),
        (["classify", "nonesuch.png"], "Image not found: nonesuch.png; specify PNG or JPEG files."),
        (["run", "--target", "aws"], "No AWS region configured: use --region, or set AWS_REGION."),
        (["run", "--target", "aws", "--region", "us-east-1"], "No AWS credentials found"),
    ],
)
def test_a_users_mistake_is_reported_in_one_sentence(scones: Any, arguments: list[str], reported: str) -> None:
    ran = scones(*arguments)
    assert ran.returncode in (1, 2)
    assert reported in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_nothing_is_created_on_aws_before_the_confirmation(scones: Any, cloud: Any) -> None:
    listed = scones("run", "--target", "aws", **cloud.running.environment(), SCONES_NAME="listed")
    assert listed.returncode == 1
    assert "Nothing was created. Run again with --yes to create these resources." in listed.stderr
    for made in (
        "bucket listed-111122223333-us-east-1",
        "ml.g4dn.xlarge",
        "ml.m5.xlarge",
        "listed-serialize-image",
        "state machine listed-classify",
        "scones remove --target aws --region us-east-1 --yes",
    ):
        assert made in listed.stdout
    assert "listed-111122223333-us-east-1" not in [b["Name"] for b in cloud.client("s3").list_buckets()["Buckets"]]


def test_remove_deletes_only_with_yes_and_prints_what(scones: Any, cloud: Any) -> None:
    bucket = "removed-111122223333-us-east-1"
    cloud.client("s3").create_bucket(Bucket=bucket)
    environment = cloud.running.environment() | {"SCONES_NAME": "removed"}
    asked = scones("remove", "--target", "aws", **environment)
    assert (asked.returncode, "Nothing was deleted." in asked.stderr, bucket in asked.stderr) == (1, True, True)
    assert cloud.client("s3").head_bucket(Bucket=bucket)
    done = scones("remove", "--target", "aws", "--yes", **environment)
    assert done.stdout.splitlines() == [
        f"deleted bucket {bucket}",
        "Deleted resources: 1; the records of training jobs remain.",
    ], done.stderr
