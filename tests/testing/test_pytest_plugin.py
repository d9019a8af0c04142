"""The pytest plugin, in separate pytest processes: its fixtures, its options, its failures, and what it leaves."""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from pathlib import Path

import psutil
import pytest

pytest_plugins = ["pytester"]

RECORDING = """
    import json, os, pathlib, boto3, pytest

    def record(cloud):
        line = json.dumps([cloud.running.pid, str(cloud.data_dir), os.getpid()])
        with open({path!r}, "a") as file:
            file.write(line + "\\n")
"""
"""Code of the inner tests, which records the clouds that they use."""


@pytest.fixture
def inner(pytester, tmp_path, monkeypatch):
    """Return a function that runs the given tests with the plugin, and checks that their clouds are gone."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    path = tmp_path / "clouds.jsonl"

    def run(tests, *options):
        pytester.makepyfile(RECORDING.format(path=str(path)) + tests)
        result = pytester.runpytest_subprocess("-p", "scones.pytest_plugin", "-W", "error", *options)
        run.clouds = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        for pid, data_dir, _ in run.clouds:
            assert not psutil.pid_exists(pid)
            assert not Path(data_dir).exists() or "--scones-data-dir" in options
        return result

    return run


def test_a_session_shares_a_cloud_and_isolated_tests_have_their_own(inner):
    result = inner(
        """
    @pytest.mark.parametrize("turn", [1, 2])
    def test_shared(scones_cloud, scones_environment, turn):
        record(scones_cloud)
        assert len(boto3.client("s3").list_buckets()["Buckets"]) == turn - 1
        boto3.client("s3").create_bucket(Bucket=f"shared-{turn}")

    @pytest.mark.parametrize("turn", [1, 2])
    def test_isolated(scones_isolated_cloud, scones_environment, turn):
        record(scones_isolated_cloud)
        assert os.environ["AWS_ENDPOINT_URL"] == scones_environment["AWS_ENDPOINT_URL"] == scones_isolated_cloud.url
        assert boto3.client("s3").list_buckets()["Buckets"] == []
        boto3.client("s3").create_bucket(Bucket="mine")

    def test_without_a_fixture():
        assert "AWS_ENDPOINT_URL" not in os.environ

    def test_that_fails(scones_isolated_cloud):
        record(scones_isolated_cloud)
        raise ZeroDivisionError
    """
    )
    result.assert_outcomes(passed=5, failed=1)
    assert len({pid for pid, _, _ in inner.clouds}) == 4


@pytest.mark.slow
def test_each_worker_of_xdist_has_its_own_cloud(inner):
    result = inner(
        """
    @pytest.mark.parametrize("turn", range(4))
    def test_shared(scones_cloud, turn):
        record(scones_cloud)
        assert scones_cloud.region == "eu-west-1" and scones_cloud.account == "123456789012"
    """,
        *("-p", "xdist", "-n", "2", "--dist", "load"),
        *("-o", "scones_region=eu-west-1", "-o", "scones_account=123456789012"),
    )
    result.assert_outcomes(passed=4)
    workers = {worker for _, _, worker in inner.clouds}
    assert len(workers) == len({pid for pid, _, _ in inner.clouds}) == 2


@pytest.mark.parametrize(
    "options", [(), pytest.param(("-p", "xdist", "-n", "1"), marks=pytest.mark.slow)], ids=["alone", "xdist"]
)
def test_autouse_sets_the_environment_before_test_modules_are_imported(inner, options):
    result = inner(
        """
    CLIENT = boto3.client("sts")

    def test_client(scones_cloud):
        record(scones_cloud)
        assert CLIENT.meta.endpoint_url == scones_cloud.url
        assert CLIENT.get_caller_identity()["Account"] == scones_cloud.account
    """,
        *("-o", "scones_autouse=true", *options),
    )
    result.assert_outcomes(passed=1)


def test_a_cloud_that_cannot_start_fails_the_test_in_one_sentence(inner, tmp_path):
    (tmp_path / "file").touch()
    tests = """
    def test_cloud(scones_cloud):
        pass
    """
    refused = inner(tests, "--scones-data-dir", str(tmp_path / "file" / "below"))
    refused.assert_outcomes(errors=1)
    refused.stdout.fnmatch_lines([f"{tmp_path}/file/below is not a folder: *"])
    refused.stdout.no_fnmatch_line("*Traceback*")
    early = inner(tests, "--scones-data-dir", str(tmp_path / "file" / "below"), "-o", "scones_autouse=true")
    assert early.ret == pytest.ExitCode.USAGE_ERROR
    early.stderr.fnmatch_lines([f"ERROR: {tmp_path}/file/below is not a folder: *"])


@pytest.mark.slow
def test_a_data_folder_is_kept_and_must_be_empty(inner, tmp_path):
    folder = tmp_path / "kept"
    tests = """
    def test_cloud(scones_cloud):
        record(scones_cloud)
    """
    inner(tests, "--scones-data-dir", str(folder)).assert_outcomes(passed=1)
    assert (folder / "cloud.sqlite").exists()
    again = inner(tests, "--scones-data-dir", str(folder))
    assert again.ret == pytest.ExitCode.USAGE_ERROR
    again.stderr.fnmatch_lines([f"ERROR: --scones-data-dir: {folder} is not an empty folder."])


@pytest.mark.slow
def test_the_tests_of_the_how_to_guide_pass(inner):
    guide = Path(__file__).parents[2] / "docs" / "how-to" / "test-lambda-and-state-machines.md"
    blocks = re.findall(r"```python\n(.*?)```", guide.read_text(), re.DOTALL)
    tests = "\n".join(block for block in blocks if "def test_" in block)
    inner(textwrap.indent(tests, "    ")).assert_outcomes(passed=6)


def test_an_installed_plugin_is_found_and_imports_nothing(pytester, monkeypatch):
    """The import of the plugin loads only pytest and the standard library, since pytest imports it in every run."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    declared = project["entry-points"]["pytest11"]
    metadata = pytester.mkdir("site") / "declared-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: declared\nVersion: 1\n")
    lines = [f"{name} = {module}" for name, module in declared.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines]))
    monkeypatch.setenv("PYTHONPATH", str(metadata.parent))
    pytester.makepyfile(
        """
        import sys

        def test_imports(pytestconfig):
            assert pytestconfig.pluginmanager.has_plugin("scones.pytest_plugin")
            imported = {name for name in sys.modules if name.split(".")[0] in ("scones", "boto3", "botocore", "psutil")}
            assert imported == {"scones", "scones.pytest_plugin"}
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
