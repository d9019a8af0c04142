"""JupyterLab's configuration for presigned URLs; loaded in JupyterLab's own environment.

The token in such a URL is `UNTIL-SECONDS-SEAL`. It opens JupyterLab until UNTIL, in POSIX seconds. The browser
session then lasts SECONDS. SEAL is the SHA-256 HMAC of `UNTIL-SECONDS` with the key JUPYTER_TOKEN, as hexadecimal
digits.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any

from jupyter_server.auth.identity import PasswordIdentityProvider

get_config: Callable[[], Any]
"""Function that returns the configuration; Jupyter defines it in its configuration files."""


class PresignedTokens(PasswordIdentityProvider):  # type: ignore[misc]
    """Accepts valid, unexpired presigned tokens in addition to the secret itself."""

    async def get_user_token(self, handler: Any) -> Any:
        """Return the user for a request's token, or None."""
        until, _, rest = (self.get_token(handler) or "").partition("-")
        seconds, _, seal = rest.partition("-")
        expected = hmac.new(self.token.encode(), f"{until}-{seconds}".encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(seal.encode(), expected.encode()):
            return await super().get_user_token(handler)
        if float(until) < time.time():
            return None
        self.cookie_options = {"expires_days": float(seconds) / 86400}
        return self.get_user_cookie(handler) or self.generate_anonymous_user(handler)


get_config().ServerApp.identity_provider_class = PresignedTokens  # noqa: F821 (it is declared above, without a value)
