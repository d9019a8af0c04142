"""The notebook workspace: environments for both SageMaker SDKs, their kernels, and JupyterLab.

None of these is a dependency of Scones: a workspace's packages are installed into separate environments on first use.
"""
