"""Validation of definitions by AWS's rules, with AWS's messages."""
