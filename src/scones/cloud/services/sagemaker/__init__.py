"""SageMaker: jobs, endpoints, the model registry and Studio."""
