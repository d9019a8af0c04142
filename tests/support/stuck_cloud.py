"""`python -m scones.cloud` with a GetCallerIdentity that holds the interpreter lock in C code for minutes."""

from __future__ import annotations

import re
from typing import Any

from scones.cloud.__main__ import main
from scones.cloud.services.sts.sessions import SessionOperations


async def get_caller_identity(self: Any, call: Any) -> dict[str, Any]:
    re.match(r"(a|aa)+$", "a" * 60 + "b")
    return {}


SessionOperations.get_caller_identity = get_caller_identity  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
