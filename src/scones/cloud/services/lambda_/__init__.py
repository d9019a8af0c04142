"""Lambda: functions, layers, and their invocation under AWS's own runtime interface client."""

from scones.cloud.services.lambda_.service import Lambda

__all__ = ["Lambda"]
