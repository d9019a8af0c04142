"""AWS's wire formats: any operation's request and answer, read and written by botocore's service models."""
