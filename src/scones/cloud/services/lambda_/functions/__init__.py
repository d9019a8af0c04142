"""Functions as they are configured: code, versions, aliases, layers and permissions."""
