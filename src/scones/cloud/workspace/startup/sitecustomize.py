"""Run by every Python that starts in a workspace: clients of AWS's own addresses lead to the local cloud.

The SageMaker SDKs hand STS's public address to its client, which outweighs AWS_ENDPOINT_URL. Where that variable is
set, an explicit address of AWS is left out, and botocore takes the variable's; where it is not, nothing happens.
Standard library alone, and any Python 3: this runs in environments that know nothing of Scones.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from functools import wraps
from urllib.parse import urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def redirect(session: type) -> None:
    """Make a botocore Session class leave out addresses of AWS."""
    create_client = session.create_client  # type: ignore[attr-defined]

    @wraps(create_client)
    def local_client(self: object, *given: object, **named: object) -> object:
        arguments = list(given)
        place = 5  # of endpoint_url: service, region, api_version, use_ssl, verify come before it
        url = arguments[place] if len(arguments) > place else named.get("endpoint_url")
        if isinstance(url, str) and (urlsplit(url).hostname or "").endswith(AWS) and "AWS_ENDPOINT_URL" in os.environ:
            if len(arguments) > place:
                arguments[place] = None
            else:
                named["endpoint_url"] = None
        return create_client(self, *arguments, **named)

    session.create_client = local_client  # type: ignore[attr-defined]


class BotocoreFinder:
    """Finds botocore's session as Python does, and redirects it once it is imported."""

    def find_spec(self, name: str, *_rest: object) -> importlib.machinery.ModuleSpec | None:
        """Find `botocore.session`, once; everything else is left to the other finders."""
        if name != "botocore.session":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: object) -> None:
            execute(module)  # type: ignore[arg-type]
            redirect(module.Session)  # type: ignore[attr-defined]

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def run_the_one_behind() -> None:
    """Run the sitecustomize that Python would have run without this one."""
    elsewhere = [path for path in sys.path if os.path.abspath(path) != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if os.environ.get("AWS_ENDPOINT_URL"):
    sys.meta_path.insert(0, BotocoreFinder())
run_the_one_behind()
