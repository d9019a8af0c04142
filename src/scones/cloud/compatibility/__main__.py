"""Print the compatibility page."""

from __future__ import annotations

import sys

from scones.cloud.compatibility.page import page

sys.stdout.write(page())
