"""AWS's wire formats: requests and responses of all operations, parsed and written by botocore's service models."""
