"""A training job of a framework image: fetch the user's code, run it, and report the result."""

from __future__ import annotations

import importlib
import json
import logging
import os
import socket
import traceback

from scones.containers.frameworks import command, launch, provided, source
from scones.containers.frameworks.errors import ExecuteUserScriptError, ScriptError
from scones.containers.frameworks.framework import Framework
from scones.containers.frameworks.job import Job
from scones.containers.frameworks.place import Place

toolkit = logging.getLogger("sagemaker-training-toolkit")


def train(framework: Framework) -> int:
    """Run this container's job; return the exit status. A failure is described in /opt/ml/output/failure."""
    place = Place.here()
    job = Job(place, f"{framework.training}:main")
    logging.basicConfig(format="%(asctime)s %(name)-12s %(levelname)-8s %(message)s", level=job.log_level)
    toolkit.info("Imported framework %s", framework.training)
    try:
        if framework.algorithm and not job.entry_point:
            _run_algorithm(job, framework)
        else:
            _run(job, framework)
    except ScriptError as error:
        return _failed(place, str(error), error.exit_status)
    except Exception:
        return _failed(place, f"Framework Error: \n{traceback.format_exc()}")
    toolkit.info("Reporting training SUCCESS")
    (place.output / "success").touch()
    return 0


def _failed(place: Place, message: str, status: int = 1) -> int:
    place.output.mkdir(parents=True, exist_ok=True)
    failure = place.output / "failure"
    if not failure.exists():  # the script's own message takes precedence
        failure.write_text(message)
    toolkit.error("Reporting training FAILURE")
    toolkit.error(message)
    return status


def _run_algorithm(job: Job, framework: Framework) -> None:
    if missing := framework.missing():
        raise ScriptError(missing)
    importlib.import_module(framework.algorithm).train(job)


def _run(job: Job, framework: Framework) -> None:
    log = logging.getLogger(framework.training)
    log.info("Invoking user training script.")
    code = job.place.code
    provided.offer()
    source.fetch(job.source, code)
    run = launch.command(job, framework)
    variables = job.variables() | framework.variables | _meeting(job, framework)
    environment = os.environ | variables | {"PYTHONPATH": _with_code(code)}
    toolkit.info(
        "Invoking user script\n\nTraining Env:\n\n%s\n\nEnvironment variables:\n\n%s\n\n"
        "Invoking script with the following command:\n\n%s\n\n",
        json.dumps(job.described, indent=4),
        "\n".join(f"{name}={value}" for name, value in variables.items()),
        " ".join(run),
    )
    status, told = command.run(run, code, environment)
    if status:
        if f"No module named '{framework.package}" in told:
            raise ScriptError(framework.missing() or told)
        raise ExecuteUserScriptError(run, status, told)


def _with_code(code: os.PathLike[str]) -> str:
    given = os.environ.get("PYTHONPATH")
    return f"{os.fspath(code)}{os.pathsep}{given}" if given else os.fspath(code)


def _meeting(job: Job, framework: Framework) -> dict[str, str]:
    """Return the variables with the address at which the processes of several hosts meet, as in AWS's PyTorch image."""
    if not framework.torch:
        return {}
    network = str(job.resources.get("network_interface_name", "eth0"))
    alone = len(job.hosts) == 1  # then any free port will do, so that jobs can run concurrently
    return {
        "MASTER_ADDR": "127.0.0.1" if alone else job.master,
        "MASTER_PORT": _free_port() if alone else launch.MASTER_PORT,
        "NCCL_SOCKET_IFNAME": network,
        "GLOO_SOCKET_IFNAME": network,
        "NCCL_IB_DISABLE": "1",
        "NCCL_DEBUG": "WARN",
    }


def _free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])
