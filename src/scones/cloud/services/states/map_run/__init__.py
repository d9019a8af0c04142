"""The distributed Map: its items out of S3, its children, and what came of them."""
