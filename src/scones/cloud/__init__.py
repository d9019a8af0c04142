"""The local cloud: the AWS services that the workflow needs, really executing on this machine."""
