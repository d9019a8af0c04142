"""AWS Step Functions on the local cloud.

JSON values of executions and definitions have the type `Any` in this package: inputs, outputs, variables, and the
results of expressions. Their types are known only when a state runs, and the checks are those of the States Language.
"""
