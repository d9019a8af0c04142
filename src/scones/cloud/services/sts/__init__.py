"""STS: the caller's identity and temporary keys."""
