"""The services of the local cloud, one module or package per AWS service."""
