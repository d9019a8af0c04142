"""XGBoost, SageMaker's built-in algorithm and framework image."""
