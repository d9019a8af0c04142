"""The operations of Step Functions, a group for each noun."""
