"""AWS's framework image for XGBoost."""

from __future__ import annotations

from pathlib import Path

from scones.containers.frameworks.framework import Framework
from scones.containers.frameworks.program import main

FRAMEWORK = Framework(
    name="XGBoost",
    package="xgboost",
    install="xgboost",
    training="sagemaker_xgboost_container.training",
    handlers="scones.containers.xgboost.handlers",
    algorithm="scones.containers.xgboost.algorithm",
    provided=(Path(__file__).parent / "provided",),
)

if __name__ == "__main__":
    main(FRAMEWORK)
