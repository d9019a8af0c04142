"""Start-up hook of each Python in a workspace: directs clients with explicit AWS endpoints to the local cloud.

The SageMaker SDKs pass STS's public endpoint to its client, which overrides AWS_ENDPOINT_URL. If that variable is set,
explicit AWS endpoints are dropped, so that botocore uses the variable; otherwise nothing happens. Releases of botocore
that do not know the variable (before 1.31, and AWS CLI 2 before 2.13) get its value as well. The message by which
botocore reports the use of the variable is dropped. The hook also records where the SageMaker SDK is imported from:
functions that import the SDK without bundling it, and remote functions, use this location. It uses the standard library
only and supports any Python 3, because it runs in environments that have no Scones.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
VARIABLES = {"logs": "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "stepfunctions": "AWS_ENDPOINT_URL_SFN"}


def redirect(session: type, reads_variable: bool) -> None:
    """Make a botocore Session class ignore explicit AWS endpoints, and use AWS_ENDPOINT_URL if it cannot read it."""
    create_client = session.create_client  # type: ignore[attr-defined]  # botocore's Session has it

    @wraps(create_client)
    def local_client(self: object, *given: object, **named: object) -> object:
        arguments = list(given)
        position = 5  # position of endpoint_url, after service, region, api_version, use_ssl and verify
        url = arguments[position] if len(arguments) > position else named.get("endpoint_url")
        public = isinstance(url, str) and (urlsplit(url).hostname or "").endswith(AWS)
        if (public or not url) and "AWS_ENDPOINT_URL" in os.environ:
            service = VARIABLES.get(str(arguments[0] if arguments else named.get("service_name")), "AWS_ENDPOINT_URL")
            url = None if reads_variable else os.environ.get(service, os.environ["AWS_ENDPOINT_URL"])
            if len(arguments) > position:
                arguments[position] = url
            else:
                named["endpoint_url"] = url
        return create_client(self, *arguments, **named)

    session.create_client = local_client  # type: ignore[attr-defined]  # as above


def redirect_after_import(spec: importlib.machinery.ModuleSpec) -> None:
    """Patch botocore's Session when its module has been executed."""
    if spec.loader is None:
        return
    execute = spec.loader.exec_module

    def exec_module(module: object) -> None:
        execute(module)  # type: ignore[arg-type]  # importlib passes a module
        readable = hasattr(module, "ConfiguredEndpointProvider")
        redirect(module.Session, readable)  # type: ignore[attr-defined]  # the module is botocore.session
        drop_endpoint_messages(spec.name.rpartition(".")[0])

    spec.loader.exec_module = exec_module  # type: ignore[method-assign]


def drop_endpoint_messages(package: str) -> None:
    """Drop botocore's message "Found endpoint for SERVICE via: environment_global", which notebooks show per client."""
    import logging  # botocore has imported it

    logger = logging.getLogger(f"{package}.configprovider")
    logger.addFilter(lambda record: not str(record.msg).startswith("Found endpoint for"))


def record_sdk_location(spec: importlib.machinery.ModuleSpec) -> None:
    """Record the location of this Python's SageMaker SDK for the cloud: v2 has a predictor.py, and v3 has none."""
    location_file, package = os.environ.get("SCONES_SDKS"), os.path.dirname(spec.origin or "")
    if not location_file or not package:
        return
    release = "" if os.path.exists(os.path.join(package, "predictor.py")) else "-v3"
    path = os.path.join(location_file, "python{}.{}{}".format(*sys.version_info[:2], release))
    draft = f"{path}.{os.getpid()}"
    try:
        os.makedirs(location_file, exist_ok=True)
        with open(draft, "w") as file:
            file.write(os.path.dirname(os.path.abspath(package)))
        os.replace(draft, path)
    except OSError:  # another user's data folder
        pass


class ImportHook:
    """An import finder that acts on one module's first import; all other imports are left to other finders."""

    def __init__(self, module: str, act: Callable[[importlib.machinery.ModuleSpec], None]) -> None:
        self.module, self.act = module, act

    def find_spec(self, name: str, *_rest: object) -> importlib.machinery.ModuleSpec | None:
        """Find the module and run the action on its spec."""
        if name != self.module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None:
            self.act(spec)
        return spec


def run_shadowed_sitecustomize() -> None:
    """Run the sitecustomize module that this one hides."""
    elsewhere = [path for path in sys.path if os.path.abspath(path) != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if os.environ.get("AWS_ENDPOINT_URL"):
    sys.meta_path[:0] = [
        ImportHook("botocore.session", redirect_after_import),
        ImportHook("awscli.botocore.session", redirect_after_import),
        ImportHook("sagemaker", record_sdk_location),
    ]
run_shadowed_sitecustomize()
