"""The subpackage from which scripts import."""
