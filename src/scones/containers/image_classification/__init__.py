"""The image-classification algorithm: a container program for SageMaker's training and hosting contracts."""
