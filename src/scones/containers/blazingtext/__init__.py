"""BlazingText, SageMaker's built-in algorithm for text classification."""
