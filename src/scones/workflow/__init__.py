"""The workflow: data set, training job, endpoint, functions and state machine, through boto3 alone."""
