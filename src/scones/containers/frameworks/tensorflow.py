"""AWS's framework image for TensorFlow."""

from __future__ import annotations

from scones.containers.frameworks.framework import Framework
from scones.containers.frameworks.program import main

FRAMEWORK = Framework(
    name="TensorFlow",
    package="tensorflow",
    install="tensorflow",
    training="sagemaker_tensorflow_container.training",
    handlers="",
)

if __name__ == "__main__":
    main(FRAMEWORK)
