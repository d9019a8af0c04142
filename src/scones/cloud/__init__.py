"""The local cloud: the AWS services that the workflow needs, emulated on this machine with real execution."""
