"""Names of code in docstrings and comments exist, so that a renamed class or function is renamed in prose too."""

from __future__ import annotations

import builtins
import re

from support.documents import ROOT

PROSE = re.compile(r'"""[\s\S]*?"""|#.*')
NAME = re.compile(r"`(_?[A-Za-z]\w*(?:\.\w+)?)(?:\(\))?`|[Rr]aises? ([A-Z]\w+Error)\b")
ELSEWHERE = {
    "HyperparameterTuner.attach",
    "ArnParser",
    "DynamoDb",
    "Predictor",
    "ProcessingJobStatus",
    "SageMaker.CreateTrainingJob",
    "Sfn",
    "conda_pytorch_p310",
    "generate_presigned_url",
    "get_execution_role",
    "psutil.wait_procs",
}
"""Names of other packages, and examples of values."""


def test_names_in_docstrings_and_comments_exist() -> None:
    modules = {path: path.read_text() for path in (ROOT / "src").rglob("*.py")}
    code = {name for text in modules.values() for name in re.findall(r"\w+", PROSE.sub("", text))} | set(dir(builtins))
    named = {
        (found[1] or found[2], path.relative_to(ROOT).as_posix())
        for path, text in modules.items()
        for prose in PROSE.findall(text)
        for found in NAME.finditer(prose)
    }
    specific = {(name, path) for name, path in named if re.search(r"[A-Z_].*[a-z]|[a-z].*[A-Z_]", name)}
    assert len(specific) > 300
    missing = {(name, path) for name, path in specific if not set(name.split(".")) <= code}
    assert sorted((name, path) for name, path in missing if name not in ELSEWHERE) == []
