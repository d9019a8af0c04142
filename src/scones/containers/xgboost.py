"""AWS's XGBoost images."""

from __future__ import annotations

from scones.containers.framework import Framework
from scones.containers.program import main

FRAMEWORK = Framework(
    name="XGBoost",
    package="xgboost",
    install="xgboost",
    training="sagemaker_xgboost_container.training",
    handlers="scones.containers.xgboost_handlers",
    algorithm="scones.containers.xgboost_algorithm",
)

if __name__ == "__main__":
    main(FRAMEWORK)
