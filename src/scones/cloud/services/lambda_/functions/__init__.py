"""The configuration of functions: code, versions, aliases, layers and permissions."""
