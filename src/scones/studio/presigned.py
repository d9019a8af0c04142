"""JupyterLab's configuration where it is opened by presigned addresses; read in the environment of JupyterLab itself.

The token of such an address is `UNTIL-SECONDS-SEAL`. It opens JupyterLab until UNTIL, in seconds since 1970, and a
browser that came with it stays for SECONDS. SEAL is the SHA-256 HMAC of `UNTIL-SECONDS` by JUPYTER_TOKEN, as
hexadecimal digits.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.identity import PasswordIdentityProvider

if TYPE_CHECKING:

    def get_config() -> Any:
        """Jupyter gives it to its configuration files."""


class PresignedTokens(PasswordIdentityProvider):  # type: ignore[misc]
    """Lets in who has a token that is sealed and has not expired, beside who has the secret itself."""

    async def get_user_token(self, handler: Any) -> Any:
        """Return the user behind a request's token, or None."""
        until, _, rest = (self.get_token(handler) or "").partition("-")
        seconds, _, seal = rest.partition("-")
        wanted = hmac.new(self.token.encode(), f"{until}-{seconds}".encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(seal.encode(), wanted.encode()):
            return await super().get_user_token(handler)
        if float(until) < time.time():
            return None
        self.cookie_options = {"expires_days": float(seconds) / 86400}
        return self.get_user_cookie(handler) or self.generate_anonymous_user(handler)


get_config().ServerApp.identity_provider_class = PresignedTokens
