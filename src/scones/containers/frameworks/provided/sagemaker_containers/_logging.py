"""The toolkit's logger."""

from __future__ import annotations

import logging


def get_logger() -> logging.Logger:
    """Return the toolkit's logger."""
    return logging.getLogger("sagemaker-containers")


def configure_logger(level: int, log_format: str = "%(asctime)s %(name)-12s %(levelname)-8s %(message)s") -> None:
    """Log in the toolkit's format."""
    logging.basicConfig(format=log_format, level=level)
