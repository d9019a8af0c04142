"""What tells one framework's image from another's."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """A framework, the package that it is, and the names that AWS's image gives things.

    `training` is the framework module in the log of a training job, `handlers` the module whose functions stand in
    for those that an inference script leaves out. `variables` are set for a training script; `torch` offers torchrun.
    """

    name: str
    package: str
    install: str
    """What to give to pip for the package."""
    training: str
    handlers: str
    variables: dict[str, str] = field(default_factory=dict)
    torch: bool = False
    algorithm: str = ""
    """The module that trains, and has the handlers, where there is no script: AWS's own algorithm in the image."""

    def missing(self) -> str:
        """Return a sentence for a package that is not there, "" where it is. Call it once requirements are met."""
        importlib.invalidate_caches()
        if importlib.util.find_spec(self.package) is not None:
            return ""
        return (
            f"The {self.name} image runs with the Python packages of this machine, and {self.package} is not among "
            f"them: name it in requirements.txt beside the script, or run pip install {self.install} where scones is."
        )
