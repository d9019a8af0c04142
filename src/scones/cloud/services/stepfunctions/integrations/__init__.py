"""Service integrations: a Task's calls of the local cloud's services, with results in AWS's form."""
