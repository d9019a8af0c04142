"""The page of settings names every setting and variable, with its default."""

from __future__ import annotations

import re
import sys

from scones.workflow.training import FROM_SCRATCH, PRETRAINED
from support.documents import ROOT

sys.path.append(str(ROOT / "docs"))
from settings_table import PAGE, page, table

INTERNAL = {"SCONES_BIND_TO_HOST", "SCONES_LAYER_PATH", "SCONES_SDKS", "SCONES_SEED", "SCONES_SERVER_TOKEN"}
"""Variables that Scones sets for its own programs."""


def test_the_table_of_settings_is_the_generated_one() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "write it again: python docs/settings_table.py"


def test_defaults_that_depend_on_another_setting_are_those_of_the_training_job() -> None:
    for setting, pretrained, scratch in zip(("epochs", "mini_batch_size"), PRETRAINED, FROM_SCRATCH, strict=True):
        row = next(line for line in table().splitlines() if f"`{setting}`" in line)
        assert f"{pretrained} with ImageNet's weights, and {scratch} from scratch" in row


def test_every_environment_variable_is_documented() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")]
    used = {name for source in sources for name in re.findall(r"\bSCONES_[A-Z_]+[A-Z]\b", source)}
    shown = set(re.findall(r"SCONES_[A-Z_]+[A-Z]\b", PAGE.read_text(encoding="utf-8")))
    assert used - INTERNAL <= shown
    assert not INTERNAL & shown
    assert used >= INTERNAL
