"""AWS's BlazingText container image: it contains only the algorithm and runs no scripts."""

from __future__ import annotations

from scones.containers.frameworks.framework import Framework
from scones.containers.frameworks.program import main

FRAMEWORK = Framework(
    name="BlazingText",
    package="floret",
    install="floret",
    training="scones.containers.blazingtext.algorithm",
    handlers="scones.containers.blazingtext.handlers",
    algorithm="scones.containers.blazingtext.algorithm",
)

if __name__ == "__main__":
    main(FRAMEWORK)
