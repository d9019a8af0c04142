"""The part that scripts import from."""
