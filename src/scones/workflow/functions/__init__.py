"""The three Lambda functions, one file each, deployable as they stand: standard library and boto3 alone."""
