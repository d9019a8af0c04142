"""AWS's framework image for scikit-learn."""

from __future__ import annotations

from scones.containers.frameworks.framework import Framework
from scones.containers.frameworks.program import main

FRAMEWORK = Framework(
    name="Scikit-learn",
    package="sklearn",
    install="scikit-learn",
    training="sagemaker_sklearn_container.training",
    handlers="scones.containers.frameworks.sklearn_handlers",
)

if __name__ == "__main__":
    main(FRAMEWORK)
