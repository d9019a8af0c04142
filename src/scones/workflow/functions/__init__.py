"""The three Lambda functions, one self-contained file each: they use only the standard library and boto3."""
