from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from scones.cloud.services.sagemaker import interpreter


def told(folder: Path, code: str) -> Any:
    done = subprocess.run([folder / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_an_environment_sees_what_is_installed_here_behind_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    interpreter.make(folder, str(folder))
    own = next(folder.glob("lib/python*/site-packages"))
    (own / "click.py").write_text("OWN = True")
    code = "import json, sys, click, boto3; print(json.dumps([sys.prefix, click.OWN, boto3.__file__]))"
    prefix, mine, found = told(folder, code)
    assert (prefix, mine) == (str(folder), True)
    assert Path(found).is_relative_to(sys.prefix)
    assert (folder / "bin" / "pip").read_text().startswith(f"#!{folder}/bin/python")


def test_an_environment_stays_unless_it_is_another_interpreters(tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    interpreter.make(folder, str(folder))
    installed = next(folder.glob("lib/python*/site-packages")) / "mine.py"
    installed.write_text("")
    interpreter.make(folder, str(folder))
    assert installed.exists()
    (folder / "interpreter").write_text("an older Python")
    interpreter.make(folder, str(folder))
    assert not installed.exists()
