"""AWS's framework image for Hugging Face."""

from __future__ import annotations

from scones.containers.frameworks.framework import Framework
from scones.containers.frameworks.program import main

FRAMEWORK = Framework(
    name="Hugging Face",
    package="transformers",
    install="transformers",
    training="sagemaker_pytorch_container.training",
    handlers="scones.containers.frameworks.huggingface_handlers",
    torch=True,
)

if __name__ == "__main__":
    main(FRAMEWORK)
