"""The virtual environment that each container has: what it contains, and when it is replaced."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import scones
from scones.cloud.services.sagemaker import python_environment as interpreter


def reported(folder: Path, code: str) -> Any:
    done = subprocess.run([folder / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_an_environment_sees_installed_packages_after_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    interpreter.create_environment(folder, str(folder))
    own = next(folder.glob("lib/python*/site-packages"))
    (own / "click.py").write_text("OWN = True")
    code = "import json, sys, click, boto3; print(json.dumps([sys.prefix, click.OWN, boto3.__file__]))"
    prefix, mine, found = reported(folder, code)
    assert (prefix, mine) == (str(folder), True)
    assert Path(found).is_relative_to(sys.prefix)
    assert (folder / "bin" / "pip").read_text().startswith(f"#!{folder}/bin/python")


def test_an_environment_is_kept_unless_it_belongs_to_another_interpreter(tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    interpreter.create_environment(folder, str(folder))
    installed = next(folder.glob("lib/python*/site-packages")) / "mine.py"
    installed.write_text("")
    interpreter.create_environment(folder, str(folder))
    assert installed.exists()
    (folder / "interpreter").write_text("an older Python")
    interpreter.create_environment(folder, str(folder))
    assert not installed.exists()


def test_an_interpreter_without_pip_still_installs(tmp_path: Path) -> None:
    bare, folder = tmp_path / "bare", tmp_path / "environment"
    venv.EnvBuilder(symlinks=True, with_pip=False).create(bare)
    make = (
        "import importlib.util, pathlib, sys\n"
        "sys.path.append(sys.argv[3])\n"
        "spec = importlib.util.spec_from_file_location('interpreter', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "module.create_environment(pathlib.Path(sys.argv[2]), sys.argv[2])\n"
    )
    source = Path(scones.__file__).parents[1]
    subprocess.run([bare / "bin" / "python", "-c", make, interpreter.__file__, folder, source], check=True)
    done = subprocess.run([folder / "bin" / "pip", "--version"], capture_output=True, text=True, check=True)
    assert "ensurepip" in done.stdout
