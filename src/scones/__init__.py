"""Scones: a machine-learning workflow that classifies images of delivery vehicles, and a local AWS cloud to run it."""

__version__ = "0.1.0"
