"""The environment of a shell or notebook that works in the local cloud, as in Studio: a role, and local endpoints."""

from scones.cloud.workspace.environment import SDKS, environment

__all__ = ["SDKS", "environment"]
