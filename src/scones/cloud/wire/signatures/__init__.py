"""AWS's request signatures: Version 4 in headers and URLs, and Version 2 of S3."""
