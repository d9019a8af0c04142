"""The operation groups of Step Functions, one per type of resource."""
