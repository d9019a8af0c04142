"""AWS's PyTorch images."""

from __future__ import annotations

from scones.containers.framework import Framework
from scones.containers.program import main

FRAMEWORK = Framework(
    name="PyTorch",
    package="torch",
    install="torch",
    training="sagemaker_pytorch_container.training",
    handlers="scones.containers.pytorch_handlers",
    torch=True,
)

if __name__ == "__main__":
    main(FRAMEWORK)
