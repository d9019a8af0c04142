"""CloudWatch: metrics."""
