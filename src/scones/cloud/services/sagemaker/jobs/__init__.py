"""Jobs: training, processing, transform and tuning, from their request to what they leave in S3."""
