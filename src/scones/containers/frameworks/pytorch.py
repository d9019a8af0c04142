"""AWS's framework image for PyTorch."""

from __future__ import annotations

from scones.containers.frameworks.framework import Framework
from scones.containers.frameworks.program import main

FRAMEWORK = Framework(
    name="PyTorch",
    package="torch",
    install="torch",
    training="sagemaker_pytorch_container.training",
    handlers="scones.containers.frameworks.pytorch_handlers",
    torch=True,
)

if __name__ == "__main__":
    main(FRAMEWORK)
