"""The fixture that creates Lambda functions."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from support.function_workbench import ROLE, Function, archive

_numbers = itertools.count()


@pytest.fixture
def function(cloud):
    """A function that creates a Lambda function: `function("def handler(event, context): …", Timeout=1)`."""

    def make(code: str, client: Any = None, **options: Any) -> Function:
        client = client or cloud.client("lambda")
        name = options.pop("FunctionName", f"test-{next(_numbers)}")
        settings = {
            "Runtime": "python3.11",
            "Role": ROLE,
            "Handler": "code.handler",
            "Code": {"ZipFile": archive(code=code)},
            **options,
        }
        client.create_function(FunctionName=name, **settings)
        return Function(client, name)

    return make
