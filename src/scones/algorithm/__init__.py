"""The image-classification algorithm: a program under SageMaker's container contracts."""
