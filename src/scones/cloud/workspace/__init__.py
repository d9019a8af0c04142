"""What a shell or a notebook has that works in the local cloud, as in Studio: a role, and addresses that lead here."""

from scones.cloud.workspace.environment import SDKS, environment

__all__ = ["SDKS", "environment"]
