"""SageMaker Studio: domains, user profiles, spaces, and apps, which run JupyterLab."""
