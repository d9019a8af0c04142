"""The part of AWS's sagemaker-training that scripts use: the environment, and the start of an entry point."""
