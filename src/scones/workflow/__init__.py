"""The workflow: dataset, training job, endpoint, functions and state machine. It reaches AWS only through boto3."""
