"""Results that a program reports to its test, apart from what it prints."""

import json
from pathlib import Path

RESULTS = Path("results.jsonl")


def report(name, value):
    """Append a result to the file in one write, because several threads report."""
    with RESULTS.open("a") as file:
        file.write(json.dumps([name, value]) + "\n")
