"""Runtimes by name: the interpreter that runs a function, and the error if there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from support.function_workbench import ROLE, archive

CODE = "import sys\ndef handler(e, c):\n    return [sys.executable, '%d.%d' % sys.version_info[:2]]"
OURS = "python{}.{}".format(*sys.version_info[:2])
OTHER = "python3.14" if OURS != "python3.14" else "python3.13"


def create(cloud, runtime, name="function"):
    client = cloud.client("lambda")
    client.create_function(
        FunctionName=name, Runtime=runtime, Role=ROLE, Handler="code.handler", Code={"ZipFile": archive(code=CODE)}
    )
    return client


def script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A folder, not yet created, at the start of PATH."""
    folder = tmp_path / "bin"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_an_interpreter_without_the_runtime_client_is_substituted_and_logged_once(start_cloud, path):
    script(path / OTHER, "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'awslambdaric'\" >&2\nexit 1\n")
    cloud = start_cloud()
    client = create(cloud, OTHER)
    create(cloud, OTHER, "second")
    version = OURS.removeprefix("python")
    assert client.invoke(FunctionName="function")["Payload"].read().decode().endswith(f'"{version}"]')
    log = (cloud.data_dir / "cloud.log").read_text()
    assert log.count(f"{path / OTHER} cannot import awslambdaric") == 1
    assert f"functions run with {OURS} instead" in log


def test_no_other_runtime_is_used_if_the_setting_forbids_it(start_cloud, path, monkeypatch):
    script(path / OTHER, "#!/bin/sh\necho broken >&2\nexit 1\n")
    monkeypatch.setenv("SCONES_SUBSTITUTE_RUNTIMES", "false")
    cloud = start_cloud()
    with pytest.raises(ClientError, match=rf"{OTHER} cannot be run \(broken\); SCONES_SUBSTITUTE_RUNTIMES") as raised:
        create(cloud, OTHER)
    assert raised.value.response["Error"]["Code"] == "InvalidParameterValueException"
    create(cloud, OURS)


def test_an_interpreter_of_another_version_is_not_used(start_cloud, path, monkeypatch):
    script(path / OTHER, f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    monkeypatch.setenv("SCONES_SUBSTITUTE_RUNTIMES", "false")
    with pytest.raises(ClientError, match=rf"{OTHER} is {OURS}"):
        create(start_cloud(), OTHER)


@pytest.mark.parametrize("runtime", ["ruby3.4", "java21", "dotnet8"])
def test_other_runtimes_are_rejected_by_name(cloud, runtime):
    with pytest.raises(ClientError, match=f"it does not support {runtime}"):
        create(cloud, runtime)
