"""AWS's BlazingText image: it contains only the algorithm and runs no scripts."""

from __future__ import annotations

from scones.containers.framework import Framework
from scones.containers.program import main

FRAMEWORK = Framework(
    name="BlazingText",
    package="floret",
    install="'scones[blazingtext]'",
    training="scones.containers.blazingtext_algorithm",
    handlers="scones.containers.blazingtext_handlers",
    algorithm="scones.containers.blazingtext_algorithm",
)

if __name__ == "__main__":
    main(FRAMEWORK)
