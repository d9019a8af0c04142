"""Models that another release of a framework saved, and that the installed release cannot load."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

_XGBOOST = re.compile(r"header\[|[Ss]erializ|str\[0\] == |binary format")
"""Pattern of XGBoost's messages about pickles, and files in the binary format, of releases before 3.1."""
_SKLEARN = re.compile(r"No module named 'sklearn\.|from 'sklearn\.|incompatible dtype|'sklearn\.\S+' has no attribute")


def cause_of(error: Exception) -> str:
    """Return a sentence if `error` shows that another release of a framework saved the model, else ""."""
    if type(error).__module__.startswith("xgboost") and _XGBOOST.search(str(error)):
        return (
            "The model was saved with another release of XGBoost; the installed release "
            f"{_installed('xgboost')} cannot read it. Load the model with the release that saved it, and save it as "
            'JSON: booster.save_model("xgboost-model.json").'
        )
    if _SKLEARN.search(str(error)):
        return (
            f"The model was saved with another release of scikit-learn; the installed release "
            f"{_installed('scikit-learn')} cannot read it ({error}). Train the model again, or list the release that "
            "saved it in requirements.txt."
        )
    return ""


def _installed(name: str) -> str:
    for distribution in (name, f"{name}-cpu"):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "(unknown)"
