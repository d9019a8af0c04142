"""Models of older releases of XGBoost and scikit-learn: the error names the cause."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

import pytest
import xgboost

from scones.containers.frameworks.handlers import Handlers
from scones.containers.frameworks.old_models import cause_of

PICKLE = (
    b"c-qZV%}xR_5S|4Ets?mI03Pu|<fw`Gb0zV>sTb39OT{Kj*Xb7H9!&6{(TmUEi>S%^Vz#?%g7^S3lcwK%-"
    b"?W)br_+kKABAz8*p7&eBo`h^Ll6!gF?hgAn>GO8T5>xvl4(Ac30ALgrA;fIKg87nbg?FXrP}n?rPeQL&5<`;4<m_dg0XO-BC9lGB"
    b"uuU3#_*Kjx?mz6N|6w$Js?Qvoxc|#n-=^3T64CCN^_GQNAXA{R*Bk-"
    b"9);FO893zEV!;6{hxt0HbMZ1X_WP^wxxQsnfYx~qO11P{e$8H-"
    b"f6Sl$tDhWYZ=wgVf3`3~+54%NvQJo~dS#3o`Orq(&1n}mpRqB(ttV^_utn>B2#QaF+j&~?_P9g0yd)FLloQ?ASmSOVXse{P&ts7q"
    b"D~o&mU=ntI0FOwId;"
)
"""A model with one tree that XGBoost 0.90 pickled: compressed with zlib, in base 85."""
SCRIPT = """
import pathlib, pickle

def model_fn(model_dir):
    return pickle.loads(pathlib.Path(model_dir, "xgboost-model").read_bytes())
"""


@pytest.mark.parametrize("content", ["pickle", "binary format"])
def test_a_model_of_xgboost_0_90_names_the_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    pickled = zlib.decompress(base64.b85decode(PICKLE))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "xgboost-model").write_bytes(pickled if content == "pickle" else b"binf" + bytes(136))
    message = f"saved with another release of XGBoost; the installed release {xgboost.__version__} cannot read it"
    with pytest.raises(ValueError, match=message):
        Handlers("scones.containers.xgboost.algorithm", None)


def test_a_script_that_unpickles_a_model_of_xgboost_0_90_names_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.setenv("SAGEMAKER_PROGRAM", "inference_of_an_old_model.py")
    monkeypatch.syspath_prepend(tmp_path)  # restores the import path
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "xgboost-model").write_bytes(zlib.decompress(base64.b85decode(PICKLE)))
    (tmp_path / "inference_of_an_old_model.py").write_text(SCRIPT)
    with pytest.raises(ValueError, match="saved with another release of XGBoost"):
        Handlers("scones.containers.xgboost.handlers", tmp_path)


def test_errors_of_scikit_learns_pickles_name_the_cause_and_others_do_not() -> None:
    for message in (
        "node array from the pickle has an incompatible dtype: ...",
        "No module named 'sklearn.externals'",
        "Can't get attribute 'Log' on <module 'sklearn._loss'>: cannot import name 'Log' from 'sklearn._loss'",
    ):
        assert cause_of(ValueError(message)).startswith("The model was saved with another release of scikit-learn")
    assert cause_of(ValueError("the model is torn")) == ""
    assert cause_of(ModuleNotFoundError("No module named 'sklearn'")) == ""
