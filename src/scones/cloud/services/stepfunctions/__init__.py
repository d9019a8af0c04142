"""AWS Step Functions on the local cloud."""
