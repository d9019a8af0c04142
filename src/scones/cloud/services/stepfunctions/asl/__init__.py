"""The Amazon States Language: parsing and evaluation of definitions."""
