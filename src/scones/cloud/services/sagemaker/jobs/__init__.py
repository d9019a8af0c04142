"""Training, processing, transform and tuning jobs, from the request to the artifacts in S3."""
