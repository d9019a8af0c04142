"""The pages that Sphinx generates from the program."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scones.cli import commands
from support.documents import ROOT

pytest.importorskip("sphinx_click", reason="the extra scones[docs] is not installed")


def test_the_command_reference_has_every_option(tmp_path: Path) -> None:
    source, built = tmp_path / "docs", tmp_path / "site"
    source.mkdir()
    shutil.copy(ROOT / "docs/conf.py", source)
    shutil.copy(ROOT / "docs/reference/commands.md", source / "index.md")
    subprocess.run([sys.executable, "-m", "sphinx", "-Q", source, built], check=True)
    page = (built / "index.html").read_text(encoding="utf-8")
    anchors = set(re.findall(r' id="cmdoption-scones-([\w-]+)"', page))
    wanted = {
        f"{name}-{option.lstrip('-')}"
        for name, command in commands.commands.items()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }
    assert wanted <= anchors
    assert ".. option::" not in page
    assert re.search(r"<pre>(?:<span></span>)?scones run\nscones run --", page)
    assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//', page)
