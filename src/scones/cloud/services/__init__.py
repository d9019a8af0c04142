"""The services of the local cloud: one package per AWS service, with botocore's name."""
