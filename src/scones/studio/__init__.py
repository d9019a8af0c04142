"""The notebook workspace: environments for both SageMaker SDKs, their kernels, and JupyterLab.

Nothing here is a dependency of Scones: what a workspace needs is installed into environments of its own, on first use.
"""
